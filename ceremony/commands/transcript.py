"""`escrow transcript`: a ceremony's record onto paper, from its journal."""

from pathlib import Path

import click

from ceremony import options
from ceremony.forms.transcript import PDF_FILE, TEXT_FILE, documents, until_close
from ceremony.planning.plan import load
from ceremony.run.archive import PLAN_FILE, read_journal
from ceremony.terminal.console import say
from escrow.files import NewFiles


@click.command(name="transcript")
@click.argument("archive", type=options.PATH)
@click.option(
    "--out", type=options.PATH, metavar="FILE.pdf", help="Write the PDF to a new file, instead of showing the text."
)
def command(archive: Path, out: Path | None) -> None:
    """Make the transcript of the ceremony in ARCHIVE again, from its journal and plan.

    Shows it as text; --out makes the PDF. Both are those of the archive byte for byte, if the version of the program
    and the templates are the same. A ceremony that has not ended has a transcript of what was done until now. Whether
    the journal is the one that was written is another question: see 'escrow audit'.
    """
    made = documents(load(archive / PLAN_FILE), until_close(read_journal(archive)))
    if out is None:
        click.echo(made[TEXT_FILE], nl=False)
        return
    with NewFiles(out.parent, "file") as files:
        files.write(out.name, made[PDF_FILE])
        files.publish()
    say(f"The transcript: {out}")
