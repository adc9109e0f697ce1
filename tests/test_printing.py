"""Sheets straight to a printer: through a real CUPS, to a device, and every way in which that goes wrong."""

import os
import pty
import select
import signal
import socket
import subprocess
import sys
import time
import tty
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from helpers import TIMEOUT, Run, Terminal, can_lock, escrow, need, practice, run
from print_server import PrintServer, need_cups

from escrow import documents
from escrow.errors import PrintError, RefusedError
from escrow.files import is_memory_backed
from escrow.memory import Secret
from escrow.paper import source
from escrow.paper.raster import sizes
from escrow.paper.stationery import Stationery, media
from escrow.policy import Policy
from escrow.printing import Device, Queue, public
from escrow.printing.configuration import is_cable, spool_of, value_of
from escrow.printing.cups import Cups, find, start
from escrow.share import Kind

NAMES = ("Anna", "Bert")
SEAL = ["seal", "--generate", "Printed CA", "--threshold", "2", *(p for n in NAMES for p in ("--custodian", n))]
LABELS = [f"Share {number} for {name}" for number, name in enumerate(NAMES, 1)]


@pytest.fixture
def cups(shm: Path) -> Iterator[PrintServer]:
    """A CUPS with one good printer, all in memory."""
    need_cups()
    with PrintServer(shm).running() as server:
        server.add("good")
        yield server


def arguments(cups: PrintServer, printer: str, out: Path) -> list[object]:
    return [*SEAL, "--out", out, *practice(), "--cups", cups.configuration, "--printer", printer]


def alone(*command: object) -> Run:
    """Run the program where nobody can be asked: in a session without a terminal."""
    return run("setsid", "--wait", sys.executable, "-m", "ceremony", *command)


def at_terminal(*command: object) -> Terminal:
    return Terminal(sys.executable, "-m", "ceremony", *command)


def check_paper(package: Path, paper: list[Path]) -> None:
    """What came out of the printer is read back, and is all shares of the set."""
    done = escrow("check", package, *paper).expect()
    assert (done.out + done.err).count(": valid") == len(NAMES), done


def test_sheets_come_out_of_the_printer_and_cups_keeps_nothing(cups: PrintServer, tmp_path: Path) -> None:
    """On the disk there is only what is public; in spool, history and logs there is nothing."""
    out = tmp_path / "out"
    alone(*arguments(cups, "good", out), "--no-pause", "--page-size", "Letter").expect()
    check_paper(out / "package.escrow", cups.paper)
    _, _, title, copies, options, *_ = (cups.directory / "paper/good-1.arguments").read_text().splitlines()
    assert (title, copies) == ("sheet", "1")
    assert {"media=Letter", "print-scaling=none", "nofit-to-page", "number-up=1"} <= set(options.split())
    public = ["decode.py", "documents", "package-sheets.pdf", "package.escrow"]
    assert sorted(path.name for path in out.iterdir()) == public
    assert cups.traces(*NAMES, "Printed CA", "custodian") == []


@pytest.mark.parametrize(
    ("page", "media"), [('"Letter"', "Letter"), ("[210, 297]", "A4"), ("[220, 300]", "Custom.220x300mm")]
)
def test_the_page_of_a_template_is_the_paper_that_is_asked_for(
    page: str, media: str, cups: PrintServer, tmp_path: Path
) -> None:
    own = tmp_path / "templates"
    own.mkdir()
    text = (source.directory() / "share.toml").read_text("utf-8")
    (own / "share.toml").write_text(f"page = {page}\n{text}", "utf-8")
    alone(*arguments(cups, "good", tmp_path / "out"), "--no-pause", "--templates", own).expect()
    assert f"media={media}" in (cups.directory / "paper/good-1.arguments").read_text().splitlines()[4].split()


