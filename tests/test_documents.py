"""What the documents say is there is there: tests that carry a promise, files, commands, options."""

import re
from pathlib import Path

import pytest
from helpers import escrow

from ceremony.preflight.ids import IDS

TOP = Path(__file__).parent.parent
DOCUMENTS = [
    TOP / name
    for name in (
        "README.md",
        "escrow/MEMORY.md",
        "escrow/FORMAT.md",
        "CHANGELOG.md",
        "SECURITY.md",
        "ceremony/RUNBOOK.md",
        "ceremony/RECOVERY.md",
        "ceremony/LAPTOP.md",
        "templates/README.md",
    )
]
TESTS = {path.name: path.read_text("utf-8") for path in (TOP / "tests").rglob("*.py")}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(TOP)))
def test_every_test_that_is_named_exists(document: Path) -> None:
    for name in set(re.findall(r"`(test_\w+)(?:\.py)?`", document.read_text("utf-8"))):
        assert f"{name}.py" in TESTS or any(f"def {name}(" in text for text in TESTS.values()), name


def test_every_promise_in_the_readme_names_its_test() -> None:
    text = (TOP / "README.md").read_text("utf-8")
    table = text.partition("## What is promised")[2].partition("\n## ")[0]
    rows = [line for line in table.splitlines() if line.startswith("|")][2:]
    assert len(rows) >= 7
    for row in rows:
        assert "`test_" in row, row


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(TOP)))
def test_every_link_inside_the_project_leads_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", document.read_text("utf-8")):
        if "://" not in target:
            assert (document.parent / target).exists(), target


def test_every_command_and_option_in_the_readme_exists() -> None:
    text = (TOP / "README.md").read_text("utf-8")
    used = re.findall(r"^(?:STEPPATH=\S+ )?escrow ([\w-]+)(.*)$", text, re.MULTILINE)
    assert {command for command, _ in used} >= {"seal", "check", "inspect", "recover"}
    for command, rest in used:
        shown = escrow(command, "--help").expect().out
        for option in re.findall(r"--[a-z-]+", rest):
            assert option in shown, f"{command} {option}"


def test_the_page_on_the_laptop_names_every_check_of_preflight_and_no_other() -> None:
    text = (TOP / "ceremony" / "LAPTOP.md").read_text("utf-8")
    table = text.partition("| do | check |")[2].partition("\n\n")[0]
    named = [name for row in table.splitlines()[2:] for name in re.findall(r"`([\w-]+)`", row.rsplit("|", 2)[1])]
    assert sorted(named) == sorted(IDS)


def test_every_command_and_option_on_the_page_on_the_laptop_exists() -> None:
    text = (TOP / "ceremony" / "LAPTOP.md").read_text("utf-8")
    used = re.findall(r"(?:^|\s|`|/)escrow (bundle|version|preflight|rehearse)\b([^`\n]*)", text)
    assert {command for command, _ in used} == {"bundle", "version", "preflight", "rehearse"}
    for command, rest in used:
        shown = escrow(command, "--help").expect().out
        for option in re.findall(r"--[a-z-]+", rest):
            assert option in shown, f"{command} {option}"
