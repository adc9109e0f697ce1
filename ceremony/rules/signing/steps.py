"""The steps of a session: a quorum from paper lets the root sign one thing, which was fixed before.

What is to be signed is drafted, linted and journalled before any sheet is taken out of its bag, and its hash is in the
witnesses' copies: whatever happens after, these very bytes are signed, or nothing is.
"""

from collections.abc import Iterator
from dataclasses import replace

from ceremony.rules.shared import clearing, closing, opening, settling
from ceremony.rules.steps import PRIVATE_KEYS, SHARES, VOLATILE, Act, Action, Step, number, step_of


def steps(copies: int) -> tuple[Step, ...]:
    """All steps of a session that delivers so many copies of what was signed, numbered, in order."""
    return number([*opening(printer=False), *_draft(), *_quorum(), *_sign(), *_hand_over(copies), *_end()])


RETURN_SHEETS = Step("return-sheets", Act.BAGS, "witnesses", frozenset(), frozenset(), Action.BAG_AGAIN, number="R1")
CONTINGENCIES = (RETURN_SHEETS,)
"""What only a loss or an abort calls for; `rules` says when."""


def _draft() -> Iterator[Step]:
    yield step_of("draft", Act.DRAFT, "witnesses", ["opening head written"], ["drafted"], Action.DRAFT)
    yield step_of("head-draft", Act.DRAFT, "witnesses", ["drafted"], ["draft head written"], Action.WRITE_HEAD)


def _quorum() -> Iterator[Step]:
    yield step_of("announce-root", Act.QUORUM, "officer-1", ["draft head written"], ["root announced"])
    yield step_of("gather", Act.QUORUM, "officer-2", ["root announced"], [SHARES, "quorum read"], Action.READ_QUORUM)
    yield step_of(
        "unlock",
        Act.QUORUM,
        "officer-1",
        ["quorum read", SHARES],
        [PRIVATE_KEYS, "root unlocked"],
        Action.UNLOCK,
        wipes=[SHARES],
    )


def _sign() -> Iterator[Step]:
    yield step_of(
        "issue",
        Act.SIGN,
        "officers",
        ["root unlocked", "drafted", PRIVATE_KEYS],
        ["issued"],
        Action.SIGN,
        irreversible=True,
    )
    yield step_of("wipe", Act.SIGN, "officers", ["issued"], ["wiped"], Action.ZEROIZE, wipes=VOLATILE)
    yield step_of("bags", Act.BAGS, "witnesses", ["wiped"], ["bagged again"], Action.BAG_AGAIN)


def _hand_over(copies: int) -> Iterator[Step]:
    yield step_of("outcome", Act.HANDOVER, "officer-1", ["bagged again", "issued"], ["outcome written"], Action.OUTCOME)
    turn = "outcome written"
    for copy in range(1, copies + 1):
        done = f"delivery {copy} read back"
        yield replace(step_of(f"deliver {copy}", Act.HANDOVER, "officer-2", [turn], [done], Action.DELIVER), copy=copy)
        turn = done
    yield step_of("handed-over", Act.HANDOVER, "witnesses", [turn], ["handed over"])


def _end() -> Iterator[Step]:
    yield from clearing(Act.CLOSE, "handed over")
    yield from settling(Act.CLOSE, "waste destroyed")
    yield from closing("exceptions settled")