def test_what_is_not_purged_is_found(cups: PrintServer, tmp_path: Path) -> None:
    """The positive control: the same search finds document, history and title of an ordinary job."""
    (tmp_path / "document").write_bytes(b"%PDF-1.4 in plain sight")
    cups.administer("lp", "-d", "good", "-t", "Anna", tmp_path / "document")
    found = "\n".join(cups.traces("Anna"))
    for kind in ("spool: ", "history: good-1", "d00001-001: b'%PDF'", ": b'Anna'"):
        assert kind in found, found


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to follow a process that forbids being traced")
def test_no_program_on_the_way_makes_a_file(cups: PrintServer, tmp_path: Path) -> None:
    """The program, its workers, lp and ipptool open nothing for writing but what is public."""
    need("strace")
    out, log = tmp_path / "out", tmp_path / "log"
    command = [*SEAL, "--out", out, "--specimen", "--cups", cups.configuration, "--printer", "good", "--no-pause"]
    trace = ["strace", "-f", "-o", log, "-e", "trace=open,openat,openat2,creat,mknod,mknodat,memfd_create"]
    run("setsid", "--wait", *trace, sys.executable, "-B", "-m", "ceremony", *command).expect()
    lines = log.read_text(errors="replace").splitlines()
    written = [
        line for line in lines if any(flag in line for flag in ("O_WRONLY", "O_RDWR", "O_CREAT", "creat(", "mk"))
    ]
    assert any(str(out) in line for line in written)
    assert any('"/dev/stdin"' in line for line in lines), "the programs of CUPS were not followed"
    odd = [line for line in written if f'"{out}' not in line and '"/dev/null"' not in line and '"/dev/tty"' not in line]
    assert odd == []


