"""The steps of a recovery: what was called for, the quorum from paper, the keys to their target, sheets into new bags.

What is to be restored, and on whose word, is journalled before any sheet is taken out of its bag.
"""

from collections.abc import Iterator

from ceremony.rules.shared import clearing, closing, opening, settling
from ceremony.rules.steps import PROVED_KEYS, SHARES, VOLATILE, Act, Action, Step, number, step_of

RETURN_SHEETS = Step("return-sheets", Act.BAGS, "witnesses", frozenset(), frozenset(), Action.BAG_AGAIN, number="R1")
CONTINGENCIES = (RETURN_SHEETS,)
"""What only a loss or an abort calls for; `rules` says when."""


def steps() -> tuple[Step, ...]:
    """All steps of a recovery, numbered, in order."""
    return number([*opening(printer=False), *_called(), *_quorum(), *_restore(), *_end()])


def _called() -> Iterator[Step]:
    yield step_of("called", Act.CALLED, "officer-1", ["opening head written"], ["called"], Action.CALLED)
    yield step_of("set-words", Act.CALLED, "witnesses", ["called"], ["set compared"], Action.SHOW_SET)
    yield step_of("head-called", Act.CALLED, "witnesses", ["set compared"], ["called head written"], Action.WRITE_HEAD)


def _quorum() -> Iterator[Step]:
    yield step_of("announce-recovery", Act.QUORUM, "officer-1", ["called head written"], ["recovery announced"])
    yield step_of(
        "gather", Act.QUORUM, "officer-2", ["recovery announced"], [SHARES, "quorum read"], Action.READ_QUORUM
    )
    yield step_of(
        "unseal",
        Act.QUORUM,
        "officer-1",
        ["quorum read", SHARES],
        [PROVED_KEYS, "keys proved"],
        Action.PROVE_KEYS,
        wipes=[SHARES],
    )


def _restore() -> Iterator[Step]:
    yield step_of("restore", Act.RESTORE, "officers", ["keys proved", PROVED_KEYS], ["restored"], Action.RESTORE)
    yield step_of("wipe", Act.RESTORE, "officers", ["restored"], ["wiped"], Action.ZEROIZE, wipes=VOLATILE)
    yield step_of("bags", Act.BAGS, "witnesses", ["wiped"], ["bagged again"], Action.BAG_AGAIN)


def _end() -> Iterator[Step]:
    yield step_of("health", Act.JUDGE, "officer-2", ["bagged again"], ["CA tried"])
    yield step_of("advise", Act.JUDGE, "officer-1", ["CA tried"], ["advised"])
    yield from clearing(Act.CLOSE, "advised")
    yield from settling(Act.CLOSE, "waste destroyed")
    yield from closing("exceptions settled")
