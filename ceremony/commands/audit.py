"""`escrow audit`: is this archive what the ceremony left?"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from ceremony import options
from ceremony.run.audit import Report, audit
from escrow import __version__
from escrow.share import Kind

_WORDS = 4  # what a witness writes down


@click.command(name="audit")
@click.argument("archive", type=options.PATH)
@click.option(
    "--words",
    "heads",
    multiple=True,
    metavar="WORDS",
    help="The four words of the journal's head, as a witness wrote them at any checkpoint. May be given several times.",
)
@click.option(
    "--archive-words", metavar="WORDS", help="The four words of the archive, as a witness wrote them at the end."
)
@click.option("--before", type=options.PATH, metavar="DIR", help="The archive that a session followed: compare both.")
@options.as_json
def command(
    archive: Path, heads: tuple[str, ...], archive_words: str | None, before: Path | None, *, as_json: bool
) -> int:
    """Check the ARCHIVE of a ceremony: journal, rules, signatures, hashes, completeness, and the witnesses' words.

    Says which ceremony it was, and whatever is otherwise than the ceremony left it. Exit status 0 only if nothing is.
    Without words it is proved that the archive fits itself. The archive's words prove all of it; those of the
    journal's head prove the journal up to the checkpoint at which they were written. A session's inventory is
    compared with that of the archive --before it.
    """
    words = _four(archive_words, "--archive-words") if archive_words is not None else ()
    report = audit(archive, [_four(text, "--words") for text in heads], words, before)
    if as_json:
        click.echo(json.dumps(_as_json(report, len(heads), compared=bool(words)), indent=2))
    else:
        click.echo("\n".join([*_about(report), "", *_told(report, archive, bool(heads), bool(words))]))
    return 1 if report.findings else 0


def _about(report: Report) -> Iterator[str]:
    """Which ceremony it was, as far as its plan and its journal say it."""
    plan, entries = report.plan, report.entries
    if plan:
        yield _line("Ceremony", f"{plan.ceremony.id}, {plan.ceremony.organisation}")
        yield _line("CA", plan.ca.name)
    yield _line("Material", _material(report))
    if entries:
        yield _line("Held", f"{entries[0].utc} to {entries[-1].utc}")
    if plan:
        yield _line("Planned", f"{plan.ceremony.date.isoformat()}, {plan.ceremony.place}")
    yield _line("State", report.state.phase.value.upper() if report.state else "UNKNOWN: its rules cannot be asked")
    yield _line("Program", f"held with {', '.join(report.versions) or 'none'}, audited with {__version__}")
    yield _line("Words", " ".join(report.words) or "none: there is no archive")


def _material(report: Report) -> str:
    if report.is_rehearsal:
        return "SPECIMEN: a rehearsal. It proves that the plan was rehearsed, and no key of it counts."
    return {
        Kind.PRODUCTION.value: "PRODUCTION",
        Kind.SPECIMEN.value: "SPECIMEN: practice. No key of it counts.",
    }.get(report.kind, "UNKNOWN")


def _told(report: Report, archive: Path, heads: bool, words: bool) -> Iterator[str]:  # noqa: FBT001 - private
    yield from report.findings or ["The archive is as it was left."]
    if report.state and not report.state.ended:
        yield (
            f"There is no archive yet: 'escrow run PLAN --out {archive}' goes on with the ceremony, and "
            f"'escrow transcript {archive}' shows what was done until now."
        )
    elif not heads and not words:
        yield (
            "No witness's words were compared: the archive fits itself, and anybody could have made it so. Compare "
            "the words above with a witness's script, or give them with --archive-words."
        )


def _line(name: str, text: str) -> str:
    return f"{name:<10}{text}"


def _as_json(report: Report, heads: int, *, compared: bool) -> dict[str, Any]:
    plan, entries = report.plan, report.entries
    return {
        "ceremony": plan.ceremony.id if plan else None,
        "ca": plan.ca.name if plan else None,
        "planned": plan.ceremony.date.isoformat() if plan else None,
        "kind": report.kind or None,
        "rehearsal": report.is_rehearsal,
        "state": report.state.phase.value if report.state else None,
        "begun": entries[0].utc if entries else None,
        "ended": entries[-1].utc if entries else None,
        "versions": list(report.versions),
        "archive_words": list(report.words),
        "archive_words_compared": compared,
        "words": heads,
        "findings": list(report.findings),
    }


def _four(text: str, option: str) -> tuple[str, ...]:
    words = text.replace("...", " ").split()
    if len(words) != _WORDS:
        message = f"{option} takes four words: the first three and the last, in quotes."
        raise click.UsageError(message)
    return tuple(words)
