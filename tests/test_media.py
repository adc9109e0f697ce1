"""Media: which are offered, what is written to them, and the proof that they were away before they were read back.

/sys and mountinfo are laid out in folders, and what is mounted where is changed while the program asks.
"""

import errno
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from ceremony.preflight.machine import Machine
from ceremony.rules.sealing.steps import steps
from ceremony.rules.state import State
from ceremony.run import media
from ceremony.run.acts import proof
from ceremony.run.copying import Copied, Copying, Load, Proof
from ceremony.run.identity import Identity
from ceremony.run.questions import Asked, Fields, Questions
from escrow import mounts
from escrow.errors import EscrowError, FileError
from escrow.memory import Secret
from escrow.mounts import Mount
from escrow.policy import Policy
from escrow.share import Kind

USB = "/sys/devices/pci0000:00/0000:00:14.0/usb1/1-{n}/host{n}/block/sd{letter}"
LAID = ("/sys", "/dev")
DISK = "/sys/devices/pci0000:00/0000:00:17.0/ata1/host0/block/sda"
STICK = Identity("Ultra Fit", "SN-b", 16 * 10**9, "1", "UUID-b")
FILES = {"package.escrow": b"the package" * 100, "decode.py": b"the decoder"}


class Laid(Machine):
    """A machine whose /sys lies in a folder and whose mounts are a list; every other path is the real one."""

    lines: list[str]
    full: bool
    read_only: bool

    def _at(self, path: str) -> Path:
        return self.root / path.lstrip("/") if path.startswith(LAID) else Path(path)

    def real(self, path: str) -> str:
        return super().real(path) if path.startswith(LAID) else str(Path(path).resolve(strict=True))

    def mounts(self) -> tuple[Mount, ...]:
        return mounts.parse("\n".join(self.lines))

    def space(self, path: str) -> tuple[int, int, bool]:  # noqa: ARG002 - of every medium the same
        return 16 * 10**9, 100 if self.full else 15 * 10**9, self.read_only


