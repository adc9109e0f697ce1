"""The handover sheet: the passwords of an online CA's tree, onto paper and proved from paper.

The layout of rows and check words stands in FORMAT.md, section "Handover sheet".
"""

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from escrow.errors import FileError, PageError, ShareError
from escrow.files import read_public, write_all
from escrow.memory import Secret, isolate
from escrow.online.tree import KEYS, PROVISIONER
from escrow.paper import handover, page, scan
from escrow.paper.camera import frames, is_live
from escrow.paper.handover import Handover, Shown
from escrow.paper.stationery import Stationery
from escrow.watch import PATIENCE
from escrow.wordlist import BYTES
from escrow.words import check_word

ROWS, COLUMNS = 4, 4


def write_sheet(
    of: Handover, passwords: Mapping[str, Secret], stationery: Stationery, descriptor: int, path: Path
) -> None:
    """Have a handover sheet rendered, read back from its own picture, and written to a descriptor of `path`."""

    def in_worker() -> bytes:
        texts = {name: bytes(password.view).decode("ascii") for name, password in passwords.items()}
        pdf = handover.render(of, {name: _shown(text) for name, text in texts.items()}, stationery)
        if {text for scanned in scan.scan(pdf) for text in scanned.texts} != set(texts.values()):
            message = "The handover sheet cannot be read back from its own picture: report this."
            raise PageError(message)
        write_all(descriptor, pdf, path)
        return b""

    page.prepare()
    scan.prepare()
    isolate(in_worker, *passwords.values())


def try_out(of: Handover, stationery: Stationery) -> None:
    """Make a sheet without passwords, before there are any. Raises TemplateError."""
    blank = Shown(["xxxx-xxxx-xxxx-xxxx-"] * ROWS, ["xxxx"] * ROWS, "x" * 79)
    handover.render(of, dict.fromkeys((KEYS, PROVISIONER), blank), stationery)


def found_in(passwords: Mapping[str, Secret], file: Path) -> list[str]:
    """Which of the passwords stand as codes in a scan. Raises PageError, FileError."""
    content = _read(file)

    def in_worker() -> bytes:
        return _names(passwords, (text for scanned in scan.scan(content) for text in scanned.texts))

    scan.prepare()
    found: list[str] = json.loads(isolate(in_worker, *passwords.values()))
    return found


def seen_by(passwords: Mapping[str, Secret], camera: Path, stop: Callable[[], bool]) -> list[str]:
    """Which of the passwords a camera or a video shows as codes.

    Until all were seen, `stop` says so, a camera has shown nothing new for a while, or the video is over.
    """

    def in_worker() -> bytes:
        found: dict[str, None] = {}
        idle = 0
        for _, picture in frames(camera):
            before = len(found)
            found |= dict.fromkeys(json.loads(_names(passwords, scan.read_codes(picture))))
            idle = 0 if len(found) > before else idle + 1
            if stop() or len(found) == len(passwords) or (is_live(camera) and idle == PATIENCE):
                break
        return json.dumps(list(found)).encode()

    seen: list[str] = json.loads(isolate(in_worker, *passwords.values()))
    return seen


def compare_words(password: Secret, row: int, columns: Iterable[int], typed: Secret) -> None:
    """Raise ShareError unless the typed words are those of a password at this place; row and columns from 1."""
    wanted = tuple(columns)

    def in_worker() -> bytes:
        words = bytes(password.view).decode("ascii").split("-")[COLUMNS * (row - 1) : COLUMNS * row]
        given = bytes(typed.view).decode("utf-8", "replace").lower().replace("-", " ").split()
        if given != [words[column - 1] for column in wanted]:
            message = f"The words typed for row {row} are not those of the sheet that was printed."
            raise ShareError(message)
        return b""

    isolate(in_worker, password, typed)


def _shown(text: str) -> Shown:
    """Rows of four words, each closed by a check word as a share's rows are. Only in a worker."""
    words = text.split("-")
    rows = [words[start : start + COLUMNS] for start in range(0, len(words), COLUMNS)]
    checks = [check_word(number, bytes(BYTES[word] for word in row)) for number, row in enumerate(rows, 1)]
    ends = ["-"] * (len(rows) - 1) + [""]
    return Shown(["-".join(row) + end for row, end in zip(rows, ends, strict=True)], checks, text)


def _names(passwords: Mapping[str, Secret], texts: Iterable[str]) -> bytes:
    """The names of the passwords that are among these texts, as JSON. Only in a worker."""
    read = {text.encode("utf-8", "replace") for text in texts}
    return json.dumps(
        [name for name, password in passwords.items() if any(password.view == text for text in read)]
    ).encode()


def _read(file: Path) -> bytes:
    try:
        return read_public(file, scan.MAX_FILE)
    except FileError as error:
        raise PageError(str(error)) from None
