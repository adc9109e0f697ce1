"""The register as a plain file, `register.toml`, for people to read.

It is made from the journal, and only compared with it: nothing is taken from it.
"""

import datetime as dt
import json
from collections.abc import Iterator
from typing import Any

from ceremony.custody.register import Copy, Held, Register, ShareSet

FILE = "register.toml"

_HEAD = """\
# The custody register of {ca}: who holds which share, since when, and what became of it.
#
# It is made from custody.jsonl, where each change stands with its time. Change nothing here by hand: the next
# command would refuse it. 'escrow attest', 'escrow report', 'escrow hand-over' and others write both.
"""


def to_toml(register: Register) -> str:
    """The whole register, the current set first."""
    current = register.current
    head = _HEAD.format(ca=current.ca if current else "no CA")
    return "\n".join([head, *(line for each in reversed(list(register.sets.values())) for line in _of_set(each))])


def _of_set(at: ShareSet) -> Iterator[str]:
    yield from _table(
        "[[set]]",
        set_id=at.set_id.hex(),
        ca=at.ca,
        kind=at.kind,
        epoch=at.epoch,
        policy=str(at.policy),
        groups=list(at.groups),
        ceremony=at.ceremony,
        created=at.created,
        superseded=at.superseded,
        package_sha256=at.package,
        archive_sha256=at.archive,
    )
    for held in at.shares.values():
        yield from _table("[[set.share]]", **_share(at, held))
    for number, copy in enumerate(at.copies, 1):
        yield from _table("[[set.copy]]", number=number, **_copy(copy))
    for expiry in at.expiries:
        yield from _table("[[set.certificate]]", what=expiry.what, last=expiry.last)
    for drill in at.drills:
        shares = [at.policy.short_name_of(position) for position in drill.shares]
        yield from _table(
            "[[set.drill]]", level=drill.level, on=drill.on, passed=drill.passed, minutes=drill.minutes, shares=shares
        )
    for each in at.archives:
        yield from _table(
            "[[set.archive]]", ceremony=each.ceremony, what=each.what, ended=each.ended, archive_sha256=each.archive
        )


def _share(at: ShareSet, held: Held) -> dict[str, Any]:
    return {
        "share": at.policy.short_name_of(held.position),
        "status": held.status.value,
        "since": held.since,
        "reason": held.reason,
        "holder": held.holder.name,
        "deputy": held.holder.deputy,
        "manager": held.holder.manager,
        "unit": held.holder.unit,
        "site": held.holder.site,
        "bag": held.bag,
        "attested": held.attested,
        "how": held.how,
        "previous_holders": [holder.name for holder in held.previous],
        "lost_sheets": held.strays or None,
        "seen": held.seen or None,
        "unusable": held.unusable or None,
        "label": held.label,
    }


def _copy(copy: Copy) -> dict[str, Any]:
    return {
        "of": copy.of,
        "site": copy.site,
        "medium": copy.medium,
        "status": copy.status.value,
        "since": copy.since,
        "reason": copy.reason,
        "read": copy.read,
    }


def _table(header: str, **values: Any) -> Iterator[str]:  # noqa: ANN401 - whatever `_toml` knows
    """A table without what is empty."""
    yield header
    yield from (f"{name} = {_toml(value)}" for name, value in values.items() if value not in (None, "", []))
    yield ""


def _toml(value: Any) -> str:  # noqa: ANN401
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, bool):
        return "true" if value else "false"
    # A JSON string of printable characters is a TOML string.
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else str(value)
