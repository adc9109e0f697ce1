"""Type shares at the terminal: keys in, frames out. What they mean is decided in `escrow.entry`."""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress

from ceremony.interrupt import CtrlC, Interrupted
from ceremony.terminal import screen
from ceremony.terminal.console import Progress
from ceremony.terminal.keyboard import terminal_to_type_at, whole_keyboard
from ceremony.terminal.keys import Keys
from escrow.entry import CELL, CELLS, CODE_LIMIT, Entry, Key, Stroke, Wanted
from escrow.errors import ShareError, WorkerError
from escrow.gather import TWICE, Collection
from escrow.judge import Verdict
from escrow.memory import Secret
from escrow.pasted import places
from escrow.typed import Judgement, judge_rows, mend
from escrow.words import Correction

_CHUNK = 4096
_YES = b"yes"
_TYPED = "typed share "


def type_shares(collection: Collection, *, until_quorum: bool) -> None:
    """Let the person type or paste shares into a collection, until a quorum is there or the person ends it.

    A share that is wrong is named and stays on the screen to be mended; only valid ones are added. One that was
    put aside unmended is among the collection's verdicts, unless all that counts is the quorum.
    """
    Progress.make_room()
    with terminal_to_type_at() as terminal, whole_keyboard(terminal), Entry() as entry:
        _Typing(collection, entry, terminal, until_quorum=until_quorum).run()


def type_sheet(collection: Collection) -> list[Verdict]:
    """Let the person type or paste one sheet into a collection; what is to be said of it, nothing if it was put aside.

    Ctrl-C is a slip here, and only asks whether the sheet is to be put aside: a ceremony does not end by it.
    """
    known = len(collection.verdicts)
    Progress.make_room()
    with terminal_to_type_at() as terminal, whole_keyboard(terminal), Entry() as entry:
        _Typing(collection, entry, terminal, until_quorum=False, one=True).run()
    return collection.verdicts[known:]


