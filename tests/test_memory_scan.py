"""Keys only ever live in locked memory: read from outside, at every mark of every command that touches a secret.

The program runs as a child through its real entry point and stops at marks. At each of them all mappings of it and
of its worker must be locked, and secrets may be found only where MEMORY.md says: nowhere in the parent (but in a
Secret's own pages, where the fall-back makes those readable), and in a worker only the secrets of its task.
"""

import datetime as dt
import fcntl
import functools
import json
import os
import pty
import re
import shutil
import signal
import struct
import subprocess
import sys
import termios
import tty
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import soft_hsm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from film import EMPTY_TABLE, Scene, write_film
from foreseen import scalar
from helpers import PASSWORD, TIMEOUT, StepTree, blot, can_lock, escrow, need
from memory_scan import Hit, Scanner, regions, unlocked
from player import room
from print_server import PrintServer, need_cups

from ceremony.planning.draft import Entries, Values, refresh, session
from escrow import jwe, shamir
from escrow.documents import MADE_UP
from escrow.paper.scan import scan
from escrow.share import Record
from escrow.wordlist import WORDS
from escrow.words import to_words

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not can_lock(), reason="needs root, to read the memory of a process that forbids it"
)

CHILD = Path(__file__).with_name("memory_child.py")
INVENTED = re.compile(rb"[a-z]{4}(-[a-z]{4}){15}")
OWN_PAGES = {"/dev/zero (deleted)"}  # a Secret without memfd_secret: shared anonymous memory
CUSTODIANS = ("Anna", "Bert", "Cleo")
ORDER: list[str | Path] = ["--threshold", "2", *(part for name in CUSTODIANS for part in ("--custodian", name))]


@dataclass
class Seen:
    """What was found of one process at one mark: secrets by their number, and where."""

    mark: str
    is_worker: bool
    unlocked: list[str]
    hits: list[Hit]
    reachable: set[str] = field(repr=False)

    @property
    def leaked(self) -> list[Hit]:
        return [hit for hit in self.hits if hit.where not in OWN_PAGES]