@dataclass
class Bench:
    """A machine with sticks that are plugged in and out, and people who answer: functions, or texts, by question."""

    base: Path
    answers: dict[Asked, list[str | Callable[[], str]]] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        (self.base / "sys").mkdir()
        self.machine = Laid(self.base / "root")
        object.__setattr__(self.machine, "lines", ["20 1 0:20 / / rw - tmpfs tmpfs rw"])
        object.__setattr__(self.machine, "full", False)
        object.__setattr__(self.machine, "read_only", False)
        (self.base / "own").mkdir()
        self.number = 30
        self.device("sda", DISK, "8:0", removable=False)
        self.device("sda1", f"{DISK}/sda1", "8:1")
        self.mount("sda1", "8:1", "disk")

    def device(self, name: str, path: str, number: str, *, removable: bool = True, sequence: int = 1) -> None:
        """Lay a device out as the kernel does."""
        root = self.base / "root"
        at = root / path.lstrip("/")
        at.mkdir(parents=True, exist_ok=True)
        if name[-1].isdigit():
            (at / "partition").write_text("1\n")
        else:
            (at / "device").mkdir(exist_ok=True)
            (at / "device/model").write_text("Ultra  Fit   \n")
            (at / "removable").write_text(f"{int(removable)}\n")
            (at / "diskseq").write_text(f"{sequence}\n")
        (at / "size").write_text("31250000\n")
        for link in (root / "sys/dev/block" / number, root / "sys/class/block" / name):
            link.parent.mkdir(parents=True, exist_ok=True)
            link.unlink(missing_ok=True)
            link.symlink_to(os.path.relpath(at, link.parent))

    def plug(self, letter: str = "b", sequence: int = 7) -> None:
        """Put a stick in."""
        n = ord(letter) - ord("a")
        path = USB.format(n=n, letter=letter)
        self.device(f"sd{letter}", path, f"8:{16 * n}", sequence=sequence)
        self.names_itself(letter, serial=f"SN-{letter}", uuid=f"UUID-{letter}")
        self.device(f"sd{letter}1", f"{path}/sd{letter}1", f"8:{16 * n + 1}")

    def names_itself(self, letter: str, *, serial: str, uuid: str) -> None:
        """What a stick in the n-th port says of itself; its hub has a number, too."""
        root, n = self.base / "root", ord(letter) - ord("a")
        at = root / f"sys/devices/pci0000:00/0000:00:14.0/usb1/1-{n}"
        for path, own in ((at, serial), (at.parent, "0000:00:14.0")):
            path.mkdir(parents=True, exist_ok=True)
            (path / "idVendor").write_text("0781\n")
            (path / "serial").write_text(own)
        links = root / "dev/disk/by-uuid"
        links.mkdir(parents=True, exist_ok=True)
        (root / f"dev/sd{letter}1").touch()
        for link in links.iterdir():
            if link.readlink().name == f"sd{letter}1":
                link.unlink()
        if uuid:
            (links / uuid).unlink(missing_ok=True)
            (links / uuid).symlink_to(f"../../sd{letter}1")

    def mount(self, name: str, number: str, folder: str) -> Path:
        """Mount a device at a folder of this test."""
        point = self.base / folder
        point.mkdir(exist_ok=True)
        self.number += 1
        self.machine.lines.append(f"{self.number} 20 {number} / {point} rw - vfat /dev/{name} rw")
        return point

    def stick(self, letter: str = "b", sequence: int = 7) -> Path:
        """Put a stick in, and mount it."""
        self.plug(letter, sequence)
        return self.mount(f"sd{letter}1", f"8:{16 * (ord(letter) - ord('a')) + 1}", f"stick-{letter}")

    def unmount(self, point: Path) -> None:
        self.machine.lines[:] = [line for line in self.machine.lines if f" {point} " not in line]

    def copy(self, load: Load, kind: Kind = Kind.PRODUCTION) -> Copied:
        return Copying(Questions(self, {}), self.machine, self.base / "own", kind).copy(load)

    def page(self, lines: object) -> None:
        raise AssertionError(lines)

    def say(self, text: str) -> None:
        self.said.append(text)

    def line(self, asked: Asked, fields: Fields) -> str:
        asked.text(fields)  # every brace has its field
        given = self.answers.get(asked, [])
        assert given, f"nothing is answered to {asked}; said: {self.said}"
        answer = given.pop(0)
        return answer if isinstance(answer, str) else answer()

    def secret(self, asked: Asked, fields: Fields) -> Secret:
        raise AssertionError(asked, fields)

    def away(self, point: Path, sequence: int | None = None) -> None:
        """The people unmount a stick and mount it again; with another number, they pull it out."""

        def out() -> str:
            self.unmount(point)
            return ""

        def back() -> str:
            letter = point.name[-1]
            self.plug(letter, sequence or 7)
            self.mount(f"sd{letter}1", f"8:{16 * (ord(letter) - ord('a')) + 1}", point.name)
            return ""

        self.answers |= {Asked.TAKE_OUT: [out], Asked.PUT_IN: [back]}


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path.resolve())
    yield bench
    assert not any(bench.answers.values()), f"not asked for: {bench.answers}"


def load(**changed: object) -> Load:
    first = {"what": "copy 1 of the package", "of": "package", "copy": 1, "folder": "package-AB-copy-1"}
    given = {**first, "files": FILES, "avoid": {"package-AB": "another copy.", "package-CD": "void."}, **changed}
    return Load(**given)  # type: ignore[arg-type]


def test_sticks_that_are_mounted_are_listed_and_nothing_else(bench: Bench) -> None:
    point = bench.stick()
    bench.mount("sdb1", "8:17", "stick-b2")  # twice, and shown once
    bench.plug("c")
    bench.machine.lines.append(f"60 20 7:0 / {bench.base}/root ro - squashfs /dev/loop0 ro")
    own = bench.base / "own"
    (shown,) = media.mounted(bench.machine, own)
    assert str(shown) == f"{point}  (/dev/sdb1, Ultra Fit, vfat, 15.0 GB of 16.0 GB free)"
    assert media.waiting(bench.machine) == ["/dev/sdc1 (Ultra Fit, 16.0 GB)"]
    for number, device in (("7:1", "loop1"), ("1:0", "ram0")):
        bench.device(device, f"/sys/devices/virtual/block/{device}", number)
        bench.mount(device, number, device)
        with pytest.raises(FileError, match="an image in a file or in memory"):
            media.medium_at(bench.machine, bench.base / device, own)
    assert media.mounted(bench.machine, own) == [shown]
    assert media.mounted(bench.machine, point) == [], "where the ceremony's own folder lies is no medium of its own"


