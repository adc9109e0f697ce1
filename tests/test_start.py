"""step-ca starts with keys that come from paper and that no file holds."""

import functools
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.verification import PolicyBuilder, Store
from film import EMPTY_TABLE, Scene, write_film
from helpers import PASSWORD, StepTree, Terminal, escrow, free_port, need, practice, run, serving
from memory_scan import Scanner

from escrow.paper.scan import scan

CUSTODIANS = [part for name in ("Anna", "Bert", "Cleo") for part in ("--custodian", name)]
SERVING = "Serving HTTPS on"


@dataclass(frozen=True)
class Online:
    """An online CA without its keys, and what brings them back."""

    tree: Path
    recover: tuple[object, ...]
    secrets: Mapping[str, bytes]
    provisioner_password_file: Path
    url: str = ""

    @property
    def config(self) -> Path:
        return self.tree / "config/ca.json"

    @property
    def root(self) -> Path:
        return self.tree / "certs/root_ca.crt"

    def change(self, **settings: object) -> None:
        """Replace settings of ca.json; None removes one."""
        changed = json.loads(self.config.read_text()) | settings
        self.config.write_text(json.dumps({name: value for name, value in changed.items() if value is not None}))

    def starting(self, *command: object) -> list[object]:
        return [sys.executable, "-m", "ceremony", *self.recover, "--exec", "--", *command]


