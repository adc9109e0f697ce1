"""Whatever step-ca can have is imported, sealed, and comes back the same; what cannot be is named, with the reason."""

import datetime as dt
import functools
import json
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from helpers import PASSWORD, run, step_ca
from variants import VARIANTS, Variant, Workbench, change, contexts, registration_authority

from escrow import recovery, sealing, shamir
from escrow.authority import Authority, import_tree
from escrow.choice import EVERYTHING, Choice
from escrow.errors import KeyFileError, TreeError
from escrow.files import NewFiles
from escrow.memory import Secret
from escrow.note import Kind as NoteKind
from escrow.package import Package
from escrow.policy import Policy
from escrow.share import Kind

NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)  # between the dates of certificates that step makes now
Making = Callable[[str], tuple[Variant, Workbench]]


def quiet(*_: object) -> None:
    """Nobody watches the progress here."""


def imported(path: Path, choice: Choice = EVERYTHING) -> Authority:
    with Secret.of(PASSWORD.encode()) as password:

        def answer(_: str, problem: str | None) -> Secret:
            if problem:
                raise KeyFileError(problem)
            return password

        return import_tree(path, answer, quiet, NOW, choice)


def notes(authority: Authority, kind: NoteKind) -> str:
    return "\n".join(str(note) for note in authority.notes if note.kind is kind)


def there_and_back(authority: Authority, target: Path) -> None:
    """Seal 2 of 2, recombine, open, and restore under the same password."""
    order = sealing.Order(Kind.SPECIMEN, Policy.plain(2, 2), ("Anna", "Bert"), NOW)
    sealed = sealing.seal_package(authority, order, quiet)
    values = {position.x: bytes(share.view) for position, share in sealed.shares.items()}
    with Secret.of(shamir.combine(values, 2)) as wrapping_key, Secret.of(PASSWORD.encode()) as password:
        package = Package.decode(sealed.text)
        members = recovery.open_checked(package, wrapping_key)
        with NewFiles(target) as out:
            recovery.restore(package.manifest, members, (), password, out=out, progress=quiet)
            out.publish()
    sealed.close()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Making:
    @functools.cache
    def make(name: str) -> tuple[Variant, Workbench]:
        bench = Workbench(tmp_path_factory.mktemp("variant"))
        return VARIANTS[name](bench), bench

    return make


@pytest.fixture
def tree(made: Making, tmp_path: Path) -> Path:
    """A copy of a Docker volume's tree, to be bent."""
    return Path(shutil.copytree(made("a Docker volume")[0].path, tmp_path / "step"))


@pytest.mark.parametrize("name", VARIANTS)
def test_each_variant_comes_back_the_same_and_step_ca_starts_from_it(name: str, made: Making, tmp_path: Path) -> None:
    variant, bench = made(name)
    before = imported(variant.path, variant.choice)
    assert {entry.name for entry in before.keys} == set(variant.keys)
    assert len(before.keys) == len(variant.keys)
    restored = tmp_path / "restored"
    there_and_back(before, restored)
    after = imported(restored, Choice(without=variant.choice.without))
    for one, other in zip(sorted(before.keys, key=name_of), sorted(after.keys, key=name_of), strict=True):
        assert (one.name, one.file) == (other.name, other.file)
        assert one.key.pem.matches(other.key.pem)
    for file, content in before.files.items():
        if not file.startswith("config/"):
            assert content.matches(after.files[file]), file
    if variant.port:
        with step_ca(restored, bench.password, f"https://localhost:{variant.port}"):
            issue = ("step", "ca", "certificate", "leaf.test", tmp_path / "leaf.crt", tmp_path / "leaf.key")
            roots = next(iter(sorted((restored / "certs").glob("*root*.crt"), key=lambda f: f.name != "root_ca.crt")))
            flags = ("--ca-url", f"https://localhost:{variant.port}", "--root", roots, "--provisioner", "admin")
            password = ("--provisioner-password-file", bench.provisioner_password)
            run(*issue, *flags, *password, env={"STEPPATH": str(tmp_path)}).expect()
        run("step", "certificate", "verify", tmp_path / "leaf.crt", "--roots", roots).expect()
        if name == "templates":
            shown = run("step", "certificate", "inspect", "--format", "json", tmp_path / "leaf.crt").expect().out
            assert json.loads(shown)["subject"]["common_name"] == ["made by the template"]


def name_of(entry: object) -> str:
    return str(getattr(entry, "name"))  # noqa: B009