@pytest.mark.parametrize(("sequence", "how"), [(None, Proof.UNMOUNTED), (8, Proof.UNPLUGGED)])
def test_a_copy_is_read_back_from_a_medium_that_was_seen_to_go_away(
    sequence: int | None, how: Proof, bench: Bench
) -> None:
    point = bench.stick()
    bench.away(point, sequence)
    bench.answers[Asked.MEDIUM] = ["", "2", "0", "stick", str(bench.base / "nowhere"), "1"]
    copied = bench.copy(load())
    assert copied == Copied(point / "package-AB-copy-1", how, STICK)
    assert {path.name: path.read_bytes() for path in copied.place.iterdir()} == FILES
    assert bench.said[0].startswith(f"1  {point}  (/dev/sdb1")
    assert sum("There is no medium" in said for said in bench.said) == 2
    assert sum("There is no folder" in said for said in bench.said) == 2


def test_a_medium_that_was_never_unmounted_is_not_believed(bench: Bench) -> None:
    point = bench.stick()
    bench.away(point, 8)
    bench.answers[Asked.MEDIUM] = ["1"]
    bench.answers[Asked.TAKE_OUT] = ["", "", *bench.answers[Asked.TAKE_OUT]]
    assert bench.copy(load()).proof is Proof.UNPLUGGED
    assert sum(f"/dev/sdb1 is still mounted at {point}" in said for said in bench.said) == 2


def test_a_medium_that_was_pulled_out_while_it_was_mounted_has_to_be_unmounted(bench: Bench) -> None:
    point = bench.stick()
    bench.away(point, 8)

    def pulled() -> str:
        (bench.base / "root/sys/dev/block/8:17").unlink()
        return ""

    bench.answers |= {Asked.MEDIUM: ["1"], Asked.TAKE_OUT: [pulled, *bench.answers[Asked.TAKE_OUT]]}
    assert bench.copy(load()).proof is Proof.UNPLUGGED
    assert any("is still mounted" in said for said in bench.said)


def test_it_may_be_mounted_elsewhere_when_it_comes_back_and_is_found(bench: Bench) -> None:
    point = bench.stick()
    bench.away(point)

    def elsewhere() -> str:
        other = bench.stick("c", 9)
        (point / "package-AB-copy-1").rename(other / "package-AB-copy-1")
        return ""

    bench.answers |= {Asked.MEDIUM: ["1"], Asked.PUT_IN: ["", elsewhere]}
    copied = bench.copy(load())
    assert copied == Copied(
        bench.base / "stick-c/package-AB-copy-1", Proof.UNPLUGGED, replace(STICK, serial="SN-c", uuid="UUID-c")
    )
    assert any("No medium with the folder package-AB-copy-1 is mounted" in said for said in bench.said)
    assert any("tmpfs, which is no medium" in said for said in bench.said), "its mount point alone is no medium"


def test_what_comes_back_changed_is_not_the_copy(bench: Bench) -> None:
    point = bench.stick()
    bench.away(point, 8)
    (back,) = bench.answers[Asked.PUT_IN]

    def changed() -> str:
        assert callable(back)
        path = point / "package-AB-copy-1/package.escrow"
        path.write_bytes(path.read_bytes().replace(b"package", b"packagf", 1))
        return back()

    bench.answers |= {Asked.MEDIUM: ["1"], Asked.PUT_IN: [changed]}
    with pytest.raises(FileError, match=r"is not what was written \(package.escrow\): take another medium"):
        bench.copy(load())


@pytest.mark.parametrize("asked", [Asked.TAKE_OUT, Asked.PUT_IN])
def test_a_copy_can_be_begun_anew_and_finds_what_was_written(asked: Asked, bench: Bench) -> None:
    point = bench.stick()
    bench.away(point)
    bench.answers[Asked.MEDIUM] = ["1"]
    bench.answers[asked] = ["again"]
    with pytest.raises(FileError, match="not read back"):
        bench.copy(load())
    bench.unmount(point)
    bench.stick()
    before = (point / "package-AB-copy-1/package.escrow").stat().st_mtime_ns
    bench.away(point)
    bench.answers[Asked.MEDIUM] = ["1"]
    bench.copy(load())
    assert (point / "package-AB-copy-1/package.escrow").stat().st_mtime_ns == before


def test_what_an_interrupted_run_left_half_written_is_replaced(bench: Bench) -> None:
    point = bench.stick()
    (point / "package-AB-copy-1").mkdir()
    (point / "package-AB-copy-1/.package.escrow.partial").write_bytes(b"half")
    (point / "package-AB-copy-1/decode.py").write_bytes(FILES["decode.py"])
    bench.away(point)
    bench.answers[Asked.MEDIUM] = ["1"]
    place = bench.copy(load()).place
    assert {path.name: path.read_bytes() for path in place.iterdir()} == FILES


