"""Entries of a custody journal for tests, made without a folder: a set that was entered, and what happened to it."""

import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from ceremony.custody import events
from ceremony.custody.register import Register
from ceremony.rules.steps import key_of
from ceremony.run.journal import Entry
from escrow.policy import Policy, Position

MADE = dt.date(2027, 1, 15)
SET = "ab" * 16


def entry(event: str, on: dt.date = MADE, utc: dt.date | None = None, **fields: Any) -> Entry:  # noqa: ANN401 - whatever JSON can hold
    """An entry that was written on the day it tells of, unless another is given."""
    at = f"{(utc or on).isoformat()}T12:00:00Z"
    return Entry(0, bytes(32), at, 0.0, event, {"on": on.isoformat(), **fields})


def holder(name: str) -> dict[str, str]:
    """A custodian of this name."""
    return {"holder": name, "manager": f"{name}'s manager", "unit": "Unit", "site": "Site", "deputy": ""}


def enter(policy: Policy, on: dt.date = MADE, epoch: int = 1, set_id: str = SET, copies: int = 2) -> Entry:
    """A set with the custodians C1, C2 ... in the bags 1001, 1002 ... (2001 ... for epoch 2)."""
    shares = [
        {
            "share": key_of(position),
            "label": f"LABEL1:{set_id}{key_of(position)}",
            "bag": str(1000 * epoch + number),
            **holder(f"C{number}"),
        }
        for number, position in enumerate(policy.positions, 1)
    ]
    return entry(
        "enter",
        on,
        set_id=set_id,
        ca="Test CA",
        kind="production",
        epoch=epoch,
        ceremony=f"TEST-{epoch}",
        threshold=policy.threshold,
        groups=[
            {"name": f"G{number}", "threshold": group.threshold, "shares": group.shares}
            for number, group in enumerate(policy.groups, 1)
        ],
        package=hashlib.sha256(set_id.encode()).hexdigest(),
        archive="00" * 32,
        shares=shares,
        copies=[{"of": "package", "site": f"Site {number}", "medium": "stick"} for number in range(1, copies + 1)],
        expiries=[{"what": "certificate CN=Root", "last": (on + dt.timedelta(days=3650)).isoformat()}],
    )


def register_of(policy: Policy, *entries: Entry) -> Register:
    """The register of one set after these entries."""
    return events.replay([enter(policy), *entries])


def archive(name: str, on: dt.date = MADE, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever JSON can hold
    """What the entry of an archive has."""
    digest = hashlib.sha256(name.encode()).hexdigest()
    return {"set_id": SET, "ceremony": name, "ended": f"{on}T15:00:00Z", "archive": digest, "bags": {}, **fields}


def drill(on: dt.date = MADE, name: str = "DRILL", **fields: Any) -> Entry:  # noqa: ANN401 - whatever JSON can hold
    """A drill that was held."""
    return entry(
        "drill", on, **{"level": "T1", "passed": True, "minutes": 30, "bad": [], **archive(name, on, **fields)}
    )


def session(on: dt.date, name: str, what: str = "CRL", **fields: Any) -> Entry:  # noqa: ANN401 - whatever JSON can hold
    """A session that was held."""
    return entry("session", on, **{"what": what, "expiries": [], "revoked": [], **archive(name, on, **fields)})


def made_again(on: dt.date, position: Position, bag: str, name: str, **fields: Any) -> Entry:  # noqa: ANN401 - whatever JSON can hold
    """A share that was made again, for somebody of this name."""
    own = {"share": key_of(position), "made": True, "bag": bag, **holder(name)}
    return entry("reissue", on, **{**own, **archive(f"REISSUE-{bag}", on, **fields)})


def of_share(event: str, position: Position, on: dt.date = MADE, **fields: Any) -> Entry:  # noqa: ANN401 - whatever JSON can hold
    """Something that happened to a share of the set."""
    return entry(event, on, **{"set_id": SET, "share": key_of(position), **fields})


def attested(policy: Policy, positions: Iterable[Position], on: dt.date) -> list[Entry]:
    """Each of these shares was shown in its bag."""
    bags: Mapping[Position, str] = {p: str(1000 + number) for number, p in enumerate(policy.positions, 1)}
    return [of_share("attest", p, on, bag=bags[p], how="bag") for p in positions]
