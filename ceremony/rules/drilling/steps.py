"""The steps of a drill, by its level: from people around a table to a CA that starts from paper.

Nothing is exported at any level, and nothing printed; what a scratch CA is made of ends with it. Each sheet that is
opened to be read alone is in a new bag before the next one is opened: at no time does a quorum of sheets lie open, but
at the levels that need one.
"""

from collections.abc import Iterator
from dataclasses import replace
from enum import Enum

from ceremony.rules.shared import clearing, closing, opening, settling
from ceremony.rules.steps import PROVED_KEYS, SHARES, VOLATILE, Act, Action, Step, number, of_share, step_of
from escrow.policy import Policy


class Level(Enum):
    """How far a drill goes; each level is said in a word."""

    T0 = "table-top"
    T1 = "bags shown"
    T2 = "single sheets read"
    T3 = "a quorum opens the package"
    T4 = "a scratch CA starts and issues"

    @property
    def reads_quorum(self) -> bool:
        """Whether a quorum of sheets is read together."""
        return self in {Level.T3, Level.T4}


RETURN_SHEETS = Step("return-sheets", Act.BAGS, "witnesses", frozenset(), frozenset(), Action.BAG_AGAIN, number="R1")
_VERBS = {
    Level.T0: [("call", Action.CALL)],
    Level.T1: [("show", Action.SHOW_BAG)],
    Level.T2: [("read", Action.READ_ONE), ("rebag", Action.BAG_AGAIN)],
}
CONTINGENCIES = (RETURN_SHEETS,)
"""What only a loss or an abort calls for; `rules` says when."""


def steps(policy: Policy, level: Level) -> tuple[Step, ...]:
    """All steps of a drill of a level, numbered, in order."""
    middle = _quorum(level) if level.reads_quorum else _each(policy, *_VERBS[level])
    return number([*opening(printer=False), *_brief(), *middle, *_end()])


def _brief() -> Iterator[Step]:
    yield step_of("brief", Act.BRIEF, "officer-1", ["opening head written"], ["briefed"], Action.BRIEF)
    yield step_of("which-copy", Act.BRIEF, "officer-2", ["briefed"], ["copy named"], Action.WHICH_COPY)


def _each(policy: Policy, *verbs: tuple[str, Action]) -> Iterator[Step]:
    """These steps for one custodian after the other."""
    turn = "copy named"
    for position in policy.positions:
        for verb, action in verbs:
            name = of_share(verb, position)
            done = "drilled" if (position, verb) == (policy.positions[-1], verbs[-1][0]) else f"{name} done"
            yield replace(step_of(name, Act.SHOW, "custodian", [turn], [done], action), position=position)
            turn = done


def _quorum(level: Level) -> Iterator[Step]:
    yield step_of("announce-drill", Act.QUORUM, "officer-1", ["copy named"], ["drill announced"])
    yield step_of("gather", Act.QUORUM, "officer-2", ["drill announced"], [SHARES, "quorum read"], Action.READ_QUORUM)
    yield step_of(
        "prove",
        Act.QUORUM,
        "officer-1",
        ["quorum read", SHARES],
        ["keys proved", PROVED_KEYS] if level is Level.T4 else ["keys proved"],
        Action.PROVE_KEYS,
        wipes=[SHARES],
    )
    if level is Level.T4:
        yield step_of(
            "scratch",
            Act.QUORUM,
            "officer-2",
            ["keys proved", PROVED_KEYS],
            ["scratch CA tried"],
            Action.TRY_CA,
            wipes=[PROVED_KEYS],
        )
    done = "scratch CA tried" if level is Level.T4 else "keys proved"
    yield step_of("wipe", Act.QUORUM, "officers", [done], ["wiped"], Action.ZEROIZE, wipes=VOLATILE)
    yield step_of("bags", Act.BAGS, "witnesses", ["wiped"], ["drilled"], Action.BAG_AGAIN)


def _end() -> Iterator[Step]:
    yield step_of("judge", Act.JUDGE, "officers", ["drilled"], ["judged"], Action.JUDGE)
    yield from clearing(Act.CLOSE, "judged")
    yield from settling(Act.CLOSE, "waste destroyed")
    yield from closing("exceptions settled")
