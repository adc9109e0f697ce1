"""Which share is meant: by its name, or by its label, which is public."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from ceremony.custody.book import Book
from ceremony.custody.changes import RegisterError
from ceremony.custody.register import Register, ShareSet
from escrow.errors import PageError, UsageError
from escrow.files import read_public
from escrow.label import Label, is_label_text, set_words
from escrow.memory import isolate
from escrow.policy import Position

_COPY = "copy-"
_DIGITS = 8


def position_named(at: ShareSet, name: str) -> Position:
    """The position of a share as people write it: "2", or "1-2" with groups. Raises UsageError."""
    names = {at.policy.short_name_of(position): position for position in at.policy.positions}
    if name not in names:
        message = f"There is no share {name}: give its number. The set has {', '.join(names)}."
        raise UsageError(message)
    return names[name]


def set_named(register: Register, text: str) -> ShareSet:
    """A set by its words, or by digits that its id begins with. Raises UsageError for none, or for several."""
    given = text.replace(" ", "").replace("-", "").lower()
    found = [
        each
        for each in register.sets.values()
        if given == set_words(each.set_id).replace(" ", "").lower()
        or (len(given) >= _DIGITS and each.set_id.hex().startswith(given))
    ]
    if len(found) != 1:
        known = "; ".join(
            f"{each.set_id.hex()[:16].upper()} ({set_words(each.set_id)})" for each in register.sets.values()
        )
        message = f"{text} names no one set: give its words, or {_DIGITS} digits of its id or more. There are {known}."
        raise UsageError(message)
    return found[0]


def copy_named(at: ShareSet, name: str) -> int:
    """The number of a copy as people write it, "copy-1"; 0 for what is no name of a copy. Raises UsageError."""
    if not name.startswith(_COPY):
        return 0
    number = name.removeprefix(_COPY)
    if not (number.isdecimal() and 1 <= int(number) <= len(at.copies)):
        listed = "; ".join(f"{_COPY}{n}: {copy.of}, {copy.site}" for n, copy in enumerate(at.copies, 1))
        message = f"There is no {name}. The register has {listed}."
        raise UsageError(message)
    return int(number)


def labels_in(files: Sequence[Path]) -> list[str]:
    """The texts of the labels in pictures or PDFs. Raises PageError for a file without one."""
    from escrow.paper.scan import MAX_FILE, prepare, scan

    prepare()
    found = []
    for file in files:
        content = read_public(file, MAX_FILE)

        def in_worker(content: bytes = content) -> bytes:  # the picture might be of a sheet after all
            texts = (text for page in scan(content) for text in page.texts if is_label_text(text))
            return "\n".join(texts).encode()

        try:
            texts = isolate(in_worker).decode().split()
        except PageError as error:
            message = f"{file}: {error}"
            raise PageError(message) from None
        if not texts:
            message = f"{file}: no label's code can be read in it. Scan it again, at 300 dots an inch or more."
            raise PageError(message)
        found += texts
    return found


def by_label(book: Book, texts: Iterable[str], share: str | None) -> list[Position]:
    """The shares whose labels these are. Raises RegisterError for a label of another set, or another share."""
    at = book.current
    known = {held.label: position for position, held in at.shares.items()}
    positions = []
    for text in dict.fromkeys(texts):
        label = Label.from_text(text)
        if text not in known:
            which = "of an older set" if label.set_id != at.set_id[: len(label.set_id)] else "changed"
            message = f"This label is not of a share in the current set: it is {which}. Look into it: nothing is noted."
            raise RegisterError(message)
        positions.append(known[text])
    if share and positions != [position_named(at, share)]:
        message = f"This is the label of share {at.policy.names_of(positions)}, and not of share {share}."
        raise RegisterError(message)
    return positions
