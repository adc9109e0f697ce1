"""Certificates before the witnesses' eyes: as planned on the left, as issued on the right; a difference stops."""

import textwrap
from collections.abc import Iterable, Iterator, Mapping
from itertools import zip_longest

from ceremony.run.questions import Asked, Facts, Questions, StepError
from escrow.certificates import fingerprint
from escrow.contents import certificates_of
from escrow.issuing.fields import FIELDS, Fields, found, planned
from escrow.issuing.lints import Waivers
from escrow.issuing.make import Issued
from escrow.issuing.profile import Profiles
from escrow.memory import Secret

_LABEL, _SIDE, _WIDTH = 14, 32, 79
_HEX = 16


def compare(profiles: Profiles, issued: Issued, reasons: Waivers, ask: Questions) -> Facts:
    """Show certificate after certificate beside the plan. Raises StepError for one that differs from it."""
    for finding in issued.waived:
        reason = reasons[finding.certificate, finding.lint]
        ask.say(f"WAIVED {finding.lint} ({finding.certificate}): {finding.text}\n  because: {reason}")
    if issued.waived:
        ask.enter(Asked.READ)
    shown = []
    for number, (profile, certificate) in enumerate(zip(profiles, issued.certificates, strict=True), 1):
        wanted, is_there = planned(profiles, profile), found(certificate)
        sha256 = fingerprint(certificate)
        title = f"Certificate {number} of {len(issued.certificates)}: {profile.certificate_file}"
        ask.page([title, "", *side_by_side(wanted, is_there), *_digits(sha256), ""])
        if differing := [FIELDS[name] for name in FIELDS if wanted[name] != is_there[name]]:
            message = f"The certificate of {profile.name} is not as planned: {', '.join(differing)}. It is not used."
            raise StepError(message)
        _seen(ask, number)
        shown.append({"file": profile.certificate_file, "sha256": sha256, "fields": is_there})
    waived = [
        {
            "lint": each.lint,
            "certificate": each.certificate,
            "text": each.text,
            "reason": reasons[each.certificate, each.lint],
        }
        for each in issued.waived
    ]
    return {"certificates": shown, "waived": waived}


def show_imported(files: Mapping[str, Secret], ask: Questions) -> Facts:
    """Show every certificate of a CA that was imported: the plan says nothing about them."""
    shown: list[dict[str, object]] = []
    for name, certificate in ((file, each) for file in files for each in certificates_of(files, file)):
        fields, sha256 = found(certificate), fingerprint(certificate)
        rows = [(label, fields[field]) for field, label in FIELDS.items()]
        ask.page([f"Certificate {len(shown) + 1}: {name}", "", *listed(rows), *_digits(sha256), ""])
        _seen(ask, len(shown) + 1)
        shown.append({"file": name, "sha256": sha256, "fields": fields})
    return {"certificates": shown, "waived": []}


def side_by_side(wanted: Fields, is_there: Fields) -> Iterator[str]:
    """The lines of a table, 79 wide; what neither has is left out, and what differs is marked."""
    yield f"{'':{_LABEL}}{'planned':{_SIDE}} issued"
    for name, label in FIELDS.items():
        if wanted[name] or is_there[name]:
            left, right = (textwrap.wrap(each[name], _SIDE - 1) or ["none"] for each in (wanted, is_there))
            mark = " " if wanted[name] == is_there[name] else "#"
            for row, (one, other) in enumerate(zip_longest(left, right, fillvalue="")):
                yield f"{'' if row else label:{_LABEL}}{one:{_SIDE}}{mark}{other}".rstrip()


def _seen(ask: Questions, number: int) -> None:
    while ask.line(Asked.COMPARED, number=number):
        ask.say("Then type exception, and say what is otherwise; Enter goes on after that.")


def listed(rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    """The lines of labels and texts, 79 wide; what is empty is left out."""
    for label, value in rows:
        if value:
            first, indent = f"{label:{_LABEL}}", " " * _LABEL
            yield from textwrap.wrap(value, _WIDTH, initial_indent=first, subsequent_indent=indent)


def _digits(sha256: str) -> Iterator[str]:
    groups = [sha256[start : start + _HEX] for start in range(0, len(sha256), _HEX)]
    yield f"{'SHA-256':{_LABEL}}{' '.join(groups[:2])}"
    yield f"{'':{_LABEL}}{' '.join(groups[2:])}"
