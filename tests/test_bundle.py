"""The bundle for a machine without a network: twice the same, and never installed when anything was changed."""

import fcntl
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from helpers import Run, escrow, need, run
from packaging.specifiers import SpecifierSet

from ceremony import spoken
from ceremony.bundle import install, lock, manifest, own
from ceremony.bundle.lock import PROCESSORS, PYTHONS, Target
from ceremony.bundle.manifest import BundleError
from ceremony.cli import _COMMANDS

CHECKOUT = Path(__file__).parent.parent
HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
DEBIAN = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "step-ca-escrow" / "debian-12"
DEBIAN_PYTHON = "3.11"
EPOCH = "1800000000"


def bundle(out: Path, checkout: Path = CHECKOUT, *before: object, **environment: str) -> Run:
    """Make a bundle from a checkout, as its users do."""
    pythons = [f"--python={python}" for python in sorted({HERE, DEBIAN_PYTHON})]
    env = {"SOURCE_DATE_EPOCH": EPOCH, **environment}
    brought = (
        "--document",
        checkout / "templates" / "fonts",
        "--document",
        checkout / "LICENSE",
        "--deb",
        checkout / "README.md",
    )
    command = (sys.executable, "-m", "ceremony", "bundle", "--out", out, *pythons, *brought)
    return run(*before, *command, cwd=checkout, env=env)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle, made once, also with several processes, and only read."""
    common = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        common = common.parent
    out = common / "bundle"
    with (common / "bundle.lock").open("w") as locked:
        fcntl.flock(locked, fcntl.LOCK_EX)
        if not out.exists():
            bundle(out).expect()
    return out


@pytest.fixture(scope="session")
def installed(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the bundle installs."""
    into = tmp_path_factory.mktemp("installed") / "escrow"
    install_from(made, into).expect()
    return into


@pytest.fixture
def copy(made: Path, tmp_path: Path) -> Path:
    """A copy of the bundle to be changed; its files are links, so each is replaced and not written to."""
    shutil.copytree(made, tmp_path / "copy", copy_function=os.link)
    return tmp_path / "copy"


@pytest.fixture
def changeable(installed: Path, tmp_path: Path) -> Path:
    """A copy of what is installed, to be changed in the same way."""
    shutil.copytree(installed, tmp_path / "escrow", copy_function=os.link)
    return tmp_path / "escrow"


def install_from(folder: Path, into: Path, *flags: str) -> Run:
    return run(sys.executable, *flags, folder / "install.py", "--into", into)


def replace(path: Path, content: bytes) -> None:
    path.unlink()
    path.write_bytes(content)


def change(path: Path) -> None:
    """Another bit in the middle."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    mode = path.stat().st_mode
    replace(path, bytes(content))
    path.chmod(mode)


def files(folder: Path) -> dict[str, bytes]:
    """Every file's hash, and its mode."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).digest()
        + oct(path.stat().st_mode).encode()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def copied(to: Path) -> Path:
    """The project's sources in another folder, as a clone with another umask at another time has them."""
    to.mkdir(parents=True)
    for name in ("pyproject.toml", "README.md", "LICENSE", ".gitignore"):
        shutil.copy(CHECKOUT / name, to / name)
    for name in ("escrow", "ceremony", "templates"):
        shutil.copytree(CHECKOUT / name, to / name, ignore=shutil.ignore_patterns("__pycache__"))
    for path in to.rglob("*"):
        path.chmod(path.stat().st_mode & 0o700)
        os.utime(path, (1, 1_000_000_000))
    return to


def test_two_builds_are_the_same_byte_for_byte(made: Path, tmp_path: Path) -> None:
    """In another folder, with another umask, locale, time zone and order of sets, from files of another time."""
    before = ["sh", "-c", 'umask 077; exec "$@"', "sh"]
    other = copied(tmp_path / "somewhere else")
    bundle(tmp_path / "out", other, *before, LC_ALL="C", TZ="Pacific/Chatham", PYTHONHASHSEED="7").expect()
    assert files(tmp_path / "out") == files(made)


def test_the_manifest_lists_every_file_and_sha256sum_checks_it(made: Path) -> None:
    run("sha256sum", "--strict", "--quiet", "-c", manifest.FILE, cwd=made).expect()
    hashes = manifest.decode((made / manifest.FILE).read_bytes())
    assert hashes.keys() | {manifest.FILE} == files(made).keys()
    assert all((made / name).stat().st_mode & 0o777 == 0o644 for name in hashes)


