"""Render the package sheets: what the package is, its codes, and how to decode them. Nothing here is secret."""

import hashlib
import itertools
import textwrap
from collections.abc import Mapping, Sequence
from typing import TypeVar

from escrow import standalone
from escrow.manifest import Manifest, group_hex
from escrow.package import Package
from escrow.paper import qr, template
from escrow.paper.page import Document, Page, PageSize
from escrow.paper.parts import Part, split
from escrow.paper.template import Template
from escrow.share import Kind

_T = TypeVar("_T")

VECTOR_TEXT = b"Any two of these codes give this line: try all.\n"
"""The test vector on the last page: short enough to be decoded by hand, long enough for two parts and parity."""

_VECTOR_PAYLOAD = 25
_LINE = 78  # characters of the mono font at 10 points in 174 mm, with a margin
_LINES = 25  # in the block of the contents
_FIELDS = {
    "ca",
    "page",
    "pages",
    "set_id",
    "set_id_short",
    "package_short",
    "package_hash",
    "data",
    "total",
    "spare",
    "length",
}
_CONTENTS_FIELDS = {
    "epoch",
    "created",
    "policy",
    "kind",
    "first_label",
    "last_label",
    "first_code_page",
    "last_code_page",
    "part",
    "contents",
}
_DECODING_FIELDS = {"decoder_hash", "vector_codes", "vector_text"}


def render(package: Package, size: PageSize = "A4") -> bytes:
    """The package as a PDF: its contents, its codes, and a page on decoding.

    Raises PackageError for a package that is too large, TemplateError when something does not fit.
    """
    text, manifest = package.encode(), package.manifest
    parts = split(text)
    codes_page = template.load("package-codes", _FIELDS | {f"label_{n}" for n in range(1, 13)})
    contents_page = template.load("package-contents", _FIELDS | _CONTENTS_FIELDS)
    decoding_page = template.load("package-decoding", _FIELDS | _DECODING_FIELDS)
    on_page = sum(block.kind == "qr" for block in codes_page.blocks)
    contents = _batches(_contents(manifest), _LINES)
    code_pages = _batches(parts, on_page)
    common = _fields(manifest, text, parts[0], len(contents) + len(code_pages) + 1)
    common |= {"first_code_page": str(len(contents) + 1), "last_code_page": str(len(contents) + len(code_pages))}

    document = Document(contents_page.title, size)
    specimen = manifest.kind is Kind.SPECIMEN
    numbers = itertools.count(1)

    def page(design: Template, fields: Mapping[str, str], codes: Sequence[Part] = ()) -> None:
        own = {"page": str(next(numbers))}
        _draw(document.add_page(specimen=specimen), design, {**common, **fields, **own}, codes)

    for number, lines in enumerate(contents, 1):
        part = f", part {number} of {len(contents)}" if len(contents) > 1 else ""
        page(contents_page, _contents_fields(manifest, parts) | {"part": part, "contents": "\n".join(lines)})
    for codes in code_pages:
        labels = [code.label for code in codes] + [""] * (on_page - len(codes))
        page(codes_page, {f"label_{n}": label for n, label in enumerate(labels, 1)}, codes)
    page(decoding_page, _decoding_fields())
    return document.finish()


def _draw(page: Page, design: Template, fields: Mapping[str, str], codes: Sequence[Part]) -> None:
    rest = iter(codes)
    for block in design.blocks:
        match block.kind:
            case "text":
                page.text(block, fields)
            case "rule":
                page.rule(block)
            case "qr":
                if code := next(rest, None):
                    page.qr(block.x, block.y, block.width, qr.modules(code.to_text(), "M"))


def _fields(manifest: Manifest, text: bytes, first: Part, pages: int) -> dict[str, str]:
    return {
        "ca": manifest.ca,
        "pages": str(pages),
        "set_id": group_hex(manifest.set_id),
        "set_id_short": group_hex(manifest.short_set_id),
        "package_short": first.package[:4],
        "package_hash": hashlib.sha256(text).hexdigest(),
        "data": str(first.data),
        "total": str(first.total),
        "spare": str(first.total - first.data),
        "length": str(first.length),
    }


def _contents_fields(manifest: Manifest, parts: Sequence[Part]) -> dict[str, str]:
    return {
        "epoch": str(manifest.epoch),
        "created": manifest.created.replace("T", " ").replace("Z", " UTC"),
        "policy": str(manifest.policy) + (" shares" if len(manifest.policy.groups) == 1 else ""),
        "kind": manifest.kind.value
        + (": made for practice, production refuses it" if manifest.kind is Kind.SPECIMEN else ""),
        "first_label": parts[0].label,
        "last_label": parts[-1].label,
    }


def _decoding_fields() -> dict[str, str]:
    return {
        "decoder_hash": standalone.fingerprint(),
        "vector_codes": "\n".join(part.to_text() for part in split(VECTOR_TEXT, _VECTOR_PAYLOAD)),
        "vector_text": VECTOR_TEXT.decode().rstrip(),
    }


def _contents(manifest: Manifest) -> list[str]:
    """The contents by public fingerprint, in lines that fit."""
    lines = ["Private keys, by the SHA-256 of the public key", ""]
    for key in manifest.keys:
        lines += [*_wrap(f"{key.name}, {key.algorithm}: {key.file}"), f"    {key.public_key}"]
    lines += ["", "Certificates, by their SHA-256", ""]
    for certificate in manifest.certificates:
        lines += [*_wrap(f"{certificate.file}: {certificate.subject}"), f"    {certificate.sha256}"]
    named = {certificate.file for certificate in manifest.certificates}
    others = [file for file in manifest.files if file not in named]
    lines += ["", *_wrap(f"Other files: {', '.join(others) or 'none'}")]
    lines += [line for old in manifest.supersedes for line in _wrap(f"Replaces epoch {old.epoch}, set {old.set_id}")]
    return lines


def _batches(items: Sequence[_T], size: int) -> list[Sequence[_T]]:
    return [items[start : start + size] for start in range(0, len(items), size)]


def _wrap(text: str) -> list[str]:
    return textwrap.wrap(text, _LINE, subsequent_indent="  ")
