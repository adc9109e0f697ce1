"""`escrow lint`: whether a plan is wise."""

import datetime as dt
import json
import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, get_args

import click

from ceremony import options, spoken
from ceremony.planning.lints import Finding, lint
from ceremony.planning.odds import Fewest, Holder, below_quorum, fewest, holdings
from ceremony.planning.plan import Plan, load
from ceremony.planning.rehearsed import rehearsed
from ceremony.rules.wording import duration

LOSS, YEARS = 0.05, 5
_WIDTH = 80
_SMALL = 0.0005
_HELD = ("under", "of", "at")  # managers, units, sites


@click.command(name="lint")
@click.argument("plan", type=options.PATH)
@click.option(
    "--rehearsal",
    type=options.PATH,
    metavar="DIR",
    help="Where the last rehearsal of this plan was left: proves that there was one.",
)
@click.option(
    "--archive",
    type=options.PATH,
    metavar="DIR",
    help="Of a plan that follows an archive: compare both.",
)
@options.as_json
def command(plan: Path, rehearsal: Path | None, archive: Path | None, *, as_json: bool) -> int:
    """Say what speaks against PLAN, what loss would cost, and how few could collude.

    Every finding has an id, the reason why it matters, and what to do: mend it, or waive it in the plan, with words
    under [[waiver]]. Exit status: 0 if no error stands unwaived, 1 if one does, 2 if the plan itself is wrong.
    """
    read = load(plan)
    if archive:
        _compare(read, archive)
    last = rehearsed(rehearsal, read) if rehearsal else None
    findings = lint(read, dt.datetime.now(dt.UTC).astimezone().date(), last)
    passes = not any(finding.stands for finding in findings)
    if as_json:
        click.echo(json.dumps(_as_json(read, findings, passes=passes), indent=2, ensure_ascii=False))
    else:
        click.echo("\n".join(_describe(read, findings, passes=passes)))
    return 0 if passes else 1


def _compare(plan: Plan, archive: Path) -> None:
    """Compare a plan with the archive that it follows. Raises EscrowError where they do not agree."""
    from ceremony.run import before, task

    if plan.refresh:
        before.examined(plan, plan.refresh.before, archive, None)
        return
    if not plan.follows:
        message = "--archive belongs to the plan of what follows one: a session, a drill, a reissue."
        raise click.UsageError(message)
    if not plan.session:
        before.examined(plan, plan.follows, archive, None)
        return
    followed = before.read(plan, plan.session, archive, None)
    task.check_revoked(plan, plan.session, followed)


def _describe(plan: Plan, findings: Iterable[Finding], *, passes: bool) -> Iterator[str]:
    when = plan.ceremony
    yield from _field("Ceremony", f"{when.id} of {when.organisation}, {when.date} ({when.kind.value})")
    yield from _field("CA", f"{plan.ca.name} ({plan.ca.keys})")
    yield from _field("Quorum", str(plan.policy))
    yield from _field("Planned", f"{duration(plan) / 60:.1f} hours, {len(plan.custodians)} custodians one by one")
    for number, row in enumerate(spoken.rows_of(plan.words)):
        yield from _field("" if number else "Plan hash", row)
    for finding in findings:
        yield ""
        yield from _field("waived" if finding.waived else finding.severity.value, f"{finding.lint}: {finding.text}")
        yield from _field("  why", finding.reason)
        yield from _field("  because" if finding.waived else "  do", finding.waived or finding.remedy)
    yield ""
    yield from _odds(plan)
    yield ""
    if passes:
        yield "No error stands against this plan."
    else:
        standing = sum(1 for finding in findings if finding.stands)
        yield f"{standing} error{'s stand' if standing > 1 else ' stands'} against this plan: mend it, or waive it."


def _odds(plan: Plan) -> Iterator[str]:
    alone, repaired = (below_quorum(plan.policy, LOSS, YEARS, repaired=each) for each in (False, True))
    text = (
        f"if each share is lost with a probability of {LOSS * 100:g} % a year, fewer than a quorum is left within "
        f"{YEARS} years with a probability of {_percent(alone)} if nobody looks, {_percent(repaired)} if losses are "
        "repaired yearly."
    )
    yield from _field("Loss", text)
    shares = [
        f"{word} {_counted(number, by)}" for (by, number), word in zip(_collusion(plan).items(), _HELD, strict=True)
    ]
    text = f"with a copy of the package, {plan.policy.missing(())} custodians have the CA's keys; or the shares "
    yield from _field("Collusion", f"{text}{', or '.join(shares)}.")


def _collusion(plan: Plan) -> dict[str, Fewest]:
    return {by: fewest(plan.policy, list(holdings(plan, by).values())) for by in get_args(Holder)}


def _counted(number: Fewest, what: str) -> str:
    return f"{'' if number.exact else 'at most '}{number.number} {what}{'s' if number.number > 1 else ''}"


def _percent(probability: float) -> str:
    return "less than 0.1 %" if probability < _SMALL else f"{probability * 100:.1f} %"


def _field(name: str, text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent=f"{name:<11}", subsequent_indent=" " * 11)


def _as_json(plan: Plan, findings: Iterable[Finding], *, passes: bool) -> dict[str, Any]:
    return {
        "ceremony": plan.ceremony.id,
        "plan_hash": plan.digest.hex(),
        "plan_words": list(plan.words),
        "quorum": str(plan.policy),
        "passes": passes,
        "findings": [
            {
                "lint": finding.lint,
                "severity": finding.severity.value,
                "text": finding.text,
                "reason": finding.reason,
                "remedy": finding.remedy,
                "waived": finding.waived,
            }
            for finding in findings
        ],
        "loss": {
            "a_year": LOSS,
            "years": YEARS,
            "below_quorum_if_nobody_looks": below_quorum(plan.policy, LOSS, YEARS, repaired=False),
            "below_quorum_if_repaired_yearly": below_quorum(plan.policy, LOSS, YEARS, repaired=True),
        },
        "collusion": {
            "custodians": plan.policy.missing(()),
            **{f"{by}s": {"fewest": each.number, "exact": each.exact} for by, each in _collusion(plan).items()},
        },
    }