def test_what_was_given_is_brought_along(made: Path, tmp_path: Path) -> None:
    fonts = {f"documents/{path.name}" for path in (CHECKOUT / "templates" / "fonts").iterdir()}
    brought = {name for name in files(made) if name.startswith(("documents/", "debian/"))}
    assert brought == {*fonts, "documents/LICENSE", "debian/README.md"}
    (tmp_path / "LICENSE").write_text("another")
    twice = ["--document", str(CHECKOUT / "LICENSE"), "--document", str(tmp_path / "LICENSE")]
    assert "the same name" in escrow("bundle", "--out", tmp_path / "out", *twice).expect(2).err
    assert not (tmp_path / "out").exists()


def test_wherever_a_file_was_changed_or_is_missing_the_installer_names_it(made: Path, tmp_path: Path) -> None:
    """Of every file of the bundle; their contents are small here, because only hashes are compared."""
    names = list(manifest.decode((made / manifest.FILE).read_bytes()))
    small = {name: f"the content of {name}".encode() for name in names}
    for name, content in small.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in small.items()}
    (tmp_path / manifest.FILE).write_bytes(manifest.encode(hashes))
    assert install.verify(tmp_path, install.read_manifest(tmp_path)) == hashes
    for name, content in small.items():
        change(tmp_path / name)
        with pytest.raises(install.InstallError, match=f"\n  {re.escape(name)} was changed$"):
            install.verify(tmp_path, install.read_manifest(tmp_path))
        (tmp_path / name).unlink()
        with pytest.raises(install.InstallError, match=f"\n  {re.escape(name)} is missing$"):
            install.verify(tmp_path, install.read_manifest(tmp_path))
        (tmp_path / name).write_bytes(content)


def _swap_wheel(folder: Path) -> list[str]:
    """Another version of a wheel, under its own name."""
    (wheel,) = (folder / "wheels").glob("click-*.whl")
    other = wheel.with_name("click-8.0.0-py3-none-any.whl")
    wheel.rename(other)
    return [f"wheels/{wheel.name} is missing", f"wheels/{other.name} was added"]


def _swap_content(folder: Path) -> list[str]:
    """Another wheel under the name of the right one."""
    (wheel,), (other,) = ((folder / "wheels").glob(f"{name}-*.whl") for name in ("click", "rich"))
    replace(wheel, other.read_bytes())
    return [f"wheels/{wheel.name} was changed"]


def _change(name: str) -> Callable[[Path], list[str]]:
    def changed(folder: Path) -> list[str]:
        change(folder / name)
        return [f"{name} was changed"]

    return changed


def _add_link(folder: Path) -> list[str]:
    (folder / "wheels" / "more").symlink_to("/etc/passwd")
    return ["wheels/more is no file"]


def _plant(folder: Path) -> list[str]:
    """What Python would import instead of its own, if the folder were on its path."""
    for name in PLANTED:
        (folder / name).write_text(f"open({str(folder.parent / 'executed')!r}, 'w')\n")
    return [f"{name} was added" for name in PLANTED]


PLANTED = ("hashlib.py", "json.py", "argparse.py", "sitecustomize.py", "usercustomize.py", "zipfile.py")
CHANGES: dict[str, Callable[[Path], list[str]]] = {
    "a wheel of another version": _swap_wheel,
    "another wheel's content": _swap_content,
    "a link": _add_link,
    "modules that Python imports": _plant,
    **{
        f"changed {name}": _change(name)
        for name in ("targets.json", f"installed/{HERE}-x86_64.sha256", "sbom.cdx.json")
    },
}


@pytest.mark.parametrize("flags", [[], ["-I"]], ids=["plain", "isolated"])
@pytest.mark.parametrize("name", CHANGES)
def test_what_is_not_the_bundle_is_named_and_nothing_is_executed_or_installed(
    name: str, flags: Sequence[str], copy: Path, tmp_path: Path
) -> None:
    wrong = CHANGES[name](copy)
    done = install_from(copy, tmp_path / "into", *flags).expect(1)
    for each in wrong:
        assert f"\n  {each}\n" in done.err
    assert "Traceback" not in done.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy"]