REFUSED: dict[str, tuple[Callable[[Bench], Path], str]] = {
    "the ceremony's own file system": (lambda bench: bench.base / "own", "on the same file system|tmpfs, which is no"),
    "memory": (lambda bench: bench.mount("none", "0:99", "memory").parent, "tmpfs, which is no medium"),
    "a fixed disk": (lambda bench: bench.base / "disk", "/dev/sda1, a fixed disk"),
    "a file": (lambda bench: _file(bench.base / "file"), "There is no folder"),
}


def _file(path: Path) -> Path:
    path.touch()
    return path


@pytest.mark.parametrize("what", REFUSED)
def test_production_takes_media_alone_and_asks_again(what: str, bench: Bench) -> None:
    make, reason = REFUSED[what]
    point = bench.stick()
    bench.away(point)
    bench.answers[Asked.MEDIUM] = [str(make(bench)), str(point)]
    assert bench.copy(load()).place.parent == point
    assert any(any(part in said for part in reason.split("|")) for said in bench.said), bench.said


def test_practice_may_use_a_folder_and_is_told_so(bench: Bench) -> None:
    (bench.base / "folder").mkdir()
    bench.answers |= {Asked.MEDIUM: [str(bench.base / "folder")], Asked.TAKE_OUT: [""], Asked.PUT_IN: [""]}
    assert bench.copy(load(), Kind.SPECIMEN) == Copied(bench.base / "folder/package-AB-copy-1", Proof.FOLDER, None)
    assert any(said.startswith("SPECIMEN: production would refuse this.") for said in bench.said)


@pytest.mark.parametrize("kind", [Kind.PRODUCTION, Kind.SPECIMEN])
def test_practice_with_a_medium_has_to_take_it_out_as_production_has(kind: Kind, bench: Bench) -> None:
    point = bench.stick()
    bench.away(point)
    bench.answers |= {Asked.MEDIUM: ["1"], Asked.TAKE_OUT: ["", *bench.answers[Asked.TAKE_OUT]]}
    assert bench.copy(load(), kind).proof is Proof.UNMOUNTED


@pytest.mark.parametrize(
    ("name", "reason"),
    [("package-AB-copy-2", "another copy."), ("package-CD-copy-1", "void."), ("package-CD", "void.")],
)
def test_a_medium_with_another_copy_or_a_void_set_is_not_taken(name: str, reason: str, bench: Bench) -> None:
    wrong, right = bench.stick("b"), bench.stick("c")
    (wrong / name).mkdir()
    bench.away(right)
    bench.answers[Asked.MEDIUM] = ["1", "2"]
    assert bench.copy(load()).place.parent == right
    assert f"{wrong} has {name}: {reason}" in bench.said
    assert not (wrong / "package-AB-copy-1").exists()


def test_what_is_on_a_medium_of_something_else_is_said_and_left(bench: Bench) -> None:
    point = bench.stick()
    (point / "package-EF-copy-1").mkdir()
    (point / "package.escrow").write_bytes(b"an older one")
    bench.away(point)
    bench.answers[Asked.MEDIUM] = ["1"]
    bench.copy(load())
    assert (point / "package.escrow").read_bytes() == b"an older one"
    assert sum(said.startswith(f"CAREFUL: {point} also has package") for said in bench.said) == 2


def test_a_file_of_the_same_name_is_never_overwritten(bench: Bench) -> None:
    wrong, right = bench.stick("b"), bench.stick("c")
    (wrong / "package-AB-copy-1").mkdir()
    (wrong / "package-AB-copy-1/decode.py").write_bytes(b"the dec0der")
    bench.away(right)
    bench.answers[Asked.MEDIUM] = ["1", "2"]
    assert bench.copy(load()).place.parent == right
    assert (wrong / "package-AB-copy-1/decode.py").read_bytes() == b"the dec0der"
    assert any("is another file, which is not overwritten" in said for said in bench.said)


def test_a_full_or_read_only_medium_is_said_before_anything_is_written(bench: Bench) -> None:
    for state, message in (("full", "is full: copy 1 of the package needs 1111 bytes, and 100"), ("read_only", "disc")):
        point = bench.stick()
        object.__setattr__(bench.machine, state, True)

        def mended(state: str = state) -> str:
            object.__setattr__(bench.machine, state, False)
            bench.away(bench.base / "stick-b")
            return "1"

        bench.answers[Asked.MEDIUM] = ["1", mended]
        bench.copy(load(folder=f"package-AB-copy-1-{state}", avoid={}))
        assert any(message in said for said in bench.said), bench.said
        bench.unmount(point)


