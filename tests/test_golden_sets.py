"""Sets that were made by each version of the format, and kept: this version recovers all of them, from every form."""

import functools
from pathlib import Path

import pytest
from helpers import escrow, need, run

from escrow.package import Package

GOLDEN = Path(__file__).parent / "golden"
SETS = sorted(path.parent for path in GOLDEN.glob("*/*/package.escrow"))
QUORUMS = {"plain": ["1-5", "1-2", "1-3"], "groups": ["3-1", "3-4", "2-1", "3-2"]}
FORMS = [".qr.txt", ".words.txt", ".bare.txt", ".pdf"]
named = functools.partial(pytest.mark.parametrize, "golden", SETS, ids=lambda path: str(path.relative_to(GOLDEN)))


def test_there_is_a_set_of_every_kind_of_policy_for_every_version_of_the_format() -> None:
    versions = {path.parent for path in SETS}
    assert {path.name for path in versions} == {"v1"}
    assert {path.name for path in SETS} == QUORUMS.keys()
    assert len(SETS) == len(versions) * len(QUORUMS)


@pytest.mark.parametrize("form", FORMS)
@named()
def test_every_set_that_was_ever_made_is_recovered_from_every_form_of_its_shares(
    golden: Path, form: str, shm: Path
) -> None:
    need("step")
    sheets = [golden / f"share-{name}{form}" for name in QUORUMS[golden.name]]
    restored = shm / "restored"
    escrow(
        "recover", golden / "package.escrow", *sheets, "--to", restored, "--password-file", "-", stdin="new"
    ).expect()
    manifest = Package.decode((golden / "package.escrow").read_bytes()).manifest
    for entry in manifest.certificates:
        shown = run("step", "certificate", "fingerprint", restored / entry.file).expect().out.strip()
        assert shown == entry.sha256
    assert {path.name for path in (restored / "secrets").iterdir()} == {Path(e.file).name for e in manifest.keys}


@named()
def test_the_codes_of_its_package_sheets_stand_for_the_package(golden: Path, shm: Path) -> None:
    sheets = [golden / f"share-{name}.qr.txt" for name in QUORUMS[golden.name]]
    done = escrow(
        "recover", golden / "codes.txt", *sheets, "--to", shm / "restored", "--password-file", "-", stdin="new"
    )
    done.expect()


@named()
def test_a_share_less_than_a_quorum_recovers_nothing(golden: Path, shm: Path) -> None:
    sheets = [golden / f"share-{name}.qr.txt" for name in QUORUMS[golden.name][1:]]
    done = escrow(
        "recover", golden / "package.escrow", *sheets, "--to", shm / "restored", "--password-file", "-", stdin="x"
    )
    assert "needed" in done.expect(1).err
    assert not (shm / "restored").exists()
