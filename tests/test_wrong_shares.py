"""Wrong, damaged and missing input to `escrow recover` and `escrow check`, through the real program.

Each case gets a message that names the share and the cause, exit status 1, nothing written; and the shares that
are good are said to be good.
"""

import datetime as dt
import hashlib
import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from helpers import Run, can_lock, escrow
from PIL import Image
from reportlab.lib import pdfencrypt
from reportlab.pdfgen.canvas import Canvas

from escrow import judge as judging
from escrow import sealing
from escrow.authority import Authority
from escrow.errors import PackageError, PageError
from escrow.files import NewFiles
from escrow.issuing.make import generate
from escrow.judge import judge
from escrow.manifest import Manifest, Superseded
from escrow.package import Package
from escrow.paper import share_code
from escrow.paper.scan import Page as ScannedPage
from escrow.paper.scan import Reader, scan
from escrow.policy import Policy
from escrow.share import Kind, Record, commitment

NOW = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
CUSTODIANS = ("Anna", "Bert", "Cleo")
KIND = Kind.PRODUCTION if can_lock() else Kind.SPECIMEN
OTHER_KIND = Kind.SPECIMEN if can_lock() else Kind.PRODUCTION


@dataclass(frozen=True)
class Set:
    """A share set on disk: where its files are, what they say."""

    directory: Path
    manifest: Manifest
    records: Mapping[int, Record]

    @property
    def package(self) -> Path:
        return self.directory / "package.escrow"

    def sheet(self, x: int) -> Path:
        return self.directory / f"shares/share-{x}.pdf"


def _make_set(directory: Path, authority: Authority, order: sealing.Order) -> Set:
    with NewFiles(directory) as out:
        manifest = sealing.seal(authority, order, out, lambda *_: None)
        out.publish()
    records = {}
    for x in range(1, len(CUSTODIANS) + 1):
        (page,) = scan((directory / f"shares/share-{x}.pdf").read_bytes())
        records[x] = Record.from_text(page.texts[0])
    return Set(directory, manifest, records)


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Set]:
    """The set under test, its predecessor of epoch 1, one of the other kind, and one of another CA."""
    base = tmp_path_factory.mktemp("sets")
    authority = generate("Wrong Shares", NOW, lambda *_: None)
    order = sealing.Order(KIND, Policy.plain(2, 3), CUSTODIANS, NOW)
    made = {"old": _make_set(base / "old", authority, order)}
    superseded = Superseded(1, made["old"].manifest.set_id.hex())
    made["current"] = _make_set(base / "current", authority, replace(order, epoch=2, supersedes=(superseded,)))
    made["kind"] = _make_set(base / "kind", authority, replace(order, kind=OTHER_KIND))
    other = generate("Another CA", NOW, lambda *_: None)
    made["other"] = _make_set(base / "other", other, order)
    return made