def test_a_changed_list_gives_other_words(made: Path, copy: Path, tmp_path: Path) -> None:
    """Whoever changes a file and the list as well is found by the words on paper."""
    hashes = manifest.decode((copy / manifest.FILE).read_bytes())
    replace(copy / "README.txt", b"Install it as root.\n")
    hashes["README.txt"] = hashlib.sha256(b"Install it as root.\n").hexdigest()
    replace(copy / manifest.FILE, manifest.encode(hashes))
    shown = install_from(copy, tmp_path / "into").expect().out
    assert words_of(copy) in shown
    assert words_of(made) not in shown


def words_of(folder: Path) -> str:
    digest = hashlib.sha256((folder / manifest.FILE).read_bytes()).digest()
    return "\n".join(f"  {row}" for row in spoken.rows_of(spoken.words_of(digest)))


def test_a_list_that_becomes_another_one_while_it_is_installed_does_not_lend_its_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stick may give something else when it is read once more: the list that was compared is the one that is kept."""
    folder, target = tmp_path / "bundle", f"{HERE}-x86_64"
    wheel = io.BytesIO()
    with zipfile.ZipFile(wheel, "w") as archive:
        for name in ("evil.py", "evil-1.data/purelib/more.py", "evil-1.data/scripts/x", "evil-1.data/y"):
            archive.writestr(name, b"changed")
    digest = hashlib.sha256(b"changed").hexdigest()
    content = {
        "wheels/evil.whl": wheel.getvalue(),
        "targets.json": json.dumps({target: {"wheels": ["evil.whl"], "glibc": [2, 17]}}).encode(),
        f"installed/{target}.sha256": manifest.encode({f"lib/{name}.py": digest for name in ("evil", "more")}),
    }
    listed = manifest.encode({name: hashlib.sha256(each).hexdigest() for name, each in content.items()})
    for name, each in {**content, manifest.FILE: listed}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(each)

    def here(_: object) -> str:
        (folder / manifest.FILE).write_bytes(b"the reviewed one")
        return target

    monkeypatch.setattr(install, "target_here", here)
    install.install(folder, tmp_path / "into")
    assert (tmp_path / "into" / manifest.FILE).read_bytes() == listed
    assert sorted(path.name for path in (tmp_path / "into/lib").iterdir()) == ["evil.py", "more.py"]


def test_nothing_is_installed_over_what_is_there_or_where_it_does_not_fit(
    made: Path, copy: Path, tmp_path: Path
) -> None:
    (tmp_path / "there").mkdir()
    assert "exists" in install_from(made, tmp_path / "there").expect(1).err
    targets = json.loads((copy / "targets.json").read_bytes())
    for case, message in {"2.7-x86_64": "This bundle is for 2.7-x86_64", f"{HERE}-x86_64": "GNU C library 9.9"}.items():
        needed = next(iter(targets.values())) | {"glibc": [9, 9]}
        replace(copy / "targets.json", json.dumps({case: needed}).encode())
        hashes = manifest.hashes_of(copy, files(copy).keys() - {manifest.FILE})
        replace(copy / manifest.FILE, manifest.encode(hashes))
        assert message in install_from(copy, tmp_path / "into").expect(1).err
    assert not (tmp_path / "into").exists()


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("lib/escrow/shamir.py", "was changed"),
        ("lib/click/core.py", "was changed"),
        ("bin/escrow", "was changed"),
        (install.INSTALLED, "was changed"),
        ("lib/qrcode/main.py", "is missing"),
        ("lib/escrow/more.py", "was added"),
        ("lib/rich/link.py", "is a link"),
    ],
)
def test_what_was_changed_after_it_was_installed_fails_the_self_check_by_name(
    name: str, told: str, changeable: Path
) -> None:
    program = [changeable / "bin" / "escrow"]
    match told:
        case "was changed":
            content = (changeable / name).read_bytes()
            replace(
                changeable / name,
                content.replace(b"\n", b"\n\n", 1) if name != install.INSTALLED else content + content,
            )
            (changeable / name).chmod(0o755)
        case "is missing":
            (changeable / name).unlink()
        case "was added":
            (changeable / name).write_text("")
        case _:
            (changeable / name).symlink_to("/dev/null")
    assert f"\n  {name} {told}\n" in run(*program, "version", "--self-check").expect(1).err
    checks = {check["id"]: check for check in json.loads(run(*program, "preflight", "--json").out)["checks"]}
    assert checks["tool"]["status"] == "FAIL"
    assert f"{name} {told}" in checks["tool"]["value"]


def test_what_is_installed_is_known_by_the_words_of_its_bundle(made: Path, installed: Path) -> None:
    program = installed / "bin" / "escrow"
    assert words_of(made) in run(program, "version", "--self-check").expect().out
    (check,) = [each for each in json.loads(run(program, "preflight", "--json").out)["checks"] if each["id"] == "tool"]
    assert " ".join(words_of(made).split()) in check["value"]


def test_nothing_but_the_installed_files_and_pythons_own_is_imported(changeable: Path, tmp_path: Path) -> None:
    (tmp_path / "click.py").write_text("raise SystemExit('another click')\n")
    program = changeable / "bin" / "escrow"
    run(program, "--version", cwd=tmp_path).expect()
    for variable in ("PYTHONPATH", "PYTHONHOME"):
        done = subprocess.run([program, "--version"], env={variable: str(tmp_path)}, capture_output=True, check=False)
        assert done.returncode != 0
    shown = changeable / "bin" / "shown"
    shown.write_text(program.read_text().replace("main()\n", "print(*sys.path, sep='\\n')\n"))
    path = run(sys.executable, "-SP", shown).expect().out.splitlines()
    assert path[0] == str(changeable / "lib")
    assert not [each for each in path if "-packages" in each]


def test_the_bill_of_materials_names_every_wheel_with_its_hash(made: Path) -> None:
    listed = json.loads((made / "sbom.cdx.json").read_bytes())
    assert (listed["bomFormat"], listed["specVersion"]) == ("CycloneDX", "1.6")
    parts = [listed["metadata"]["component"], *listed["components"]]
    told = {each["content"] for part in parts for each in part["hashes"]}
    hashes = manifest.decode((made / manifest.FILE).read_bytes())
    assert told == {digest for name, digest in hashes.items() if name.startswith("wheels/")}
    assert all(part["licenses"] for part in parts)
    texts = (made / "licences" / "LIST.txt").read_text()
    assert all(f"{part['name']} {part['version']}: " in texts for part in parts)
    assert (made / "licences" / "step-ca-escrow" / "LICENSE").exists()


def test_the_lock_pins_each_dependency_by_hash_and_names_no_host() -> None:
    text = (CHECKOUT / "ceremony" / "bundle" / "requirements.lock").read_text()
    assert "://" not in text
    for python in PYTHONS:
        for processor in PROCESSORS:
            lines = lock.requirements(Target(python, processor)).splitlines()
            names = [re.split("==", line)[0] for line in lines]
            assert len(set(names)) == len(names)
            assert all(re.fullmatch(r"[\w.-]+==[\w.]+( --hash=sha256:[0-9a-f]{64})+", line) for line in lines)
    locked = dict(line.partition(" ")[0].split("==") for line in lines)
    declared = re.findall(r'^    "([\w-]+)(?:\[\w+\])?\s*(.*?)"', _dependencies(), re.MULTILINE)
    assert len(declared) > 10
    for name, versions in [*declared, ("python-pkcs11", ">= 0.10")]:
        assert locked[name.lower()] in SpecifierSet(versions), f"{name}: renew the lock, by the command at its head"


def _dependencies() -> str:
    text = (CHECKOUT / "pyproject.toml").read_text()
    return text.partition("\ndependencies = [\n")[2].partition("\n]\n")[0]


def test_each_direct_dependency_says_why_it_is_there() -> None:
    assert all(re.search(r'",? +# \S', line) for line in _dependencies().splitlines())


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("click==8.5.1\n", "no hash for click"),
        ("click>=8 \\\n    --hash=sha256:aa\n", "no version"),
        ("@ \\\n", "damaged"),
    ],
)
def test_a_lock_that_pins_nothing_is_refused(text: str, told: str) -> None:
    with pytest.raises(BundleError, match=told):
        lock.requirements(Target("3.11", "x86_64"), text)


def test_a_bundle_is_made_of_a_commit_and_has_its_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What nobody committed nobody reviewed."""
    need("git")
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    source = copied(tmp_path / "source")
    with pytest.raises(BundleError, match="no checkout that git knows"):
        own.time_of(source)
    who = ("-c", "user.name=A", "-c", "user.email=a@example.com")
    for command in (["init", "-q"], ["add", "."], [*who, "commit", "-q", "-m", "All", "--date", "@1800000000 +0000"]):
        run("git", "-C", source, *command, env={"GIT_COMMITTER_DATE": "@1800000000 +0000"}).expect()
    assert own.time_of(source) == 1_800_000_000
    (source / "escrow" / "shamir.py").write_text("# changed\n")
    command = [sys.executable, "-m", "ceremony", "bundle", "--out", str(tmp_path / "out")]
    done = run(*command, cwd=source).expect(1)
    assert "M escrow/shamir.py" in done.err
    assert not (tmp_path / "out").exists()


