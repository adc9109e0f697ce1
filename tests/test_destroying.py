"""What was destroyed: the certificate, and what the register says of it afterwards."""

import dataclasses
import datetime as dt
from pathlib import Path

import pytest
from helpers import Run, escrow
from papers import text_by_pdfium
from register_entries import enter

from ceremony.custody.attesting import set_named
from ceremony.custody.book import Book, read
from ceremony.custody.register import Status
from ceremony.custody.status import standing
from ceremony.rules.steps import position_of
from ceremony.run.session import SystemClock
from escrow.documents import made_up
from escrow.errors import UsageError
from escrow.label import Label, set_words, share_words
from escrow.manifest import Manifest
from escrow.paper.raster import sizes
from escrow.paper.stationery import media
from escrow.policy import Group, Policy, Position
from escrow.share import Kind

POLICY = Policy.plain(3, 5)
GROUPS = Policy(2, (Group(2, 3), Group(1, 1), Group(2, 2)))
PEOPLE = ("--by", "Grace Hopper", "--witness", "Katherine Johnson", "--method", "cross-cut, P-5")
DAY = dt.date(2026, 2, 3)


def manifest(policy: Policy, epoch: int) -> Manifest:
    return dataclasses.replace(made_up(Kind.PRODUCTION, policy, "Test CA"), epoch=epoch)


def begun(folder: Path, policy: Policy = POLICY, sets: int = 1) -> list[Manifest]:
    """A register with so many sets, of which the last is in force."""
    made = [manifest(policy, epoch) for epoch in range(1, sets + 1)]
    with Book(folder, SystemClock(), begin=True) as book:
        for each in made:
            fields = enter(policy, DAY - dt.timedelta(days=10 - each.epoch), each.epoch, each.set_id.hex()).fields
            labels = [Label.of(each, position_of(share["share"])).to_text() for share in fields["shares"]]
            shares = [{**share, "label": label} for share, label in zip(fields["shares"], labels, strict=True)]
            book.note("enter", **{**fields, "shares": shares})
    return made


def destroy(folder: Path, what: str, *options: object, out: str = "certificate.pdf") -> Run:
    return escrow("destroy", folder, what, *PEOPLE, "--on", DAY, "--out", folder.parent / out, *options)


def certificate(folder: Path, name: str = "certificate.pdf") -> str:
    return " ".join(text_by_pdfium((folder / name).read_bytes()).split())


def test_a_sheet_of_the_set_in_force_is_destroyed_knowingly_and_the_margin_falls(tmp_path: Path) -> None:
    (made,) = begun(tmp_path / "register")
    before = (tmp_path / "register/custody.jsonl").read_bytes()
    refused = destroy(tmp_path / "register", "2")
    assert refused.status == 3
    assert "the margin falls from 2 to 1" in " ".join(refused.err.split())
    assert "no older set" in refused.err
    assert not (tmp_path / "certificate.pdf").exists()
    assert (tmp_path / "register/custody.jsonl").read_bytes() == before

    told = destroy(tmp_path / "register", "2", "--in-force").expect().out
    assert "The margin of the set in force is 1 now" in told
    register = read(tmp_path / "register")
    (at,) = register.sets.values()
    held = at.shares[Position(1, 2)]
    assert (held.status, held.since) == (Status.DESTROYED, DAY)
    assert held.reason == "cross-cut, P-5; by Grace Hopper, witnessed by Katherine Johnson"
    found = standing(register, DAY)
    assert found is not None
    assert found.margin == 1
    text = certificate(tmp_path)
    for said in (
        *("Certificate of destruction", "The sheet of share 2 of 5", "1002", "C2", "IN FORCE", "NOT SECRET", "held"),
        *("Test CA", "Grace Hopper", "Katherine Johnson", "cross-cut, P-5", DAY.isoformat(), "this margin is left: 1"),
    ):
        assert said in text, said
    for words in (share_words(made.commitment_at(Position(1, 2))), set_words(made.set_id)):
        assert words.replace(" ", "") in text.replace(" ", ""), words
    again = destroy(tmp_path / "register", "2", "--in-force", out="again.pdf")
    assert (again.status, "is destroyed by the register" in again.err) == (1, True)
    assert not (tmp_path / "again.pdf").exists()


