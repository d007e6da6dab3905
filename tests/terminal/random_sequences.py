"""Random output of programs: sequences of which tmux and xterm think alike.

tmux 3.3a differs from xterm in the following, which is why the generator goes around it. The model follows xterm
(tests/unit/terminal_*_test.cc), since programs are written for xterm-256color:

* A wrap that is pending (the last column was written) is a column of its own to tmux: BS, CUB, HT, LF, VPA, EL, ECH,
  DCH, DECSC and others start from there. The generator moves the cursor within the line before these.
* BS at the left edge goes to the end of a wrapped line above.
* IL and DL leave the column, and work outside of the scroll region. DECSTBM homes to the screen's corner with DECOM.
* ICH of more columns than it keeps leaves some as they were.
* REP ends at the right edge, and only follows a character directly.
* The first screen of mode 47 and 1047 is empty; modes 1049 twice does not clear again.
* A line that wraps while it scrolls brings in a row of the default background.
* DECCOLM clears the screen without mode 40. CHT, HPR, VPR, DECSTR, DECSED, LNM, G2 and G3 are not there.
* Wide characters: an erased half leaves the other one, and one in the first column stays when its right half is
  overwritten. So they are only overwritten, in text of their own, and never from the second column on.
* Rows that leave a region below the top go to the history; so histories are compared where there is no region.
"""
import random

PLAIN = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,;:!?@#$%&*()[]{}<>/\\|-_=+~^'\" "
NARROW = "äöüßéñøłžабвгдежзиклмнαβγδεζηθ€→←↑↓─│┌┐└┘█▒░•…“”"
WIDE = "漢字かなカナ한글日本語中文ＡＢ😀🚀🎉👍"
MARKS = "\u0301\u0308\u0327\u20d7"


