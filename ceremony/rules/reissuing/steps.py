"""The steps of a reissue: as many sheets of one group as its threshold, and from them the one that was lost.

The wrapping key is not formed: nothing is opened, no package is needed. The set stays what it is.
"""

from collections.abc import Iterator
from dataclasses import replace

from ceremony.rules.shared import clearing, closing, opening, settling
from ceremony.rules.steps import SHARES, VOLATILE, Act, Action, Step, number, of_share, step_of
from escrow.policy import Position

DESTROY_SHEET = Step(
    "destroy-sheet",
    Act.AGAIN,
    "officers",
    frozenset(),
    frozenset(),
    Action.DESTROY_SHEET,
    irreversible=True,
    number="R1",
)
RETURN_SHEETS = Step("return-sheets", Act.BAGS, "witnesses", frozenset(), frozenset(), Action.BAG_AGAIN, number="R2")
CONTINGENCIES = (DESTROY_SHEET, RETURN_SHEETS)
"""What only a loss or an abort calls for; `rules` says when."""


def steps(lost: Position) -> tuple[Step, ...]:
    """All steps of the reissue of a share, numbered, in order."""
    return number([*opening(printer=True), *_brief(), *_again(lost), *_bags(lost), *_end()])


def _brief() -> Iterator[Step]:
    yield step_of("lost", Act.LOSS, "officer-1", ["opening head written"], ["loss told"], Action.TELL_LOSS)
    yield step_of("papers-again", Act.LOSS, "officer-2", ["loss told"], ["papers printed"], Action.PRINT_AGAIN)


def _again(lost: Position) -> Iterator[Step]:
    yield step_of("announce-reissue", Act.AGAIN, "officer-1", ["papers printed"], ["reissue announced"])
    yield step_of(
        "gather-group", Act.AGAIN, "officer-2", ["reissue announced"], [SHARES, "sheets read"], Action.READ_GROUP
    )
    yield _of(lost, "print", Act.AGAIN, "custodian", ["sheets read", SHARES], "printed", Action.PRINT)
    yield _of(lost, "read-back", Act.AGAIN, "custodian", ["printed"], "read back", Action.READ_BACK)
    yield step_of("wipe", Act.AGAIN, "officers", ["read back"], ["wiped"], Action.ZEROIZE, wipes=VOLATILE)


def _bags(lost: Position) -> Iterator[Step]:
    yield step_of("others", Act.BAGS, "witnesses", ["wiped"], ["bagged again"], Action.BAG_AGAIN)
    yield _of(lost, "bag", Act.BAGS, "custodian", ["bagged again"], "bagged", Action.BAG)
    yield _of(lost, "receipt", Act.BAGS, "witnesses", ["bagged"], "receipt signed")


def _end() -> Iterator[Step]:
    yield from clearing(Act.CLOSE, "receipt signed")
    yield from settling(Act.CLOSE, "waste destroyed")
    yield from closing("exceptions settled")


def _of(  # noqa: PLR0913, PLR0917 - what a step has
    lost: Position, verb: str, act: Act, who: str, requires: list[str], provides: str, action: Action | None = None
) -> Step:
    return replace(step_of(of_share(verb, lost), act, who, requires, [provides], action), position=lost)