@pytest.mark.parametrize("how", ["fail", "stop", "cancel"])
def test_a_printer_that_fails_is_reported_and_the_sheet_printed_again(
    how: str, cups: PrintServer, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    terminal = at_terminal(*arguments(cups, "good", out))
    terminal.expect(f"{LABELS[0]}: take your sheet, press Enter")
    cups.behave("good", how)
    terminal.type("\n")
    terminal.expect(f"{LABELS[1]} is spoilt: ")
    terminal.expect({"fail": "pending-held", "stop": "good stopped", "cancel": "canceled"}[how])
    terminal.expect("Destroy what came out of the printer.")
    terminal.expect("Press Enter to print it again")  # what is typed before that is not taken for an answer
    assert cups.traces(*NAMES) == []
    cups.behave("good", "good")
    if how == "stop":
        terminal.type("\n")  # without having mended anything
        terminal.expect("is stopped")
        terminal.expect("Press Enter to print it again")
        cups.administer("cupsenable", "good")
    terminal.type("\n")
    for label in LABELS[1:]:
        terminal.expect(f"{label}: take your sheet, press Enter")
        terminal.type("\n")
    assert terminal.end() == 0, terminal.shown
    check_paper(out / "package.escrow", cups.paper)
    assert cups.traces(*NAMES) == []


def test_a_sheet_that_came_out_badly_is_printed_again(cups: PrintServer, tmp_path: Path) -> None:
    terminal = at_terminal(*arguments(cups, "good", tmp_path / "out"))
    terminal.expect(f"{LABELS[0]}: take your sheet, press Enter")
    terminal.type("what?\n")
    terminal.expect("is not one of the answers")
    terminal.expect(f"{LABELS[0]}: take your sheet, press Enter")
    terminal.type("print\n")
    terminal.expect("Destroy the bad one.")
    for label in LABELS:
        terminal.expect(f"{label}: take your sheet, press Enter")
        terminal.type("\n")
    assert terminal.end() == 0, terminal.shown
    assert len(cups.paper) == 3
    check_paper(tmp_path / "out/package.escrow", cups.paper[1:])


def test_giving_up_leaves_nothing_and_says_what_to_destroy(cups: PrintServer, tmp_path: Path) -> None:
    terminal = at_terminal(*arguments(cups, "good", tmp_path / "out"))
    terminal.expect(f"{LABELS[0]}: take your sheet, press Enter")
    cups.behave("good", "fail")
    terminal.type("\n")
    terminal.expect("or type 'stop' to give up: ")
    terminal.type("stop\n")
    assert terminal.end() == 1
    assert f"Destroy every printout, also incomplete ones, of: {LABELS[0]}; {LABELS[1]}." in terminal.shown
    assert list(tmp_path.iterdir()) == []
    assert cups.traces(*NAMES) == []


def test_without_a_terminal_a_spoilt_sheet_is_the_end(cups: PrintServer, tmp_path: Path) -> None:
    cups.behave("good", "fail")
    done = alone(*arguments(cups, "good", tmp_path / "out"), "--no-pause").expect(1)
    assert f"{LABELS[0]} is spoilt, and nothing was sealed" in done.err
    assert f"of: {LABELS[0]}." in done.err
    assert list(tmp_path.iterdir()) == []
    assert cups.traces(*NAMES) == []


def test_without_a_terminal_nobody_can_take_sheets(tmp_path: Path) -> None:
    done = alone(*SEAL, "--out", tmp_path / "out", "--specimen", "--device", "/dev/full").expect(2)
    assert "--no-pause" in done.err


def hold_a_job(cups: PrintServer) -> None:
    cups.administer("lp", "-d", "good", "-H", "hold", "/etc/hostname")


# What is wrong with the printer, how to make it so, and what the refusal says.
REFUSED: list[tuple[str, Callable[[PrintServer], object], str]] = [
    ("nobody", lambda cups: cups, "CUPS knows no printer nobody"),
    ("good", lambda cups: cups.administer("cupsdisable", "-r", "no toner", "good"), "good is stopped (no toner"),
    ("good", lambda cups: cups.administer("cupsreject", "good"), "cupsaccept good"),
    ("good", hold_a_job, "Other jobs wait for good"),
    ("far", lambda cups: cups.add("far", uri="socket://192.0.2.1"), "far is reached by 'socket'"),
    ("class", lambda cups: cups.administer("lpadmin", "-p", "good", "-c", "class"), "class is reached by 'file'"),
    ("good", lambda cups: cups.stop(), "CUPS does not answer"),
    ("-good", lambda cups: cups, "CUPS knows no printer -good"),
    ("good/../x", lambda cups: cups, "CUPS knows no printer good/../x"),
]


@pytest.mark.parametrize(("printer", "spoil", "message"), REFUSED, ids=[message for _, _, message in REFUSED])
def test_a_printer_that_cannot_be_used_is_refused_before_any_key_is_opened(
    printer: str, spoil: Callable[[PrintServer], object], message: str, cups: PrintServer, tmp_path: Path
) -> None:
    spoil(cups)
    no_tree = tmp_path / "no tree"  # had it been looked at, that would have been the message
    shares = ["--threshold", "2", *(part for name in NAMES for part in ("--custodian", name))]
    rest = ["--out", tmp_path / "out", *practice(), "--cups", cups.configuration, "--no-pause"]
    done = alone("seal", no_tree, *shares, *rest, "--printer", printer).expect(3)
    assert message in done.err
    assert list(tmp_path.iterdir()) == []
    assert cups.paper == []


def test_a_printer_behind_a_network_is_used_if_that_is_allowed(cups: PrintServer, tmp_path: Path) -> None:
    cups.add("far", uri="socket://192.0.2.1")
    alone(*arguments(cups, "far", tmp_path / "out"), "--no-pause", "--allow-network-printer").expect()
    check_paper(tmp_path / "out/package.escrow", cups.paper)


def test_a_spool_on_a_disk_is_refused_by_production_and_told_to_practice(cups: PrintServer, tmp_path: Path) -> None:
    disk = Path("/usr/share")
    assert not is_memory_backed(disk)
    files = cups.configuration / "cups-files.conf"
    files.write_text(files.read_text().replace(f"TempDir {cups.spool / 'tmp'}", f"TempDir {disk}"))
    remedy = f"mount -t tmpfs tmpfs {disk} && systemctl restart cups"
    rest = ["--out", tmp_path / "out", "--cups", cups.configuration, "--no-pause", "--printer", "nobody"]
    practised = alone(*SEAL, *rest, "--specimen").expect(3)
    assert remedy in practised.err
    assert "CUPS knows no printer nobody" in practised.err
    if can_lock():
        refused = alone(*SEAL, *rest).expect(3)
        assert remedy in refused.err
        assert "--allow-disk" in refused.err
        assert "CUPS knows no printer nobody" in alone(*SEAL, *rest, "--allow-disk").expect(3).err


def test_a_machine_without_cups_is_told_which_package_it_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "defpath", str(tmp_path))
    with pytest.raises(RefusedError, match="apt install cups-client"):
        find("lp")
    with pytest.raises(RefusedError, match="apt install cups-ipp-utils"):
        find("ipptool")
    with pytest.raises(RefusedError, match="Is CUPS installed"):
        Cups(tmp_path)
    (tmp_path / "cupsd.conf").write_text("#Listen /run/x\nListen localhost:631\n")
    with pytest.raises(RefusedError, match="no local socket"):
        Cups(tmp_path)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_an_interrupt_in_the_middle_of_a_job_takes_it_back(
    number: signal.Signals, cups: PrintServer, tmp_path: Path
) -> None:
    cups.behave("good", "hang")
    terminal = at_terminal(*arguments(cups, "good", tmp_path / "out"))
    cups.wait_until_begun("good", terminal)
    terminal.process.send_signal(number)
    assert terminal.end() == 130
    assert "Interrupted." in terminal.shown
    assert f"Destroy every printout, also incomplete ones, of: {LABELS[0]}." in terminal.shown
    assert list(tmp_path.iterdir()) == []
    assert cups.traces(*NAMES) == []


