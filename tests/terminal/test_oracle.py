"""The screen model shows what tmux shows."""
import os
import sys
import unittest
import unicodedata

import random_sequences
import recordings
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


class RealPrograms(OracleCase):
    """Recorded anew each time: programs differ between machines, and all of them should look right."""

    def record(self, name):
        skip_without(name, recordings.is_installed(name))
        started = []

        def start(*arguments, **options):
            run = recordings.Recording(*arguments, **options)
            started.append(run)
            self.addCleanup(run.stop)
            return run

        return recordings.PROGRAMS[name](start).stop()

    def check_program(self, name):
        data = self.record(name)
        self.assertGreater(len(data), 100, data)
        for end in (len(data), len(data) * 3 // 4, len(data) // 2):
            # Not within a sequence or a character.
            cut = data[:end]
            start = cut.rfind(b"\x1b")
            if end < len(data) and start > end - 40:
                cut = cut[:start]
            cut = cut.decode("utf-8", "ignore").encode()
            self.tmux.clear()
            self.assert_same(cut, history=False, what=name)


def _add_program(name):
    setattr(RealPrograms, "test_" + name.replace("-", "_"), lambda self: self.check_program(name))


for _name in recordings.PROGRAMS:
    _add_program(_name)


class Characters(OracleCase):
    def test_have_the_width_that_tmux_gives_them(self):
        """Characters at both edges of all that differ from their neighbours, as far as this tmux knows them."""
        def kind(character):
            return (unicodedata.category(character), unicodedata.east_asian_width(character))

        sample = []
        for code in range(0xA1, 0x20000):
            character = chr(code)
            if 0xD800 <= code < 0xE000 or unicodedata.category(character) in ("Cn", "Cc", "Co", "Zl", "Zp"):
                continue
            if code == 0x200D:
                continue
            if kind(character) != kind(chr(code - 1)) or kind(character) != kind(chr(code + 1)):
                sample.append(character)
        self.assertGreater(len(sample), 2000)
        for first in range(0, len(sample), 20 * 20):
            lines = [sample[at:at + 20] for at in range(first, min(first + 400, len(sample)), 20)]
            data = "\r\n".join("".join("o" + character + "|" for character in line) for line in lines).encode()
            self.tmux.clear()
            self.assert_same(data, history=False, what=ascii(lines))


class Resizing(OracleCase):
    """Where the two agree: the screen is full, so there are no blank rows that could go instead of text."""

    def test_wraps_lines_as_tmux_does(self):
        random = random_sequences.random.Random(5)
        for _ in range(CASES):
            lines = ["".join(random.choice("abcdefgh ijklm") for _ in range(random.randint(1, 200))) + "."
                     for _ in range(60)]
            data = "\r\n".join(lines).encode()
            size = (random.randint(20, 150), 24)
            with self.subTest(size=size):
                self.tmux.clear()
                self.tmux.feed(data)
                self.tmux.resize(*size)
                theirs = self.tmux.capture()
                self.tmux.resize(80, 24)
                self.compare(screen_model.show(data, resizes=[size]), theirs, what=repr((size, data)))


if __name__ == "__main__":
    unittest.main()