class Generator:
    def __init__(self, seed, columns=80, rows=24, regions=True, wide=False):
        self.random = random.Random(seed)
        self.columns, self.rows = columns, rows
        self.regions, self.wide = regions, wide
        self.in_alternate = False

    def number(self, most):
        """Often small, sometimes missing, zero or too large."""
        kind = self.random.randrange(10)
        if kind == 0:
            return ""
        if kind == 1:
            return str(self.random.choice((0, most, most + 1, 9999)))
        return str(self.random.randint(1, max(1, most if kind < 4 else most // 4)))

    def column(self):
        column = self.random.randint(1, self.columns)
        return f"\x1b[{3 if self.wide and column == 2 else column}G"

    def plain(self, most):
        return "".join(self.random.choice(PLAIN) for _ in range(self.random.randint(1, most)))

    def text(self):
        """Short, and on one line; or longer, without a background (see above: lines that wrap while they scroll)."""
        length = self.random.choice((1, 3, 8, 20, 50, 100, 200))
        start = "\x1b[49m"
        if length <= 8:
            start = f"\x1b[{self.random.randint(3, self.columns - length)}G"
        return start + self.plain(length)

    def unicode_text(self):
        alphabet = WIDE + PLAIN[:20] if self.wide else NARROW + PLAIN
        text = "\x1b[49m"
        for _ in range(self.random.randint(1, 60)):
            text += self.random.choice(alphabet)
            if self.random.randrange(12) == 0:
                text += self.random.choice(MARKS)
        return text

    def sgr(self):
        def color(base):
            kind = self.random.randrange(4)
            if kind == 0:
                return str(base + self.random.randrange(8))
            if kind == 1:
                return str(base + 60 + self.random.randrange(8))
            separator = self.random.choice(";:")
            if kind == 2:
                return separator.join((str(base + 8), "5", str(self.random.randrange(256))))
            rgb = [str(self.random.randrange(256)) for _ in range(3)]
            return separator.join([str(base + 8), "2"] + ([""] if separator == ":" else []) + rgb)

        choices = (lambda: "", lambda: "0", lambda: color(30), lambda: color(40), lambda: "39", lambda: "49",
                   lambda: str(self.random.choice((1, 2, 3, 4, 5, 7, 8, 9, 21, 22, 23, 24, 25, 27, 28, 29, 53, 55))),
                   lambda: "4:" + str(self.random.randrange(6)))
        return "\x1b[" + ";".join(self.random.choice(choices)() for _ in range(self.random.randint(1, 4))) + "m"

    def move(self):
        return self.movement() + (self.column() if self.wide else "")

    def movement(self):
        rows, columns = self.rows, self.columns
        return self.random.choice((
            lambda: f"\x1b[{self.number(rows)};{self.number(columns)}H",
            lambda: f"\x1b[{self.number(rows)};{self.number(columns)}f",
            lambda: f"\x1b[{self.number(rows)}A",
            lambda: f"\x1b[{self.number(rows)}B",
            lambda: f"\x1b[{self.number(columns)}C",
            lambda: self.column() + f"\x1b[{self.number(columns)}D",
            lambda: f"\x1b[{self.number(rows)}E",
            lambda: f"\x1b[{self.number(rows)}F",
            lambda: f"\x1b[{self.number(columns)}G",
            lambda: f"\x1b[{self.number(columns)}`",
            lambda: self.column() + f"\x1b[{self.number(rows)}d",
            lambda: "\r",
            lambda: "\r" + self.random.choice("\n\v\f"),
            lambda: self.column() + self.random.choice(("\x1bD", "\x1bE", "\x1bM", "\n")),
            lambda: f"\x1b[{self.random.randint(2, self.columns)}G\b",
            lambda: self.column() + "\t",
            lambda: self.column() + f"\x1b[{self.number(10)}Z",
        ))()

    def edit(self):
        rows, columns = self.rows, self.columns
        wide = self.wide
        erase = (
            lambda: self.column() + f"\x1b[{self.random.choice('2' if wide else '012')}K",
            lambda: self.column() + f"\x1b[{self.random.choice('2' if wide else '012')}J",
            lambda: self.column() + f"\x1b[{self.number(rows)}S",
            lambda: self.column() + f"\x1b[{self.number(rows)}T",
        )
        within = (
            lambda: self.column() + f"\x1b[{self.number(columns)}X",
            lambda: self.column() + f"\x1b[{self.number(columns)}P",
            self.insertion,
        )
        if not wide and self.random.randrange(2):
            return self.random.choice(within)()
        return self.random.choice(erase)()

    def insertion(self):
        column = self.random.randint(1, self.columns - 2)
        return f"\x1b[{column}G\x1b[{self.random.randint(1, (self.columns - column) // 2)}@"

    def lines(self):
        """IL and DL, with the cursor in the region: there is none, or the cursor goes there."""
        return f"\r\x1b[{self.number(self.rows)}" + self.random.choice("LM")

    def repeated(self):
        length = self.random.randint(1, 30)
        column = self.random.randint(1, self.columns - length - 1)
        return f"\x1b[{column}G{self.random.choice(PLAIN)}\x1b[{length}b"

    def insert_mode(self):
        column = self.random.randint(1, self.columns - 20)
        return f"\x1b[{column}G\x1b[4h" + self.text()[:10] + "\x1b[4l"

    def without_wrap(self):
        return "\x1b[?7l" + self.column() + self.plain(100) + "\x1b[?7h" + self.column()

    def graphics(self):
        if self.random.randrange(2):
            return "\x1b(0" + "\x1b[49m" + self.plain(30) + "\x1b(B"
        return "\x1b)0\x0e" + "\x1b[49m" + self.plain(30) + "\x0f\x1b)B"

    def saved(self):
        save, restore = self.random.choice((("\x1b7", "\x1b8"), ("\x1b[s", "\x1b[u")))
        return self.column() + save + self.text() + self.sgr() + self.move() + self.text() + restore

    def tabs(self):
        return self.random.choice((lambda: self.column() + "\x1bH", lambda: self.column() + "\x1b[g",
                                   lambda: "\x1b[3g" if self.random.randrange(4) == 0 else ""))()

    def region(self):
        """Lines are inserted and deleted in the region only."""
        top = self.random.randint(1, self.rows - 1)
        bottom = self.random.randint(top + 1, self.rows)
        inside = self.random.randint(top, bottom)
        origin = self.random.randrange(3) == 0
        text = f"\x1b[{top};{bottom}r" + ("\x1b[?6h" if origin else "")
        for _ in range(self.random.randint(1, 12)):
            text += self.random.choice((self.move, self.text, self.edit, self.sgr, self.move))()
            if self.random.randrange(3) == 0:
                text += f"\x1b[?6l\x1b[{inside}H" + self.lines()
                text += "\x1b[?6h" if origin else ""
        return text + "\x1b[?6l\x1b[r" + f"\x1b[{self.number(self.rows)};{self.number(self.columns)}H"

    def alternate(self):
        mode = self.random.choice(("47", "1047", "1049"))
        text = self.column() + f"\x1b[?{mode}h\x1b[2J"
        for _ in range(self.random.randint(1, 10)):
            text += self.random.choice((self.move, self.text, self.edit, self.sgr))()
        return text + self.column() + f"\x1b[?{mode}l" + self.column()

    def ignored(self):
        return self.random.choice((
            "\x1b]0;a title\a", "\x1b]2;another\x1b\\", "\x1b]8;;http://example.org\x1b\\link\x1b]8;;\x1b\\",
            "\x1bPq#0;2;0;0;0~~@@\x1b\\", "\x1b_an application's\x1b\\", "\x1b^private\x1b\\", "\x1b[?2026h", "\x1b[?2026l",
            "\x1b[>4;1m", "\x1b[?25l", "\x1b[?25h", "\x1b[5 q", "\x1b=", "\x1b>", "\x1b[?1h", "\x1b[?1l", "\x07", "\x00",
            "\x7f", "\x1b[?2004h", "\x1b[1;2;3;4;5;6z", "\x1b[!\x18", "\x1b[12\x1aok", "\x1b]2;cut\x18ok"[:0], "\x1b[=5u"))

    def make(self, length):
        actions = [self.text] * 4 + [self.unicode_text] * 2 + [self.sgr] * 4 + [self.move] * 6 + [self.edit] * 3
        actions += [self.ignored, self.tabs]
        if not self.wide:
            actions += [self.lines, self.repeated, self.insert_mode, self.without_wrap, self.graphics, self.saved,
                        self.alternate]
            if self.regions:
                actions += [self.region]
        text = ""
        while len(text) < length:
            text += self.random.choice(actions)()
        return text.encode()
