"""Files appear together or not at all; nothing is overwritten, followed, or left half-written."""

import os
import stat
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest
from helpers import escrow, need, practice, run

from escrow.errors import EscrowError, FileError, RefusedError
from escrow.files import NewFiles, is_memory_backed, read_public, read_secret
from escrow.passwords import read_password

ORDER = ["--threshold", "2", "--custodian", "Anna", "--custodian", "Bert"]


def seal_into(out: Path) -> list[str | Path]:
    return ["seal", "--generate", "X", *ORDER, "--out", out, *practice()]


def modes(directory: Path) -> set[tuple[bool, int]]:
    return {(path.is_dir(), stat.S_IMODE(path.stat().st_mode)) for path in [directory, *directory.rglob("*")]}


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o777])
def test_modes_are_exact_whatever_the_umask(umask: int, shm: Path) -> None:
    code = f"import os, runpy; os.umask({umask}); runpy.run_module('ceremony', run_name='__main__')"
    done = run(sys.executable, "-c", code, *seal_into(shm / "deep/out"))
    done.expect()
    assert modes(shm / "deep") == {(True, 0o700), (False, 0o600)}


@pytest.mark.parametrize("name", ["package.escrow", "shares/share-1.pdf"])
@pytest.mark.parametrize("kind", ["file", "link", "dangling link"])
def test_nothing_that_exists_is_overwritten_or_followed(kind: str, name: str, shm: Path) -> None:
    precious = shm / "precious"
    precious.write_text("precious")
    place = shm / "out" / name
    place.parent.mkdir(parents=True)
    if kind == "file":
        place.write_text("precious")
    else:
        place.symlink_to(precious if kind == "link" else shm / "nowhere")
    before = sorted(shm.rglob("*"))
    done = escrow(*seal_into(shm / "out")).expect(3)
    assert str(place) in done.err
    assert sorted(shm.rglob("*")) == before
    assert precious.read_text() == "precious"


def test_an_output_directory_that_is_a_symbolic_link_is_refused(shm: Path) -> None:
    (shm / "real").mkdir()
    (shm / "out").symlink_to(shm / "real")
    done = escrow(*seal_into(shm / "out")).expect(3)
    assert "symbolic link" in done.err
    assert list((shm / "real").iterdir()) == []


def test_a_link_inside_the_output_directory_is_not_followed(shm: Path) -> None:
    (shm / "elsewhere").mkdir()
    (shm / "out").mkdir()
    (shm / "out/shares").symlink_to(shm / "elsewhere")
    escrow(*seal_into(shm / "out")).expect(1)
    assert list((shm / "elsewhere").iterdir()) == []
    assert [path.name for path in (shm / "out").iterdir()] == ["shares"]


def test_recover_refuses_a_tree_that_has_keys(shm: Path) -> None:
    escrow(*seal_into(shm / "out")).expect()
    target = shm / "tree"
    (target / "secrets").mkdir(parents=True)
    (target / "secrets/root_ca_key").write_text("precious")
    pages = [shm / "out/shares/share-1.pdf", shm / "out/shares/share-2.pdf"]
    arguments = ["recover", shm / "out/package.escrow", *pages, "--to", target, "--password-file", "-"]
    done = escrow(*arguments, stdin="new").expect(3)
    assert "holds keys already" in done.err
    assert sorted(path.name for path in target.rglob("*")) == ["root_ca_key", "secrets"]


def in_small_file_system(size: str, *command: str | Path, options: str = "rw") -> tuple[int, str, str]:
    """Run a command with a tmpfs of a size at /mnt, in a mount namespace; return status, errors, what is left."""
    need("unshare", "mount")
    namespace = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--mount", "--user", "--map-root-user"]
    script = f'mount -t tmpfs -o size={size},mode=700,{options} none /mnt; "$@"; s=$?; find /mnt -type f; exit $s'
    done = subprocess.run(
        [*namespace, "sh", "-c", script, "sh", *map(str, command)], capture_output=True, text=True, check=False
    )
    if "unshare" in done.stderr:
        pytest.skip(f"mount namespaces are not allowed here: {done.stderr}")
    return done.returncode, done.stderr, done.stdout


@pytest.mark.parametrize("size", ["4k", "64k", "96k"])
def test_a_full_disk_leaves_no_half_written_file(size: str) -> None:
    specimen = ["seal", "--generate", "X", *ORDER, "--out", "/mnt/out", "--specimen"]
    status, errors, left = in_small_file_system(size, sys.executable, "-m", "ceremony", *specimen)
    assert status == 1, errors
    assert "No space left" in errors
    assert left == ""


def test_a_read_only_directory_is_named() -> None:
    specimen = ["seal", "--generate", "X", *ORDER, "--out", "/mnt/out", "--specimen"]
    command = [sys.executable, "-m", "ceremony", *specimen]
    status, errors, _ = in_small_file_system("1m", *command, options="ro")
    assert status == 1
    assert "Cannot create /mnt/out: Read-only file system." in errors