def secrets_in(content: bytes) -> Iterator[tuple[str, bytes]]:
    """What is secret about the content of a Secret: 32 bytes are; of a PEM key the private numbers are."""
    if content == MADE_UP:  # the test page's, in the source; and a run of numbers that many tables have
        return
    if len(content) == 32:
        yield "value", content
    elif INVENTED.fullmatch(content):
        yield "password", content
    elif content.startswith(b"-----BEGIN PRIVATE KEY-----"):
        key = serialization.load_pem_private_key(content, None)
        if isinstance(key, ec.EllipticCurvePrivateKey):
            yield "private key", key.private_numbers().private_value.to_bytes((key.key_size + 7) // 8, "big")
        elif isinstance(key, rsa.RSAPrivateKey):
            for number in (key.private_numbers().d, key.private_numbers().p, key.private_numbers().q):
                yield "private key", number.to_bytes((number.bit_length() + 7) // 8, "big")
        else:
            yield "private key", content and key.private_bytes_raw()  # type: ignore[union-attr]


def watch(
    *arguments: str | Path,
    stdin: str = "",
    secrets: Mapping[str, bytes] | None = None,
    thorough: bool = True,
    terminal: int | None = None,
) -> Iterator[Seen]:
    """Run the child to its end, reading at each mark the memory of the process that stopped there.

    With `thorough`, at a worker's mark also that of the parent, which is waiting for it. With `terminal`, a
    pseudo-terminal's descriptor, that is the child's terminal.
    """
    marks, marks_in = os.pipe()
    told, told_in = os.pipe()
    go_out, go = os.pipe()
    descriptors = (marks_in, told_in, go_out)
    process = subprocess.Popen(
        [sys.executable, str(CHILD), *map(str, arguments)],
        env={**os.environ, "ESCROW_MARKS": ",".join(map(str, descriptors))},
        pass_fds=descriptors,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=terminal is not None,
        preexec_fn=None if terminal is None else functools.partial(fcntl.ioctl, terminal, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - no thread
    )
    for descriptor in descriptors:
        os.close(descriptor)
    if process.stdin:
        process.stdin.write(stdin.encode())
        process.stdin.close()
    known = dict(secrets or {})
    scanner = Scanner(dict(known))
    with os.fdopen(marks) as lines, os.fdopen(told, "rb") as contents:
        for line in lines:
            mark, _, pid = line.strip().partition("\t")
            reachable = set()
            while length := struct.unpack("=I", contents.read(4))[0]:
                for kind, secret in secrets_in(contents.read(length)):
                    if secret not in known.values():
                        known[f"{kind} {len(known)}"] = secret
                    reachable |= {name for name, value in known.items() if value == secret}
            if scanner.secrets != known:
                scanner = Scanner(dict(known))
            for seen in {int(pid), process.pid} if thorough else {int(pid)}:
                mapped = list(regions(seen))
                yield Seen(mark, seen != process.pid, unlocked(mapped), scanner.scan(seen, mapped), reachable)
            os.write(go, b".")
    os.close(go)
    assert process.stderr
    errors = process.stderr.read().decode()
    assert process.wait(TIMEOUT) == 0, errors
    process.stderr.close()


@pytest.mark.parametrize("kind", ["bytes", "integer", "hex", "text", "stack"])
def test_a_deliberate_leak_is_found(kind: str) -> None:
    """The positive control: if the scanner does not see this, what it does not see elsewhere proves nothing."""
    leaked, closed = list(watch("leak", kind))
    assert leaked.leaked, f"the scanner is blind to {kind}"
    assert closed.mark == "closed"


def test_a_deliberate_leak_in_a_worker_is_found_there_and_not_in_its_parent() -> None:
    seen = list(watch("leak", "worker"))
    assert [entry.mark for entry in seen if entry.is_worker] == ["leaked in a worker"]
    for entry in seen:
        assert bool(entry.leaked) == entry.is_worker, entry


def test_without_a_leak_nothing_is_found() -> None:
    for seen in watch("leak", "none"):
        assert not seen.leaked
        assert not seen.unlocked


@dataclass(frozen=True)
class Sealed:
    """A CA whose secrets the test knows, on paper."""

    package: Path
    sheets: tuple[Path, ...]
    secrets: Mapping[str, bytes]
    records: tuple[Record, ...]


@pytest.fixture(scope="module")
def password() -> str:
    return os.getrandom(12).hex()


@pytest.fixture(scope="module")
def tree(trees: Callable[[str], StepTree], password: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree by the real step, its keys under a password that nobody could confuse with anything else."""
    copy = tmp_path_factory.mktemp("memory") / "step"
    shutil.copytree(trees("P-256").path, copy)
    for path in (copy / "secrets").iterdir():
        key = serialization.load_pem_private_key(path.read_bytes(), PASSWORD.encode())
        encryption = serialization.BestAvailableEncryption(password.encode())
        path.write_bytes(
            key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, encryption)
        )
    return copy


@pytest.fixture(scope="module")
def keys(tree: Path, password: str) -> dict[str, bytes]:
    """The password and the private scalars of the tree."""
    known = {"password": password.encode()}
    for path in (tree / "secrets").iterdir():
        key = serialization.load_pem_private_key(path.read_bytes(), password.encode())
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        known[path.name] = key.private_numbers().private_value.to_bytes(32, "big")
    return known


@pytest.fixture(scope="module")
def sealed(tree: Path, keys: dict[str, bytes], password: str, tmp_path_factory: pytest.TempPathFactory) -> Sealed:
    out = tmp_path_factory.mktemp("memory") / "out"
    escrow("seal", tree, *ORDER, "--out", out, "--allow-disk", "--password-file", "-", stdin=password).expect()
    sheets = tuple(out / f"shares/share-{x}.pdf" for x in (1, 2, 3))
    records = [Record.from_text(next(scan(sheet.read_bytes())).texts[0]) for sheet in sheets]
    secrets = {f"share {record.x}": record.value for record in records}
    secrets["W"] = shamir.combine({record.x: record.value for record in records[:2]}, 2)
    for share in records:
        secrets |= {f"left of {share.x}": share.value[:16], f"right of {share.x}": share.value[16:]}
    return Sealed(out / "package.escrow", sheets, {**keys, **secrets}, tuple(records))


BEFORE = "Looking at this machine"
"""Preflight looks before the process protects itself, long before the first secret."""
UNLOCKING = "worker prove_lockable"
"""The child that proves how much can be locked begins by unlocking. Nothing secret is in its reach."""


def check_everything(seen: Iterator[Seen], allowed: Mapping[str, set[str]]) -> None:
    """Nothing unlocked anywhere, nothing found in the parent, and in a worker only what its task is allowed."""
    marks = []
    for entry in seen:
        marks.append(entry.mark)
        if entry.mark != UNLOCKING and not entry.mark.startswith(BEFORE):
            assert not entry.unlocked, f"{entry.mark}: not locked: {entry.unlocked[:5]}"
        found = {hit.secret for hit in entry.leaked}
        may = allowed.get(entry.mark, set()) if entry.is_worker else set()
        odd = [hit for hit in entry.leaked if not any(hit.secret.startswith(name) for name in may)]
        assert not odd, f"{entry.mark}: {sorted(found)} found, such as {odd[:3]}"
        if entry.mark == "closed":
            assert not entry.hits, f"after closing: {entry.hits[:3]}"
            assert not entry.reachable, "after closing a Secret still has its content"
    assert marks[-1] == "closed"
    assert any(mark.startswith("worker") for mark in marks)


KEYS = {"private key", "root_ca_key", "intermediate_ca_key", "password"}
EVERYTHING = {*KEYS, "value", "share", "left", "right", "W"}
# What each task works on, and so may have in its memory, by the name of the function that starts the worker.
ALLOWED = {
    "worker _hold": KEYS,
    "worker prove": KEYS,
    "worker public_half": KEYS,
    "worker look": KEYS,
    "worker opens": {"password"},
    "worker export": KEYS,
    "worker sign_same": KEYS,
    "worker _split": {"value", "share", "left", "right", "W"},
    "worker seal": {*KEYS, "value", "W"},
    "worker open_package": {*KEYS, "value", "W"},
    "worker recombine": {"value", "share", "left", "right", "W"},
}


def test_sealing_an_imported_ca_leaves_no_trace(tree: Path, keys: dict[str, bytes], password: str, shm: Path) -> None:
    arguments: list[str | Path] = ["seal", tree, *ORDER, "--out", shm / "out", "--password-file", "-"]
    check_everything(watch(*arguments, stdin=password, secrets=keys), {**ALLOWED, "worker write_sheet": {"value"}})


def test_each_sheet_is_rendered_by_a_worker_that_sees_one_share(shm: Path) -> None:
    """No two render workers have the same share in reach, and none has more than one."""
    seen: list[set[str]] = []
    for entry in watch("seal", "--generate", "X", *ORDER, "--out", shm / "out"):
        if entry.mark == "worker write_sheet" and entry.is_worker:
            assert len(entry.reachable) == 1
            seen.append(entry.reachable)
    assert len(seen) == len(CUSTODIANS)
    assert len(set.union(*seen)) == len(CUSTODIANS)


def test_sealing_a_generated_ca_leaves_no_trace(shm: Path) -> None:
    arguments: list[str | Path] = ["seal", "--generate", "X", *ORDER, "--out", shm / "out"]
    check_everything(watch(*arguments, thorough=False), {**ALLOWED, "worker write_sheet": {"value"}})


def test_issuing_with_keys_of_every_kind_leaves_no_trace() -> None:
    """RSA too, whose primes are looked for; pkilint's worker has no secret in reach."""
    marks = []

    def seen() -> Iterator[Seen]:
        for entry in watch("issue", thorough=False):
            marks.append(entry.mark)
            if entry.mark in {"worker _pkilint", "worker try_out"}:
                assert not entry.reachable
            if entry.mark == "issued":
                assert len(entry.reachable) == 3 + 6  # of the RSA key d, p and q; the others are one number each
            yield entry

    check_everything(seen(), ALLOWED)
    assert marks.count("worker _pkilint") == 2
    assert marks.count("worker sign_same") == 5, "each certificate in a worker of its own"


def test_handing_an_online_ca_over_leaves_no_trace(shm: Path) -> None:
    """The provisioner's key is in the worker that makes it and nowhere else; each password only where it is used."""
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    (shm / "recipient").write_bytes(key.public_bytes(serialization.Encoding.PEM, spki))
    provisioners = {"provisioner's key": scalar()}
    used = {f"worker {task}": {"password"} for task in ("write_sheet", "found_in", "encrypt")}
    allowed = {**ALLOWED, **used, "worker new_key": {"password", "provisioner's key"}}
    marks = []

    def seen() -> Iterator[Seen]:
        for entry in watch("hand-over", shm, secrets=provisioners):
            marks.append(entry.mark)
            if entry.mark in {"worker new_key", "worker encrypt"} and entry.is_worker:
                assert len(entry.reachable) == 1, "one password, and no key of the CA"
            if entry.mark in {"worker write_sheet", "worker found_in"} and entry.is_worker:
                assert len(entry.reachable) == 2, "both passwords, and no key of the CA"
            yield entry

    check_everything(seen(), allowed)
    assert {"worker new_key", "worker encrypt", "worker write_sheet", "worker found_in"} <= {*marks}
    made = json.loads((shm / "ca.json").read_bytes())["authority"]["provisioners"][0]["key"]
    looked_for = ec.derive_private_key(int.from_bytes(scalar()), ec.SECP256R1()).public_key().public_numbers()
    assert made["x"] == jwe.encoded(looked_for.x.to_bytes(32)), "the key that was made is not the one looked for"


def test_printing_sheets_leaves_no_trace(shm: Path) -> None:
    """Through CUPS: not in the program, which starts lp, nor in a worker that made another sheet."""
    need_cups()
    with PrintServer(shm).running() as server:
        server.add("good")
        arguments: list[str | Path] = ["seal", "--generate", "X", *ORDER, "--out", shm / "out", "--no-pause"]
        seen = watch(*arguments, "--cups", server.configuration, "--printer", "good")
        check_everything(seen, {**ALLOWED, "worker write_sheet": {"value"}})
        assert len(server.paper) == len(CUSTODIANS)


def test_writing_sheets_to_a_device_leaves_no_trace(shm: Path) -> None:
    master, slave = pty.openpty()
    tty.setraw(slave)
    printer = os.fork()
    if printer == 0:  # another process, so that no sheet is in the memory that is searched
        try:
            while os.read(master, 4096):
                pass
        finally:
            os._exit(0)
    arguments: list[str | Path] = ["seal", "--generate", "X", *ORDER, "--out", shm / "out", "--no-pause"]
    try:
        seen = watch(*arguments, "--device", os.ttyname(slave), thorough=False)
        check_everything(seen, {**ALLOWED, "worker write_sheet": {"value"}})
    finally:
        os.kill(printer, signal.SIGKILL)
        os.waitpid(printer, 0)
        os.close(master)
        os.close(slave)


def test_checking_sheets_leaves_no_trace(sealed: Sealed) -> None:
    seen = watch("check", sealed.package, *sealed.sheets, secrets=sealed.secrets)
    check_everything(seen, {"worker Collection": {"share", "left", "right"}})


def test_checking_sheets_before_a_camera_leaves_no_trace(sealed: Sealed, shm: Path) -> None:
    film = write_film(shm / "film.avi", [EMPTY_TABLE, *(Scene(sheet, 2) for sheet in sealed.sheets)])
    seen = watch("check", sealed.package, "--camera", film, secrets=sealed.secrets)
    check_everything(seen, {"worker Collection": {"share", "left", "right"}})


def test_recovering_from_a_camera_leaves_no_trace(sealed: Sealed, shm: Path) -> None:
    new = os.getrandom(12).hex()
    film = write_film(shm / "film.avi", [EMPTY_TABLE, *(Scene(sheet, 2) for sheet in sealed.sheets[:2])])
    arguments: list[str | Path] = ["recover", sealed.package, "--to", shm / "step", "--camera", film]
    secrets = {**sealed.secrets, "password": new.encode()}
    allowed = {**ALLOWED, "worker Collection": {"share", "left", "right", "value"}}
    check_everything(watch(*arguments, "--password-file", "-", stdin=new, secrets=secrets), allowed)


def test_checking_a_damaged_sheet_leaves_no_trace(sealed: Sealed, tmp_path: Path) -> None:
    blot(sealed.sheets[0].read_bytes(), 200).save(tmp_path / "damaged.png")
    seen = watch("check", sealed.package, tmp_path / "damaged.png", *sealed.sheets[1:], secrets=sealed.secrets)
    check_everything(seen, {"worker Collection": {"share", "left", "right"}})


def test_recovering_leaves_no_trace(sealed: Sealed, shm: Path) -> None:
    new = os.getrandom(12).hex()
    arguments: list[str | Path] = [
        "recover",
        sealed.package,
        *sealed.sheets[:2],
        "--to",
        shm / "restored",
        "--password-file",
        "-",
    ]
    secrets = {**sealed.secrets, "password": new.encode()}
    allowed = {**ALLOWED, "worker Collection": {"share", "left", "right", "value"}}
    check_everything(watch(*arguments, stdin=new, secrets=secrets), allowed)


def test_recovering_into_a_token_leaves_no_trace(
    sealed: Sealed, shm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pin = os.getrandom(12).hex()
    token = soft_hsm.make(tmp_path, pin)
    for name, value in token.env.items():
        monkeypatch.setenv(name, value)
    secrets = {**sealed.secrets, "pin": pin.encode()}
    place: list[str | Path] = ["--to", shm / "restored", "--token", soft_hsm.LABEL, "--module", token.module]
    command = ["recover", sealed.package, *sealed.sheets[:2], *place, "--pin-file", "-"]
    seen = watch(*command, stdin=pin, secrets=secrets)
    allowed = {**ALLOWED, "worker Collection": {"share", "left", "right", "value"}, "worker store": {*KEYS, "pin"}}
    check_everything(seen, allowed)


def test_recovering_to_a_recipients_key_leaves_no_trace(sealed: Sealed, shm: Path) -> None:
    recipient = shm / "public.pem"
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    recipient.write_bytes(public.public_bytes(serialization.Encoding.PEM, spki))
    place: list[str | Path] = ["--to", shm / "restored", "--recipient", recipient]
    seen = watch("recover", sealed.package, *sealed.sheets[:2], *place, secrets=sealed.secrets)
    workers = {
        "worker Collection": {"share", "left", "right", "value"},
        "worker archive_of": KEYS,
        "worker encrypt": KEYS,
    }
    check_everything(seen, {**ALLOWED, **workers})


def test_starting_step_ca_leaves_no_trace(sealed: Sealed, tree: Path, shm: Path) -> None:
    """Up to the moment when the process becomes step-ca; a program that does nothing stands in for it."""
    config = shm / "ca.json"
    config.write_text(json.dumps({"crt": str(tree / "certs/intermediate_ca.crt"), "key": "/dev/fd/10"}))
    arguments: list[str | Path] = ["recover", sealed.package, *sealed.sheets[:2], "--exec", "--", "true", config]
    allowed = {
        **ALLOWED,
        "worker Collection": {"share", "left", "right", "value"},
        "worker invent": {"password"},
    }
    seen = list(watch(*arguments, secrets=sealed.secrets))
    check_everything(iter(seen), allowed)
    searched = {name for entry in seen if entry.mark == "worker export" for name in entry.reachable}
    assert any(name.startswith("password ") for name in searched), "the password of the start was not looked for"


@pytest.mark.parametrize("form", ["line", "line.upper()", "'\u03b1' + line", "line.encode()"])
def test_words_in_the_memory_of_another_process_are_found(form: str) -> None:
    """The positive control of the next test."""
    words = " ".join(WORDS[byte] for byte in os.getrandom(40))
    code = f"import sys; line = sys.stdin.readline(); held = {form}; print(flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdin
        assert child.stdout
        child.stdin.write(words.encode() + b"\n")
        child.stdin.flush()
        child.stdout.readline()
        assert Scanner({"words": words.encode()}).scan(child.pid, regions(child.pid))


def as_words(record: Record) -> str:
    return "".join(" ".join(row) + "\n" for row in to_words(record.encode()))


def types(terminal: int, typed: Sequence[tuple[str, str]]) -> int:
    """Another process that types, and waits for what is then shown: nothing that it knows is in what is searched."""
    person = os.fork()
    if person == 0:
        try:
            shown = b""
            for keys, answer in typed:
                os.write(terminal, keys.encode())
                while answer.encode() not in shown:
                    shown += os.read(terminal, 4096)
        finally:
            os._exit(0)
    return person


def test_typing_shares_leaves_no_trace(sealed: Sealed) -> None:
    """Words with a mistake, words shown on the screen, the text of a code: neither values nor words stay behind."""
    master, slave = pty.openpty()
    first, second, third = sealed.records
    rows = as_words(first)
    typed = [
        ("\x12" + (WORDS[0] if not rows.startswith(WORDS[0]) else WORDS[1]) + rows[4:], "are mended"),
        ("yes\n", "have share 1, need"),
        (as_words(second), "have shares 1 and 2"),
        (third.to_text() + "\n", "have shares 1, 2 and 3"),
        ("\n\n", "\x1b[?1049l"),
    ]
    person = types(master, [("", "have none"), *typed])
    words: dict[str, bytes] = {}
    for record in (first, second):
        text = as_words(record)[13 * 5 :]  # what comes before is the same on all sheets: kind, set id, group
        words |= {f"words of {record.x}": text.encode(), f"lines of {record.x}": text.replace("\n", " ").encode()}
    arguments: list[str | Path] = ["check", sealed.package, "--type"]
    may = {"share", "left", "right", "words", "lines"}
    allowed = {f"worker {task}": may for task in ("judge_rows", "mend", "Collection")}
    try:
        check_everything(watch(*arguments, secrets={**sealed.secrets, **words}, terminal=slave), allowed)
    finally:
        os.kill(person, signal.SIGKILL)
        os.waitpid(person, 0)
        os.close(master)
        os.close(slave)


def test_removing_the_roots_key_leaves_no_trace(sealed: Sealed, tree: Path, password: str, shm: Path) -> None:
    key = Path(shutil.copy(tree / "secrets/root_ca_key", shm))
    master, slave = pty.openpty()
    person = types(master, [("", "Enter leaves it"), ("remove the root key\n", "was overwritten")])
    arguments: list[str | Path] = ["remove-root-key", key, sealed.package, "--password-file", "-"]
    try:
        seen = watch(*arguments, stdin=password, secrets=sealed.secrets, terminal=slave)
        check_everything(seen, ALLOWED)
    finally:
        os.kill(person, signal.SIGKILL)
        os.waitpid(person, 0)
        os.close(master)
        os.close(slave)
    assert not key.exists()


def test_rehearsing_leaves_no_trace() -> None:
    allowed = {
        **ALLOWED,
        "worker write_sheet": {"value"},
        "worker photograph": {"value"},
        "worker Collection": {"value"},
    }
    check_everything(watch("rehearse", thorough=False), allowed)


CEREMONY = (
    *("write_sheet", "photograph", "Collection", "compare_words", "same_words", "Answering", "Room", "reissue"),
    *("judge_file", "new_key", "found_in"),
)


def check_ceremony(*arguments: str | Path, **more: set[str]) -> None:
    """A ceremony from its plan, and what of it may see which secrets."""
    may = {"share", "left", "right", "value", "password"}
    allowed = {**ALLOWED, **{f"worker {task}": may for task in CEREMONY}}
    allowed |= {f"worker {task}": names for task, names in more.items()}
    check_everything(watch("rehearse", *arguments, "--auto", thorough=False), allowed)


def test_a_whole_ceremony_leaves_no_trace(shm: Path) -> None:
    """By its plan, with a loss of power, a quorum gathered from paper and shares made again; and an online CA."""
    plan = room(shm, threshold=2, custodians=3).base / "ceremony.toml"
    online = '[online]\ndns = ["ca.test"]\nsite = "Bank"\nmedium = "A stick"\n'
    plan.write_text(f"{plan.read_text()}\n[ssh]\n\n{online}")
    check_ceremony(plan, "--out", shm / "out")


def people(*custodians: str) -> Entries:
    """Custodians of whom 2 are a quorum."""
    site = {"unit": "Unit", "manager": "Manager", "site": "Head Office"}
    entries = [{"name": name, **site} for name in custodians]
    return {"group": [{"name": "Custodians", "threshold": 2}], "custodian": entries}


@pytest.mark.long
def test_a_refresh_leaves_no_trace(shm: Path) -> None:
    """An old quorum from paper, the old package opened, its keys sealed anew, with a loss of power before the proof."""
    today = dt.datetime.now(dt.UTC).date()
    (shm / "refresh.toml").write_text(refresh(today, {"ceremony": {"date": today}}, people(*CUSTODIANS[:2])))
    check_ceremony(shm / "refresh.toml", "--out", shm / "out")


@pytest.mark.long
def test_a_session_leaves_no_trace(shm: Path) -> None:
    """A quorum from paper, the package opened, a list signed by the root, with a loss of power before that."""
    today = dt.datetime.now(dt.UTC).date()
    (shm / "session.toml").write_text(session("crl", today, {"ceremony": {"date": today}}, people(*CUSTODIANS)))
    check_ceremony(shm / "session.toml", "--out", shm / "out", sign_same={"private key"})


def test_a_scratch_ca_leaves_no_trace(sealed: Sealed, shm: Path) -> None:
    """Its password is in what makes it, encrypts with it and hands it over; the root's key is gone before it starts."""
    need("step-ca")
    marks = []

    def seen() -> Iterator[Seen]:
        for entry in watch("scratch", shm / "scratch", sealed.package, *sealed.sheets[:2], secrets=sealed.secrets):
            marks.append(entry.mark)
            if entry.mark == "served" or entry.mark.startswith("Encrypting keys"):
                assert "root_ca_key" not in entry.reachable
            if entry.mark == "served":  # while step-ca has its keys
                assert any(name.startswith("password ") for name in entry.reachable), "its password was not looked for"
            yield entry

    allowed = {"worker Collection": {"share", "left", "right", "value"}, "worker invent": {"password"}}
    check_everything(seen(), {**ALLOWED, **allowed})
    assert "served" in marks
    assert not (shm / "scratch").exists()


def test_a_guided_recovery_leaves_no_trace(shm: Path) -> None:
    """A quorum from paper, through a loss of power; the keys that were called for under a new password."""
    today = dt.datetime.now(dt.UTC).date()
    recovery: Values = {"ceremony": {"date": today}}
    (shm / "recovery.toml").write_text(session("recovery", today, recovery, people(*CUSTODIANS[:2])))
    check_ceremony(shm / "recovery.toml", "--out", shm / "out")