COMMANDS = """
escrow --help
escrow version --self-check
escrow templates --out templates
escrow init --example ceremony.toml
escrow lint ceremony.toml || true
escrow calendar ceremony.toml --out dates.ics
escrow script ceremony.toml --out script
escrow preflight ceremony.toml || true
escrow rehearse --out seal
escrow seal --generate Traced --threshold 2 --specimen --out sealed NAMES
escrow inspect seal/package.escrow
escrow check seal/package.escrow seal/shares/*
escrow recover seal/package.escrow seal/shares/* --to restored --password-file password
escrow package-sheets seal/package.escrow --out package.pdf
escrow documents seal/package.escrow --out documents NAMES
escrow rehearse ceremony.toml --auto --out ceremony
escrow audit ceremony
escrow transcript ceremony --out transcript
escrow register register ceremony
escrow status register || true
escrow report register copy-1 read --reason read
escrow destroy register 1 --by A --witness B --method burnt --out destroyed.pdf --in-force
escrow attest register 2 --label "$(sed -n 's/^label = "\\(.*\\)"$/\\1/p' register/register.toml | sed -n 2p)"
escrow hand-over register 2 --to New --manager M --unit U --site S --bag 999999
escrow recovery-runbook --out runbook.pdf
escrow init refresh.toml --for refresh --archive ceremony
escrow lint refresh.toml --archive ceremony || true
"""
FOLLOWING = """
escrow init TASK.toml --for TASK --archive ceremony
sed -i 's/^reason = "[.]*"/reason = "A custodian left."/' TASK.toml
escrow rehearse TASK.toml --auto --out rehearsed-TASK
"""
FOLLOWED = ("crl", "drill", "reissue", "refresh", "recovery")
HELD = {"run", "sign-intermediate", "cross-sign", *FOLLOWED}
"""What is held at a terminal: traced as it is rehearsed, by the same steps; what is signed makes no difference."""
NOT_TRACED = {"bundle", "remove-root-key"}
"""The one needs a network, the other a production package and a running CA."""


