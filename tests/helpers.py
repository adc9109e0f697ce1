"""What tests share: running programs, and trees made by the real step."""

import fcntl
import json
import os
import pty
import re
import resource
import select
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pytest
from PIL import Image, ImageDraw

from escrow.memory.process import LOCKED_BYTES_NEEDED
from escrow.paper.layout import CODES
from escrow.paper.raster import pictures
from escrow.paper.scan import read_codes

PASSWORD = "correct horse"
PROVISIONER_PASSWORD = "battery staple"
TIMEOUT = 120
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass(frozen=True)
class Run:
    """What a program did."""

    status: int
    out: str
    err: str

    def expect(self, status: int = 0) -> "Run":
        """Fail the test, showing everything, unless the exit status is this one."""
        assert self.status == status, f"exit status {self.status}\n--- out\n{self.out}\n--- err\n{self.err}"
        return self


def need(*programs: str) -> None:
    """Skip the test if a program is not installed."""
    missing = [program for program in programs if not shutil.which(program)]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}, not installed here (see .ci/run)")


def run(*command: object, stdin: str = "", env: Mapping[str, str] | None = None, cwd: Path | None = None) -> Run:
    """Run a program to its end, with an environment of its own."""
    done = subprocess.run(
        [str(part) for part in command],
        input=stdin.encode(),
        capture_output=True,
        timeout=TIMEOUT,
        check=False,
        env={**os.environ, **(env or {})},
        cwd=cwd,
    )
    return Run(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))


# Root without any privilege: what an ordinary account is, but able to read this checkout wherever it lies.
UNPRIVILEGED = ["--securebits=+noroot", "--inh-caps=-all", "--ambient-caps=-all"]


def as_ordinary_user(memlock: int, *command: str | Path) -> Run:
    """Run a command without privileges, with a limit on locked memory in bytes, as whoever we may be."""
    need("prlimit", "setpriv")
    privileges = ["setpriv", *UNPRIVILEGED] if os.geteuid() == 0 else []
    return run("prlimit", f"--memlock={memlock}:{memlock}", *privileges, *command)


def escrow(*arguments: object, stdin: str = "", env: Mapping[str, str] | None = None) -> Run:
    """Run the program under test as its users do: in a process of its own."""
    return run(sys.executable, "-m", "ceremony", *arguments, stdin=stdin, env=env)


def can_lock() -> bool:
    """Whether this account may lock as much memory as production demands."""
    _, hard = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    return os.geteuid() == 0 or hard == resource.RLIM_INFINITY or hard >= LOCKED_BYTES_NEEDED


def practice() -> list[str]:
    """The option that lets `escrow seal` run here: none where memory can be locked, else --specimen."""
    return [] if can_lock() else ["--specimen"]


