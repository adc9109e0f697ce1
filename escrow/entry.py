"""Share words as they are typed: a state machine that knows what each key means. It neither reads nor shows anything.

The grid is text in a Secret, 8 rows of 9 cells (the ninth is the check word), each cell five characters wide; so it
is shown, judged and handed on without a copy. The letters in work have a Secret of their own. A single character
or index that passes through Python is one of its 256 cached small integers: no new object holds it.
"""

from enum import Enum, auto
from typing import Self

from escrow.memory import Secret
from escrow.wordlist import WORDS
from escrow.words import COLUMNS, ROWS

LETTERS = 4
CELL = LETTERS + 1
WIDTH = COLUMNS + 1
CELLS = ROWS * WIDTH
CODE_LIMIT = 256

_WORDS = tuple(word.encode() for word in WORDS)
_EMPTY, _ILLEGIBLE = b" " * LETTERS, b"?".ljust(LETTERS)
_CODES = (b"escr", b"spec")  # what the text of a QR code begins with; no word of the list does


class Key(Enum):
    """A key that is no character."""

    ENTER = auto()
    BLANK = auto()
    TAB = auto()
    BACKSPACE = auto()
    LEFT = auto()
    RIGHT = auto()
    UP = auto()
    DOWN = auto()
    SHOW = auto()
    CLEAR = auto()
    END = auto()
    PASTE_BEGINS = auto()
    PASTE_ENDS = auto()


Stroke = Key | int
"""A key, or the byte of a character."""


class Wanted(Enum):
    """What has to be done before the next key."""

    NOTHING = auto()
    ROW = auto()
    """A row is complete, or was changed: judge the rows."""
    SHARE = auto()
    """All rows are complete: judge the share."""
    CODE = auto()
    """The text of a QR code was entered: judge it."""
    CLEAR = auto()
    """The sheet is to be put aside."""
    END = auto()
    """Nothing more is to be entered."""
    DONE = auto()
    """The same, by Enter twice on an empty sheet."""


