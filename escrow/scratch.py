"""A scratch CA: what a package gave back, served by the real step-ca on loopback until one certificate is issued.

It is the restored CA with its own configuration, but for what reaches elsewhere (`configuration.for_scratch`). Its tree
lies in memory, its keys are encrypted there under a password that only the pipe to step-ca ever holds, and all of it is
gone afterwards, also if this process is killed meanwhile.
"""

import hashlib
import io
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from escrow import passwords, recovery, stepca
from escrow.certificates import fingerprint, to_pem
from escrow.client import LOOPBACK, Client, Provisioner
from escrow.configuration import CONFIG, for_scratch, names_of, new_configuration
from escrow.errors import CertificateError, EscrowError, RefusedError, TreeError
from escrow.files import NewFiles, is_memory_backed, read_public
from escrow.manifest import Manifest
from escrow.memory import LastWill, Secret, pipe_holding
from escrow.progress import Progress
from escrow.token import SIGNING

STARTED_WITHIN = 60.0
"""Seconds, for step-ca to listen."""
_ENDED_WITHIN = 10.0
_POLL = 0.1
_MEMORY = Path("/dev/shm")  # noqa: S108 - memory is what is wanted
_LONGEST_LOG = 1 << 20
_LONGEST = 300  # characters of what step-ca said last
_LOG = "step-ca.log"


@dataclass(frozen=True)
class Tried:
    """What came of it: whether step-ca started and issued; the SHA-256 (hex) of certificate and program; a problem."""

    started: bool = False
    issued: bool = False
    certificate: str = ""
    program: str = ""
    problem: str = ""


def found() -> Path | None:
    """The step-ca of this machine, if it has one."""
    program = shutil.which("step-ca")
    return Path(program) if program else None


def new_folder() -> Path:
    """The name of a folder in shared memory that is not there yet."""
    return _MEMORY / f"escrow-scratch-{os.getrandom(8).hex()}"


def needed(manifest: Manifest) -> frozenset[str]:
    """The members of a package that a scratch CA is made of: above all not the root's key."""
    keys = {entry.file for entry in manifest.keys if entry.name in SIGNING}
    return frozenset({*manifest.files, *keys})


def digest(program: Path) -> str:
    """The SHA-256 of a program, in hex. Raises OSError."""
    with program.open("rb") as file:
        return _digest(file)


def try_out(  # noqa: PLR0913, PLR0917 - which program, where, and what it is given
    program: Path, shown: str, folder: Path, manifest: Manifest, members: Mapping[str, Secret], progress: Progress
) -> Tried:
    """Restore into a new folder in memory, start step-ca there, and have it issue one certificate.

    The program gets the keys only if its SHA-256 (hex) is the one that was `shown` to people; that very file is
    started, whatever has its name by then. What goes wrong with the CA is in what is returned. Raises RefusedError for
    a folder that is there, or on a disk.
    """
    if folder.exists() or not is_memory_backed(folder):
        message = f"{folder} is there already, or on a disk: nothing is restored into it."
        raise RefusedError(message)
    started, certificate, known = False, "", ""
    try:
        hierarchy = stepca.hierarchy({name: members[name] for name in manifest.files})
        if not hierarchy.chain:
            message = "It is a registration authority: it signs with no key of its own."
            raise TreeError(message)
        with ExitStack() as ending:
            opened = ending.enter_context(program.open("rb"))
            known = _digest(opened)
            if known != shown:
                message = f"{program} is not the program that was shown, and gets no key: its SHA-256 is {known}."
                raise CertificateError(message)
            ending.callback(shutil.rmtree, folder, ignore_errors=True)
            password = ending.enter_context(passwords.invent())
            config = members.get(CONFIG) or ending.enter_context(new_configuration(manifest.ca)[CONFIG])
            name = (*names_of(config), "localhost")[0]
            ca = Client(_free_port(), name, "".join(to_pem(root).decode("ascii") for root in hierarchy.roots))
            provisioner = Provisioner("drill")
            own = for_scratch(config, f"{LOOPBACK}:{ca.port}", name, provisioner.entry)
            _restore(folder, manifest, {**members, CONFIG: ending.enter_context(own)}, password, progress)
            process = ending.enter_context(_serving(opened.fileno(), folder, password))
            _wait_until_healthy(process, folder / _LOG, ca)
            started = True
            certificate = fingerprint(ca.issue(provisioner, hierarchy.chain[0]))
    except (OSError, EscrowError) as error:
        return Tried(started, program=known, problem=_told(error))
    return Tried(started, issued=True, certificate=certificate, program=known)


def _restore(
    folder: Path, manifest: Manifest, members: Mapping[str, Secret], password: Secret, progress: Progress
) -> None:
    with NewFiles(folder) as out:
        encrypted = recovery.encrypt(manifest, members, SIGNING, password, progress)
        stepca.write_tree(out, {name: members[name] for name in {*manifest.files, CONFIG}}, encrypted)
        out.publish()


@contextmanager
def _serving(program: int, folder: Path, password: Secret) -> Iterator["subprocess.Popen[bytes]"]:
    """step-ca, by its descriptor, running from a tree until the block ends; then neither is there any more."""
    reading = pipe_holding(password)
    try:
        with (folder / _LOG).open("xb") as log:
            process = subprocess.Popen(  # noqa: S603 - the program that the officers named, without a shell
                ["step-ca", "--password-file", f"/dev/fd/{reading}", folder / CONFIG],  # noqa: S607 - see `executable`
                executable=f"/proc/self/fd/{program}",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=folder,
                env={"LC_ALL": "C", "PATH": os.defpath, "HOME": str(folder), "STEPPATH": str(folder)},
                pass_fds=[reading, program],
                start_new_session=True,  # a signal from the terminal is for our process to answer
            )
    finally:
        os.close(reading)
    process_file = os.pidfd_open(process.pid)

    def undo(_: object) -> None:
        signal.pidfd_send_signal(process_file, signal.SIGKILL)
        shutil.rmtree(folder, ignore_errors=True)

    will = LastWill(undo, process_file)
    try:
        yield process
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(_ENDED_WITHIN)
        process.kill()
        process.wait()
        will.revoke()
        os.close(process_file)


def _wait_until_healthy(process: "subprocess.Popen[bytes]", log: Path, ca: Client) -> None:
    """Raises CertificateError if it ends, or is not healthy in time."""
    deadline = time.monotonic() + STARTED_WITHIN
    while True:
        problem = "it says that it is not healthy"
        try:
            if ca.is_healthy():
                return
        except OSError as error:
            problem = str(error)
        if process.poll() is not None:
            message = f"step-ca ended at once: {_last_words(log)}"
            raise CertificateError(message)
        if time.monotonic() > deadline:
            message = f"step-ca is not healthy after {STARTED_WITHIN:g} seconds: {problem}"
            raise CertificateError(message)
        time.sleep(_POLL)


def _last_words(log: Path) -> str:
    lines = read_public(log, _LONGEST_LOG).decode("utf-8", "replace").split("\n")
    return next((line for line in reversed(lines) if line.strip()), "without a word")


def _digest(file: io.BufferedReader) -> str:
    return hashlib.file_digest(file, "sha256").hexdigest()


def _told(error: Exception) -> str:
    """What an error says, in one line that can be printed."""
    return "".join(c if c.isprintable() else " " for c in " ".join(str(error).split()))[:_LONGEST]


def _free_port() -> int:
    """A port of loopback at which nobody listens just now."""
    with socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        port: int = listener.getsockname()[1]
        return port