@pytest.fixture(scope="module")
def sealed(
    trees: Callable[[str], StepTree], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], tuple[StepTree, list[object], dict[str, bytes]]]:
    """A tree of a kind, how its keys are recovered, and its secrets."""

    @functools.cache
    def seal(kind: str) -> tuple[StepTree, list[object], dict[str, bytes]]:
        tree, out = trees(kind), tmp_path_factory.mktemp("sealed") / "out"
        password = ["--password-file", tree.password_file, "--allow-disk"]
        escrow("seal", tree.path, "--threshold", "2", *CUSTODIANS, "--out", out, *password, *practice()).expect()
        pages = []
        for x in (1, 3):
            page = out / f"share-{x}.txt"
            page.write_text(next(scan((out / f"shares/share-{x}.pdf").read_bytes())).texts[0])
            pages.append(page)
        secrets = {}
        for path in (tree.path / "secrets").iterdir():
            key = load_pem_private_key(path.read_bytes(), PASSWORD.encode())
            if isinstance(key, ec.EllipticCurvePrivateKey):
                secrets[path.name] = key.private_numbers().private_value.to_bytes(32, "big")
            elif isinstance(key, rsa.RSAPrivateKey):
                secrets[path.name] = key.private_numbers().d.to_bytes(key.key_size // 8, "big")
            else:
                secrets[path.name] = key.private_bytes_raw()  # type: ignore[union-attr]
        return tree, ["recover", out / "package.escrow", *pages], secrets

    return seal


@pytest.fixture
def online(
    sealed: Callable[..., tuple[StepTree, list[object], dict[str, bytes]]], tmp_path: Path
) -> Callable[[str], Online]:
    """A CA of a kind on a host that has certificates and configuration, and not one key."""

    def make(kind: str) -> Online:
        original, recover, secrets = sealed(kind)
        tree, port = tmp_path / "online", free_port()
        shutil.copytree(original.path, tree, ignore=shutil.ignore_patterns("secrets", "db"))
        (tree / "db").mkdir()
        config = tree / "config/ca.json"
        config.write_text(config.read_text().replace(str(original.path), str(tree)))
        ca = Online(tree, tuple(recover), secrets, original.provisioner_password_file, f"https://localhost:{port}")
        ca.change(address=f"127.0.0.1:{port}")
        return ca

    return make


def issue(ca: Online, out: Path) -> Path:
    flags = ["--ca-url", ca.url, "--root", ca.root, "--provisioner", "admin", "--not-after", "1h", "--force"]
    flags += ["--provisioner-password-file", ca.provisioner_password_file]
    leaf, env = out / "leaf.crt", {"STEPPATH": str(out)}
    run("step", "ca", "certificate", *flags, "leaf.test", leaf, out / "leaf.key", env=env).expect()
    if (ca.tree / "certs/ssh_user_ca_key.pub").exists():
        run(
            "step", "ssh", "certificate", "--no-password", "--insecure", *flags, "me@leaf.test", out / "id", env=env
        ).expect()
    return leaf


def verify(ca: Online, leaf: Path) -> None:
    """By step, by openssl and by cryptography."""
    run("step", "certificate", "verify", leaf, "--roots", ca.root).expect()
    run("openssl", "verify", "-CAfile", ca.root, "-untrusted", leaf, leaf).expect()
    certificate, *rest = x509.load_pem_x509_certificates(leaf.read_bytes())
    roots = x509.load_pem_x509_certificates(ca.root.read_bytes())
    if isinstance(roots[0].public_key(), ed25519.Ed25519PublicKey):
        return  # cryptography verifies by the rules for public servers, which know no Ed25519
    PolicyBuilder().store(Store(roots)).build_server_verifier(x509.DNSName("leaf.test")).verify(certificate, rest)


def traces(secrets: Mapping[str, bytes], *directories: Path) -> list[str]:
    """The files below directories in which a fragment of a secret is."""
    scanner = Scanner(secrets)
    files = [path for directory in directories for path in directory.rglob("*") if path.is_file()]
    return [str(path) for path in files if scanner.find(path.read_bytes(), str(path))]


@pytest.mark.parametrize("kind", ["Ed25519", *(pytest.param(k, marks=pytest.mark.long) for k in ("ssh", "RSA"))])
def test_step_ca_starts_with_keys_that_no_file_holds_and_what_it_issues_verifies(
    kind: str, online: Callable[[str], Online], tmp_path: Path
) -> None:
    need("step-ca", "openssl")
    ca = online(kind)
    with serving(ca.starting("step-ca", ca.config), ca.url, ca.root, {"STEPPATH": str(ca.tree)}) as server:
        verify(ca, issue(ca, tmp_path))
        server.process.send_signal(signal.SIGHUP)
        server.wait_for(SERVING, 2)  # it read its keys again
        verify(ca, issue(ca, tmp_path))
        assert not traces(ca.secrets, ca.tree)
    assert server.process.returncode == 0, server.log
    assert not traces(ca.secrets, ca.tree)
    assert not (ca.tree / "secrets").exists()


READ_ONLY = """
mount --make-rprivate /
for point in $(cut -d' ' -f5 /proc/self/mountinfo | sort -r); do mount -o remount,bind,ro "$point"; done
for place in $PLACES; do if touch "$place/written" 2>/dev/null; then echo "$place can be written"; exit 9; fi; done
exec "$@"
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to make every file system read-only")
def test_it_starts_where_not_a_single_file_can_be_written(online: Callable[[str], Online], tmp_path: Path) -> None:
    """Every file system is read-only: so no file held a key at any time."""
    need("unshare", "mount", "step-ca")
    ca = online("ssh")
    ca.change(db=None)  # step-ca then keeps its database in memory
    places = [ca.tree, tmp_path, "/tmp", "/var/tmp", "/dev/shm", "/run", Path.home(), Path.cwd()]  # noqa: S108
    env = {"STEPPATH": str(ca.tree), "PLACES": " ".join(map(str, places))}
    namespace = ["unshare", "--mount", "sh", "-c", READ_ONLY, "sh"]
    with serving([*namespace, *ca.starting("step-ca", ca.config)], ca.url, ca.root, env):
        verify(ca, issue(ca, tmp_path))


def test_the_key_is_nowhere_but_in_the_memory_of_step_ca(online: Callable[[str], Online]) -> None:
    """What others can read of its process: descriptors, arguments, environment."""
    need("step-ca")
    ca = online("ssh")
    with serving(ca.starting("step-ca", ca.config), ca.url, ca.root, {"STEPPATH": str(ca.tree)}) as server:
        process = Path(f"/proc/{server.process.pid}")
        scanner, held = Scanner(ca.secrets), {}
        for entry in (process / "fd").iterdir():
            if (name := str(entry.readlink())).startswith("/memfd:"):
                held[name.removeprefix("/memfd:").removesuffix(" (deleted)")] = entry.read_bytes()
        for content in (*held.values(), (process / "cmdline").read_bytes(), (process / "environ").read_bytes()):
            assert not scanner.find(content, "")
        names = ("intermediate", "ssh-host", "ssh-user")
        assert set(held) == {"ca.json", *(f"{name} key, encrypted" for name in names)}
        for name in names:
            assert held[f"{name} key, encrypted"].startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
        passing = (process / "cmdline").read_bytes().split(b"\0")[2].decode()
        assert (process / "fd" / Path(passing).name).read_bytes() == b"", "the password can be read twice"
        assert b"PYTHONMALLOC" not in (process / "environ").read_bytes()
        assert (process / "limits").read_text().split("Max core file size")[1].split()[:2] == ["1", "1"]


def test_a_configuration_that_asks_for_descriptors_is_used_itself_and_can_change(
    online: Callable[[str], Online], tmp_path: Path
) -> None:
    ca = online("ssh")
    settings = json.loads(ca.config.read_text())
    ca.change(key="/dev/fd/10", ssh=settings["ssh"] | {"hostKey": "/proc/self/fd/11", "userKey": "/dev/fd/12"})
    with serving(ca.starting("step-ca", ca.config), ca.url, ca.root, {"STEPPATH": str(ca.tree)}) as server:
        assert "needs a new start" not in server.log
        authority = json.loads(ca.config.read_text())["authority"]
        authority["provisioners"].append({"type": "ACME", "name": "added"})
        ca.change(authority=authority)
        server.process.send_signal(signal.SIGHUP)
        server.wait_for(SERVING, 2)
        listed = run("step", "ca", "provisioner", "list", "--ca-url", ca.url, "--root", ca.root).expect().out
        assert "added" in [provisioner["name"] for provisioner in json.loads(listed)]
        verify(ca, issue(ca, tmp_path))


def probe(ca: Online, program: str, **settings: object) -> str:
    """What a Python program says that is started in step-ca's place."""
    if settings:
        ca.change(**settings)
    return run(*ca.starting(sys.executable, "-c", program, "--quiet", ca.config), "--last").expect().out


def test_the_command_gets_the_password_before_its_configuration_and_all_else_as_it_was(
    online: Callable[[str], Online],
) -> None:
    shown = probe(online("ssh"), "import sys; print(*sys.argv[1:])").split()
    assert [part if not part.startswith("/dev/fd/") else "fd" for part in shown] == [
        *("--quiet", "--password-file", "fd", "fd", "--last")
    ]
    assert shown[2] != shown[3]


def test_what_is_handed_over_cannot_be_changed_and_the_password_is_read_once(online: Callable[[str], Online]) -> None:
    program = """if True:
        import json, sys
        first, second = open(sys.argv[3]).read(), open(sys.argv[3]).read()
        assert len(first) == 79 and first.count("-") == 15 and not second, (first, second)
        settings = json.load(open(sys.argv[4]))
        assert "password" not in settings
        for path in (sys.argv[4], settings["key"], settings["ssh"]["hostKey"], settings["ssh"]["userKey"]):
            try:
                open(path, "r+b", 0).write(b"x")
            except PermissionError:
                print("sealed")
    """
    assert probe(online("ssh"), program, password="in clear text").split() == ["sealed"] * 4


def test_nothing_of_this_program_stays_in_the_way_of_the_command(online: Callable[[str], Online]) -> None:
    ca = online("P-256")
    shown = run(*ca.starting("sh", "-c", "exec cat /proc/self/status /proc/self/environ", ca.config)).expect().out
    fields = dict(line.split(":", 1) for line in shown.splitlines() if ":\t" in line)
    assert int(fields["SigBlk"], 16) == 0
    assert not int(fields["SigIgn"], 16) & 1 << signal.SIGPIPE - 1
    assert fields["VmLck"].split() == ["0", "kB"]
    assert "PYTHONMALLOC" not in shown
    assert "PATH=" in shown


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
def test_it_ends_as_the_command_ends(number: signal.Signals, online: Callable[[str], Online]) -> None:
    ca = online("P-256")
    assert run(*ca.starting("sh", "-c", "exit 7", ca.config)).status == 7
    assert run(*ca.starting("sh", "-c", f"kill -{number} $$", ca.config)).status == -number


def test_shares_that_are_typed_start_it_too(online: Callable[[str], Online]) -> None:
    ca = online("P-256")
    recover, package, *pages = ca.recover
    words = [recover, package, "--type", "--exec", "--", "sh", "-c", "echo became; exit 7", ca.config]
    terminal = Terminal(sys.executable, "-m", "ceremony", *words)
    terminal.expect("have ")
    for page in pages:
        terminal.type(Path(str(page)).read_text() + "\n")
    terminal.expect("became")
    assert terminal.end() == 7


def test_shares_that_are_shown_to_a_camera_start_it_too_and_the_camera_is_let_go(
    online: Callable[[str], Online], shm: Path
) -> None:
    ca = online("P-256")
    recover, package, *_ = ca.recover
    sheets = Path(str(package)).parent / "shares"
    film = write_film(shm / "film.avi", [EMPTY_TABLE, *(Scene(sheets / f"share-{x}.pdf", 3, 0.6) for x in (2, 3))])
    program = "readlink /proc/self/fd/*; grep Threads /proc/$$/status; exit 7"
    words = [recover, package, "--camera", film, "--exec", "--", "sh", "-c", program, ca.config]
    became = run(sys.executable, "-m", "ceremony", *words).expect(7)
    assert "Have shares 2 and 3, a quorum." in became.err
    assert str(film) not in became.out
    assert "Threads:\t1" in became.out


def missing(ca: Online) -> None:
    ca.config.unlink()


def foreign_certificate(ca: Online) -> None:
    shutil.copy(ca.root, ca.tree / "certs/intermediate_ca.crt")


START = ("step-ca", "CONFIG")
REFUSED: dict[str, tuple[Callable[[Online], object], tuple[str, ...], int, str]] = {
    "no command": (lambda _: None, (), 2, "no program to become"),
    "no such program": (lambda _: None, ("step-ka", "CONFIG"), 2, "step-ka is no program"),
    "no configuration": (lambda _: None, ("step-ca",), 2, "must name step-ca's configuration once"),
    "two configurations": (lambda _: None, ("step-ca", "CONFIG", "CONFIG"), 2, "step-ca's configuration once"),
    "a password file": (lambda _: None, ("step-ca", "--password-file=x", "CONFIG"), 2, "Leave --password-file out"),
    "one for SSH": (lambda _: None, ("step-ca", "-ssh-host-password-file", "x", "CONFIG"), 2, "-file out"),
    "no such file": (missing, START, 1, "No such file"),
    "no JSON": (lambda ca: ca.config.write_text("{"), START, 1, "is not a JSON object"),
    "a key in an HSM": (lambda ca: ca.change(key="pkcs11:id=7332?pin-value=1234"), START, 1, "a KMS or an HSM"),
    "a KMS": (lambda ca: ca.change(kms={"uri": "pkcs11:pin-value=1234"}), START, 1, "a KMS or an HSM"),
    "a key that was not escrowed": (lambda ca: ca.change(ssh={"hostKey": "x"}), START, 1, "names the key ssh-host"),
    "another CA's certificate": (foreign_certificate, START, 1, "is not the certificate of the intermediate key"),
    "standard input as a descriptor": (lambda ca: ca.change(key="/dev/fd/0"), START, 1, "from 3 to 99"),
    "a descriptor that is ours": (lambda ca: ca.change(key="/dev/fd/100"), START, 1, "from 3 to 99"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_started_is_refused_before_the_first_share_is_read(
    kind: str, online: Callable[[str], Online]
) -> None:
    need("step-ca")
    bend, command, status, expected = REFUSED[kind]
    ca = online("P-256")
    bend(ca)
    words = ca.starting(*(ca.config if part == "CONFIG" else part for part in command))
    done = run(*words).expect(status)
    assert expected in done.err
    assert "1234" not in done.err
    assert "share" not in done.err


def test_two_keys_at_one_descriptor_are_refused(online: Callable[[str], Online]) -> None:
    ca = online("ssh")
    ca.change(key="/dev/fd/9", ssh={"hostKey": "/dev/fd/9"})
    assert "two keys from the same descriptor" in run(*ca.starting("true", ca.config)).expect(1).err


def test_a_key_that_is_still_on_the_disk_is_named(online: Callable[[str], Online]) -> None:
    ca = online("P-256")
    (ca.tree / "secrets").mkdir()
    (ca.tree / "secrets/intermediate_ca_key").touch()
    assert (
        f"{ca.tree}/secrets/intermediate_ca_key is still on this machine"
        in run(*ca.starting("true", ca.config)).expect().err
    )


@pytest.mark.parametrize(
    "options", [["--to", "x", "--exec"], [], ["--only", "root", "--exec"], ["--password-file", "-", "--exec"]]
)
def test_a_tree_and_a_start_are_not_asked_for_at_once(options: list[str], tmp_path: Path) -> None:
    (tmp_path / "p").touch()
    run(sys.executable, "-m", "ceremony", "recover", tmp_path / "p", tmp_path / "p", *options, "--", "true").expect(2)