def free_port() -> int:
    """A port on loopback that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@dataclass(frozen=True)
class StepTree:
    """A STEPPATH made by the real step, and the password files that belong to it."""

    path: Path
    port: int
    password_file: Path
    provisioner_password_file: Path

    @property
    def url(self) -> str:
        """Where its step-ca listens."""
        return f"https://localhost:{self.port}"


def make_tree(directory: Path, kind: str) -> StepTree:
    """A tree as `step ca init` makes it; for any kind of key but P-256 with those of `step certificate create`."""
    need("step", "step-ca")
    directory.mkdir(parents=True)
    password, provisioner = directory / "password", directory / "provisioner-password"
    password.write_text(PASSWORD + "\n")
    provisioner.write_text(PROVISIONER_PASSWORD + "\n")
    tree = StepTree(directory / "step", free_port(), password, provisioner)
    tree.path.mkdir()
    env = {"STEPPATH": str(tree.path)}
    run(
        *("step", "ca", "init", "--deployment-type", "standalone", "--name", "Test CA", "--dns", "localhost"),
        *("--address", f"127.0.0.1:{tree.port}", "--provisioner", "admin", "--password-file", password),
        *("--provisioner-password-file", provisioner, *(["--ssh"] if kind == "ssh" else [])),
        env=env,
    ).expect()
    options = {
        "RSA": ["--kty", "RSA", "--size", "3072"],
        "RSA 4096": ["--kty", "RSA", "--size", "4096"],
        "Ed25519": ["--kty", "OKP", "--curve", "Ed25519"],
        "P-384": ["--kty", "EC", "--curve", "P-384"],
        "P-521": ["--kty", "EC", "--curve", "P-521"],
    }
    if kind in options:
        root = [tree.path / "certs/root_ca.crt", tree.path / "secrets/root_ca_key"]
        intermediate = [tree.path / "certs/intermediate_ca.crt", tree.path / "secrets/intermediate_ca_key"]
        create = ["step", "certificate", "create", "--force", "--password-file", password, *options[kind]]
        run(*create, "--profile", "root-ca", f"{kind} Root", *root, env=env).expect()
        signer = ["--ca", root[0], "--ca-key", root[1], "--ca-password-file", password]
        run(*create, "--profile", "intermediate-ca", *signer, f"{kind} CA", *intermediate, env=env).expect()
        defaults = json.loads((tree.path / "config/defaults.json").read_text())
        defaults["fingerprint"] = run("step", "certificate", "fingerprint", root[0]).expect().out.strip()
        (tree.path / "config/defaults.json").write_text(json.dumps(defaults))
    return tree


@contextmanager
def step_ca(tree: Path, password_file: Path, url: str) -> Iterator[None]:
    """The real step-ca, running from a tree until the block ends."""
    need("step-ca")
    command = ["step-ca", "--password-file", password_file, tree / "config/ca.json"]
    with serving(command, url, tree / "certs/root_ca.crt", {"STEPPATH": str(tree)}):
        yield


@contextmanager
def serving(
    command: Sequence[object], url: str, root: Path, env: Mapping[str, str] | None = None
) -> Iterator["Server"]:
    """A command that serves as a CA with this root at this URL, until the block ends."""
    need("step")
    with tempfile.TemporaryFile() as log:
        server = Server(
            subprocess.Popen(
                [str(part) for part in command], env={**os.environ, **(env or {})}, stdout=log, stderr=subprocess.STDOUT
            ),
            log,
        )
        try:
            deadline = time.monotonic() + TIMEOUT
            while (health := run("step", "ca", "health", "--ca-url", url, "--root", root)).status:
                assert server.process.poll() is None, f"the CA ended: {server.log}"
                assert time.monotonic() < deadline, f"{health.err}\n{server.log}"
                time.sleep(0.1)
            yield server
        finally:
            server.process.terminate()
            server.process.wait(timeout=TIMEOUT)


@dataclass(frozen=True)
class Server:
    """A running CA."""

    process: "subprocess.Popen[bytes]"
    _log: IO[bytes]

    @property
    def log(self) -> str:
        """What it has said so far."""
        length = os.fstat(self._log.fileno()).st_size
        return os.pread(self._log.fileno(), length, 0).decode(errors="replace")

    def wait_for(self, text: str, times: int) -> None:
        """Wait until it has said something for the n-th time."""
        deadline = time.monotonic() + TIMEOUT
        while self.log.count(text) < times:
            assert time.monotonic() < deadline, self.log
            assert self.process.poll() is None, self.log
            time.sleep(0.05)


def rasterise(pdf: Path, dpi: int, options: Sequence[str] = ("-gray", "-png")) -> Path:
    """The first page of a PDF as a picture, by poppler: a renderer that is not ours."""
    need("pdftoppm")
    target = pdf.with_suffix("")
    run("pdftoppm", "-r", str(dpi), "-singlefile", *options, pdf, target).expect()
    return target.with_suffix(".jpg" if "-jpeg" in options else ".png")


def blot(sheet: bytes, dpi: int) -> Image.Image:
    """A share sheet's first page as a picture with a finder pattern of every code blotted out: none can be read."""
    page = next(pictures(sheet, dpi)).convert("RGB")
    for x, y in CODES:
        left, top = x * dpi / 25.4, y * dpi / 25.4
        ImageDraw.Draw(page).ellipse((left, top, left + 16 * dpi / 25.4, top + 16 * dpi / 25.4), "#432")
    assert not read_codes(page.convert("L"))
    return page


class Terminal:
    """A program under a pseudo-terminal of 80x24, driven as a person would drive it."""

    def __init__(self, *command: object) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.shown = ""
        self._slave = slave
        self.process = subprocess.Popen(
            [str(part) for part in command],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - tests have one thread
        )

    def expect(self, text: str) -> None:
        """Wait until the text is shown after what was shown when last waited for."""
        self._wait(text, lambda shown: shown)
        self._seen = self.shown.index(text, self._seen) + len(text)

    def expect_wrapped(self, text: str) -> None:
        """The same for a screen that is drawn again and again: where its lines end does not matter."""
        self._wait(text, lambda shown: " ".join(_CONTROL.sub(" ", shown).split()))
        self._seen = max(self._seen, self.shown.rfind("\x1b[H"))

    def _wait(self, text: str, view: Callable[[str], str]) -> None:
        deadline = time.monotonic() + TIMEOUT
        while text not in view(self.shown[self._seen :]):
            assert time.monotonic() < deadline, f"waited for {text!r}; shown: {self.shown}"
            if not self.read(0.1) and self.process.poll() is not None and text not in view(self.shown[self._seen :]):
                pytest.fail(f"the program ended without {text!r}; shown: {self.shown}")

    _seen = 0

    def read(self, seconds: float = 0) -> bool:
        """Take what is shown meanwhile, if anything is: a terminal that nobody reads makes the program wait."""
        try:
            ready = bool(select.select([self._master], [], [], seconds)[0])
            if ready:
                self.shown += os.read(self._master, 4096).decode(errors="replace")
        except OSError:  # nobody is at the other end any more
            return False
        return ready

    def type(self, text: str) -> None:
        """Type, without Enter."""
        os.write(self._master, text.encode())

    def echoes(self) -> bool:
        """Whether the terminal shows what is typed."""
        return bool(termios.tcgetattr(self._slave)[3] & termios.ECHO)

    def wait_for_silence(self) -> None:
        """Wait until the program has switched the terminal's echo off."""
        deadline = time.monotonic() + TIMEOUT
        while self.echoes():
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def end(self) -> int:
        """Wait for the program's end; return its exit status."""
        deadline = time.monotonic() + TIMEOUT
        while self.process.poll() is None:
            assert time.monotonic() < deadline
            self.read(0.05)
        while self.read(0.05):
            pass
        os.close(self._slave)
        os.close(self._master)
        return self.process.returncode
