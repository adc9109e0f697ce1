"""Sessions of a throw-away root that was sealed in a ceremony: held without a terminal, by the real engine and acts."""

import datetime as dt
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from authorities import quiet
from helpers import PASSWORD, need, run

from ceremony.planning import draft
from ceremony.planning.plan import Plan, parse
from ceremony.rules.state import State
from ceremony.run import before
from ceremony.run.answering import Answering
from ceremony.run.archive import digest_of
from ceremony.run.questions import Desk
from ceremony.run.rehearsal import Parts, hold_in, throw_away_for
from ceremony.run.room import Feeding, Room
from escrow.inventory import FILE, Inventory
from escrow.memory import Secret

TODAY = dt.datetime.now(dt.UTC).date()
CUSTODIANS = ("Ada Lovelace", "Blaise Pascal", "Chien-Shiung Wu")


def _nobody(*_: object) -> Secret:
    raise AssertionError


PARTS = Parts(lambda _: [], _nobody, quiet, lambda _: None)
Around = Callable[[Desk, Room], Desk]


@dataclass(frozen=True)
class Sealed:
    """A set, 2 of 3, and the folder with its paper."""

    base: Path

    @property
    def archive(self) -> Path:
        """The archive of its ceremony."""
        return self.base / "sealed"

    def plan(self, task: str, name: str, follows: Path, tables: draft.Values, **entries: object) -> Plan:
        """The plan of a session that follows an archive."""
        values = {
            **tables,
            "ceremony": {"id": name, "kind": "specimen", "date": TODAY},
            "before": {"archive": digest_of(follows).hex()},
        }
        those = {**people(), **entries}
        return parse(draft.session(task, TODAY, values, those).encode(), Path("session.toml"))  # type: ignore[arg-type]

    def room(self, plan: Plan) -> Room:
        """Where a plan's session is held."""
        return Room(plan, self.base, self.base / plan.ceremony.id)

    def hold(self, plan: Plan, follows: Path, around: Around = lambda desk, _: desk) -> State:
        """Hold a session to its end."""
        assert plan.session
        room = self.room(plan)
        desk = around(Feeding(Answering(room, lambda _: None), room), room)
        return hold_in(room, desk, PARTS, before.read(plan, plan.session, follows, None))


def sealed(base: Path, custodians: tuple[str, ...] = CUSTODIANS) -> Sealed:
    """Seal a throw-away CA for the custodians, 2 of them a quorum, in a ceremony of its own."""
    text = draft.session("crl", TODAY, {"ceremony": {"date": TODAY}}, people(custodians))
    plan = parse(text.encode(), Path("session.toml"))
    room = Room(throw_away_for(plan), base, base / "sealed")
    hold_in(room, Feeding(Answering(room, lambda _: None), room), PARTS)
    return Sealed(base)


def inventory_in(archive: Path) -> Inventory:
    """The inventory of an archive."""
    return Inventory.decode((archive / FILE).read_bytes())


def request(folder: Path, name: str = "Second CA", *options: str) -> Mapping[str, str]:
    """A request made by step, and what a plan says of it."""
    need("step")
    (folder / "password").write_text(PASSWORD + "\n")
    csr, key = folder / f"{name}.csr", folder / f"{name}.key"
    create = ["step", "certificate", "create", "--csr", "--force", "--password-file", folder / "password"]
    run(*create, *options, name, csr, key).expect()
    return {"csr": str(csr), "sha256": hashlib.sha256(csr.read_bytes()).hexdigest()}


def people(custodians: tuple[str, ...] = CUSTODIANS) -> draft.Entries:
    """What a plan says of custodians, of whom 2 are a quorum."""
    site = {"unit": "Engineering", "manager": "Charles Babbage", "site": "Head Office"}
    return {
        "group": [{"name": "Custodians", "threshold": 2}],
        "custodian": [{"name": name, **site} for name in custodians],
    }
