"""The journal: what was written is there after any crash, and nothing can be changed unnoticed."""

import errno
import hashlib
import os
import sys
from pathlib import Path

import pytest
from helpers import run
from hypothesis import given
from hypothesis import strategies as st

from ceremony.run.journal import LABEL, Entry, Journal, JournalError, decode
from escrow.errors import FileError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
OWN = {"n", "before", "utc", "clock", "event"}


class Fixed:
    """A clock that counts its readings."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def utc(self) -> str:
        return "2026-12-03T09:30:00Z"

    def monotonic(self) -> float:
        self.seconds += 1
        return self.seconds


@pytest.fixture
def written(tmp_path: Path) -> bytes:
    """A journal of five lines."""
    journal = Journal(tmp_path / "journal.jsonl", Fixed())
    for number in range(5):
        journal.append("note", text=f"Zürich {number}")
    journal.close()
    return (tmp_path / "journal.jsonl").read_bytes()


@given(st.text(), st.dictionaries(st.text().filter(lambda name: name not in OWN), JSON, max_size=4))
def test_an_entry_comes_back_as_it_was_written(event: str, fields: dict[str, object]) -> None:
    entry = Entry(7, bytes(32), "2026-12-03T09:30:00Z", 1.5, event, fields)
    try:
        line = entry.encode()
    except UnicodeEncodeError:  # half of a pair of surrogates is no text
        return
    assert Entry.decode(line) == entry
    assert Entry.decode(line).encode() == line
    assert b"\n" not in line


def test_each_line_holds_the_hash_of_the_one_before(written: bytes) -> None:
    entries, torn = decode(written)
    assert not torn
    before = hashlib.sha256(LABEL).hexdigest()
    for line, entry in zip(written.splitlines(), entries, strict=True):
        assert entry.before.hex() == before
        before = hashlib.sha256(line).hexdigest()


def _problem(content: bytes, head: bytes) -> int | None:
    """The number of the line that is named, 0 for a torn end or another head."""
    try:
        entries, torn = decode(content)
    except JournalError as error:
        return int(str(error).split()[1])
    return 0 if torn or entries[-1].digest != head else None


def test_any_byte_changed_in_any_line_is_noticed(written: bytes) -> None:
    """A change that leaves the last line unreadable looks as if it was cut off: `torn` says so, and audit tells."""
    count, head = written.count(b"\n"), decode(written)[0][-1].digest
    for place in range(len(written)):
        for change in (1, 0x80):
            changed = bytearray(written)
            changed[place] ^= change
            number = written[:place].count(b"\n") + 1
            named = _problem(bytes(changed), head)
            if number < count - 1:
                assert named in {number, number + 1}
            else:  # the last line, or the newline before it
                assert named is not None


@pytest.mark.parametrize("change", ["without a line", "two lines swapped", "a line twice", "a line of another journal"])
def test_lines_left_out_swapped_doubled_or_foreign_are_noticed(change: str, written: bytes, tmp_path: Path) -> None:
    lines = written.splitlines(keepends=True)
    (tmp_path / "other").mkdir()
    foreign = Journal(tmp_path / "other/journal.jsonl", Fixed())
    for _ in range(3):
        foreign.append("note", text="x")
    foreign.close()
    other = (tmp_path / "other/journal.jsonl").read_bytes().splitlines(keepends=True)
    changed = {
        "without a line": [*lines[:2], *lines[3:]],
        "two lines swapped": [lines[0], lines[2], lines[1], *lines[3:]],
        "a line twice": [*lines[:2], lines[1], *lines[2:]],
        "a line of another journal": [*lines[:2], other[2], *lines[3:]],
    }[change]
    with pytest.raises(JournalError, match=r"Line [234] "):
        decode(b"".join(changed))


def test_a_line_cut_off_by_a_crash_is_recognised_and_nothing_before_it_is_lost(written: bytes, tmp_path: Path) -> None:
    last = written.rindex(b"\n", 0, -1) + 1
    for length in range(last, len(written)):
        path = tmp_path / str(length)
        path.write_bytes(written[:length])
        journal = Journal(path, Fixed())
        assert journal.torn == length - last
        assert [entry.fields["text"] for entry in journal.entries] == [f"Zürich {n}" for n in range(4)]
        journal.append("note", text="goes on")
        journal.close()
        assert decode(path.read_bytes())[0][-1].n == 4
        assert path.read_bytes()[:last] == written[:last]


@pytest.mark.parametrize("end", [b"\0" * 512, b"\0" * 100 + b"\n", b'{"n":5,"bef' + b"\0" * 40 + b"\n"])
def test_what_a_disk_makes_of_a_line_under_power_loss_is_recognised(end: bytes, written: bytes) -> None:
    entries, torn = decode(written + end)
    assert len(entries) == 5
    assert torn == end


def test_two_programs_cannot_write_the_same_journal(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    journal = Journal(path, Fixed())
    code = f"""if True:
        from pathlib import Path
        from ceremony.run.journal import Journal
        Journal(Path({str(path)!r}), None)
    """
    done = run(sys.executable, "-c", code)
    journal.close()
    assert "is open in another program" in done.err


def test_a_journal_is_not_followed_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").touch()
    (tmp_path / "journal.jsonl").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileError, match="Cannot open"):
        Journal(tmp_path / "journal.jsonl", Fixed())


def test_half_a_line_does_not_spoil_the_next_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "journal.jsonl"
    journal = Journal(path, Fixed())
    journal.append("note", text="first")
    write = os.write

    def full(descriptor: int, data: bytes) -> int:
        write(descriptor, bytes(data[:10]))
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(FileError, match="No space left"):
            journal.append("note", text="lost")
    journal.append("note", text="second")
    journal.close()
    entries, torn = decode(path.read_bytes())
    assert [entry.fields["text"] for entry in entries] == ["first", "second"]
    assert not torn