def test_a_disc_on_which_all_files_are_already_is_read_back_although_it_is_read_only(bench: Bench) -> None:
    point = bench.stick()
    (point / "package-AB-copy-1").mkdir()
    for name, content in FILES.items():
        (point / "package-AB-copy-1" / name).write_bytes(content)
    object.__setattr__(bench.machine, "read_only", True)
    bench.away(point, 9)
    bench.answers[Asked.MEDIUM] = ["1"]
    assert bench.copy(load()).proof is Proof.UNPLUGGED


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EROFS])
def test_a_medium_that_fails_while_it_is_written_is_named_and_the_step_can_be_repeated(
    code: int, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    point = bench.stick()
    write, unlink = os.write, os.unlink

    def failing(descriptor: int, data: bytes) -> int:
        if len(data) > 1000:
            if code == errno.EIO:  # and nothing can be removed any more
                patch.setattr(os, "unlink", gone)
            raise OSError(code, os.strerror(code))
        return write(descriptor, data)

    def gone(path: object, **_: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO), path)

    bench.answers[Asked.MEDIUM] = ["1"]
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", failing)
        with pytest.raises(EscrowError, match=r"Cannot (write|use) .*stick-b"):
            bench.copy(load())
    assert os.unlink is unlink
    bench.away(point)
    bench.answers[Asked.MEDIUM] = ["1"]
    place = bench.copy(load()).place
    assert {path.name: path.read_bytes() for path in place.iterdir()} == FILES


ONE_MEDIUM: dict[str, tuple[Identity, bool]] = {
    "the same": (STICK, True),
    "another folder of it": (replace(STICK, partition="1"), True),
    "another partition of it": (replace(STICK, partition="2", uuid="UUID-x"), True),
    "formatted without udev to say so": (replace(STICK, uuid=""), True),
    "the file system alone is known": (replace(STICK, serial=""), True),
    "another stick": (replace(STICK, serial="SN-c", uuid="UUID-c"), False),
    "another stick, made of it bit by bit": (replace(STICK, serial="SN-c"), False),
    "another card in the same reader": (replace(STICK, uuid="UUID-c"), False),
    "another maker's, by the same number": (replace(STICK, model="Other", partition="2", uuid=""), False),
    "one that says nothing": (Identity("", "", 0, "", ""), False),
}


@pytest.mark.parametrize("what", ONE_MEDIUM)
def test_media_are_told_apart_by_what_they_say_of_themselves(what: str) -> None:
    other, same = ONE_MEDIUM[what]
    assert STICK.is_that_of(other) is other.is_that_of(STICK) is same
    assert Identity.from_facts(STICK.facts) == STICK


def test_the_journal_says_which_media_have_the_other_copies() -> None:
    facts = {"site": "Bank", "identity": STICK.facts}
    state = State(done={"seal": {}, "copy 1": facts, "copy 2": facts, "copy 3": {"identity": None}})
    step = next(step for step in steps(Policy.plain(2, 3), 3) if step.id == "copy 2")
    assert dict(proof.media_of_others(step, state)) == {"copy 1 of the package": STICK}


@pytest.mark.parametrize("kind", [Kind.PRODUCTION, Kind.SPECIMEN])
def test_two_copies_do_not_go_onto_one_medium_in_two_folders(kind: Kind, bench: Bench) -> None:
    wrong, right = bench.stick("b"), bench.stick("c")
    (wrong / "elsewhere").mkdir()
    used = wrong if kind is Kind.SPECIMEN else right
    bench.away(used)
    bench.answers[Asked.MEDIUM] = [str(wrong / "elsewhere"), *(["2"] if kind is Kind.PRODUCTION else [])]
    copied = bench.copy(load(avoid={}, taken={"copy 2 of the package": STICK}), kind)
    assert copied.place == (wrong / "elsewhere" if kind is Kind.SPECIMEN else right) / "package-AB-copy-1"
    assert any("is the medium of copy 2 of the package. Each copy needs" in said for said in bench.said)


def test_what_is_put_in_instead_of_the_copy_is_not_the_medium_of_another_one(bench: Bench) -> None:
    point = bench.stick("b")

    def exchanged() -> str:
        bench.unmount(point)
        return ""

    def other() -> str:
        stick = bench.stick("c")
        (point / "package-AB-copy-1").rename(stick / "package-AB-copy-1")
        return ""

    bench.answers |= {Asked.MEDIUM: ["1"], Asked.TAKE_OUT: [exchanged], Asked.PUT_IN: [other]}
    taken = replace(STICK, serial="SN-c", uuid="UUID-c")
    with pytest.raises(FileError, match="the medium of copy 2"):
        bench.copy(load(taken={"copy 2 of the package": taken}))
