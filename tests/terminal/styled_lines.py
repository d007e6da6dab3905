"""Lines of text with SGR sequences, as cells: what two terminals show can be compared however they spell it."""
import re

TOKEN = re.compile(r"\x1b\[([0-9;:]*)m|(\x0e)|(\x0f)|(.)", re.DOTALL)

# DEC special graphics, from "_" on.
GRAPHICS = ("\u00a0\u25c6\u2592\u2409\u240c\u240d\u240a\u00b0\u00b1\u2424\u240b\u2518\u2510\u250c\u2514\u253c"
            "\u23ba\u23bb\u2500\u23bc\u23bd\u251c\u2524\u2534\u252c\u2502\u2264\u2265\u03c0\u2260\u00a3\u00b7")

ATTRIBUTES = {1: "bold", 2: "dim", 3: "italic", 5: "blink", 7: "reverse", 8: "hidden", 9: "strike", 53: "overline"}
# Attributes of which a space shows nothing.
INK = {"bold", "dim", "italic", "blink", "hidden"}


class Style:
    def __init__(self):
        self.reset()

    def reset(self):
        self.attributes = set()
        self.foreground = self.background = None
        self.underline = 0

    def key(self, blank):
        attributes = frozenset(self.attributes)
        if not blank or attributes - INK or self.underline:
            return (attributes, self.foreground, self.background, self.underline)
        return (frozenset(), None, self.background, 0)

    def apply(self, text):
        numbers = text.split(";") if text else ["0"]
        while numbers:
            first = numbers.pop(0)
            if first == "5:3":
                self.attributes.add("overline")  # tmux 3.3a writes 53 so
            elif first.startswith("4:"):
                self.underline = int(first[2:])
            elif first in ("38", "48"):
                count = 1 if numbers.pop(0) == "5" else 3
                self.set_color(first == "38", tuple(int(numbers.pop(0)) for _ in range(count)))
            else:
                self.apply_single(int(first))

    def set_color(self, is_foreground, color):
        if is_foreground:
            self.foreground = color
        else:
            self.background = color

    def apply_single(self, number):
        if number == 0:
            self.reset()
        elif number == 4:
            self.underline = 1
        elif number in ATTRIBUTES:
            self.attributes.add(ATTRIBUTES[number])
        else:
            base = {3: 0, 4: 0, 9: 8, 10: 8}.get(number // 10)
            if base is None:
                raise ValueError(f"SGR {number}")
            index = number % 10 + base
            self.set_color(number // 10 in (3, 9), None if index == 9 and base == 0 else (index,))


def cells_of(lines, carries=False):
    """For each line a list of (character, style), without spaces at its end: whether tmux shows those that were erased
    with a background depends on what was there before.

    carries: the style goes on from line to line, as in tmux's capture-pane -e.
    """
    style = Style()
    graphics = False
    result = []
    for line in lines:
        if not carries:
            style.reset()
        cells = []
        for match in TOKEN.finditer(line):
            sgr, shift_out, shift_in, character = match.groups()
            if sgr is not None:
                style.apply(sgr)
            elif shift_out:
                graphics = True
            elif shift_in:
                graphics = False
            else:
                if graphics and "_" <= character <= "~":
                    character = GRAPHICS[ord(character) - ord("_")]
                cells.append((character, style.key(character == " ")))
        while cells and cells[-1][0] == " ":
            cells.pop()
        result.append(cells)
    return result


def text_of(cells):
    return ["".join(character for character, _ in line) for line in cells]
