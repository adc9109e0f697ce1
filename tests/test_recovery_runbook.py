"""RECOVERY.md: every command and option in it exists, and on paper it has every line that the file has."""

import re
import shlex
from pathlib import Path

import click
import pytest
from helpers import escrow, need, run

from ceremony.cli import escrow as program
from ceremony.forms import markdown
from ceremony.forms.recovery_runbook import SOURCE
from escrow.errors import TemplateError

TEXT = SOURCE.read_text("utf-8")


def used(text: str) -> list[tuple[str, list[str]]]:
    """Every `escrow` command with its options: in lines of code, their continuations included, and between `s."""
    joined = re.sub(r"\\\n\s*", "", text)
    fenced = re.findall(r"^\s*(escrow [a-z][^\n]*)$", joined, re.MULTILINE)
    quoted = re.findall(r"`(escrow [a-z][^`]*)`", " ".join(text.split()))
    found = []
    for line in [*fenced, *quoted]:
        words = shlex.split(line)
        own = words[: words.index("--")] if "--" in words else words
        found.append((own[1], [word for word in own[2:] if word.startswith("--")]))
    return found


def missing(text: str) -> set[str]:
    """What is used in a text, and is no command or option of the program."""
    absent = set()
    with click.Context(program) as context:
        for name, options in used(text):
            command = program.get_command(context, name)
            known = {option for each in command.params for option in each.opts} if command else set()
            absent |= set() if command else {name}
            absent |= {f"{name} {option}" for option in options if option not in known}
    return absent


def test_every_command_and_option_in_the_recovery_runbook_exists() -> None:
    assert {name for name, _ in used(TEXT)} >= {"recover", "recovery", "inspect", "check", "hand-over", "preflight"}
    assert ("recover", ["--only", "--to", "--recipient"]) in used(TEXT)
    assert missing(TEXT) == set()
    assert missing("`escrow revive` and `escrow recover --twice`") == {"revive", "recover --twice"}


def plain_lines(text: str) -> list[str]:
    """The words of each line without its marks, as they have to stand on paper."""
    found = []
    for line in text.splitlines():
        if re.fullmatch(r"\s*```\w*|\|[-|]+\|", line):
            continue
        cells = line.strip().strip("|").split("|") if line.startswith("|") else [line]
        for cell in cells:
            bare = re.sub(r"^\s*(#+|-|\d+\.)\s+|\*\*|`", "", cell)
            found.append("".join(bare.split()))
    return [each for each in found if each]


@pytest.mark.parametrize("size", ["A4", "Letter"])
def test_every_line_of_it_is_on_paper(tmp_path: Path, size: str) -> None:
    need("pdftotext")
    pdf = tmp_path / "runbook.pdf"
    escrow("recovery-runbook", "--out", pdf, "--page-size", size, "--organisation", "Example Ltd").expect()
    shown = run("pdftotext", "-raw", "-enc", "UTF-8", pdf, "-").expect().out
    # Header and footer come between, and a cell of a table in the midst of another: word by word, then line by line.
    squeezed = "".join(shown.split())
    lines = plain_lines(TEXT)
    assert len(lines) > 100
    for line in lines:
        assert all(part in squeezed for part in pieces(line)), line
    assert "Examplltd" not in squeezed
    assert shown.count("Recovery runbook, page") == len(re.findall("\f", shown))
    assert "Set " not in shown.splitlines()[1]


def pieces(line: str, length: int = 12) -> list[str]:
    """Parts of a line that are no longer than what stands in one row of a narrow cell."""
    return [line[start : start + length] for start in range(0, len(line), length)]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("> quoted", "'blockquote' has no form on paper, line 1"),
        ("![picture](x.png)", "'image' has no form on paper"),
        ("a [link](x)", "'link' has no form on paper"),
        (f"```\n{'x' * 77}\n```", "has more than 76 characters"),
        ("日本", "the fonts lack"),
    ],
)
def test_what_has_no_form_on_paper_is_refused(source: str, message: str) -> None:
    with pytest.raises(TemplateError, match=message):
        markdown.story(source, 400.0)
