"""Without memfd_secret, Secrets are locked anonymous pages, and every promise but one still holds.

CI runs this way all that holds secrets in processes of its own (`pytest --without-memfd-secret`); here what a Secret
is, one command that holds every kind of secret, and that the scanner sees.
"""

import re
import sys
from pathlib import Path

import pytest
from helpers import run

HERE = Path(__file__).parent
SCANS = (
    "test_a_deliberate_leak_is_found",
    "test_sealing_a_generated_ca_leaves_no_trace",
)


@pytest.mark.long
def test_the_tests_about_memory_pass_without_memfd_secret() -> None:
    done = run(
        *(sys.executable, "-m", "pytest", "--without-memfd-secret", "-q", "-p", "no:cacheprovider", "-rs"),
        *(HERE / "test_secret.py", *(f"{HERE / 'test_memory_scan.py'}::{name}" for name in SCANS)),
        env={"ESCROW_TESTS_FORBID_SKIPS": ""},
        cwd=HERE.parent,
    ).expect()
    assert re.search(r"\d+ passed", done.out)
    assert "memfd_secret, which this kernel does not give" in done.out


def test_the_option_really_takes_it_away() -> None:
    code = """if True:
        import old_kernel, test_secret
        old_kernel.take_away_memfd_secret()
        print(test_secret.has_memfd_secret())
    """
    assert run(sys.executable, "-c", code, cwd=HERE).expect().out.strip() == "False"
