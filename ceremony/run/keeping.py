"""Copy the archive of an ended ceremony to its media: read back, audited, and shown with its words.

The journal is closed by then, so no line of it tells of this. It may be done again at any time: what is on a medium
already is read back and left as it is.
"""

from pathlib import Path

from ceremony.planning.plan import Copy, Plan
from ceremony.preflight.machine import Machine
from ceremony.run.archive import digest_of, read_all
from ceremony.run.audit import Report, audit
from ceremony.run.copying import ARCHIVE, Copied, Copying, Load
from ceremony.run.questions import Asked, Desk, Questions
from escrow.errors import EscrowError, FileError
from escrow.share import Kind

_SKIP = "skip"
_DIGITS = 8


def keep_archive(plan: Plan, out: Path, desk: Desk, kind: Kind) -> bool:
    """Have every copy of the archive made that the plan names; whether all of them were. Raises FileError."""
    report = audit(out)
    for finding in report.findings:
        desk.say(finding)
    ask = Questions(desk, {})
    copying = Copying(ask, Machine(), out, kind)
    folder = f"{ARCHIVE}-{plan.ceremony.id}-{digest_of(out).hex()[:_DIGITS].upper()}"
    files = read_all(out)
    made: list[Copied | None] = []
    for number, planned in enumerate(plan.archives, 1):
        load = Load(
            what=f"copy {number} of the archive",
            of=ARCHIVE,
            copy=number,
            folder=f"{folder}-copy-{number}",
            files=files,
            avoid={folder: "another copy of this archive. Each copy needs a medium of its own."},
            taken={
                f"copy {n} of the archive": each.identity for n, each in enumerate(made, 1) if each and each.identity
            },
        )
        made.append(_keep(load, planned, copying, ask, report))
    desk.say(f"{sum(1 for each in made if each)} of {len(made)} copies of the archive were read back and audited.")
    if not all(made):
        desk.say("The same command, given again, makes the others. Until then keep this folder.")
    desk.say(f"The archive's words:  {' '.join(report.words)}")
    return all(made)


def _keep(load: Load, planned: Copy, copying: Copying, ask: Questions, report: Report) -> Copied | None:
    what = f"{load.named}, for {planned.site} ({planned.medium})"
    while (answer := ask.line(Asked.KEEP, what=what).lower()) != _SKIP:
        if answer:
            continue
        try:
            copied = copying.copy(load)
            if audit(copied.place).findings != report.findings:
                message = f"An audit of {copied.place} finds what one of the original does not: take another medium."
                raise FileError(message)
        except EscrowError as error:
            ask.say(f"This did not succeed: {error}")
        else:
            ask.say(f"{what}: the same byte for byte, and audited, in {copied.place}. Unmount it, and take it out.")
            return copied
    return None