def test_what_is_left_of_a_superseded_set_is_named_until_nothing_is(tmp_path: Path) -> None:
    register = tmp_path / "register"
    old, _ = begun(register, GROUPS, sets=2)
    words, digits = set_words(old.set_id), old.set_id.hex()[:8]
    for number, share in enumerate(["1-1", "1-2", "1-3", "2-1", "3-1", "3-2"]):
        told = destroy(register, share, "--set", words if number % 2 else digits, out=f"{share}.pdf").expect().out
        assert "Still to be destroyed of this set: " in told
        assert "old-set-left" in escrow("status", register, "--on", DAY).out
    text = certificate(tmp_path, "1-2.pdf")
    assert "The sheet of share 2 of 3, group 1" in text
    assert "superseded on" in text
    assert "could still open" not in escrow("status", register, "--on", DAY).out
    destroy(register, "copy-1", "--set", digits, "--label", "ESC-7", out="copy-1.pdf").expect()
    text = certificate(tmp_path, "copy-1.pdf")
    assert all(said in text for said in ("Copy 1 of the package", "stick: ESC-7", "Site 1"))
    told = destroy(register, "copy-2", "--set", digits, out="copy-2.pdf").expect().out
    assert "Nothing of this set is left to be destroyed" in told
    assert "old-set-left" not in escrow("status", register, "--on", DAY).out


def test_a_copy_of_the_set_in_force_is_destroyed_knowingly_too(tmp_path: Path) -> None:
    begun(tmp_path / "register")
    assert destroy(tmp_path / "register", "copy-1").status == 3
    told = destroy(tmp_path / "register", "copy-1", "--in-force").expect().out
    assert "margin of the set in force is 2 now, with 1 copy of its package" in told


@pytest.mark.parametrize(
    ("options", "status", "said"),
    [
        (("--witness", "grace  HOPPER"), 2, "their own witness"),
        (("--set", "ffff"), 2, "names no one set"),
        (("--set", "ffffffff"), 2, "names no one set"),
        (("--method", "so\nso"), 1, "Say in a line"),
        (("--method", "安"), 1, "fonts lack"),
        (("--by", "x" * 300), 1, "does not fit"),
    ],
)
def test_a_wrong_certificate_is_refused_and_nothing_is_noted(
    tmp_path: Path, options: tuple[str, str], status: int, said: str
) -> None:
    begun(tmp_path / "register")
    before = (tmp_path / "register/custody.jsonl").read_bytes()
    refused = destroy(tmp_path / "register", "2", "--in-force", *options)
    assert refused.status == status, refused.err
    assert said in " ".join(refused.err.split()), refused.err
    assert (tmp_path / "register/custody.jsonl").read_bytes() == before
    assert not (tmp_path / "certificate.pdf").exists()


def test_a_file_that_is_there_is_not_overwritten_and_nothing_is_noted(tmp_path: Path) -> None:
    begun(tmp_path / "register")
    (tmp_path / "certificate.pdf").write_text("mine")
    assert destroy(tmp_path / "register", "2", "--in-force").status
    assert (tmp_path / "certificate.pdf").read_text() == "mine"
    (at,) = read(tmp_path / "register").sets.values()
    assert at.shares[Position(1, 2)].status is Status.HELD


def test_a_certificate_is_made_for_letter_for_long_names_and_for_many_shares(tmp_path: Path) -> None:
    begun(tmp_path / "register", Policy.plain(3, 255))
    options = ("--in-force", "--page-size", "Letter", "--by", "N" * 60, "--witness", "Abc", "--organisation", "O" * 60)
    destroy(tmp_path / "register", "255", *options).expect()
    pdf = (tmp_path / "certificate.pdf").read_bytes()
    assert [media(size) for size in sizes(pdf)] == ["Letter"]
    assert "share 255 of 255" in certificate(tmp_path)


def test_a_set_is_named_by_its_words_or_by_its_digits(tmp_path: Path) -> None:
    first, second = begun(tmp_path / "register", sets=2)
    register = read(tmp_path / "register")
    for made in (first, second):
        for text in (set_words(made.set_id).upper(), made.set_id.hex(), made.set_id.hex()[:8].upper()):
            assert set_named(register, text).set_id == made.set_id
    with pytest.raises(UsageError, match="names no one set"):
        set_named(register, "")