def picture(*texts: str) -> bytes:
    """A PNG with these QR codes side by side, in rows of eight."""
    codes = []
    for text in texts:
        modules = share_code.encode(text)
        code = Image.new("L", (len(modules), len(modules)))
        code.putdata([0 if dark else 255 for row in modules for dark in row])
        codes.append(code.resize((4 * len(modules), 4 * len(modules)), Image.Resampling.NEAREST))
    side = max(code.width for code in codes)
    page = Image.new("L", (side * min(8, len(codes)), side * -(-len(codes) // 8)), 255)
    for number, code in enumerate(codes):
        page.paste(code, (side * (number % 8), side * (number // 8)))
    buffer = io.BytesIO()
    page.save(buffer, "PNG")
    return buffer.getvalue()


def pdf(*, password: str | None = None, text: str = "Nothing to scan here.") -> bytes:
    """A PDF without any code, encrypted or not."""
    buffer = io.BytesIO()
    encrypt = pdfencrypt.StandardEncryption(password) if password else None
    canvas = Canvas(buffer, encrypt=encrypt)
    canvas.drawString(100, 700, text)
    canvas.save()
    return buffer.getvalue()


def changed(record: Record, **fields: object) -> bytes:
    """A picture of a share with other fields, its checksum made to fit."""
    return picture(replace(record, **fields).to_text())  # type: ignore[arg-type]


def flipped(value: bytes, bit: int) -> bytes:
    return (int.from_bytes(value, "big") ^ 1 << bit).to_bytes(len(value), "big")


def bad_checksum(record: Record) -> bytes:
    import base64

    damaged = record.encode()[:-1] + bytes([record.encode()[-1] ^ 1])
    return picture(KIND.prefix + base64.b32encode(damaged).decode().rstrip("="))


def junk(size: int) -> bytes:
    return bytes(range(256)) * (size // 256)


Page = Callable[[dict[str, Set]], bytes]

CASES: dict[str, tuple[Page, tuple[str, ...]]] = {
    "a share of another set": (lambda s: s["other"].sheet(2).read_bytes(), ("Share 2", "another share set")),
    "a share of an older epoch": (lambda s: s["old"].sheet(2).read_bytes(), ("Share 2", "epoch 1", "superseded")),
    "a share of the other kind": (lambda s: s["kind"].sheet(2).read_bytes(), ("Share 2", "never mix")),
    "the same share twice": (lambda s: s["current"].sheet(1).read_bytes(), ("Share 1", "already read from")),
    "one flipped bit": (
        lambda s: changed(s["current"].records[2], value=flipped(s["current"].records[2].value, 77)),
        ("Share 2", "does not fit the commitment"),
    ),
    "number 0": (lambda s: changed(s["current"].records[2], x=0), ("Share 0", "numbered from 1 to 3")),
    "number too large": (lambda s: changed(s["current"].records[2], x=4), ("Share 4", "numbered from 1 to 3")),
    "group too large": (lambda s: changed(s["current"].records[2], group=2), ("group is 2",)),
    "another threshold": (lambda s: changed(s["current"].records[2], k=3), ("Share 2", "3 shares are needed")),
    "a wrong checksum": (lambda s: bad_checksum(s["current"].records[2]), ("share 2", "checksum")),
    "two that conflict": (
        lambda s: changed(s["current"].records[1], value=flipped(s["current"].records[1].value, 3)),
        ("Share 1", "does not fit the commitment"),
    ),
    "a page without a code": (lambda _: pdf(), ("no code of a share",)),
    "an encrypted PDF": (lambda _: pdf(password="secret"), ("encrypted",)),
    "an empty file": (lambda _: b"", ("empty",)),
    "100 MB of junk": (lambda _: junk(100_000_000), ("longer than",)),
    "1 MB of junk": (lambda _: junk(1_000_000), ("neither PDF nor PNG",)),
    "a truncated PDF": (lambda s: s["current"].sheet(2).read_bytes()[:2000], ("damaged",)),
    "a truncated picture": (
        lambda s: picture(s["current"].records[2].to_text())[:400],
        ("damaged",),
    ),
    "a page with forty codes": (
        lambda s: picture(*(replace(s["current"].records[2], x=x).to_text() for x in range(2, 42))),
        ("40 different codes",),
    ),
}


def recover(sets: dict[str, Set], tmp_path: Path, *pages: Path, package: Path | None = None) -> Run:
    """Run `escrow recover` into a directory that must not appear unless it succeeds."""
    (tmp_path / "password").write_text("new")
    target = tmp_path / "restored"
    done = escrow(
        "recover",
        package or sets["current"].package,
        *pages,
        "--to",
        target,
        "--password-file",
        tmp_path / "password",
    )
    assert target.exists() == (done.status == 0)
    return done


@pytest.mark.parametrize("name", CASES)
def test_a_wrong_share_is_named_with_its_cause_and_the_good_ones_are_not_lost(
    name: str, sets: dict[str, Set], tmp_path: Path
) -> None:
    make, expected = CASES[name]
    page = tmp_path / "page"
    page.write_bytes(make(sets))
    good = sets["current"].sheet(1)

    done = recover(sets, tmp_path, good, page).expect(1)
    for part in (*expected, str(page), "Valid and not lost: share 1."):
        assert part in done.err, done.err

    result = json.loads(escrow("check", sets["current"].package, good, page, "--json").expect(1).out)
    first, *others = result["shares"]
    assert first == {"x": 1, "group": 1, "valid": True, "problem": None, "page": str(good)}
    assert others
    assert all(not entry["valid"] and str(page) in entry["page"] for entry in others)
    assert expected[-1] in others[0]["problem"]
    assert (result["quorum"], result["missing"]) == (False, 1)


def test_a_quorum_beside_a_wrong_share_is_not_used_silently(sets: dict[str, Set], tmp_path: Path) -> None:
    pages = [sets["current"].sheet(1), sets["current"].sheet(3), sets["other"].sheet(2)]
    done = recover(sets, tmp_path, *pages).expect(1)
    assert "Valid and not lost: shares 1 and 3." in done.err
    assert "leave the rest out to go on" in done.err
    recover(sets, tmp_path, *pages[:2]).expect()


def test_one_share_too_few_says_how_many_are_missing(sets: dict[str, Set], tmp_path: Path) -> None:
    done = recover(sets, tmp_path, sets["current"].sheet(3)).expect(1)
    assert "Valid and not lost: share 3." in done.err
    assert "1 more share is needed: a quorum is 2 of 3." in done.err


def test_one_share_too_many_is_welcome_and_cross_checked(sets: dict[str, Set], tmp_path: Path) -> None:
    recover(sets, tmp_path, *(sets["current"].sheet(x) for x in (3, 1, 2))).expect()
    result = json.loads(
        escrow("check", sets["current"].package, *(sets["current"].sheet(x) for x in (3, 1, 2)), "--json").expect().out
    )
    assert [entry["x"] for entry in result["shares"]] == [3, 1, 2]
    assert (result["quorum"], result["missing"]) == (True, 0)


def test_the_package_of_another_set_opens_with_none_of_the_shares(sets: dict[str, Set], tmp_path: Path) -> None:
    pages = [sets["current"].sheet(x) for x in (1, 2)]
    done = recover(sets, tmp_path, *pages, package=sets["other"].package).expect(1)
    assert done.err.count("another share set") == 2
    assert "No valid share was given." in done.err


def test_every_single_changed_bit_of_a_value_is_noticed(sets: dict[str, Set]) -> None:
    manifest, record = sets["current"].manifest, sets["current"].records[1]
    assert judge(manifest, "here", record.to_text())[1].valid
    for bit in range(256):
        text = replace(record, value=flipped(record.value, bit)).to_text()
        _, verdict = judge(manifest, "here", text)
        assert verdict.x == 1
        assert verdict.problem
        assert "commitment" in verdict.problem


def test_a_share_that_was_forged_with_its_commitment_is_found_by_the_others(
    sets: dict[str, Set], tmp_path: Path
) -> None:
    """A set that was made wrongly: the commitment fits, but the polynomial does not."""
    current = sets["current"]
    forged = replace(current.records[3], value=flipped(current.records[3].value, 9))
    fits = commitment(forged.position, forged.k, forged.value).hex()
    group = (*current.manifest.commitments[0][:2], fits)
    manifest = replace(current.manifest, commitments=(group,))
    package = Package(manifest, Package.decode(current.package.read_bytes()).cms)
    (tmp_path / "package").write_bytes(package.encode())
    pages = []
    for x, record in {**current.records, 3: forged}.items():
        page = tmp_path / f"{x}.png"
        page.write_bytes(changed(record, set_id=manifest.short_set_id))
        pages.append(page)
    done = recover(sets, tmp_path, *pages, package=tmp_path / "package").expect(1)
    assert "Share 3 contradicts 1, 2" in done.err
    done = recover(sets, tmp_path, *pages[1:], package=tmp_path / "package").expect(1)
    assert "not the one in the manifest" in done.err


@pytest.mark.parametrize(
    ("damage", "expected"),
    {
        "empty": (lambda _: b"", "not an escrow package"),
        "truncated": (lambda text: text[:-100], "cut off"),
        "without its end": (lambda text: text[: len(text) // 2], "cut off"),
        "100 MB of junk": (lambda _: junk(100_000_000), "longer than"),
        "a changed letter": (lambda text: text.replace(b"encrypted private", b"encrypted primate"), "hash"),
        "converted line endings": (lambda text: text.replace(b"\n", b"\r\n"), "line endings"),
    }.values(),
    ids=["empty", "truncated", "half", "junk", "letter", "crlf"],
)
def test_a_damaged_package_is_refused(
    damage: Callable[[bytes], bytes], expected: str, sets: dict[str, Set], tmp_path: Path
) -> None:
    damaged = tmp_path / "package"
    text = sets["current"].package.read_bytes()
    damaged.write_bytes(damage(text))
    assert damaged.read_bytes() != text
    pages = [sets["current"].sheet(x) for x in (1, 2)]
    for done in (recover(sets, tmp_path, *pages, package=damaged), escrow("inspect", damaged)):
        assert expected in done.expect(1).err


@pytest.mark.parametrize("rotation", [0, 7, 90, 180, 270])
@pytest.mark.parametrize("form", ["PNG", "JPEG", "TIFF"])
def test_sheets_are_read_from_pictures_of_every_form_in_every_rotation(
    form: str, rotation: int, sets: dict[str, Set], tmp_path: Path
) -> None:
    from escrow.paper.raster import pictures

    images = [
        next(pictures(sets["current"].sheet(x).read_bytes(), 150)).rotate(rotation, expand=True, fillcolor=255)
        for x in (1, 2)
    ]
    pages = [tmp_path / "1", tmp_path / "2"]
    if form == "TIFF":  # one file with both pages
        images[0].save(pages[0], form, save_all=True, append_images=images[1:])
        del pages[1]
    else:
        for image, page in zip(images, pages, strict=True):
            image.save(page, form)
    result = json.loads(escrow("check", sets["current"].package, *pages, "--json").expect().out)
    assert [(entry["x"], entry["valid"]) for entry in result["shares"]] == [(1, True), (2, True)]


def test_one_pdf_may_hold_all_sheets_and_blank_backs(sets: dict[str, Set], tmp_path: Path) -> None:
    from escrow.paper.raster import pictures

    sheets = [next(pictures(sets["current"].sheet(x).read_bytes(), 200)) for x in (2, 3)]
    blank = Image.new("L", sheets[0].size, 255)
    file = tmp_path / "scan.pdf"
    sheets[0].save(file, "PDF", save_all=True, append_images=[blank, sheets[1], blank], resolution=200)
    result = json.loads(escrow("check", sets["current"].package, file, "--json").expect().out)
    assert [(entry["x"], entry["page"]) for entry in result["shares"]] == [
        (2, f"{file}, page 1"),
        (3, f"{file}, page 3"),
    ]


def test_a_second_encrypted_part_in_the_preamble_is_refused(sets: dict[str, Set]) -> None:
    """The program openssl would open the first one that it finds, even with a trailing blank in its first line."""
    text = sets["current"].package.read_text()
    block = text[text.index("-----BEGIN CMS-----") : text.index("-----END CMS-----")] + "-----END CMS-----\n"
    for smuggled in (block, block.replace("CMS-----\n", "CMS----- \n", 1)):
        head, _, rest = text.partition("==== MANIFEST ====")
        body, label, _ = (head + smuggled + "==== MANIFEST ====" + rest).rpartition("SHA-256 of everything above")
        digest = hashlib.sha256(body.encode()).hexdigest()
        with pytest.raises(PackageError, match="second encrypted part"):
            Package.decode(f"{body}{label} this line: {digest}\n".encode())


def test_a_hostile_version_is_not_shown(sets: dict[str, Set]) -> None:
    text = sets["current"].package.read_bytes().replace(b"FORMAT 1\n", b"FORMAT \x1b[2J\n", 1)
    with pytest.raises(PackageError, match="version unknown") as error:
        Package.decode(text)
    assert "\x1b" not in str(error.value)


def test_a_damaged_last_page_does_not_cost_the_shares_before_it(
    sets: dict[str, Set], monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaking(content: bytes, read: Reader) -> Iterator[ScannedPage]:
        yield from scan(content, read)
        message = "page 2 of the PDF is damaged."
        raise PageError(message)

    monkeypatch.setattr(judging, "scan", breaking)
    sheet = sets["current"].sheet(2).read_bytes()
    found = [verdict for _, verdict in judging.judge_file(sets["current"].manifest, "scan.pdf", sheet)]
    assert [(verdict.x, verdict.problem) for verdict in found] == [(2, None), (None, "page 2 of the PDF is damaged.")]
