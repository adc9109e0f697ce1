"""The steps of a refresh: a quorum of the old set opens the old package, and its keys are sealed into a new set.

Between that and the end it is the list that seals a CA, step for step. The old set counts until the step `supersede`,
which comes when the new one was proved from paper, its copies were read back and every exception is settled; the new
one counts from then on. Nothing of the old set is destroyed before.
"""

from collections.abc import Iterator

from ceremony.rules.sealing.steps import DESTROY_SHEETS, GATHER_QUORUM, custodians, proof, sealing, zeroizing
from ceremony.rules.shared import clearing, closing, opening, settling
from ceremony.rules.steps import OLD_SHARES, PRIVATE_KEYS, Act, Action, Step, number, step_of
from escrow.policy import Policy

RETURN_OLD = Step("return-old", Act.BAGS, "witnesses", frozenset(), frozenset(), Action.BAG_OLD, number="R3")
CONTINGENCIES = (DESTROY_SHEETS, GATHER_QUORUM, RETURN_OLD)
"""What only a loss or an abort calls for; `rules` says when."""


def steps(policy: Policy, copies: int) -> tuple[Step, ...]:
    """All steps of a refresh to a set with this policy and so many copies of its package, numbered, in order."""
    made = [*sealing("old sheets bagged"), *custodians(policy), *proof(policy, copies)]
    end = [*zeroizing("old set superseded"), *_destruction(), *closing("waste destroyed")]
    return number([*opening(printer=True), *_old(), *made, *_supersede(), *end])


def _old() -> Iterator[Step]:
    yield step_of("old-set", Act.KEYS, "witnesses", ["opening head written"], ["old set known"], Action.SHOW_OLD)
    yield step_of("announce-old", Act.KEYS, "officer-1", ["old set known"], ["old sheets announced"])
    yield step_of(
        "old-quorum", Act.KEYS, "officer-2", ["old sheets announced"], [OLD_SHARES, "quorum read"], Action.READ_QUORUM
    )
    yield step_of(
        "take-keys",
        Act.KEYS,
        "officer-1",
        ["quorum read", OLD_SHARES],
        [PRIVATE_KEYS, "keys taken over"],
        Action.TAKE_KEYS,
        wipes=[OLD_SHARES],
    )
    yield step_of("hold", Act.KEYS, "witnesses", ["keys taken over"], ["old sheets bagged"], Action.BAG_OLD)


def _supersede() -> Iterator[Step]:
    yield from settling(Act.SUPERSEDE, "copies handed over")
    yield step_of("announce-supersede", Act.SUPERSEDE, "officer-1", ["exceptions settled"], ["superseding announced"])
    yield step_of(
        "supersede",
        Act.SUPERSEDE,
        "officers",
        ["superseding announced", "quorum proved"],
        ["old set superseded"],
        Action.SUPERSEDE,
        irreversible=True,
    )


def _destruction() -> Iterator[Step]:
    yield step_of("destroy-old", Act.DESTRUCTION, "witnesses", ["zeroized"], ["old sheets gone"], Action.DESTROY_OLD)
    yield from clearing(Act.DESTRUCTION, "old sheets gone")
