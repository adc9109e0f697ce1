"""A ceremony without people, paper or secrets: entries made up as they are due, held against the engine's rules."""

import hashlib
import itertools
import random
from collections.abc import Sequence
from typing import Any

from ceremony.rules.drilling.rules import Drilling
from ceremony.rules.engine import Engine
from ceremony.rules.listing import Listing
from ceremony.rules.refreshing.rules import Refreshing, held_here, who_could_still
from ceremony.rules.reissuing.rules import Reissuing
from ceremony.rules.sealing.rules import Sealing
from ceremony.rules.sealing.steps import Online
from ceremony.rules.state import State
from ceremony.rules.steps import Action, Step, key_of, of_share
from ceremony.run.journal import LABEL, Entry
from escrow.policy import Policy, Position

SEED = 20261203
GOOD = 0.9
OLD = Policy.plain(2, 3)
"""The policy of the set that a refresh supersedes."""


class Walk:
    """A ceremony in which the world answers: what is printed, read back and bagged is made up as it goes."""

    def __init__(
        self,
        policy: Policy,
        seed: object,
        *,
        plan: str = "00" * 32,
        copies: int = 2,
        online: Online | None = None,
        listing: Listing | None = None,
    ) -> None:
        self.engine = Engine(listing or Sealing.of(policy, copies, online))
        self.online = online
        self.plan = plan
        self.chance = random.Random(f"{SEED} {seed}")  # noqa: S311 - not for keys
        self.state = State()
        self.entries: list[Entry] = []
        self._bags = itertools.count()
        self.session()

    def add(self, event: str, **fields: Any) -> None:  # noqa: ANN401 - whatever JSON can hold
        entry = Entry(len(self.entries), bytes(32), "2026-12-03T09:30:00Z", 0.0, event, fields)
        self.state = self.engine.after(self.state, entry)
        self.entries.append(entry)

    def chain(self, event: str, **fields: Any) -> None:  # noqa: ANN401 - whatever JSON can hold
        """Add an entry that holds the hash of the one before."""
        before = self.entries[-1].digest if self.entries else hashlib.sha256(LABEL).digest()
        entry = Entry(len(self.entries), before, "2026-12-03T09:30:00Z", 0.0, event, fields)
        self.state = self.engine.after(self.state, entry)
        self.entries.append(entry)

    def session(self) -> None:
        """The program is started, again or for the first time."""
        loss = self.engine.loss(self.state).rule.name if self.state.sessions else None
        self.chain("session", plan=self.plan, kind="specimen", loss=loss)

    def due(self) -> Step:
        step = self.engine.next(self.state)
        assert step is not None
        return step

    def facts(self, step: Step) -> dict[str, Any]:  # noqa: C901, PLR0911, PLR0912 - one for each action
        positions = self.engine.policy.positions
        match step.action:
            case Action.MAKE_KEYS:
                return {"generated": True, "fingerprints": [f"key of attempt {self.state.attempt}"]}
            case Action.SEAL:
                return {"set_id": f"set of attempt {self.state.attempt}", "package": "ab" * 32, "epoch": 4}
            case Action.BAG | Action.BAG_HANDOVER:
                return {"bag": f"B{next(self._bags)}"}
            case Action.DRAFT:
                return {"to_be_signed": f"draft {next(self._bags)}"}
            case Action.SIGN:
                return {"to_be_signed": self.state.done["draft"]["to_be_signed"], "sha256": "ab" * 32}
            case Action.DELIVER:
                return {"sha256": self.state.done["issue"]["sha256"]}
            case Action.BRIEF if isinstance(self.engine.listing, Drilling):
                bags = {key_of(p): f"OLD{p.group}{p.x}" for p in positions}
                level = self.engine.listing.level.name
                return {"level": level, "program": "ab", "bags": bags, "copies": ["Bank, disc", "Vault, stick"]}
            case Action.CALLED:
                return {"keys": ["intermediate"], "recipient": "", "token": "", "called_by": "A", "agreed": ["B", "C"]}
            case Action.RESTORE:
                return {"keys": ["intermediate"], "recipient": "", "token": ""}
            case Action.WHICH_COPY:
                return {"copy": self.chance.choice([None, 1, 2])}
            case Action.CALL:
                return {"reached": self.chance.random() < GOOD}
            case Action.SHOW_BAG if step.position:
                return self._shown(step.position)
            case Action.READ_ONE if step.position:
                shown = self._shown(step.position)
                read = shown["same"] and self.chance.random() < GOOD
                return {**shown, "positions": [list(step.position)] if shown["same"] else [], "read": read}
            case Action.TRY_CA:
                started = self.chance.random() < GOOD
                return {"program": "ab", "started": started, "issued": started and self.chance.random() < GOOD}
            case Action.JUDGE if isinstance(self.engine.listing, Drilling):
                reasons = [*self.engine.listing.reasons(self.state)]
                return {"passed": not reasons, "reasons": reasons}
            case Action.TELL_LOSS if isinstance(self.engine.listing, Reissuing):
                return {"share": key_of(self.engine.listing.lost_share), "set_id": "ab"}
            case Action.READ_GROUP if isinstance(self.engine.listing, Reissuing):
                lost = self.engine.listing.lost_share
                others = [p for p in positions if p.group == lost.group and p != lost]
                return {"positions": self.chance.sample(others, self.engine.policy.threshold_of(lost.group))}
            case Action.DESTROY_SHEET:
                return {"sheets": sorted(self.state.printed), "counted": 1}
            case Action.READ_QUORUM if isinstance(self.engine.listing, Refreshing):
                return {"positions": OLD.choose(self.chance.sample(OLD.positions, len(OLD.positions)))}
            case Action.PROVE_QUORUM | Action.READ_QUORUM:
                return {"positions": self.engine.policy.choose(self.chance.sample(positions, len(positions)))}
            case Action.COPY_PACKAGE:
                return {"sha256": self.state.done["seal"]["package"]}
            case Action.SHOW_OLD:
                return self._old()
            case Action.SUPERSEDE:
                return {"old": self.state.done["old-set"]["set_id"], "new": self.state.done["seal"]["set_id"]}
            case Action.DESTROY_OLD:
                return self._destroyed()
            case Action.BAG_AGAIN | Action.BAG_OLD:
                return {"bags": {key_of(p): f"B{next(self._bags)}" for p in sorted(self.state.opened)}}
            case Action.DESTROY:
                return {"sheets": sorted(self.state.printed)}
            case Action.GATHER:
                read = [p for p in positions if of_share("print", p) in self.state.done]
                return {"positions": read}
        return {}

    def printed_again(self, step: Step) -> str | None:
        """What may have to be printed again when a step fails; in a reissue, only when the sheet is read back."""
        again = of_share("print", step.position) if step.position else ""
        if isinstance(self.engine.listing, Reissuing) and step.action is not Action.READ_BACK:
            return None
        return again if again in self.state.done else None

    def _old(self) -> dict[str, Any]:
        """The set before the one that a refresh makes: 2 of 3, of two people who had more than one sheet."""
        return {
            "set_id": "old set",
            "epoch": 3,
            "policy": {"threshold": 1, "groups": [[2, 3]]},
            "strays": [],
            "holders": {key_of(p): [f"holder {p.x}", "whoever was before"] for p in OLD.positions},
            "copies": ["Bank, disc", "Vault, stick"],
        }

    def _destroyed(self) -> dict[str, Any]:
        here = {*held_here(self.state), *(p for p in OLD.positions if self.chance.random() < GOOD)}
        gone = {"sheets": [list(p) for p in sorted(here)], "copies": self.chance.choice([[], [2], [1, 2]])}
        return {**gone, "could_still": who_could_still(gone, self.state)}

    def _shown(self, position: Position) -> dict[str, Any]:
        """A bag that is the right one, another, or not there."""
        noted = f"OLD{position.group}{position.x}"
        bag = self.chance.choices([noted, "OTHER", ""], [8, 1, 1])[0]
        return {"bag": bag, "same": bag == noted}

    def step(self) -> None:
        """Do what is due, as it should be done."""
        step = self.due()
        if step.action is Action.SETTLE or self.state.aborting:
            for incident in self.state.open_incidents:
                self.add("settle", exception=incident, disposition="accepted", reason="by all")
        self.add("begin", step=step.id)
        self.add("end", step=step.id, facts=self.facts(step))

    def to_the_end(self) -> None:
        while not self.state.ended:
            self.step()

    def copy(self, entries: Sequence[Entry]) -> "Walk":
        other = Walk(self.engine.policy, 0, online=self.online, listing=self.engine.listing)
        other.entries, other.state = list(entries), self.engine.replay(entries)
        other._bags = itertools.count(1000)
        return other
