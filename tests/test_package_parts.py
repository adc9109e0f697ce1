"""A package as parts: any 30 % may be lost, whatever is wrong is named, and paper alone restores."""

import hashlib
import itertools
import random
import re
import string
from dataclasses import replace
from pathlib import Path

import pytest
from helpers import escrow, need, run
from hypothesis import given, settings
from hypothesis import strategies as st

from escrow.errors import PackageError
from escrow.paper import package_sheet, parts
from escrow.paper.parts import PAYLOAD, Part, join, split

TEXT = bytes(range(256)) * 8
SMALL = 150
"""Bytes in a part of TEXT: as many parts as a package of ordinary size has, and quick."""

ALPHANUMERIC = set(string.digits + string.ascii_uppercase + " $%*+-./:")


def shuffled(made: list[Part], number: int, seed: int) -> list[Part]:
    return random.Random(seed).sample(made, number)  # noqa: S311 - repeatable, not secret


@given(st.binary(min_size=1, max_size=3000), st.sampled_from((5, 25, 100, PAYLOAD)), st.randoms())
@settings(max_examples=60, deadline=None)
def test_split_and_join_are_inverses_for_any_sufficient_choice_in_any_order(
    text: bytes, payload: int, chance: random.Random
) -> None:
    if sum(parts._numbers(len(text), payload)) > parts.MAX_PARTS:
        with pytest.raises(PackageError, match="Keep it as a file"):
            split(text, payload)
        return
    made = split(text, payload)
    chosen = chance.sample(made, made[0].data)
    assert join([Part.from_text(part.to_text()) for part in chosen]) == text
    assert all(set(part.to_text()) <= ALPHANUMERIC for part in made)


