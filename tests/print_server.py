"""A CUPS of our own: its real scheduler with its default policy, in a directory, and printers that we can break."""

import grp
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from helpers import TIMEOUT, Terminal, need, run

# What CUPS calls to move paper. How a printer behaves, and that it has begun, are files.
BACKEND = """#!/bin/sh
[ $# = 0 ] && exit 0
paper={directory}/paper/$PRINTER-$1
printf '%s\\n' "$@" > "$paper.arguments"
how=$(cat {directory}/how/$PRINTER)
case $how in
  good) cp "$6" "$paper.partial" && mv "$paper.partial" "$paper.pdf"; exit ;;
esac
head -c 1000 "$6" > "$paper.begun"
case $how in
  fail) echo 'ERROR: paper jam' >&2; exit 1 ;;
  cancel) exit 5 ;;
  stop) echo 'ERROR: cover open' >&2; exit 4 ;;
  hang) echo 'STATE: +media-empty-error' >&2; exec sleep 1000 ;;
esac
"""
DEFAULTS = Path("/usr/share/cups/cupsd.conf.default")


class PrintServer:
    """The scheduler, once started."""

    def __init__(self, directory: Path, extra: Sequence[str] = ()) -> None:
        self.directory = directory
        self.configuration = directory / "etc"
        self.spool = directory / "spool"
        self.socket = directory / "socket"
        for name in ("etc", "spool/tmp", "state", "cache", "log", "paper", "how", "bin/backend", "bin/daemon"):
            (directory / name).mkdir(parents=True)
        for scheme in ("usb", "socket"):
            backend = directory / "bin/backend" / scheme
            backend.write_text(BACKEND.format(directory=directory))
            backend.chmod(0o700)  # run as the account of the scheduler, which may read this directory
        (directory / "bin/daemon/cups-exec").symlink_to("/usr/lib/cups/daemon/cups-exec")
        policy = [line for line in DEFAULTS.read_text().splitlines() if not line.startswith(("Listen", "LogLevel"))]
        own = [f"Listen {self.socket}", "LogLevel debug", *extra]
        (self.configuration / "cupsd.conf").write_text("\n".join([*own, *policy]))
        files = {
            "ServerRoot": self.configuration,
            "ServerBin": directory / "bin",
            "RequestRoot": self.spool,
            "TempDir": self.spool / "tmp",
            "StateDir": directory / "state",
            "CacheDir": directory / "cache",
            "AccessLog": directory / "log/access",
            "ErrorLog": directory / "log/error",
            "PageLog": directory / "log/page",
            "SystemGroup": grp.getgrgid(os.getgid()).gr_name,
        }
        text = "".join(f"{name} {value}\n" for name, value in files.items())
        (self.configuration / "cups-files.conf").write_text(text)

    @property
    def paper(self) -> list[Path]:
        """The sheets that came out whole, in order."""
        return sorted((self.directory / "paper").glob("*.pdf"), key=lambda path: int(path.stem.rpartition("-")[2]))

    def add(self, name: str, how: str = "good", uri: str = "usb://Test/Printer") -> None:
        """Add a printer that takes PDF as it is. What the backend does with it is `how`."""
        self.behave(name, how)
        self.administer("lpadmin", "-p", name, "-E", "-v", uri, "-m", "raw", "-o", "printer-error-policy=retry-job")

    def behave(self, name: str, how: str) -> None:
        (self.directory / "how" / name).write_text(how)

    def administer(self, program: str, *arguments: object) -> str:
        """Run a program of CUPS against this server."""
        path = f"{os.environ['PATH']}:/usr/sbin"
        return run(program, "-h", self.socket, *arguments, env={"PATH": path, "LC_ALL": "C"}).expect().out

    def wait_until_begun(self, name: str, terminal: Terminal) -> None:
        """Wait until a job, of the program at a terminal, is in the middle of being printed."""
        deadline = time.monotonic() + TIMEOUT
        while not list((self.directory / "paper").glob(f"{name}-*.begun")):
            assert time.monotonic() < deadline, f"the printer has not begun; shown: {terminal.shown}"
            terminal.read(0.01)

    def traces(self, *words: str) -> list[str]:
        """What is left of jobs: files in the spool, history, and documents or telling words in any file or log."""
        found = [f"spool: {path}" for path in self.spool.rglob("*") if path != self.spool / "tmp"]
        found += [f"history: {line}" for line in self.administer("lpstat", "-W", "all", "-o").splitlines()]
        needles = [b"%PDF", *(word.encode() for word in words)]
        for top, folders, files in os.walk(self.directory):
            folders[:] = [folder for folder in folders if folder not in {"paper", "bin"}]
            for path in (Path(top, file) for file in files):
                content = path.read_bytes() if path.is_file() else b""
                found += [f"{path.name}: {needle!r}" for needle in needles if needle in content]
        return found

    @contextmanager
    def running(self) -> Iterator["PrintServer"]:
        """Run the scheduler until the block ends; never longer than the longest test may take."""
        # A copy, because a profile of AppArmor goes by the path and would keep it out of our directory.
        program = shutil.copy(shutil.which("cupsd", path="/usr/sbin:/usr/bin") or "", self.directory / "bin")
        configuration = ["-c", self.configuration / "cupsd.conf", "-s", self.configuration / "cups-files.conf"]
        command = ["timeout", "--kill-after=10", "300", program, "-f", *map(str, configuration)]
        with (self.directory / "log/output").open("wb") as output:
            self.process = subprocess.Popen(command, stdout=output, stderr=output)
        try:
            deadline = time.monotonic() + TIMEOUT
            while "is running" not in run("lpstat", "-h", self.socket, "-r", env={"LC_ALL": "C"}).out:
                assert self.process.poll() is None, (self.directory / "log/output").read_text()
                assert time.monotonic() < deadline, "CUPS does not start"
                time.sleep(0.01)
            yield self
        finally:
            self.stop()

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(TIMEOUT)


def need_cups() -> None:
    """Skip the test where CUPS is not installed."""
    need("lp", "lpstat", "ipptool")
    if not shutil.which("cupsd", path="/usr/sbin:/usr/bin") or not DEFAULTS.exists():
        need("cupsd")
