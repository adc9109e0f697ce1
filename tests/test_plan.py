"""A plan's file: what is read from it, and everything that is wrong with one, named at once with its place."""

import hashlib
import re
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers import escrow
from hypothesis import given
from hypothesis import strategies as st

from ceremony import spoken
from ceremony.planning import plan_errors
from ceremony.planning.draft import fill
from ceremony.planning.plan import Plan, load, parse
from escrow.choice import EVERYTHING, Choice
from escrow.errors import FileError, PlanError
from escrow.policy import Position
from escrow.share import Kind

EXAMPLE = fill({}, {})
END = EXAMPLE.count("\n") + 2
"""The line after the example and a blank, or the second line of what follows it."""
HERE = Path("ceremony.toml")
GROUPS = """[quorum]
groups_needed = 2

[[group]]
name = "Officers"
threshold = 2

[[group]]
name = "Board"
threshold = 1
"""


def plan(text: str = EXAMPLE) -> Plan:
    return parse(text.encode(), HERE)


def changed(old: str, new: str, text: str = EXAMPLE) -> str:
    assert old in text
    return text.replace(old, new, 1)


def grouped() -> str:
    """The example with two groups: Ada and Cleo, the third, are officers, and Bert, the second, is the board."""
    text = changed('[[group]]\nname = "Custodians"\nthreshold = 3\n', GROUPS)
    groups = {"Ada Lovelace": "Officers", "Blaise Pascal": "Board", "Chien-Shiung Wu": "Officers"}
    for name, group in groups.items():
        text = changed(f'name = "{name}"\n', f'name = "{name}"\ngroup = "{group}"\n', text)
    return re.sub(r'\[\[custodian\]\]\nname = "(David|Emmy)[^\[]*?\n\n', "", text)


def problems(text: str) -> list[str]:
    with pytest.raises(PlanError) as caught:
        plan(text)
    return str(caught.value).splitlines()


def test_the_example_is_read_as_it_stands() -> None:
    read = plan()
    assert (read.ceremony.id, read.ceremony.kind) == ("2030-ROOT-1", Kind.PRODUCTION)
    assert (str(read.ceremony.date), str(read.ceremony.start)) == ("2030-01-15", "10:00:00")
    assert str(read.ceremony.standby) == "2030-01-22"
    assert (read.ca.keys, read.ca.name, read.ca.tree) == ("generate", "Example CA", None)
    assert str(read.policy) == "3 of 5"
    assert [each.name for each in read.officers] == ["Grace Hopper", "Alan Turing"]
    assert [each.name for each in read.witnesses] == ["Katherine Johnson"]
    assert {each.site for each in read.packages} < {each.name for each in read.sites}
    assert [each.depends_on_ca for each in read.access] == [False]
    assert (read.documents.page, read.documents.templates, read.documents.discreet) == ("A4", None, False)
    assert str(read.retain_until) == "2040-01-15"
    assert read.waivers == ()


def test_the_digest_is_of_the_bytes_and_its_words_are_all_of_it() -> None:
    read = plan()
    assert read.digest == hashlib.sha256(EXAMPLE.encode()).digest()
    assert len(read.words) == 32
    assert plan(EXAMPLE + "\n").words != read.words
    assert " ".join(spoken.rows_of(read.words)).split() == list(read.words)
    assert len(spoken.rows_of(read.words)) == 4
    assert spoken.first_three_and_last(read.words) == " ".join([*read.words[:3], "...", read.words[-1]])


def test_custodians_stand_in_the_order_of_their_shares() -> None:
    read = plan(grouped())
    assert [each.name for each in read.custodians] == ["Ada Lovelace", "Chien-Shiung Wu", "Blaise Pascal"]
    assert str(read.policy) == "2 of 2 groups (2 of 2, 1 of 1)"
    for position, custodian in zip(read.policy.positions, read.custodians, strict=True):
        assert read.custodian_at(position) == custodian
        assert read.position_of(custodian) == position
    assert read.position_of(read.custodians[2]) == Position(2, 1)
    with pytest.raises(ValueError, match="not in"):
        read.custodian_at(Position(2, 2))


def test_with_one_group_nobody_has_to_name_it() -> None:
    assert {each.group for each in plan().custodians} == {"Custodians"}


