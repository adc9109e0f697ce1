"""Render the package sheets: what the package is, its codes, and how to decode them. Nothing here is secret."""

import hashlib
import textwrap
from collections.abc import Iterable, Sequence
from typing import TypeVar

from escrow import standalone
from escrow.manifest import Manifest
from escrow.package import Package
from escrow.paper import public, qr
from escrow.paper.block import LEADING
from escrow.paper.page import Fields
from escrow.paper.parts import Part, split
from escrow.paper.stationery import Design, Paper, Stationery
from escrow.paper.template import Form

_T = TypeVar("_T")

VECTOR_TEXT = b"Any two of these codes give this line: try all.\n"
"""The test vector on the last page: short enough to be decoded by hand, long enough for two parts and parity."""

_VECTOR_PAYLOAD = 25
_MONO_WIDTH = 0.6  # of a character of the mono font, in sizes
_MM = 72 / 25.4
_MOST_CODES = 24  # on a page
_COMMON = public.SET | {
    *("package_short", "package_hash", "data", "total", "spare", "length"),
    *("first_label", "last_label", "first_code_page", "last_code_page"),
}
CONTENTS = Form(
    "package-contents",
    fields=_COMMON | {"part", "contents"},
    mandatory=frozenset({"ca", "set_id_full", "set_words", "policy", "package_hash", "data", "total", "contents"}),
    phrases={
        "part": frozenset({"number", "parts"}),
        "keys": frozenset(),
        "key": frozenset({"name", "algorithm", "file"}),
        "certificates": frozenset(),
        "certificate": frozenset({"file", "subject"}),
        "others": frozenset({"files"}),
        "no_others": frozenset(),
        "others_separator": frozenset(),
        "replaces": frozenset({"epoch", "set_id"}),
    },
)
CODES = Form(
    "package-codes",
    fields=_COMMON | {f"label_{n}" for n in range(1, _MOST_CODES + 1)},
    mandatory=frozenset({"label_1", "data", "total"}),
    kinds=frozenset({"qr"}),
)
DECODING = Form(
    "package-decoding",
    fields=_COMMON | {"decoder_hash", "vector_codes", "vector_text"},
    mandatory=frozenset({"package_hash", "data", "length", "decoder_hash", "vector_codes", "vector_text"}),
)

_MASK = 3  # any does: what is encoded has no pattern of its own, and to try all eight takes seconds


def render(package: Package, stationery: Stationery, *, try_out: bool = False) -> bytes:
    """The package as a PDF: its contents, its codes, and a page on decoding. To try templates out, codes are left out.

    Raises PackageError for a package that is too large, TemplateError when something does not fit.
    """
    text, manifest = package.encode(), package.manifest
    parts = split(text)
    first, codes, last = designs(stationery, groups=len(manifest.policy.groups) > 1)
    on_page = sum(block.kind == "qr" for block in codes.body.blocks)
    characters, lines = _room(first)
    contents = _batches(_contents(manifest, first, characters), lines)
    code_pages = _batches(parts, on_page)
    paper = Paper(first, len(contents) + len(code_pages) + 1, public.watermark(manifest, first))
    common = {
        **public.of_set(manifest, first),
        **_fields(text, parts),
        "first_code_page": str(len(contents) + 1),
        "last_code_page": str(len(contents) + len(code_pages)),
    }
    for number, batch in enumerate(contents, 1):
        part = first.say("part", number=number, parts=len(contents)) if len(contents) > 1 else ""
        paper.add(first, first.body.blocks, {**common, "part": part, "contents": "\n".join(batch)})
    for page in code_pages:
        labels = [part.label for part in page] + [""] * (_MOST_CODES - len(page))
        fields = {f"label_{n}": label for n, label in enumerate(labels, 1)}
        drawn = [] if try_out else [qr.modules(part.to_text(), "M", mask=_MASK) for part in page]
        paper.add(codes, codes.body.blocks, {**common, **fields}, drawn)
    paper.add(last, last.body.blocks, {**common, **_decoding_fields()})
    return paper.finish()


def designs(stationery: Stationery, *, groups: bool) -> tuple[Design, Design, Design]:
    """The templates of the contents, the codes, and the page on decoding. Raises TemplateError."""
    contents, codes, decoding = (stationery.design(form, groups=groups) for form in (CONTENTS, CODES, DECODING))
    return contents, codes, decoding


def _fields(text: bytes, parts: Sequence[Part]) -> Fields:
    first = parts[0]
    return {
        "package_short": first.package[:4],
        "package_hash": hashlib.sha256(text).hexdigest(),
        "data": str(first.data),
        "total": str(first.total),
        "spare": str(first.total - first.data),
        "length": str(first.length),
        "first_label": first.label,
        "last_label": parts[-1].label,
    }


def _decoding_fields() -> Fields:
    return {
        "decoder_hash": standalone.fingerprint(),
        "vector_codes": "\n".join(part.to_text() for part in split(VECTOR_TEXT, _VECTOR_PAYLOAD)),
        "vector_text": VECTOR_TEXT.decode().rstrip(),
    }


def _room(design: Design) -> tuple[int, int]:
    """How many characters of the mono font are in a line of the contents, and how many lines there are."""
    block = next(block for block in design.body.blocks if "{contents}" in block.text)
    characters = block.width * _MM / (block.size * _MONO_WIDTH)
    lines = (block.height or 0) * _MM / (block.size * LEADING)
    return max(1, int(characters)), max(1, int(lines + 0.01))


def _contents(manifest: Manifest, design: Design, width: int) -> list[str]:
    """The contents by public fingerprint, in lines of a width that fits."""

    def wrap(phrase: str, **fields: str | int) -> Iterable[str]:
        return textwrap.wrap(design.say(phrase, **fields), width, subsequent_indent="  ")

    lines = [*wrap("keys"), ""]
    for key in manifest.keys:
        lines += [*wrap("key", name=key.name, algorithm=key.algorithm, file=key.file), f"    {key.public_key}"]
    lines += ["", *wrap("certificates"), ""]
    for entry in manifest.certificates:
        lines += [*wrap("certificate", file=entry.file, subject=entry.subject), f"    {entry.sha256}"]
    named = {certificate.file for certificate in manifest.certificates}
    others = [file for file in manifest.files if file not in named]
    files = design.say("others_separator").join(others)
    lines += ["", *(wrap("others", files=files) if others else wrap("no_others"))]
    for old in manifest.supersedes:
        lines += wrap("replaces", epoch=old.epoch, set_id=old.set_id)
    return lines


def _batches(items: Sequence[_T], size: int) -> list[Sequence[_T]]:
    return [items[start : start + size] for start in range(0, len(items), size)]
