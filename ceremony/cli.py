"""The program `escrow`: find the command, run it, turn errors into messages and exit statuses."""

import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from types import FrameType
from typing import NoReturn

import click

from ceremony.interrupt import CtrlC, Interrupted
from escrow import __version__

INTERRUPTED = 130
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)

_COMMANDS = {
    "init": "Write a commented plan of a ceremony, by questions or as an example.",
    "lint": "Say what speaks against a plan, and what it can bear.",
    "calendar": "Make a calendar of a plan's dates.",
    "script": "Print the script of a plan's ceremony, its list of materials and receipts to fill in.",
    "seal": "Seal a CA's private keys and make the share sheets.",
    "inspect": "Show what a package contains. Needs no share.",
    "check": "Check share sheets against a package, without recombining anything.",
    "recover": "Restore a CA from a quorum of share sheets and a package.",
    "package-sheets": "Print a package: its contents, its codes, and how to decode them.",
    "documents": "Make a set's labels, receipts and recovery card again.",
    "recovery-runbook": "Print what to do when the CA is lost, for a team without context.",
    "remove-root-key": "Remove the root's key from the online CA, when it is proven to be in a package.",
    "templates": "Copy the templates of all documents, as a start for your own.",
    "run": "Hold a ceremony, step by step.",
    "sign-intermediate": "Have the root sign a new intermediate: a session with a quorum from paper.",
    "crl": "Have the root sign a new CRL: a session with a quorum from paper.",
    "cross-sign": "Have the root certify another CA: a session with a quorum from paper.",
    "drill": "Try whether a quorum, a package and people are there, from a table-top to a quorum from paper.",
    "reissue": "Make one lost share again, from sheets of its group, without opening the package.",
    "recovery": "Bring keys back, guided and witnessed, by a plan that says why and on whose word.",
    "refresh": "Make a new set for the same keys, which supersedes the old one.",
    "audit": "Check the archive of a ceremony.",
    "transcript": "Make the transcript of a ceremony again, from its journal and plan.",
    "preflight": "Check whether this machine is fit for the ceremony.",
    "register": "Begin a custody register from a ceremony's archive, or enter the next set.",
    "status": "Say how many shares may still be lost, what is overdue, and what to do.",
    "attest": "Note that a custodian showed the closed bag.",
    "report": "Note that a sheet or a copy was lost, found, seen, or read back.",
    "destroy": "Note that a sheet or a copy was destroyed, and make the certificate.",
    "hand-over": "Note that a share passed to another custodian.",
    "bundle": "Put the program and all it needs into a folder, for a machine without a network.",
    "version": "Say which program this is, and whether it is as its bundle had it.",
    "rehearse": "Do the whole thing with a throw-away CA, and report what was proved.",
}


class _Commands(click.Group):
    """Commands by name; a command's module, and with it the libraries, is loaded only when it is run."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's interface
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        command = import_module(f"ceremony.commands.{cmd_name.replace('-', '_')}").command
        return command if isinstance(command, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="escrow")
def escrow() -> None:
    """Offline escrow of the keys of a step-ca certificate authority.

    Encrypts the CA's private keys, splits the key that encrypts them into Shamir shares on paper, and restores
    the CA from a quorum of the sheets. Works without a network. Nothing secret is taken from arguments or the
    environment.

    Exit status: 0 done; 1 a check or operation failed; 2 usage; 3 refused by the machine or by a gate;
    130 interrupted.
    """


def main() -> NoReturn:
    """Run the command line and exit with its status."""
    for number in _SIGNALS:
        signal.signal(number, _interrupt)
    try:
        status = run()
    except (Interrupted, KeyboardInterrupt):  # a second one, while the first was being answered
        status = INTERRUPTED
    _let_go_of_output()
    sys.exit(status)


def run() -> int:
    """Run the command line; return its exit status. Every secret is wiped by then, whatever happened."""
    try:
        return _run()
    finally:
        memory = sys.modules.get("escrow.memory")  # not imported for this: --help needs none
        if memory:
            memory.close_all()


def _run() -> int:
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)  # held back while the program started itself again
        result = escrow.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (Interrupted, KeyboardInterrupt, click.Abort) as error:
        _say("\n".join(["\nInterrupted.", *(_notes(error) or ["Nothing unfinished was left behind."])]))
        return INTERRUPTED
    except BrokenPipeError:
        return 1
    except Exception as error:  # noqa: BLE001 - the text of an unforeseen error may quote a secret: it is not shown
        return _explain(error)
    return result if isinstance(result, int) else 0


def _let_go_of_output() -> None:
    """What is still to be shown where nobody is any more is given up: Python would end with a status of its own."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
            os.dup2(nowhere, stream.fileno())


def _say(text: str) -> None:
    with suppress(OSError):  # the terminal may be gone
        click.echo(text, err=True)


def _explain(error: Exception) -> int:
    from escrow.errors import EscrowError, place

    if isinstance(error, EscrowError):
        text = f"{error}"
    elif isinstance(error, OSError):
        text = f"{error.strerror or 'input or output failed'} ({place(error)})."
    else:
        text = f"an error that nobody foresaw: {place(error)}. Please report this line."
    _say("\n".join([f"escrow: {text}", *_notes(error)]))
    return error.exit_status if isinstance(error, EscrowError) else 1


def _notes(error: BaseException) -> Sequence[str]:
    """What has to be done now, whatever it was that failed."""
    return getattr(error, "__notes__", ())


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001 - signal's interface
    raise CtrlC if number == signal.SIGINT else Interrupted