def test_no_command_opens_a_socket_or_writes_where_it_was_not_told(installed: Path, shm: Path) -> None:
    """Traced, with all that they start; the ceremony with its steps too, as rehearsed."""
    (shm / "password").write_text("correct horse")
    names = " ".join(f"--custodian {name}" for name in "ABCDE")
    script = COMMANDS.replace("NAMES", names)
    assert set(_COMMANDS) == {*re.findall(r"^escrow ([a-z][a-z-]+)", script, re.MULTILINE), *HELD, *NOT_TRACED}
    assert_keeps_to_itself(script, installed, shm)


@pytest.mark.long
@pytest.mark.parametrize("task", FOLLOWED)
def test_nothing_that_follows_a_ceremony_opens_a_socket_or_writes_where_it_was_not_told(
    task: str, installed: Path, shm: Path
) -> None:
    program = installed / "bin" / "escrow"
    run(program, "init", "--example", shm / "ceremony.toml").expect()
    run(program, "rehearse", shm / "ceremony.toml", "--auto", "--out", shm / "ceremony").expect()
    assert_keeps_to_itself(FOLLOWING.replace("TASK", task), installed, shm)


def assert_keeps_to_itself(script: str, installed: Path, shm: Path) -> None:
    need("strace")
    traced = f'strace -f --seccomp-bpf -qq -o "trace.$((n=n+1))" -e trace={CALLS} "{installed}/bin/escrow"'
    own = f'escrow() {{ {traced} "$@"; }}; n=0\n'
    run("bash", "-eu", "-c", own + script, cwd=shm).expect()
    traces = sorted(shm.glob("trace.*"))
    assert len(traces) == len(re.findall("^escrow", script, re.MULTILINE))
    for trace in traces:
        lpstat = set()
        for line in trace.read_text().splitlines():
            if 'execve("/usr/bin/lpstat"' in line:  # which preflight asks for the printers of this machine
                lpstat.add(line.split()[0])
            # The C library asks a cache on this machine for the account's name, if there is one (AF_UNIX).
            local = line.split()[0] in lpstat or "socket(AF_UNIX" in line
            assert "socket(" not in line or local, line
            for path in written(line):
                # What stands for paper in a rehearsal lies in memory, and is gone when it ends.
                told = path.is_relative_to(shm) or (path.is_relative_to(shm.parent) and not path.exists())
                assert told or path.is_relative_to("/proc/self") or str(path) == "/dev/null", line