@pytest.mark.parametrize("seed", range(100))
def test_any_30_percent_of_the_codes_may_be_lost(seed: int) -> None:
    made = split(TEXT, SMALL)
    lost = -(-len(made) * 30 // 100)
    assert join(shuffled(made, len(made) - lost, seed)) == TEXT


@pytest.mark.parametrize("seed", range(100))
def test_one_more_is_too_many_and_the_message_says_which_codes_would_help(seed: int) -> None:
    made = split(TEXT, SMALL)
    left = shuffled(made, made[0].data - 1, seed)
    with pytest.raises(PackageError) as error:
        join(left)
    gone = sorted(set(range(1, len(made) + 1)) - {part.number for part in left})
    labels = ", ".join(f"{number:02}/{len(made)}" for number in gone)
    assert f"any 1 more of {labels} will do" in str(error.value)
    helper = random.Random(seed).choice(gone)  # noqa: S311 - repeatable, not secret
    assert join([*left, made[helper - 1]]) == TEXT


@pytest.mark.parametrize("length", [1, 779, 780, 781, 7800, 138_840])
def test_30_percent_rounded_up_may_be_lost_at_every_size(length: int) -> None:
    data, parity = parts._numbers(length, PAYLOAD)
    assert parity >= 0.3 * (data + parity) > parity - 1
    text = random.Random(length).randbytes(length)  # noqa: S311 - repeatable, not secret
    made = split(text)
    assert len(made) == data + parity <= 255
    if length < 100_000:
        assert join(made[parity:]) == text


def test_a_package_that_is_too_large_is_refused_with_what_to_do() -> None:
    assert parts.fits(bytes(138_840))
    assert not parts.fits(bytes(138_841))
    with pytest.raises(PackageError, match="Keep it as a file, on several media"):
        split(bytes(138_841))


def test_a_foreign_part_is_refused_by_name() -> None:
    made, other = split(TEXT, SMALL), split(TEXT + b"other", SMALL)
    with pytest.raises(PackageError, match=f"{made[0].label[:8]} .* another package than {other[3].label}"):
        join([other[3], *made])


def test_every_damaged_character_of_a_part_is_noticed() -> None:
    text = split(b"a short text", 25)[0].to_text()
    for place, wrong in itertools.product(range(len(text)), "A2:0"):
        damaged = text[:place] + wrong + text[place + 1 :]
        if damaged != text:
            with pytest.raises(PackageError):
                Part.from_text(damaged)


def test_a_part_that_was_changed_with_its_checksum_is_mended_by_spare_ones_or_refused() -> None:
    made = split(TEXT, SMALL)
    forged = replace(made[2], payload=bytes(len(made[2].payload)))
    assert join([*made[:2], forged, *made[3:]]) == TEXT
    with pytest.raises(PackageError, match="at least one was changed"):
        join([*made[:2], forged, *made[3 : made[0].data]])


def test_a_duplicate_is_no_help_and_no_harm_but_one_that_differs_is_refused() -> None:
    made = split(TEXT, SMALL)
    few = made[: made[0].data - 1]
    with pytest.raises(PackageError, match="any 1 more"):
        join([*few, *few])
    assert join([*made[: made[0].data], *few]) == TEXT
    with pytest.raises(PackageError, match="read twice and differs"):
        join([*made, replace(made[2], payload=bytes(len(made[2].payload)))])


@pytest.mark.parametrize(
    "change", [{"number": 0}, {"number": 256}, {"data": 0}, {"total": 3}, {"length": 1}, {"length": 999_999}]
)
def test_numbers_that_contradict_each_other_are_refused(change: dict[str, int]) -> None:
    with pytest.raises(PackageError):
        Part.from_text(replace(split(TEXT, SMALL)[5], **change).to_text())  # type: ignore[arg-type]


# ---- on paper


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A specimen set, 2 of 3, with pictures of every page by poppler at 200 dpi."""
    need("pdftoppm")
    out = tmp_path_factory.mktemp("paper") / "out"
    custodians = [part for name in ("Anna", "Bert", "Cleo") for part in ("--custodian", name)]
    escrow("seal", "--generate", "Paper CA", "--specimen", "--threshold", "2", *custodians, "--out", out).expect()
    (out / "scans").mkdir()
    run("pdftoppm", "-r", "200", "-gray", "-png", out / "package-sheets.pdf", out / "scans/page").expect()
    for x in (1, 2, 3):
        run("pdftoppm", "-r", "200", "-gray", "-png", "-singlefile", out / f"shares/share-{x}.pdf", out / f"{x}")
    return out


def codes_of(package: Path) -> list[str]:
    return [part.to_text() for part in split(package.read_bytes())]


def test_paper_alone_restores_the_ca(sealed: Path, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("new")
    options: list[str | Path] = ["--to", tmp_path / "r", "--password-file", tmp_path / "password"]
    escrow("recover", sealed / "scans", sealed / "3.png", sealed / "1.png", *options).expect()
    assert (tmp_path / "r/config/ca.json").exists()
    assert (tmp_path / "r/secrets/root_ca_key").exists()


@pytest.mark.parametrize("form", ["package-sheets.pdf", "scans", "codes.txt"])
def test_inspect_and_check_read_the_package_from_paper(form: str, sealed: Path, tmp_path: Path) -> None:
    source = sealed / form
    if form == "codes.txt":
        source = tmp_path / form
        source.write_text("\n".join(codes_of(sealed / "package.escrow")[::-1]))
    assert escrow("inspect", source).expect().out == escrow("inspect", sealed / "package.escrow").expect().out
    escrow("check", source, sealed / "2.png").expect()


def test_a_lost_page_does_no_harm_and_two_are_named_by_their_codes(sealed: Path, tmp_path: Path) -> None:
    pages = sorted((sealed / "scans").iterdir())
    for page in pages:
        (tmp_path / page.name).symlink_to(page)
    (tmp_path / pages[2].name).unlink()
    (tmp_path / "notes.md").write_text("not a scan")
    escrow("inspect", tmp_path).expect()
    (tmp_path / pages[1].name).unlink()
    done = escrow("inspect", tmp_path).expect(1)
    assert re.search(r"\d+ codes of package \w{4} were read and \d+ are needed: any \d+ more of 01/\d+, 02/", done.err)


def test_what_is_no_package_sheet_is_said_with_its_file(sealed: Path, tmp_path: Path) -> None:
    assert "no code of a package" in escrow("inspect", sealed / "1.png").expect(1).err
    (tmp_path / "page.png").write_bytes((sealed / "scans/page-2.png").read_bytes()[:5000])
    done = escrow("inspect", tmp_path).expect(1)
    assert f"{tmp_path / 'page.png'}: image 1 is damaged" in done.err
    (tmp_path / "page.png").unlink()
    assert "holds no scan of a package sheet" in escrow("inspect", tmp_path).expect(1).err


def test_a_page_of_another_package_is_refused_with_its_file(sealed: Path, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("\n".join(codes_of(sealed / "package.escrow")))
    (tmp_path / "b.txt").write_text(split(TEXT, SMALL)[0].to_text())
    done = escrow("inspect", tmp_path).expect(1)
    assert str(tmp_path / "b.txt") in done.err
    assert "belongs to another package" in done.err


def test_zbar_reads_every_code_and_a_stranger_decodes_them_as_the_last_page_says(sealed: Path, tmp_path: Path) -> None:
    need("zbarimg", "pdftotext", "base32", "sha256sum")
    need("pdftoppm")
    # zbar misses one code in a few thousand; who misses one scans the page again, so each is scanned twice.
    run("pdftoppm", "-r", "150", "-gray", "-png", sealed / "package-sheets.pdf", tmp_path / "again").expect()
    scans = (sorted(folder.glob("*.png"))[1:-1] for folder in (sealed / "scans", tmp_path))
    texts = [run("zbarimg", "--quiet", "--raw", page).expect().out.split() for pages in scans for page in pages]
    (tmp_path / "codes.txt").write_text("".join(f"{text}\n" for page in texts[::-1] for text in page))
    assert set(itertools.chain(*texts)) == set(codes_of(sealed / "package.escrow"))
    shown = run("pdftotext", "-layout", sealed / "package-sheets.pdf", "-").expect().out
    commands = re.search(r"^ *(sort -u codes.txt.*\\)\n *(\|.*)$", shown, re.MULTILINE)
    assert commands
    run("bash", "-c", f"{commands[1]}\n{commands[2]}", cwd=tmp_path).expect()
    assert (tmp_path / "package.escrow").read_bytes() == (sealed / "package.escrow").read_bytes()
    assert shown.count(hashlib.sha256((sealed / "package.escrow").read_bytes()).hexdigest()) == 2


def test_the_test_vector_on_the_last_page_holds(sealed: Path) -> None:
    need("pdftotext")
    shown = (
        run("pdftotext", "-layout", sealed / "package-sheets.pdf", "-").expect().out.split("To test your decoder")[1]
    )
    vector = [Part.from_text(text) for text in re.findall(r"PKG1:\S+", shown)]
    assert [(part.number, part.data, part.total) for part in vector] == [(1, 2, 3), (2, 2, 3), (3, 2, 3)]
    for pair in itertools.permutations(vector, 2):
        assert join(pair) == package_sheet.VECTOR_TEXT
    assert package_sheet.VECTOR_TEXT.decode().strip() in shown


@pytest.mark.parametrize("size", ["A4", "Letter"])
def test_package_sheets_are_made_again_from_paper_and_embed_their_fonts(
    size: str, sealed: Path, tmp_path: Path
) -> None:
    need("pdffonts", "pdfinfo")
    target = tmp_path / "again.pdf"
    escrow("package-sheets", sealed / "scans", "--out", target, "--page-size", size).expect()
    assert escrow("inspect", target).expect().out == escrow("inspect", sealed / "package.escrow").expect().out
    assert (target.read_bytes() == (sealed / "package-sheets.pdf").read_bytes()) == (size == "A4")
    assert size.lower() in run("pdfinfo", target).expect().out.lower()
    for line in run("pdffonts", target).expect().out.splitlines()[2:]:
        assert re.search(r" yes +yes +yes +\d+ +\d+$", line), line
    assert "exists" in escrow("package-sheets", sealed / "package.escrow", "--out", target).expect(3).err