def test_killed_in_the_middle_of_a_job_it_has_another_process_take_it_back(cups: PrintServer, tmp_path: Path) -> None:
    cups.behave("good", "hang")
    terminal = at_terminal(*arguments(cups, "good", tmp_path / "out"))
    cups.wait_until_begun("good", terminal)
    assert cups.traces()
    terminal.process.kill()
    assert terminal.end() == -signal.SIGKILL
    deadline = time.monotonic() + TIMEOUT
    while (left := cups.traces(*NAMES)) or any(tmp_path.iterdir()):
        assert time.monotonic() < deadline, left
        time.sleep(0.05)


def test_a_cups_that_dies_with_a_job_is_told_with_its_spool(cups: PrintServer, tmp_path: Path) -> None:
    cups.behave("good", "hang")
    terminal = at_terminal(*arguments(cups, "good", tmp_path / "out"))
    cups.wait_until_begun("good", terminal)
    cups.stop()
    assert terminal.end() == 1
    assert "CUPS may keep a copy of the sheet" in terminal.shown
    assert str(cups.spool) in terminal.shown
    assert LABELS[0] in terminal.shown
    assert list(tmp_path.iterdir()) == []


def send(content: bytes) -> Callable[[int, Path], None]:
    def write(descriptor: int, _: Path) -> None:
        os.write(descriptor, content)

    return write


def test_a_printer_that_never_ends_is_given_up(cups: PrintServer) -> None:
    cups.behave("good", "hang")
    queue = Queue(Cups(cups.configuration), "good", "A4", patience=1)
    with pytest.raises(PrintError, match="within 1 seconds"):
        queue.print(send(b"%PDF"))
    assert cups.traces() == []
    queue.check()


def test_a_public_document_of_several_pages_comes_out_whole_on_its_paper(cups: PrintServer) -> None:
    """A receipt has three pages; its template may have another paper than that of the sheets."""
    manifest = documents.made_up(Kind.SPECIMEN, Policy.plain(2, 3), "Printed CA")
    paper = Stationery(size="Letter", organisation="Example Ltd")
    receipt = dict(documents.make(manifest, (*NAMES, "Cleo"), paper, lambda *_: None))["receipt-2.pdf"]
    queue = Queue(Cups(cups.configuration), "good", "A4")
    queue.print(public(receipt), "receipt-2", media(sizes(receipt)[0]))
    queue.print(send(b"%PDF"))
    assert [path.read_bytes() for path in cups.paper] == [receipt, b"%PDF"]
    assert len(sizes(cups.paper[0].read_bytes())) == 3
    said = [(cups.directory / f"paper/good-{number}.arguments").read_text().splitlines() for number in (1, 2)]
    assert [(lines[2], lines[3]) for lines in said] == [("receipt-2", "1"), ("sheet", "1")]
    assert "media=Letter" in said[0][4].split()
    assert {"media=A4", "sides=one-sided"} <= set(said[1][4].split())
    assert cups.traces("Example Ltd") == []


