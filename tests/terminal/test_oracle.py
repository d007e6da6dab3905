"""The screen model shows what tmux shows."""
import os
import sys
import unittest

import random_sequences
import screen_model
import styled_lines
import tmux_terminal

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "runner"))
from runner_case import skip_without  # noqa: E402

CASES = int(os.environ.get("REXEC_ORACLE_CASES", "60"))


class OracleCase(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        # What the generator goes around is what this version does; later ones differ elsewhere.
        skip_without("tmux", tmux_terminal.version() == (3, 3))
        cls.tmux = tmux_terminal.TmuxTerminal()
        cls.addClassCleanup(cls.tmux.stop)

    def setUp(self):
        self.tmux.clear()

    def assert_same(self, data, history=True, colors=True, what=""):
        self.tmux.feed(data)
        self.compare(screen_model.show(data), self.tmux.capture(), history, colors, what or repr(data))

    def compare(self, ours, theirs, history=True, colors=True, what=""):
        def shown(lines, carries):
            cells = styled_lines.cells_of(lines, carries)
            return cells if colors else styled_lines.text_of(cells)

        # For people, first the text alone.
        expected = styled_lines.text_of(styled_lines.cells_of(theirs.lines, True))
        self.assertEqual(expected, styled_lines.text_of(styled_lines.cells_of(ours.lines)), what)
        # tmux begins each capture without a style and carries it from line to line.
        self.assertEqual(shown(theirs.lines, True), shown(ours.lines, False), what)
        if history:
            self.assertEqual(shown(theirs.history, True), shown(ours.history, False), what)
        # A pending wrap is a column of its own to tmux.
        self.assertEqual((theirs.row + 1, min(theirs.column + 1, ours.columns)), (ours.row, ours.column), what)
        self.assertEqual(theirs.alternate, ours.alternate, what)


class RandomSequences(OracleCase):
    def run_cases(self, first, length, history=True, colors=True, **options):
        for seed in range(first, first + CASES):
            with self.subTest(seed=seed):
                self.tmux.clear()
                data = random_sequences.Generator(seed, **options).make(length)
                self.assert_same(data, history=history, colors=colors, what=f"seed {seed}: {data!r}")

    def test_short_ones(self):
        self.run_cases(1000, 60, regions=False)

    def test_long_ones(self):
        self.run_cases(2000, 3000, regions=False)

    def test_scroll_regions(self):
        self.run_cases(3000, 1000, history=False)

    def test_wide_and_combining_characters(self):
        self.run_cases(4000, 800, wide=True)


if __name__ == "__main__":
    unittest.main()
