"""The handover sheet: the passwords of an online CA on paper, read from it by code and by eye, and by nobody else."""

import functools
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from film import EMPTY_TABLE, Scene, write_film
from helpers import need, rasterise, run
from papers import text_by_pdfium

from escrow import documents, handover, passwords
from escrow.errors import PageError, ShareError, TemplateError
from escrow.memory import Secret
from escrow.online.settings import Settings
from escrow.online.tree import KEYS, PROVISIONER
from escrow.paper.handover import Handover
from escrow.paper.raster import pictures
from escrow.paper.stationery import PLAIN, Stationery
from escrow.policy import Policy
from escrow.share import Kind
from escrow.wordlist import BYTES, WORDS
from escrow.words import check_word

ROOT = "b27d825760fac5b80ade4e851f5518e747cc8bed3bb113d6b58cbf2f98b75c0b"


@functools.cache
def of(ca: str = "Example CA", kind: Kind = Kind.PRODUCTION) -> Handover:
    made_up = documents.made_up(kind, Policy.plain(3, 5), ca)
    return Handover(made_up, "online-4F2C99AB", Settings(("ca.example.com",), provisioner="web@example.com"), ROOT)


@pytest.fixture(scope="module")
def given() -> Iterator[dict[str, Secret]]:
    made = {KEYS: passwords.invent(), PROVISIONER: passwords.invent()}
    yield made
    for password in made.values():
        password.close()


def sheet(path: Path, given: dict[str, Secret], stationery: Stationery = PLAIN, whole: Handover | None = None) -> Path:
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600)
    handover.write_sheet(whole or of(), given, stationery, descriptor, path)
    os.close(descriptor)
    return path


def texts(given: dict[str, Secret]) -> dict[str, str]:
    return {name: bytes(password.view).decode() for name, password in given.items()}


def test_two_independent_readers_get_both_passwords_from_the_codes(given: dict[str, Secret], tmp_path: Path) -> None:
    need("zbarimg")
    pdf = sheet(tmp_path / "sheet.pdf", given)
    assert sorted(handover.found_in(given, pdf)) == sorted([KEYS, PROVISIONER])
    picture = rasterise(pdf, 150)
    read = run("zbarimg", "--raw", "-q", picture).expect().out.split()
    assert sorted(read) == sorted(texts(given).values())
    assert sorted(handover.found_in(given, picture)) == sorted([KEYS, PROVISIONER])


def test_the_rows_are_the_passwords_and_a_wrong_word_does_not_fit_its_check_word(
    given: dict[str, Secret], tmp_path: Path
) -> None:
    need("pdftotext")
    shown = run("pdftotext", "-layout", sheet(tmp_path / "sheet.pdf", given), "-").expect().out
    rows = re.findall(r"^\s*((?:[a-z]{4}-){3}[a-z]{4}-?) +([a-z]{4})\s*$", shown, re.MULTILINE)
    assert len(rows) == 8
    for name, mine in ((KEYS, rows[:4]), (PROVISIONER, rows[4:])):
        assert "".join(row for row, _ in mine) == texts(given)[name]
        for number, (row, check) in enumerate(mine, 1):
            words = [BYTES[word] for word in row.strip("-").split("-")]
            assert check_word(number, bytes(words)) == check
            for place in range(4):
                wrong = [*words[:place], (words[place] + 1) % len(WORDS), *words[place + 1 :]]
                assert check_word(number, bytes(wrong)) != check


def test_a_sheet_says_what_it_is_of_and_a_discreet_one_names_nobody(given: dict[str, Secret], tmp_path: Path) -> None:
    need("pdftotext")
    naming = ("Example CA", "Example Ltd", "somebody@example.com", "web@example.com", "https://ca.example.com")
    digits = " ".join(ROOT[start : start + 8] for start in range(0, 64, 8))
    for discreet in (False, True):
        stationery = Stationery(None, "A4", "Example Ltd", "somebody@example.com", discreet)
        pdf = sheet(tmp_path / f"{discreet}.pdf", given, stationery)
        shown = " ".join(run("pdftotext", "-layout", pdf, "-").expect().out.split())
        assert [text in shown for text in naming] == [not discreet] * len(naming)
        for text in (digits, "online-4F2C99AB", "/etc/step-ca/config/ca.json"):
            assert text in shown
        assert ("Example" in shown) == (not discreet)