class _Typing:
    def __init__(
        self, collection: Collection, entry: Entry, terminal: int, *, until_quorum: bool, one: bool = False
    ) -> None:
        self._collection = collection
        self._entry = entry
        self._terminal = terminal
        self._until_quorum = until_quorum
        self._one, self._ended = one, False
        self._keys = Keys()
        self._buffer = Secret.of(bytes(_CHUNK))
        self._question = ""
        self._changes: tuple[Secret, Sequence[Correction]] | None = None
        self._number = 1 + sum(verdict.page.startswith(_TYPED) for verdict in collection.verdicts)
        self._wrong: Verdict | None = None  # what was last said of the sheet in work
        self._strokes = self._read()

    def run(self) -> None:
        """Take keys until the end."""
        with self._buffer:
            for stroke in self._strokes:
                match self._entry.press(stroke):
                    case Wanted.ROW:
                        self._judge_rows()
                    case Wanted.SHARE:
                        self._complete()
                    case Wanted.CODE:
                        self._judge_code()
                    case Wanted.CLEAR:
                        self._put_aside("Put this sheet aside and forget its words?")
                    case Wanted.END if self._put_aside("End, and forget the words of this sheet?"):
                        return
                    case Wanted.DONE if not self._until_quorum:
                        return
                    case Wanted.DONE:
                        self._entry.message = "Shares are missing yet. Ctrl-D ends without them."
                if self._ended or (self._until_quorum and not self._collection.missing):
                    return

    def _read(self) -> Iterator[Stroke]:
        view = self._buffer.view
        while True:
            try:
                self._draw()
                length = os.readv(self._terminal, [view])
            except OSError:
                length = 0
            except CtrlC:
                if not self._one:
                    raise
                yield Key.END
                continue
            if not length:
                raise Interrupted  # the terminal is gone
            for place in range(length):
                stroke = self._keys.take(view[place])
                if stroke is not None:
                    yield stroke

    def _draw(self) -> None:
        changed = screen.changes(self._entry, *self._changes) if self._changes else ()
        for piece in screen.frame(self._collection, self._entry, self._question, changed):
            rest = piece
            while rest:
                rest = rest[os.write(self._terminal, rest) :]

    def _judge_rows(self) -> None:
        """Name what is wrong with the rows so far. Whatever it is, the person may go on."""
        entry = self._entry
        known = tuple(entry.notes)
        judgement = judge_rows(self._collection.manifest, entry.grid)
        entry.notes = list(judgement.notes)
        if judgement.foreign:
            entry.message = f"This sheet is not of this set: {judgement.foreign} Ctrl-U puts it aside."
        elif judgement.shifted:
            entry.message = f"{_about_shift(judgement)} Go back with the arrows and type from there on."
        elif judgement.swapped:
            one, other = judgement.swapped
            entry.message = f"Rows {one} and {other} seem swapped. This is asked again when the sheet is complete."
        elif new := [n for n, note in enumerate(entry.notes, 1) if _is_wrong(note) and note != known[n - 1]]:
            note = entry.notes[new[-1] - 1]
            seems = f" It {note}: is it in its place?" if note.startswith("fits") else ""
            entry.message = (
                f"Row {new[-1]} does not fit its check word.{seems} Go back with the up arrow, or go on and let it "
                "be mended."
            )
        elif entry.frontier == CELLS and judgement.all_fit:
            entry.message = "All rows fit. Enter judges the sheet again."

    def _complete(self) -> None:
        """All rows are there. Swapped rows are put in order first, if the person agrees."""
        entry = self._entry
        judgement = judge_rows(self._collection.manifest, entry.grid)
        entry.notes = list(judgement.notes)
        if judgement.swapped:
            one, other = judgement.swapped
            if self._ask(f"Rows {one} and {other} seem swapped: each fits the other's number. Swap them?"):
                entry.swap(one, other)
                self._complete()
                return
        self._judge_share()

    def _judge_share(self) -> None:
        entry = self._entry
        judgement = judge_rows(self._collection.manifest, entry.grid)
        entry.notes = list(judgement.notes)
        with Secret(CELLS * CELL) as mended:
            try:
                corrections = mend(entry.grid, mended)
            except ShareError as error:
                unfit = ", ".join(str(number) for number, note in enumerate(entry.notes, 1) if _is_wrong(note))
                rows = f" Rows that do not fit: {unfit}." if unfit else ""
                hint = _about_shift(judgement) or str(error)
                entry.message = f"{hint}{rows} Arrow back to mend; Enter tries again."
                self._wrong = Verdict(self._name, "too many words are wrong or illegible.")
                return
            self._changes = (mended, corrections) if corrections else None
            try:
                self._add(mended, corrections)
            finally:
                self._changes = None

    def _add(self, mended: Secret, corrections: Sequence[Correction]) -> None:
        where = places(corrections)

        def confirmed() -> bool:
            return not corrections or self._ask(
                f"The share is valid if these are mended: {where}. Ctrl-R shows the words. Are they so on the sheet?"
            )

        name = f"{self._name}, mended {where}" if corrections else self._name
        verdict = self._collection.add_text(name, mended, confirmed)
        if not verdict.valid:
            guess = f" This is after {where} were mended, perhaps wrongly." if corrections else ""
            self._entry.message = f"{verdict}{guess} Arrow back to mend, or Ctrl-U puts the sheet aside."
            self._wrong = verdict
        elif verdict in self._collection.verdicts:
            self._entry.clear()
            self._accepted(verdict)
        else:
            self._entry.message = "Not added. Arrow back to mend what is wrong; Enter asks again."

    def _judge_code(self) -> None:
        entry = self._entry
        try:
            with Secret.of(entry.code.view[: entry.code_length]) as text:
                verdict = self._collection.add_text(self._name, text, lambda: True)
        except WorkerError:
            verdict = Verdict(self._name, "the text cannot be read.")
        entry.code.view[:] = bytes(CODE_LIMIT)
        entry.code_length = 0
        if verdict.valid:
            self._accepted(verdict)
        else:
            entry.message = f"{verdict} Nothing else is lost."
            if verdict.x is not None and not self._until_quorum and TWICE not in str(verdict.problem):
                self._collection.verdicts.append(verdict)  # not a mere misreading: this sheet is wrong

    def _accepted(self, verdict: Verdict) -> None:
        self._entry.message = f"Share {verdict.name} is valid. It is kept; the next sheet may be typed."
        self._number += 1
        self._wrong = None
        self._ended = self._one

    def _put_aside(self, question: str) -> bool:
        """Forget the sheet in work, if the person means it; what was wrong with it is remembered."""
        if self._entry.frontier and not self._ask(question):
            self._entry.message = "Nothing was put aside."
            return False
        self._entry.clear()
        self._entry.message = "A new sheet."
        if self._wrong and not self._until_quorum:
            self._collection.verdicts.append(self._wrong)
            self._number += 1
        self._wrong = None
        return True

    def _ask(self, question: str) -> bool:
        """Whether the person types `yes`. What is still left of a paste is no answer."""
        self._question, typed, fits = question, 0, True
        left_over = self._entry.swallowing or self._entry.pasting
        self._entry.swallowing = False
        try:
            with suppress(OSError):  # a terminal that is gone is noticed by reading
                self._draw()
            for stroke in self._strokes:
                if stroke is Key.SHOW or stroke is Key.PASTE_BEGINS or stroke is Key.PASTE_ENDS:
                    self._entry.press(stroke)
                elif self._entry.pasting:
                    continue
                elif stroke is Key.ENTER and not (left_over and not typed):
                    return fits and typed == len(_YES)
                elif isinstance(stroke, int):  # counted, not kept: it may be the letter of a word
                    fits = fits and typed < len(_YES) and stroke | 0x20 == _YES[typed]
                    typed += 1
                elif stroke is Key.BACKSPACE:
                    typed, fits = 0, True
                left_over = self._entry.pasting
        finally:
            self._question = ""
        return False

    @property
    def _name(self) -> str:
        return f"{_TYPED}{self._number}"


def _about_shift(judgement: Judgement) -> str:
    """What may have happened where every word behind a place stands beside its own."""
    if not judgement.shifted:
        return ""
    row, missing = judgement.shifted
    place, what = ("early", "left out") if missing == 1 else ("late", "typed twice")
    return f"Behind row {row} every word stands one place too {place}: a word of row {row} seems to be {what}."


def _is_wrong(note: str) -> bool:
    return note.startswith(("does not", "fits as", "illegible"))