@pytest.mark.parametrize(
    ("retention", "date", "until"),
    [
        ("years = 10", "2030-01-15", "2040-01-15"),
        ("years = 1", "2028-02-29", "2029-03-01"),
        ("until = 2031-05-06", "2030-01-15", "2031-05-06"),
    ],
)
def test_records_are_kept_so_long(retention: str, date: str, until: str) -> None:
    text = changed("date = 2030-01-15", f"date = {date}", changed("years = 10", retention))
    assert str(plan(text).retain_until) == until


def test_an_import_names_its_tree() -> None:
    read = plan(changed('keys = "generate"', 'keys = "import"\ntree = "/media/step"'))
    assert read.ca.tree == Path("/media/step")
    assert read.ca.choice == EVERYTHING


def test_an_import_names_a_context_keys_elsewhere_and_what_is_left_out() -> None:
    more = 'context = "alpha"\nkey_files = { root = "/media/root" }\nwithout = ["ssh-host"]'
    read = plan(changed('keys = "generate"', f'keys = "import"\ntree = "/media/step"\n{more}'))
    assert read.ca.choice == Choice("alpha", {"root": Path("/media/root")}, frozenset({"ssh-host"}))


WRONG: dict[str, tuple[Callable[[], str], str]] = {
    "not TOML": (lambda: changed("[ca]", "[ca"), "ceremony.toml is not valid TOML"),
    "too deep": (lambda: f"a = {'[' * 5000}", "not valid TOML: .*"),
    "a key twice": (lambda: changed("years = 10", "years = 10\nyears = 11"), "not valid TOML"),
    "unknown table": (
        lambda: EXAMPLE + "\n[vaiver]\n",
        rf"line {END}: vaiver is not known: did you mean waiver\?",
    ),
    "unknown key": (
        lambda: changed('unit = "Finance"', 'unit = "Finance"\ncolour = "red"'),
        r"line 48: custodian 2 \(Blaise Pascal\), colour is not known: remove it",
    ),
    "misspelt key": (
        lambda: changed('site = "Bank"', 'site = "Bank"\ndeptuy = "X"'),
        r"custodian 5 \(Emmy Noether\), deptuy is not known: did you mean deputy\?",
    ),
    "missing key": (
        lambda: changed('unit = "Finance"\n', ""),
        r"line 45: custodian 2 \(Blaise Pascal\), unit is missing: add it",
    ),
    "missing table": (lambda: changed("[retention]", "[ca2]"), "line 1: retention is missing: add it"),
    "a table for a list": (
        lambda: changed("[[access]]", "[access]"),
        r"access must be a list of tables: write",
    ),
    "a list for a table": (lambda: changed("[documents]", "[[documents]]"), r"documents must be a table: write \[docu"),
    "not a text": (
        lambda: changed('"Room 101, Head Office"', "101"),
        "line 17: ceremony, place must be a text",
    ),
    "an empty text": (lambda: changed('"Room 101, Head Office"', '""'), "ceremony, place is empty"),
    "a long name": (lambda: changed("Grace Hopper", "G" * 61), "officer 1 .*, name is too long: use at most 60"),
    "control characters": (
        lambda: changed("Grace Hopper", "Grace\\u001b[2J"),
        r"officer 1 \('Grace\\x1b\[2J'\), name must be one line",
    ),
    "an invisible character": (lambda: changed("Grace Hopper", "Grace\u202eHopper"), "name must be one line"),
    "a space around": (lambda: changed("Grace Hopper", "Grace "), "name begins or ends with a space"),
    "an id for a path": (lambda: changed("2030-ROOT-1", "../x"), "ceremony, id must be letters A to Z"),
    "a kind nobody knows": (
        lambda: changed('"production"\n', '"test"\n'),
        "kind must be one of 'production' or",
    ),
    "a date in quotes": (
        lambda: changed("2030-01-15", '"2030-01-15"'),
        "line 14: ceremony, date must be a date",
    ),
    "a date with a time": (lambda: changed("2030-01-15", "2030-01-15T10:00:00"), "date must be a date such as"),
    "a date of long ago": (lambda: changed("2030-01-15", "1030-01-15"), "date must be 2000-01-01 or more"),
    "a date of far away": (lambda: changed("2030-01-15", "3030-01-15"), "date must be less than 2200-01-01"),
    "a time in quotes": (
        lambda: changed("start = 10:00:00", 'start = "10:00"'),
        "start must be a time such as",
    ),
    "a number in quotes": (lambda: changed("threshold = 3", 'threshold = "3"'), "threshold must be a whole number"),
    "a truth for a number": (lambda: changed("threshold = 3", "threshold = true"), "threshold must be a whole number"),
    "a number for a truth": (lambda: changed("on_ca = false", "on_ca = 0"), "depends_on_ca must be true or false"),
    "no years": (lambda: changed("years = 10", "years = 0"), "retention, years must be 1 or more"),
    "many years": (lambda: changed("years = 10", "years = 101"), "retention, years must be 100 or less"),
    "years and until": (lambda: changed("years = 10", "years = 10\nuntil = 2040-01-01"), "give one of the two"),
    "neither": (lambda: changed("years = 10", ""), "retention, until or years: give one of the two"),
    "retention before": (
        lambda: changed("years = 10", "until = 2030-01-15"),
        "until must be after the cerem",
    ),
    "another paper": (lambda: changed('"A4"', '"A5"'), "page must be one of 'A4' or 'Letter'"),
    "a path in pieces": (lambda: changed('page = "A4"', "templates = 1"), "templates must be a path in quotes"),
    "an empty path": (lambda: changed('page = "A4"', 'templates = ""'), "documents, templates is empty"),
    "import of nothing": (lambda: changed('"generate"\n', '"import"\n'), "line 21: ca, tree is missing"),
    "a tree unasked": (lambda: changed("[ca]", '[ca]\ntree = "/x"'), 'ca, tree belongs to keys = "import"'),
    "a context unasked": (lambda: changed("[ca]", '[ca]\ncontext = "x"'), 'ca, context belongs to keys = "import"'),
    "a key's file unasked": (lambda: changed("[ca]", '[ca]\nkey_files = {a = "/x"}'), "ca, key_files belongs to keys"),
    "a key left out unasked": (lambda: changed("[ca]", '[ca]\nwithout = ["a"]'), "ca, without belongs to keys"),
    "a long CA name": (lambda: changed('"Example CA"', f'"{"C" * 49}"'), "ca, name has more than 48 characters"),
    "certificates of an import": (
        lambda: changed('"generate"\n', '"import"\ntree = "/x"\n') + "\n[root]\nyears = 5\n\n[ssh]\n",
        r'root belongs to keys = "generate": remove it, or generate\.',
    ),
    "another kind of key": (lambda: EXAMPLE + '\n[root]\nkey = "RSA 2048"\n', "root, key must be one of 'EC P-256', "),
    "no years of validity": (lambda: EXAMPLE + "\n[root]\nyears = 0\n", "root, years must be 1 or more"),
    "too many years": (lambda: EXAMPLE + "\n[root]\nyears = 101\n", "root, years must be 100 or less"),
    "a bad subject": (
        lambda: EXAMPLE + '\n[[intermediate]]\nsubject = ["O=A", "CN"]\n',
        "intermediate 1, subject, 1 must be of the form TYPE=VALUE",
    ),
    "an empty subject": (lambda: EXAMPLE + "\n[root]\nsubject = []\n", "root, subject has too few entries"),
    "a bad constraint": (
        lambda: EXAMPLE + '\n[root]\npermitted = ["DNS:*.example.com"]\n',
        "root, permitted, 0 must name a domain by labels",
    ),
    "policies of a root": (lambda: EXAMPLE + '\n[root]\npolicies = ["1.2.3"]\n', "root, policies is not known"),
    "a bad policy": (
        lambda: EXAMPLE + '\n[[intermediate]]\npolicies = ["ours"]\n',
        "intermediate 1, policies, 0 must be an object identifier",
    ),
    "a bad URL": (
        lambda: EXAMPLE + '\n[[intermediate]]\ncrl = ["pki.example.com"]\n',
        "intermediate 1, crl, 0 must be a URL that begins with http://",
    ),
    "too many intermediates": (
        lambda: EXAMPLE + "\n[[intermediate]]\n" * 10,
        "intermediate has too many entries: 9 at most",
    ),
    "one officer": (
        lambda: changed('[[officer]]\nname = "Grace Hopper"\nunit = "Operations"\n', ""),
        "officer has too few entries: 2 or more",
    ),
    "no witness": (lambda: changed("[[witness]]", "[[officer]]"), "witness is missing"),
    "unknown site": (
        lambda: changed('site = "Bank"', 'site = "Bonn"'),
        r"line 67: custodian 5 \(Emmy Noether\), site is 'Bonn', and there is no such \[\[site\]\]: name one of",
    ),
    "package nowhere": (
        lambda: changed('site = "Data Centre"', 'site = "Bonn"'),
        "package 1, site is 'Bonn'",
    ),
    "archive nowhere": (
        lambda: changed('[[archive]]\nsite = "Data Centre"', '[[archive]]\nsite = "Bonn"'),
        "archive 1, site is 'Bonn'",
    ),
    "no archive": (lambda: EXAMPLE.replace("[[archive]]", "[[package]]"), "archive is missing"),
    "unknown group": (
        lambda: changed('unit = "Audit"', 'unit = "Audit"\ngroup = "Board"'),
        r"custodian 5 \(Emmy Noether\), group is 'Board', and there is no such \[\[group\]\]",
    ),
    "a site twice": (
        lambda: changed('name = "Bank"\nwhat', 'name = "North Plant"\nwhat'),
        "name is 'North Plant' like",
    ),
    "a group twice": (
        lambda: changed('"Board"', '"Officers"', grouped()),
        "name is 'Officers' like that",
    ),
    "an object identifier that cannot be": (
        lambda: EXAMPLE + '[[intermediate]]\npolicies = ["1.3.6.1", "1.40.1"]\n',
        rf"line {END}: intermediate 1, policies, 1 must be an object identifier.*39 at most",
    ),
    "a waiver of no certificate": (
        lambda: EXAMPLE + '[[waiver]]\nlint = "validity-too-long"\ncertificate = "leaf"\nreason = "x"\n',
        "waiver 1, certificate must be root, intermediate, or intermediate-2 to intermediate-9",
    ),
    "a waiver twice for a certificate": (
        lambda: EXAMPLE + '[[waiver]]\nlint = "validity-too-long"\ncertificate = "root"\nreason = "x"\n' * 2,
        "waiver 2, lint is 'validity-too-long' like that of another waiver",
    ),
    "a waiver twice": (
        lambda: EXAMPLE + '[[waiver]]\nlint = "no-spare"\nreason = "x"\n' * 2,
        "waiver 2, lint is 'no-spare' like that of another waiver",
    ),
    "threshold too high": (
        lambda: changed("threshold = 3", "threshold = 6"),
        r"line 34: group 1 \(Custodians\), threshold is impossible\. A threshold of 6 cannot be met by 5 custodians",
    ),
    "threshold of 1": (lambda: changed("threshold = 3", "threshold = 1"), "would give each of them the whole"),
    "threshold of 0": (lambda: changed("threshold = 3", "threshold = 0"), "A threshold of 0 cannot be met"),
    "an empty group": (
        lambda: grouped() + '\n[[group]]\nname = "Nobody"\nthreshold = 2\n',
        r"group 3 \(Nobody\) has no custodian",
    ),
    "no group named": (
        lambda: changed('group = "Board"\n', "", grouped()),
        r"custodian 2 \(Blaise Pascal\), group is missing: with several groups, name one",
    ),
    "groups needed unsaid": (
        lambda: changed("\ngroups_needed = 2", "", grouped()),
        "quorum, groups_needed is missing: with several groups, say how many",
    ),
    "too many groups needed": (
        lambda: changed("\ngroups_needed = 2", "\ngroups_needed = 3", grouped()),
        "quorum, groups_needed is impossible. A threshold of 3 cannot be met by 2 groups",
    ),
    "no group needed": (
        lambda: EXAMPLE + "\n[quorum]\ngroups_needed = 0\n",
        "quorum, groups_needed is impossible. A threshold of 0",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_named_with_its_place(name: str) -> None:
    make, expected = WRONG[name]
    found = problems(make())
    assert any(re.search(expected, line) for line in found), found
    assert all(line.startswith("ceremony.toml") for line in found)


def test_the_groups_of_these_tests_are_right_but_for_what_is_changed() -> None:
    assert plan(grouped()).groups_needed == 2


def test_everything_that_is_wrong_is_told_at_once_in_the_order_of_the_lines() -> None:
    text = changed("threshold = 3", "threshold = 6", changed('"production"\n', '"test"\n'))
    text = changed('site = "Bank"', 'site = "Bonn"', changed('unit = "Legal"', "unit = 5", text))
    found = problems(changed("years = 10", "", text))
    lines = [int(match[1]) for line in found if (match := re.match(r"ceremony.toml, line (\d+): ", line))]
    assert len(lines) == len(found) == 5
    assert lines == sorted(lines)


def test_an_entry_that_is_wrong_is_not_also_missing() -> None:
    assert len(problems(changed("Grace Hopper", "Grace "))) == 1


def test_a_file_that_is_no_text_is_named_with_the_line() -> None:
    with pytest.raises(PlanError, match=r"ceremony.toml, line 2: this is not UTF-8"):
        parse(b"# \n\xff", HERE)


def test_a_plan_may_have_the_line_ends_of_another_system() -> None:
    text = changed("threshold = 3", "threshold = 6").replace("\n", "\r\n")
    assert "ceremony.toml, line 34: " in problems(text)[0]


@pytest.mark.parametrize("make", [lambda path: path, lambda path: path.mkdir()], ids=["absent", "a directory"])
def test_a_plan_that_cannot_be_read_is_a_plan_error(make: Callable[[Path], object], tmp_path: Path) -> None:
    make(tmp_path / "x.toml")
    with pytest.raises(PlanError, match=r"x.toml.*'escrow init' makes one") as caught:
        load(tmp_path / "x.toml")
    assert not isinstance(caught.value, FileError)


def test_a_plan_error_is_a_usage_error_with_exit_status_2(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text(changed("threshold = 3", "threshold = 6"))
    for command in ("lint", "calendar"):
        done = escrow(command, tmp_path / "x.toml").expect(2)
        assert done.err.startswith(f"escrow: {tmp_path}/x.toml, line 34: group 1 (Custodians)")
        assert done.out == ""


NASTY = [
    "1",
    "-1",
    "1e400",
    "nan",
    "true",
    '""',
    '"x"',
    '"\\u0000"',
    "[]",
    "[1]",
    "[[1]]",
    "{}",
    "{ a = 1 }",
    "2030-01-01",
]
NASTY += [
    "10:00:00",
    "2030-01-01T10:00:00Z",
    '["a", {b = 1}]',
    '{ name = "x", threshold = 2 }',
    "9" * 4000,
    '"""\n\n"""',
]
LINES = [number for number, line in enumerate(EXAMPLE.splitlines()) if line and not line.startswith("#")]


@given(st.dictionaries(st.sampled_from(LINES), st.sampled_from(NASTY), min_size=1, max_size=4))
def test_whatever_stands_in_a_line_gives_a_plan_or_its_errors(nasty: dict[int, str]) -> None:
    lines = EXAMPLE.splitlines()
    for number, value in nasty.items():
        key, equals, _ = lines[number].partition(" = ")
        lines[number] = f"{key} = {value}" if equals else f"{key.strip('[]')} = {value}"
    told = ""
    try:
        plan("\n".join(lines))
    except PlanError as error:
        told = str(error)
    assert all(line.startswith("ceremony.toml") and line.isprintable() for line in told.splitlines())


STATEMENTS = [
    "a{n} = 1",
    "a{n} = [\n 1,\n 2 ]",
    'a{n} = """\n[x]\nb = 1\n"""',
    "# a{n} = 5",
    "",
    "a{n}.b = 1",
    "'a{n}' = '['",
]


@given(st.lists(st.sampled_from([*STATEMENTS, "[t{n}]", "[[l]]"])))
def test_a_key_is_found_in_the_line_where_it_begins(parts: list[str]) -> None:
    parts = [part.format(n=number) for number, part in enumerate(parts)]
    text = "\n".join(parts)
    content = tomllib.loads(text)
    lines = plan_errors._lines(text)
    expected: dict[tuple[str | int, ...], int] = {}
    table: tuple[str | int, ...] = ()
    line, entries = 1, 0
    for number, part in enumerate(parts):
        if part.startswith("["):
            table = ("l", entries) if part == "[[l]]" else (f"t{number}",)
            entries += part == "[[l]]"
            expected[table] = line
        elif part and not part.startswith("#"):
            expected[*table, f"a{number}"] = line
        line += part.count("\n") + 1
    assert {place: found for place, found in lines.items() if place != ("l",)} == expected
    assert (("l",) in lines) == ("l" in content)