class Entry:
    """One sheet's words so far, the cursor, the letters in work. Whatever key comes, no accepted word is lost."""

    def __init__(self) -> None:
        self.grid = Secret.of((b" " * (WIDTH * CELL - 1) + b"\n") * ROWS)
        self.letters = Secret.of(bytes(LETTERS))
        self.code = Secret.of(bytes(CODE_LIMIT))
        self.cursor = self.typed = self.code_length = 0
        self.shown = self.pasting = False
        self.swallowing = False  # the next Enter or blank belongs to a word that completed itself
        self._mending = self._ending = False
        self.message = ""
        self.notes = [""] * ROWS

    @property
    def frontier(self) -> int:
        """The first empty cell, or the number of cells if there is none."""
        return next((cell for cell in range(CELLS) if self.state(cell) == _EMPTY[0]), CELLS)

    @property
    def row(self) -> int:
        """The row in work, from 1."""
        return self.cursor // WIDTH + 1

    @property
    def column(self) -> int:
        """The word in work, from 1."""
        return self.cursor % WIDTH + 1

    def state(self, cell: int) -> int:
        """The first character of a cell: a blank if it is empty, a question mark if illegible."""
        return self.grid.view[cell * CELL]

    def word(self, cell: int) -> memoryview:
        """The four characters of a cell."""
        return self.grid.view[cell * CELL : cell * CELL + LETTERS]

    def candidates(self) -> list[int]:
        """The words that the letters in work may mean: they begin so, or two letters are their first and last."""
        letters = self.letters.view[: self.typed]
        found = [byte for byte, word in enumerate(_WORDS) if letters == word[: self.typed]]
        if self.typed == 2:  # noqa: PLR2004 - the shortest form of a Byteword: first and last letter
            found += [byte for byte, word in enumerate(_WORDS) if letters == word[::3] and byte not in found]
        return found

    def press(self, stroke: Stroke) -> Wanted:
        """Take one key; say what has to be done before the next."""
        swallowing, self.swallowing = self.swallowing, self.swallowing and stroke is Key.BLANK
        ending, self._ending = self._ending, False
        if stroke is Key.PASTE_BEGINS or stroke is Key.PASTE_ENDS:
            self.pasting = stroke is Key.PASTE_BEGINS
        elif stroke is Key.SHOW:
            self.shown = not self.shown
        elif self.code_length:
            return self._code(stroke)
        elif isinstance(stroke, int):
            return self._character(stroke)
        elif stroke in {Key.ENTER, Key.BLANK, Key.TAB}:
            if not swallowing or self.typed or (self._mending and stroke is Key.ENTER):
                return self._finish(stroke) if self.typed else self._go_on(stroke, ending=ending)
        elif stroke is Key.BACKSPACE and self.typed:
            self.typed -= 1
            self.message = ""
        elif stroke is Key.CLEAR or stroke is Key.END:
            return Wanted.CLEAR if stroke is Key.CLEAR else Wanted.END
        else:
            self._move(stroke)
        return Wanted.NOTHING

    def swap(self, one: int, other: int) -> None:
        """Exchange two rows, counted from 1."""
        view, length = self.grid.view, WIDTH * CELL
        a, b = (one - 1) * length, (other - 1) * length
        for offset in range(length):
            view[a + offset], view[b + offset] = view[b + offset], view[a + offset]

    def clear(self) -> None:
        """Begin a new sheet. What is pasted and whether it is shown goes on."""
        for cell in range(CELLS):
            self.word(cell)[:] = _EMPTY
        self.cursor = self.typed = self.code_length = 0
        self.notes = [""] * ROWS

    def close(self) -> None:
        """Wipe everything."""
        for secret in (self.grid, self.letters, self.code):
            secret.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _character(self, byte: int) -> Wanted:
        letter = byte | 0x20
        if byte == _ILLEGIBLE[0] and not self.typed:
            return self._accept(_ILLEGIBLE, complete=True)
        if byte in b"0123456789" and any(self.letters.view[: self.typed] == code for code in _CODES):
            self.code.view[:LETTERS] = self.letters.view
            self.code.view[LETTERS] = byte
            self.typed, self.code_length = 0, LETTERS + 1
        elif ord("a") <= letter <= ord("z"):
            return self._letter(letter)
        return Wanted.NOTHING  # digits before a row, and marks between words, say nothing

    def _letter(self, letter: int) -> Wanted:
        self.message = ""
        if self.typed < LETTERS:
            self.letters.view[self.typed] = letter
            self.typed += 1
            found = self.candidates()
            if found and self.typed == LETTERS:
                return self._accept(_WORDS[found[0]], complete=True)
            if found:
                return Wanted.NOTHING
        self.message = "No word of the list is spelt so: Backspace takes letters back; ? stands for an illegible word."
        return Wanted.NOTHING

    def _finish(self, key: Key) -> Wanted:
        found = self.candidates()
        if len(found) == 1:
            return self._accept(_WORDS[found[0]])
        if key is Key.TAB or (found and not self.pasting):
            self.message = "Several words begin so: type one letter more." if found else "No word begins so."
            return Wanted.NOTHING
        place = f"Row {self.row} word {self.column}"
        wanted = self._accept(_ILLEGIBLE)
        self.message = f"{place} is no word of the list and counts as illegible: arrow back to mend it."
        return wanted

    def _go_on(self, key: Key, *, ending: bool) -> Wanted:
        if key is not Key.ENTER or self.pasting:
            return Wanted.NOTHING
        frontier = self.frontier
        if frontier == 0 and not ending:  # a paste may leave one behind
            self.message, self._ending = "Enter once more ends.", True
            return Wanted.NOTHING
        if frontier == 0:
            return Wanted.DONE
        if frontier == CELLS:
            return Wanted.SHARE
        if self.cursor == frontier and self.column == WIDTH:
            return self._accept(_ILLEGIBLE)  # the check word was left out
        self.cursor, self.message = frontier, ""
        return Wanted.NOTHING

    def _accept(self, word: bytes, *, complete: bool = False) -> Wanted:
        """Put a word into its cell. If it completed itself, a blank that follows is not meant for the next."""
        cell, self.message, self.typed, self.swallowing = self.cursor, "", 0, complete
        self.word(cell)[:] = word
        self.cursor = min(cell + 1, CELLS - 1)
        self._mending = self.frontier == CELLS and (cell + 1) % WIDTH != 0
        if cell + 1 == CELLS == self.frontier:
            return Wanted.SHARE
        end = (cell // WIDTH + 1) * WIDTH
        return Wanted.ROW if self.frontier >= end else Wanted.NOTHING

    def _move(self, key: Key) -> None:
        steps = {Key.LEFT: -1, Key.RIGHT: 1, Key.UP: -WIDTH, Key.DOWN: WIDTH, Key.BACKSPACE: -1}
        target = max(0, self.cursor + steps[key])
        self.cursor = min(target, self.frontier, CELLS - 1)
        self.typed, self.message = 0, ""

    def _code(self, stroke: Stroke) -> Wanted:
        if isinstance(stroke, int) and self.code_length < CODE_LIMIT:
            self.code.view[self.code_length] = stroke
            self.code_length += 1
        elif stroke is Key.BACKSPACE:
            self.code_length -= 1
        elif stroke in {Key.ENTER, Key.BLANK, Key.TAB}:
            return Wanted.CODE
        elif not isinstance(stroke, int):
            self.code_length = 0
        return Wanted.NOTHING