def test_a_sheet_that_cannot_be_made_makes_no_job(cups: PrintServer) -> None:
    def write(descriptor: int, _: Path) -> None:
        os.write(descriptor, b"%PDF half a")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        Queue(Cups(cups.configuration), "good", "A4").print(write)
    assert cups.traces() == []
    assert cups.paper == []


def test_a_cups_without_memory_of_jobs_leaves_a_sheet_in_doubt(shm: Path) -> None:
    need_cups()
    with PrintServer(shm, ["PreserveJobHistory No"]).running() as server:
        server.add("good")
        with pytest.raises(PrintError, match="PreserveJobHistory"):
            Queue(Cups(server.configuration), "good", "A4").print(send(b"%PDF"))
        assert server.traces() == []


def test_a_program_that_is_started_inherits_its_pipes_and_nothing_else() -> None:
    """No other descriptor, no page of a Secret, no environment, no terminal."""
    with Secret.random(32) as secret, socket.socket() as other:
        other.set_inheritable(True)
        with start(["/bin/cat"], output=subprocess.PIPE) as cat:
            process = Path(f"/proc/{cat.pid}")
            assert cat.stdin
            assert cat.stdout
            cat.stdin.write(b".")
            cat.stdin.flush()
            assert cat.stdout.read(1) == b"."  # by now it is cat, not our fork
            assert sorted(path.name for path in (process / "fd").iterdir()) == ["0", "1", "2"]
            maps = (process / "maps").read_text()
            assert f"{secret._address:x}-" not in maps
            assert "secretmem" not in maps
            assert "/dev/zero" not in maps
            names = {entry.partition(b"=")[0] for entry in (process / "environ").read_bytes().split(b"\0") if entry}
            assert names == {b"LC_ALL", b"PATH", b"HOME"}
            assert os.getsid(cat.pid) == cat.pid
            cat.communicate()


class Paper:
    """The other side of a pseudo-terminal that stands for a printer's device."""

    def __init__(self) -> None:
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        self.device = os.ttyname(self._slave)

    def read_while(self, process: "subprocess.Popen[bytes]") -> bytes:
        """All that is printed until the program ends."""
        content, deadline = b"", time.monotonic() + TIMEOUT
        while (ended := process.poll() is not None) is False or select.select([self._master], [], [], 0)[0]:
            assert time.monotonic() < deadline
            if select.select([self._master], [], [], 0 if ended else 0.05)[0]:
                content += os.read(self._master, 1 << 16)
        os.close(self._slave)
        os.close(self._master)
        return content


def test_a_device_gets_the_sheets_one_after_the_other(tmp_path: Path) -> None:
    paper = Paper()
    command = [*SEAL, "--out", str(tmp_path / "out"), *practice(), "--device", paper.device, "--no-pause"]
    process = subprocess.Popen([sys.executable, "-m", "ceremony", *command], start_new_session=True)
    documents = paper.read_while(process).split(b"%PDF-")
    assert process.returncode == 0
    assert documents[0] == b""
    sheets = [tmp_path / f"{number}.pdf" for number in range(1, len(documents))]
    for sheet, content in zip(sheets, documents[1:], strict=True):
        sheet.write_bytes(b"%PDF-" + content)
    check_paper(tmp_path / "out/package.escrow", sheets)
    assert not (tmp_path / "out/shares").exists()


