"""How many sheets survive: ours, and beside it what other tools would print, with the same damage and decoder.

Each of the others gets what we give our sheet: its code has the width of one of ours, at the place of our second one,
where a sheet with one code would have it. zxing reads them all. Ours has four codes and registration marks, and where
zxing fails, a reader of its own: so it is also measured with zxing alone, to tell what the four codes do by themselves.
"""

import base64
import gzip
import io
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context
from typing import Literal

import cv2
import numpy as np
import qrcode
from damage import DPI, KINDS, LEVELS, Damage, Page, photographed, scanned
from PIL import Image
from qrcode.util import QRData

from escrow.manifest import KeyEntry, Manifest
from escrow.paper import sheet
from escrow.paper.layout import CODE_WIDTH, CODES
from escrow.paper.raster import pictures
from escrow.paper.rescue import read_sheet
from escrow.paper.scan import read_codes, scan
from escrow.policy import Policy, Position
from escrow.share import Kind, Record, commitment, key_check

OURS = "this sheet"
PLAIN = "this sheet, zxing only"
_SECRET = bytes(range(7, 39))  # any 256 bits
_POSITION = Position(1, 2)
_MM = DPI / 25.4
_NUMERIC: Literal[1] = 1  # qrcode's modes
_BYTES: Literal[4] = 4

# 33 words for 256 bits (SLIP-39, "Format of the share mnemonic"), made by shamir-mnemonic 0.3.0 for 3 of 5.
_SLIP39 = (
    "gross evoke academic acne alien union preach beam else rhyme adorn isolate envy dictate harvest "
    "necklace exhaust agency decorate ruin corner cinema vampire season ugly dwarf grin glance jury "
    "sympathy fact loyalty hospital"
)

# What each tool puts into a code for one share of 3 of 5 of 256 bits, and how.
#   paperback 0 (github.com/cyphar/paperback): an encrypted key shard. Its key_shard.rs, internal.rs and shard.rs say:
#     version 1 byte, multihash of Blake2b-256 36, a shard of 68 bytes as 17 variable-length integers 93, Ed25519 key
#     and signature 101, Poly1305 tag 16, nonce 12, prefixes 8: 267 bytes, give or take 4. pdf/qr.rs: all in decimal
#     digits (multibase base 10) into `QrCode::new`, which is level M.
#   qr-backup 1 (github.com/za3k/qr-backup, docs/USAGE.md and the source): gzip, base64 with a label, mode bytes; by
#     default version 10, level M, one copy.
#   SLIP-39 and ssss print text only: the code is what anybody would make of it, level M.
_PAYLOADS: Mapping[str, tuple[str, Literal[1, 4], int | None]] = {
    "paperback": ("9" + str(int.from_bytes(b"\x7f" + b"\xa7" * 266, "big")), _NUMERIC, None),
    "qr-backup": (
        "N1/1 " + base64.b64encode(gzip.compress(b"1-" + _SECRET.hex().encode(), mtime=0)).decode(),
        _BYTES,
        10,
    ),
    "SLIP-39": (_SLIP39, _BYTES, None),
    "ssss": ("1-" + _SECRET.hex(), _BYTES, None),
}
OTHERS = tuple(_PAYLOADS)
TOOLS = (OURS, PLAIN, *OTHERS)


@dataclass(frozen=True)
class Case:
    """One sheet's fate."""

    kind: str
    part: float
    seed: int
    phone: bool = False


def cases(seeds: Sequence[int]) -> list[Case]:
    """Every kind of damage with each of these seeds: scanned at every level, photographed at the lowest."""
    ways = [*((part, False) for part in LEVELS), (LEVELS[0], True)]
    return [Case(kind, part, seed, phone) for part, phone in ways for kind in KINDS for seed in seeds]