CALLS = (
    "execve,socket,open,openat,creat,mkdir,mkdirat,rename,renameat,renameat2,link,linkat,symlink,symlinkat,"
    "unlink,unlinkat"
)


def written(line: str) -> list[Path]:
    """The paths that a traced call would change, if it did."""
    if (
        "execve(" in line
        or "connect(" in line
        or " = -1 " in line
        or ("open" in line and not re.search(r"O_WRONLY|O_RDWR|O_CREAT", line))
    ):
        return []
    return [Path(path) for path in re.findall(r'"([^"]*)"', line) if path.startswith("/")]


IN_DEBIAN = """
set -eu
mount -t tmpfs -o mode=755 tmpfs "$1/dev"
for device in null zero full random urandom tty; do
  touch "$1/dev/$device"; mount --bind "/dev/$device" "$1/dev/$device"
done
ln -s /proc/self/fd "$1/dev/fd"
mkdir -m 1777 "$1/dev/shm"
mount -t proc proc "$1/proc"
mount -t sysfs -o ro sysfs "$1/sys"
mount -t tmpfs -o mode=1777 tmpfs "$1/tmp"
mount --bind "$2" "$1/mnt"
mount -o remount,ro,bind "$1"
user="--reuid=1000 --regid=1000 --clear-groups --inh-caps=+ipc_lock --ambient-caps=+ipc_lock"
exec chroot "$1" setpriv $user env -i HOME=/tmp PATH=/usr/bin:/bin sh -eu -c "$3"
"""

AS_OFFICER = """
cd /tmp
python3 -I /mnt/install.py --into /tmp/escrow
escrow=/tmp/escrow/bin/escrow
$escrow version --self-check
$escrow init --example ceremony.toml
for id in WAIVED; do
  printf '\\n[[waiver]]\\nlint = "%s"\\nreason = "a machine for tests"\\n' "$id" >> ceremony.toml
done
$escrow preflight ceremony.toml --tool-words "WORDS"
$escrow rehearse ceremony.toml --auto --out rehearsal
$escrow rehearse --out /dev/shm/quick
$escrow audit rehearsal
"""
OF_THE_HOST = (
    "root-in-memory no-swap no-hibernation no-fixed-disks no-radio inventory no-virtual-machine printer print-spool "
    "print-history power system-log random clock-drift clock-day"
)


def test_in_a_fresh_debian_without_a_network_an_ordinary_user_installs_checks_and_rehearses(made: Path) -> None:
    """Nothing but Debian's minimal system and its Python. What is not the program's, but the host's, is waived."""
    need("unshare", "chroot", "mount")
    if os.geteuid() != 0 or not (DEBIAN / "usr/bin/python3").exists():
        pytest.skip(f"needs root, and Debian in {DEBIAN} (see .ci/run)")
    words = words_of(made)
    script = AS_OFFICER.replace("WAIVED", OF_THE_HOST).replace("WORDS", " ".join(words.split()))
    with tempfile.TemporaryDirectory() as scratch:
        mounted = f'set -eu; mount --bind "{DEBIAN}" "{scratch}"\n{IN_DEBIAN}'
        command = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "sh", "-c", mounted, "sh"]
        done = run(*command, scratch, made, script).expect()
    assert done.out.count(words) == 2
    for check in ("memory-lock", "self-tests", "tool", "no-network"):
        assert f"\nPASS    {check}:" in done.out
    assert "The rehearsal is closed" in done.err
    assert "Rehearsal complete" in done.err