def test_a_device_that_fails_spoils_the_sheet(tmp_path: Path) -> None:
    terminal = at_terminal(*SEAL, "--out", tmp_path / "out", *practice(), "--device", "/dev/full")
    terminal.expect(f"{LABELS[0]} is spoilt: Cannot write /dev/full: No space left on device.")
    terminal.expect("or type 'stop' to give up: ")
    terminal.type("\n")
    terminal.expect("or type 'stop' to give up: ")
    terminal.type("stop\n")
    assert terminal.end() == 1
    assert f"of: {LABELS[0]}." in terminal.shown
    assert list(tmp_path.iterdir()) == []


def test_a_device_takes_a_document_of_several_pages_whole() -> None:
    """More than a terminal holds at once: the driver is waited for."""
    paper = Paper()
    program = (
        "import sys; from pathlib import Path; from escrow.printing import Device, public\n"
        "Device(Path(sys.argv[1])).print(public(bytes(range(256)) * 1500), 'package-sheets', 'A4')"
    )
    with subprocess.Popen([sys.executable, "-c", program, paper.device]) as process:
        taken = paper.read_while(process)
    assert process.returncode == 0
    assert taken == bytes(range(256)) * 1500


def test_what_is_no_printers_device_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "fifo")
    for name, message in (
        ("file", "not a character device"),
        ("fifo", "not a character device"),
        ("", "not a character device"),
        ("none", "No such file"),
    ):
        with pytest.raises(RefusedError, match=message):
            Device(tmp_path / name).check()


def test_a_sheet_is_never_shown_on_the_terminal(tmp_path: Path) -> None:
    for device in ("/dev/tty", "/dev/stdout"):
        terminal = at_terminal(*SEAL, "--out", tmp_path / "out", *practice(), "--device", device)
        assert terminal.end() == 3, terminal.shown
        assert "is the terminal" in terminal.shown
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--printer", "x", "--device", "/dev/full"], "one of the two"),
        (["--no-pause"], "belong to --printer or --device"),
        (["--allow-network-printer"], "belong to --printer or --device"),
    ],
)
def test_one_destination_is_named(given: list[str], message: str, shm: Path) -> None:
    done = escrow(*SEAL, "--out", shm / "out", "--specimen", *given).expect(2)
    assert message in done.err


@pytest.mark.parametrize(
    ("uri", "cable"),
    [
        ("usb://HP/LaserJet%20400?serial=1", True),
        ("parallel:/dev/lp0", True),
        ("serial:/dev/ttyS0?baud=9600", True),
        ("hp:/usb/LaserJet?serial=1", True),
        ("hp:/par/LaserJet", True),
        ("gutenprint53+usb://canon/1", True),
        ("file:///dev/usb/lp0", True),
        ("file:/dev/lp0", True),
        ("hp:/net/LaserJet?ip=192.0.2.1", False),
        ("ipp://printer.local/ipp", False),
        ("ippusb://printer", False),
        ("file:///dev/null", False),
        ("file:///var/tmp/lp0", False),
        ("file:///dev/lp0/../sda", False),
        ("socket://192.0.2.1/usb:", False),
        ("", False),
    ],
)
def test_a_printer_counts_as_one_on_a_cable_by_the_backend_of_its_uri(uri: str, *, cable: bool) -> None:
    assert is_cable(uri) == cable


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("RequestRoot /run/spool\n", "/run/spool"),
        ("  requestroot\t/run/spool  # in memory\n", "/run/spool"),
        ("RequestRoot /disk\nRequestRoot /run/spool", "/run/spool"),
        ("RequestRoot /run/the spool\n", "/run/the spool"),
        ("#RequestRoot /run/spool\n", ""),
        ("RequestRoots /run/spool\nRequestRoot\n", ""),
        ("<Location />\nRequestRoot /run/spool\n</Location>\n", ""),
        ("<Location />\nAllow all\n</Location>\nRequestRoot /run/spool\n", "/run/spool"),
    ],
)
def test_a_directive_of_cups_is_read_as_cups_reads_it(text: str, value: str) -> None:
    assert value_of(text, "RequestRoot") == value
    expected = Path(value or "/var/spool/cups")
    assert spool_of(text) == (expected, expected / "tmp")
    assert spool_of(f"{text}\nTempDir /elsewhere") == (expected, Path("/elsewhere"))