def test_specimens_are_marked(given: dict[str, Secret], tmp_path: Path) -> None:
    need("pdftotext")
    specimen = sheet(tmp_path / "specimen.pdf", given, whole=of(kind=Kind.SPECIMEN))
    for pdf, marked in ((specimen, True), (sheet(tmp_path / "sheet.pdf", given), False)):
        assert ("SPECIMEN" in text_by_pdfium(pdf.read_bytes())) == marked


@pytest.mark.parametrize("size", ["A4", "Letter"])
@pytest.mark.parametrize("ca", ["A", "W" * 60], ids=["short", "long"])
def test_names_of_every_length_fit_on_either_paper(
    ca: str, size: str, given: dict[str, Secret], tmp_path: Path
) -> None:
    stationery = Stationery(None, "A4" if size == "A4" else "Letter", "O" * 60, "c" * 60)
    settings = Settings(("x" * 60,), place="/" + "x" * 59, provisioner="p" * 60)
    whole = Handover(of(ca).manifest, "online-4F2C99AB", settings, ROOT)
    handover.try_out(whole, stationery)
    assert len(handover.found_in(given, sheet(tmp_path / "sheet.pdf", given, stationery, whole))) == 2


def test_what_does_not_fit_is_said_before_there_is_a_password() -> None:
    long = Handover(of().manifest, "online-4F2C99AB", Settings(("x" * 253,)), ROOT)
    with pytest.raises(TemplateError, match="does not fit"):
        handover.try_out(long, Stationery(contact="c" * 60))


def test_another_sheet_is_not_taken_for_this_one(given: dict[str, Secret], tmp_path: Path) -> None:
    others = {KEYS: passwords.invent(), PROVISIONER: given[PROVISIONER]}
    assert handover.found_in(given, sheet(tmp_path / "half.pdf", others)) == [PROVISIONER]
    (tmp_path / "noise.png").write_bytes(b"noise")
    with pytest.raises(PageError):
        handover.found_in(given, tmp_path / "noise.png")
    with pytest.raises(PageError):
        handover.found_in(given, tmp_path / "absent")


def test_a_sheet_held_before_a_camera_is_read_until_both_codes_were_seen(
    given: dict[str, Secret], tmp_path: Path
) -> None:
    shown = sheet(tmp_path / "sheet.pdf", given)
    film = write_film(tmp_path / "film.avi", [EMPTY_TABLE, Scene(shown, 8)])
    assert sorted(handover.seen_by(given, film, lambda: False)) == sorted([KEYS, PROVISIONER])
    assert handover.seen_by(given, write_film(tmp_path / "empty.avi", [EMPTY_TABLE]), lambda: False) == []
    assert handover.seen_by(given, film, lambda: True) == []


def test_words_are_compared_at_their_place_with_or_without_hyphens() -> None:
    words = [*WORDS[:16]]
    password = Secret.of("-".join(words).encode())
    for typed in (f"{words[4]} {words[6]}", f" {words[4].upper()}-{words[6]} "):
        with Secret.of(typed.encode()) as secret:
            handover.compare_words(password, 2, (1, 3), secret)
    for wrong in (
        " ",
        words[4],
        f"{words[6]} {words[4]}",
        f"{words[4]} {words[6]} {words[7]}",
        f"{words[4]} {words[6]}!",
    ):
        with Secret.of(wrong.encode()) as secret, pytest.raises(ShareError, match="row 2"):
            handover.compare_words(password, 2, (1, 3), secret)


def test_a_sheet_can_be_photographed_askew(given: dict[str, Secret], tmp_path: Path) -> None:
    page = next(pictures(sheet(tmp_path / "sheet.pdf", given).read_bytes(), 200)).convert("L")
    page.rotate(7, expand=True, fillcolor=255).save(tmp_path / "askew.jpg", quality=50)
    assert len(handover.found_in(given, tmp_path / "askew.jpg")) == 2
