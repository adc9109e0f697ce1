"""What the entry of words looks like: 24 lines of 80 characters, without colour. Nothing is shown here, only laid out.

A frame is a list of pieces to be written one after the other. Words stay where they are: a piece is a view of the
Secret, never a copy, and the pieces are never joined.
"""

import textwrap
from collections.abc import Iterable, Iterator, Sequence

from escrow.entry import CELLS, LETTERS, WIDTH, Entry
from escrow.gather import Collection
from escrow.manifest import group_hex
from escrow.memory import Secret
from escrow.words import COLUMNS, ROWS, Correction

Piece = bytes | memoryview

ENTER = b"\x1b[?1049h\x1b[?2004h"  # a screen of its own, which leaves nothing to scroll back to; pastes are marked
LEAVE = b"\x1b[?2004l\x1b[?1049l\x1b[?25h"
_TOP, _LINE, _REST = b"\x1b[H", b"\x1b[K\r\n", b"\x1b[J"
_COLUMNS = 79
_A_LINE = 4
_HELP = (
    "Space or Tab completes a word, ? is an illegible one, the ninth checks its row",
    "(Enter leaves it out). Arrows go back to mend, Enter goes on. Ctrl-R shows the",
    "words or hides them. A QR scanner or a paste will do, too. Ctrl-U puts the",
    "sheet aside, Ctrl-D ends.",
)


def frame(collection: Collection, entry: Entry, question: str, mended: Iterable[Piece] = ()) -> Iterator[Piece]:
    """The whole screen: whose shares, how many, the grid, what there is to say, the keys."""
    yield _TOP
    for text in (*head(collection), ""):
        yield from _line(text)
    for row in range(ROWS):
        yield from _row(entry, row)
    yield from _line("")
    message = question or entry.message
    if entry.code_length:
        message = "The text of a QR code is coming in; Enter ends it."
    for text in textwrap.wrap(message, _COLUMNS):
        yield from _line(text)
    yield from mended
    yield from _line("")
    for text in _HELP if not question else ("Type yes and Enter; Enter alone means no.",):
        yield from _line(text)
    yield _REST


def head(collection: Collection) -> tuple[str, str]:
    """The set, and how far the quorum is."""
    manifest = collection.manifest
    return f"{manifest.kind.value}  set {group_hex(manifest.short_set_id)}  {manifest.ca}", standing(collection)


def standing(collection: Collection) -> str:
    """How far the quorum is."""
    names = collection.manifest.policy.names_of(collection.present)
    have = f"have {'shares' if len(collection.present) > 1 else 'share'} {names}" if names else "have none"
    need = f"need {collection.missing} more" if collection.missing else "a quorum"
    return f"{have}, {need}"


def changes(entry: Entry, mended: Secret, corrections: Sequence[Correction]) -> Iterator[Piece]:
    """What was given and what it was mended to, if the person has asked to see words."""
    if not entry.shown:
        return
    view, cell = mended.view, LETTERS + 1
    for number, place in enumerate(corrections, 1):
        index = (place.row - 1) * WIDTH + place.column - 1
        yield f"{place.row}/{place.column} ".encode()
        yield entry.word(index)
        yield b" > "
        yield view[index * cell : index * cell + LETTERS]
        yield _LINE if number % _A_LINE == 0 else b"   "
    yield _LINE


def _line(text: str) -> Iterator[Piece]:
    yield text[:_COLUMNS].encode("utf-8", "replace")
    yield _LINE


def _row(entry: Entry, row: int) -> Iterator[Piece]:
    yield f"{row + 1}  ".encode()
    for column in range(WIDTH):
        if column == COLUMNS:
            yield b" |"
        yield from _cell(entry, row * WIDTH + column)
    yield from _line(f"  {entry.notes[row]}")


def _cell(entry: Entry, cell: int) -> Iterator[Piece]:
    current = cell == min(entry.cursor, CELLS - 1)
    yield b"[" if current else b" "
    if current and entry.typed:
        yield entry.letters.view[: entry.typed] if entry.shown else b"." * entry.typed
        rest = b"+" if len(entry.candidates()) == 1 else b""  # enough letters: a blank completes the word
        yield rest.ljust(LETTERS - entry.typed)
    elif entry.state(cell) == ord("?"):
        yield b"????"
    elif entry.state(cell) == ord(" "):
        yield b"____"
    else:
        yield entry.word(cell) if entry.shown else b"." * LETTERS
    yield b"]" if current else b" "
