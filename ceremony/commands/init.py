"""`escrow init`: a plan to begin with."""

import datetime as dt
import sys
import textwrap
from functools import partial
from pathlib import Path

import click

from ceremony import options
from ceremony.interrupt import Interrupted
from ceremony.planning import draft
from ceremony.planning.interview import Interview
from ceremony.planning.lints import lint
from ceremony.planning.plan import parse
from ceremony.planning.session_tables import REFRESH
from ceremony.terminal.console import say
from escrow.files import NewFiles, read_public

_BACK = "<"
_LATER = ("sign-intermediate", "crl", "cross-sign", "drill", "reissue", "refresh", "recovery")


@click.command(name="init")
@click.argument("file", type=options.PATH, default="ceremony.toml")
@click.option("--example", is_flag=True, help="Ask nothing: write an example to be changed.")
@click.option("--for", "task", type=click.Choice(list(_LATER)), help="The plan of what follows, as an example.")
@click.option("--archive", type=options.PATH, metavar="DIR", help="With --for: the archive that it follows.")
@click.option("--package", type=options.PATH, metavar="FILE", help="With --for recovery, where no archive is left.")
def command(file: Path, *, example: bool, task: str | None, archive: Path | None, package: Path | None) -> None:
    """Write the plan of a ceremony to FILE (ceremony.toml), with comments, to be reviewed and changed by hand.

    Asks what only you can know; without a terminal, or with --example, it writes an example that passes
    'escrow lint'. Nothing is written before the last answer, and never over an existing file.
    """
    if archive and not task:
        message = "--archive belongs to --for."
        raise click.UsageError(message)
    if package and (task != "recovery" or archive):
        message = "--package belongs to --for recovery, in the place of --archive."
        raise click.UsageError(message)
    today = dt.datetime.now(dt.UTC).astimezone().date()
    with NewFiles(file.parent, "file") as out:
        out.check_absent([file.name])
        asking = sys.stdin.isatty() and sys.stderr.isatty() and not example
        if task:
            source = _session(task, today, archive, package).encode()
        else:
            source = (_ask(Interview(today)) if asking else draft.example(today)).encode()
        findings = lint(parse(source, file), today, None)
        out.write(file.name, source)
        out.publish()
    say(f"The plan: {file}")
    say("Read it line by line, and change what is not so. This is what 'escrow lint' says of it:")
    for finding in findings:
        say(f"  {finding.severity.value} {finding.lint}: {finding.text}")


def _session(task: str, today: dt.date, archive: Path | None, package: Path | None) -> str:
    """The plan of what follows, with what the archive or package that it follows says of people and places."""
    table = task.replace("-", "_")
    if package:
        from ceremony.run.proposed import planned_by_package

        own, people = planned_by_package(package)
        return draft.session(table, today, own, people)
    write = draft.refresh if table == REFRESH else partial(draft.session, table)
    if archive is None:
        return write(today)
    from ceremony.run.proposed import planned_by

    values, entries = planned_by(archive)
    if table == "drill":
        values = {**values, "drill": {"scenario": _by_lot(archive, entries)}}
    return write(today, values, entries)


def _by_lot(archive: Path, entries: draft.Entries) -> str:
    """A scenario of the people and copies of an archive."""
    from ceremony.planning.scenario import scenario
    from ceremony.run.session import by_lot
    from escrow.package import MAX_LENGTH, Package
    from escrow.sealing import PACKAGE_FILE

    policy = Package.decode(read_public(archive / PACKAGE_FILE, MAX_LENGTH)).manifest.policy
    custodians = [str(each["name"]) for each in entries["custodian"]]
    copies = [f"{each['site']}, {each['medium']}" for each in entries["package"]]
    return scenario(policy, custodians, copies, by_lot())


def _ask(interview: Interview) -> str:
    say("Enter takes what is in [brackets], < goes back, Ctrl-C ends and writes nothing.")
    say("The parts of an entry may be typed in one line, with commas between them.")
    noted, failed = "", False
    while question := interview.question():
        if question.note and question.note != noted:
            say(f"\n{question.note}")
        noted = question.note or noted
        _, number, _ = question.key
        if number == 0 or failed:  # of a list, what is allowed is said once, and to whoever needs it
            say("\n".join(textwrap.wrap(question.hint, 79, initial_indent="  ", subsequent_indent="  ")))
        failed = False
        proposal = f" [{interview.proposal()}]" if interview.proposal() else ""
        line = _read(f"{question.text}{proposal}: ")
        if line.strip() == _BACK:
            if not interview.back():
                say("  This is the first question.")
            continue
        try:
            interview.answer(line)
        except ValueError as error:
            asked = interview.question() or question  # of several parts in one line, the one that is wrong
            say(f"  {asked.text.partition(' (')[0]} {error}")
            failed = True
    return interview.text()


def _read(prompt: str) -> str:
    click.echo(prompt, nl=False, err=True)
    try:
        line = sys.stdin.readline()
    except OSError:  # the terminal is gone
        raise Interrupted from None
    if not line:
        raise Interrupted
    return line