def survivors(fates: Sequence[Case], tools: Sequence[str] = TOOLS) -> dict[Case, Mapping[str, bool]]:
    """For each case, whether each tool's code was read; on all processors."""
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
        return dict(zip(fates, pool.map(_try, fates, [tools] * len(fates), chunksize=2), strict=True))


def rate(results: Mapping[Case, Mapping[str, bool]], tool: str, part: float, *, phone: bool = False) -> float:
    """The part of the sheets of one level of damage on which a tool's code was read."""
    read = [done[tool] for fate, done in results.items() if (fate.part, fate.phone) == (part, phone)]
    return sum(read) / len(read)


def table(results: Mapping[Case, Mapping[str, bool]]) -> str:
    """The rates as Markdown."""
    tools = list(next(iter(results.values())))
    lines = ["| destroyed | " + " | ".join(tools) + " |", "|---|" + "---:|" * len(tools)]
    for part, phone in dict.fromkeys((fate.part, fate.phone) for fate in results):
        name = f"{part:.0%}" + (", photographed" if phone else "")
        lines.append(f"| {name} | " + " | ".join(f"{rate(results, t, part, phone=phone):.0%}" for t in tools) + " |")
    return "\n".join(lines)


def is_read(tool: str, file: bytes) -> bool:
    """Whether a tool's code is read from a picture: ours by our reader, which may find nothing else."""
    if tool != OURS:
        text = record().to_text() if tool == PLAIN else _PAYLOADS[tool][0]
        return text in read_codes(Image.open(io.BytesIO(file)).convert("L"))
    (page,) = scan(file, read_sheet)
    assert set(page.texts) <= {record().to_text()}, "a wrong share was read"
    return bool(page.texts)


def _try(fate: Case, tools: Sequence[str]) -> Mapping[str, bool]:
    damage = Damage.make(printed(OURS), fate.kind, fate.part, fate.seed)
    picture = photographed if fate.phone else scanned
    files = {page: picture(damage.onto(printed(page)), fate.seed) for page in {*tools} - {PLAIN}}
    return {tool: is_read(tool, files[OURS if tool == PLAIN else tool]) for tool in tools}


@cache
def printed(tool: str) -> Page:
    """A page as it comes from the printer, at 200 dpi."""
    page = np.array(next(pictures(sheet.render(record(), manifest(), "Anna"), DPI)))
    if tool in {OURS, PLAIN}:
        return page
    text, mode, version = _PAYLOADS[tool]
    code = qrcode.QRCode(version, qrcode.constants.ERROR_CORRECT_M, border=4)
    code.add_data(QRData(text, mode=mode))
    code.make(fit=version is None)
    dark = np.where(np.array(code.get_matrix()), 0, 255).astype(np.uint8)
    width = round(CODE_WIDTH * _MM)
    large = np.repeat(np.repeat(dark, 16, 0), 16, 1)  # as vectors: edges may fall between pixels
    for x, y in CODES:
        left, top = round(x * _MM), round(y * _MM)
        page[top : top + width, left : left + width] = 255
    left, top = (round(edge * _MM) for edge in CODES[1])
    page[top : top + width, left : left + width] = cv2.resize(large, (width, width), interpolation=cv2.INTER_AREA)
    return page


@cache
def manifest() -> Manifest:
    mine = commitment(_POSITION, 3, _SECRET).hex()
    return Manifest(
        kind=Kind.PRODUCTION,
        ca="Example Organisation Root CA",
        created="2026-01-02T00:00:00Z",
        epoch=1,
        supersedes=(),
        policy=Policy.plain(3, 5),
        commitments=(tuple(mine if x == _POSITION.x else "ab" * 32 for x in range(1, 6)),),
        key_check=key_check(_SECRET).hex(),
        certificates=(),
        keys=(KeyEntry("root", "secrets/root_ca_key", "EC P-256", "cd" * 32, None),),
        files=(),
    )


def record() -> Record:
    return Record(Kind.PRODUCTION, manifest().short_set_id, 1, _POSITION.x, 3, _SECRET)