def test_files_appear_only_when_published_and_vanish_otherwise(tmp_path: Path) -> None:
    out = NewFiles(tmp_path / "out")
    with out:
        out.write("a/b", b"content")
        assert not (tmp_path / "out/a/b").exists()
        out.publish()
    assert (tmp_path / "out/a/b").read_bytes() == b"content"

    class UnforeseenError(Exception):
        pass

    with pytest.raises(UnforeseenError), NewFiles(tmp_path / "out") as more:
        more.write("c", b"content")
        raise UnforeseenError
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a", "b", "out"]


def test_a_file_that_appears_meanwhile_is_not_overwritten_and_the_rest_is_taken_back(tmp_path: Path) -> None:
    with pytest.raises(EscrowError), NewFiles(tmp_path / "out") as out:
        out.write("first", b"ours")
        out.write("second", b"ours")
        (tmp_path / "out/second").write_bytes(b"theirs")
        out.publish()
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["second"]
    assert (tmp_path / "out/second").read_bytes() == b"theirs"


def test_a_file_system_without_links_is_written_by_renaming(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    with NewFiles(tmp_path / "out") as out:
        out.write("file", b"content")
        out.publish()
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["file"]
    with pytest.raises(EscrowError), NewFiles(tmp_path / "out") as out:
        out.write("other", b"ours")
        (tmp_path / "out/other").write_bytes(b"theirs")
        out.publish()
    assert (tmp_path / "out/other").read_bytes() == b"theirs"


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="No such file"):
        read_public(tmp_path / "absent", 10)
    with pytest.raises(FileError, match="is a directory, and a file is needed"):
        read_secret(tmp_path, 10)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FileError, match="not a regular file"):
        read_public(tmp_path / "pipe", 10)  # and does not wait for a writer
    (tmp_path / "long").write_bytes(bytes(11))
    for read in (read_public, read_secret):
        with pytest.raises(FileError, match="longer than 10 bytes"):
            read(tmp_path / "long", 10)


def test_a_small_file_takes_little_memory_whatever_it_might_have_taken(tmp_path: Path) -> None:
    (tmp_path / "small").write_bytes(b"small")
    tracemalloc.start()
    try:
        assert read_public(tmp_path / "small", 1 << 26) == b"small"
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("content", "expected"),
    [(b"word", b"word"), (b" word \r\n\n", b" word"), (b"two words\t", b"two words"), (b"\xc3\xa9 ", b"\xc3\xa9")],
)
def test_white_space_at_the_end_of_a_password_is_cut_off_as_step_does(
    content: bytes, expected: bytes, tmp_path: Path
) -> None:
    (tmp_path / "password").write_bytes(content)
    with read_password(str(tmp_path / "password")) as password:
        assert bytes(password.view) == expected


def test_a_way_around_through_a_directory_that_is_not_there_leads_to_the_same_place(shm: Path, tmp_path: Path) -> None:
    crooked = shm / "absent" / ("../" * 10) / str(tmp_path / "out").lstrip("/")
    assert NewFiles(crooked).root == tmp_path / "out"
    assert is_memory_backed(crooked) == is_memory_backed(tmp_path)


def test_memory_backed_file_systems_are_known(tmp_path: Path, shm: Path) -> None:
    assert is_memory_backed(shm / "not/yet/there")
    assert not is_memory_backed(Path("/usr/share"))
    with pytest.raises(RefusedError):
        NewFiles(tmp_path).check_absent(["."])


@pytest.mark.parametrize(("upper", "said"), [("memory", "True"), ("disk", "False")])
def test_an_overlay_is_memory_if_it_writes_to_memory(upper: str, said: str, shm: Path, tmp_path: Path) -> None:
    if is_memory_backed(tmp_path):
        pytest.skip("the temporary directory is in memory itself")
    where = (shm if upper == "memory" else tmp_path) / "layers"
    code = "import sys, pathlib, escrow.files as f; print(f.is_memory_backed(pathlib.Path(sys.argv[1])))"
    script = """
        mkdir -p "$1/rw" "$1/work" "$1/lower" "$1/all"
        mount -t overlay overlay -o "lowerdir=$1/lower,upperdir=$1/rw,workdir=$1/work" "$1/all"
        mkdir "$1/all/deep"
        "$2" -c "$3" "$1/all/deep/not/yet"
        umount "$1/all"
    """
    need("unshare", "mount")
    namespace = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--mount", "--user", "--map-root-user"]
    done = run(*namespace, "sh", "-euc", script, "sh", where, sys.executable, code)
    if "unshare" in done.err or "mount" in done.err:
        pytest.skip(f"an overlay cannot be mounted here: {done.err}")
    assert done.expect().out.strip() == said
