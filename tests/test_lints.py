"""Every lint: what it finds, that words in the plan waive it, and that it is silent where nothing is wrong."""

import datetime as dt
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from helpers import escrow
from walk import Walk

from ceremony.planning import draft
from ceremony.planning.certificate_lints import RULES, is_of_certificates
from ceremony.planning.lint_list import LINTS, Severity
from ceremony.planning.lints import Finding, lint
from ceremony.planning.odds import person
from ceremony.planning.plan import Plan, parse
from ceremony.planning.rehearsed import rehearsed
from ceremony.run.journal import LABEL
from escrow.errors import UsageError
from escrow.issuing.lints import OWN

EXAMPLE = draft.fill({}, {})
DAY = dt.date(2030, 1, 15)  # the example's
TODAY = DAY - dt.timedelta(days=10)
REHEARSED = TODAY - dt.timedelta(days=1)
GROUPS = (
    '[quorum]\ngroups_needed = {g}\n\n[[group]]\nname = "A"\nthreshold = 2\n\n[[group]]\nname = "B"\nthreshold = 2\n'
)

Change = Callable[[str], str]


def plan(text: str) -> Plan:
    return parse(text.encode(), Path("ceremony.toml"))


def found(text: str, today: dt.date = TODAY, rehearsed: dt.date | None = REHEARSED) -> tuple[Finding, ...]:
    return lint(plan(text), today, rehearsed)


def ids(findings: tuple[Finding, ...]) -> list[str]:
    return [finding.lint for finding in findings]


def waive(*lints: str) -> Change:
    return lambda text: text + "".join(f'\n[[waiver]]\nlint = "{each}"\nreason = "Agreed."\n' for each in lints)


def waive_for(certificate: str, lint: str) -> Change:
    block = f'\n[[waiver]]\nlint = "{lint}"\ncertificate = "{certificate}"\nreason = "Agreed."\n'
    return lambda text: text + block


def swap(*pairs: str) -> Change:
    """Replace the first of each pair by the second, once."""

    def change(text: str) -> str:
        for old, new in zip(pairs[::2], pairs[1::2], strict=True):
            assert old in text
            text = text.replace(old, new, 1)
        return text

    return change


def of(name: str, key: str, value: str) -> Change:
    """Set a key in the entry of this name."""

    def change(text: str) -> str:
        entry = re.search(rf'name = "{name}"\n(?:\w.*\n)*', text)
        assert entry
        lines = [line for line in entry[0].splitlines() if not line.startswith(f"{key} =")]
        return text.replace(entry[0], "\n".join([*lines, f'{key} = "{value}"']) + "\n", 1)

    return change


def both(*changes: Change) -> Change:
    def change(text: str) -> str:
        for each in changes:
            text = each(text)
        return text

    return change


def custodians(number: int, threshold: int) -> Change:
    """So many custodians, nobody with anything in common but the unprintably dull name."""
    entries = "".join(
        f'[[custodian]]\nname = "C{n}"\nunit = "U{n}"\nmanager = "M{n}"\nsite = "S{n}"\n\n' for n in range(number)
    )
    sites = "".join(f'[[site]]\nname = "S{n}"\nwhat = "safe"\n\n' for n in range(number))

    def change(text: str) -> str:
        text = re.sub(r"\[\[custodian\]\]\n(?:\w.*\n)+\n", "", text)
        return swap(
            "threshold = 3", f"threshold = {threshold}", "# Officers carry", f"{entries}{sites}# Officers carry"
        )(text)

    return change


ADA, BERT, CLEO, DAVE, EMMY = "Ada Lovelace", "Blaise Pascal", "Chien-Shiung Wu", "David Blackwell", "Emmy Noether"


def groups(needed: int) -> Change:
    """Three groups, so many of them needed: A is Ada, B is Bert and Dave, C is Cleo and Emmy."""
    members = {"A": [ADA], "B": [BERT, DAVE], "C": [CLEO, EMMY]}
    text = "".join(f'\n[[group]]\nname = "{group}"\nthreshold = {len(names)}\n' for group, names in members.items())
    changes = [of(name, "group", group) for group, names in members.items() for name in names]
    old = '[[group]]\nname = "Custodians"\nthreshold = 3\n'
    return both(swap(old, f"[quorum]\ngroups_needed = {needed}\n{text}"), *changes)


def certificates(*tables: str) -> Change:
    """Add tables of certificates."""
    return lambda text: text + "".join(f"\n{table}\n" for table in tables)


ONE = '[[intermediate]]\nsubject = ["CN=1"]'

# What makes each lint speak, and a part of what it says.
CASES: list[tuple[str, Change, str]] = [
    ("same-person-twice", swap(BERT, ADA), f"{ADA} and {ADA} are one person, named as custodian twice"),
    ("same-person-twice", swap(BERT, "ADA  lovelace"), f"{ADA} and ADA  lovelace are one person"),
    ("same-person-twice", swap(ADA, "Zoë", BERT, "Zoe\\u0308"), "are one person"),
    ("same-person-twice", swap("Alan Turing", "GRACE HOPPER"), "named as officer twice"),
    (
        "same-person-twice",
        swap("# Where", '[[witness]]\nname = "katherine johnson"\nunit = "X"\n\n# Where'),
        "witness twice",
    ),
    ("officer-holds-share", swap("Alan Turing", "ada lovelace"), "ada lovelace is an officer and a custodian"),
    ("witness-holds-share", swap("Katherine Johnson", EMMY), "is a witness and a custodian"),
    ("officer-is-witness", swap("Katherine Johnson", "alan turing"), "Alan Turing is an officer and a witness"),
    (
        "officers-in-one-unit",
        swap('unit = "Security"', 'unit = "operations"'),
        "of the unit Operations",
    ),
    (
        "deputy-holds-share",
        of(ADA, "deputy", "blaise pascal"),
        "blaise pascal, the deputy of Ada Lovelace",
    ),
    ("deputy-holds-share", of(ADA, "deputy", ADA), "the deputy of Ada Lovelace, is a custodian"),
    (
        "deputy-of-several",
        both(of(ADA, "deputy", "X Y"), of(BERT, "deputy", "x  y")),
        f"of {ADA} and {BERT}",
    ),
    ("own-manager", of(ADA, "manager", "ada lovelace"), f"{ADA} is named as the manager of {ADA}"),
    ("no-spare", swap("threshold = 3", "threshold = 5"), "The quorum is 5 of 5"),
    ("no-spare", groups(3), "3 of 3 groups (1 of 1, 2 of 2, 2 of 2)"),
    ("one-spare", swap("threshold = 3", "threshold = 4"), "The quorum is 4 of 5"),
    ("one-spare", groups(2), "2 of 3 groups (1 of 1, 2 of 2, 2 of 2)"),
    ("many-shares", custodians(16, 3), "There are 16 shares"),
    (
        "quorum-under-one-manager",
        both(of(ADA, "manager", "Boss"), of(BERT, "manager", "boss"), of(CLEO, "manager", "BOSS")),
        "Boss is manager of the custodians of the shares 1, 2 and 3, a quorum",
    ),
    (
        "quorum-under-one-manager",  # the manager's own share counts
        both(of(BERT, "manager", ADA), of(CLEO, "manager", ADA)),
        f"{ADA} is manager of the custodians of the shares 1, 2 and 3",
    ),
    (
        "quorum-under-one-manager",
        both(groups(2), of(ADA, "manager", "Boss"), of(BERT, "manager", "Boss"), of(DAVE, "manager", "Boss")),
        "Boss is manager of the custodians of the shares 1 of group 1, 1 and 2 of group 2, a quorum",
    ),
    (
        "quorum-in-one-unit",
        both(of(ADA, "unit", "IT"), of(BERT, "unit", "it"), of(EMMY, "unit", "IT")),
        "The unit IT holds the shares 1, 2 and 5, a quorum",
    ),
    (
        "quorum-at-one-site",
        of(CLEO, "site", "Head Office"),
        "At the site Head Office are the shares 1, 2 and 3, a quorum",
    ),
    (
        "quorum-at-one-site",
        both(groups(2), of(DAVE, "site", "Head Office")),
        "At the site Head Office are the shares 1 of group 1, 1 and 2 of group 2, a quorum",
    ),
    (
        "package-beside-quorum",
        both(of(CLEO, "site", "Bank"), of(DAVE, "site", "Bank")),
        "At the site Bank are a copy of the package and the shares 3, 4 and 5",
    ),
    (
        "packages-at-one-site",
        swap('site = "Data Centre"', 'site = "Bank"'),
        "copy of the package is at the site Bank",
    ),
    (
        "package-beside-quorum",
        both(
            swap('[[archive]]\nsite = "Bank"', '[[archive]]\nsite = "North Plant"'),
            of(EMMY, "site", "North Plant"),
        ),
        "At the site North Plant are a copy of the archive, with the package in it, and the shares 3, 4 and 5",
    ),
    (
        "one-archive",
        swap('[[archive]]\nsite = "Bank"\nmedium = "Archival disc"\n', ""),
        "only one copy of the archive, at the site Data Centre",
    ),
    (
        "archives-at-one-site",
        swap('[[archive]]\nsite = "Bank"', '[[archive]]\nsite = "Data Centre"'),
        "Every copy of the archive is at the site Data Centre",
    ),
    (
        "access-needs-ca",
        swap("depends_on_ca = false", "depends_on_ca = true"),
        "depends on the CA: Mechanical",
    ),
    ("standby-missing", swap("standby = 2030-01-22\n", ""), "names no standby day"),
    ("standby-not-after", swap("standby = 2030-01-22", "standby = 2030-01-15"), "2030-01-15, is not after"),
    (
        "date-past",
        swap("date = 2030-01-15", "date = 2030-01-01", "standby = 2030-01-22", "standby = 2030-01-04"),
        "is past",
    ),
    ("unprintable", swap(ADA, "安娜"), "the fonts lack"),
    ("unprintable", swap("Archival disc", "日"), "the fonts lack"),
    ("unprintable", certificates('[root]\nsubject = ["CN=安娜"]'), "the fonts lack"),
    (
        "subjects-alike",
        certificates(ONE, '[[intermediate]]\nsubject = ["CN=1"]'),
        "intermediate-2 has the subject CN=1",
    ),
    ("subject-without-name", certificates('[root]\nsubject = ["O=A"]'), "root has no common name: O=A"),
    ("path-length-too-short", certificates("[root]\npath_length = 0"), "path length 0, and the root 0"),
    (
        "path-length-too-long",
        certificates("[root]\npath_length = 2", "[[intermediate]]\npath_length = 1"),
        "intermediate may issue further CAs",
    ),
    (
        "key-kinds-mixed",
        certificates('[root]\nkey = "RSA 3072"', '[[intermediate]]\nkey = "EC P-256"'),
        "intermediate has a key of the kind EC P-256, and the root of the kind RSA 3072",
    ),
    ("key-ed25519", certificates('[root]\nkey = "Ed25519"'), "root has a key of the kind Ed25519"),
    ("validity-too-long", certificates("[root]\nyears = 31"), "root is valid for more than 30 years"),
    (
        "validity-too-long",
        certificates("[root]\nyears = 30", "[[intermediate]]\nyears = 16"),
        "intermediate is valid for more than 15 years",
    ),
    ("url-needs-tls", certificates('[[intermediate]]\ncrl = ["https://x.example/y"]'), "names https://x.example/y"),
    ("certificate-outlives-root", certificates("[root]\nyears = 9"), "intermediate: Valid from 2030-01-14 00:00:00"),
    (
        "certificate-stronger-than-root",
        certificates('[[intermediate]]\nkey = "EC P-384"'),
        "Its key is EC P-384, and the root's EC P-256",
    ),
    (
        "certificate-constraints-open",
        certificates('[[intermediate]]\npermitted = ["DNS:example.com"]'),
        "permitted by DNS; any IP or email is, too",
    ),
    (
        "pkix.duplicate_certificate_policy_oids",
        certificates('[[intermediate]]\npolicies = ["1.3.6.1.4.1.99999.1", "1.3.6.1.4.1.99999.1"]'),
        "intermediate: ",
    ),
]
IDS = [f"{number}-{case[0]}" for number, case in enumerate(CASES)]
NOT_WAIVABLE = {
    "path-length-too-short",
    "subjects-alike",
    "same-person-twice",
    "officer-is-witness",
    "standby-not-after",
    "date-past",
    "unprintable",
}


def test_the_example_has_no_finding() -> None:
    assert found(EXAMPLE) == ()


@pytest.mark.parametrize(("name", "change", "text"), CASES, ids=IDS)
def test_a_lint_finds_what_it_is_for(name: str, change: Change, text: str) -> None:
    findings = [finding for finding in found(change(EXAMPLE)) if finding.lint == name]
    assert len(findings) == 1
    assert text in findings[0].text
    assert findings[0].stands
    assert findings[0].severity is Severity.ERROR


@pytest.mark.parametrize(("name", "change"), [case[:2] for case in CASES], ids=IDS)
def test_a_finding_is_waived_by_words_in_the_plan_and_only_where_that_is_allowed(name: str, change: Change) -> None:
    certificate = next(finding.certificate for finding in found(change(EXAMPLE)) if finding.lint == name)
    waiver = waive_for(certificate, name) if certificate else waive(name)
    findings = found(waiver(change(EXAMPLE)))
    mine = next(finding for finding in findings if finding.lint == name)
    if name in NOT_WAIVABLE:
        assert mine.stands
        assert "waiver-not-allowed" in ids(findings)
    else:
        assert mine.waived == "Agreed."
        assert not mine.stands
        assert not [lint for lint in ids(findings) if lint.startswith("waiver-")]


def test_every_lint_is_among_these_cases() -> None:
    of_certificates = {name for name, _, _ in CASES if is_of_certificates(name)}
    assert {rule.id for rule in LINTS} == {name for name, _, _ in CASES} - of_certificates | {"not-rehearsed"}
    never = {"certificate-serial", "certificate-validity-second"}  # what is derived from a plan cannot be so
    rules = {rule[0]: rule[-1] for rule in RULES}
    assert {*OWN, *rules} == {name for name in of_certificates if "." not in name} | never
    fixed = {name for name, waivable in rules.items() if not waivable}
    assert {rule.id for rule in LINTS if not rule.waivable} | fixed == NOT_WAIVABLE
    assert len({rule.id for rule in LINTS}) == len(LINTS)
    for rule in LINTS:
        assert rule.reason.endswith(".")
        assert rule.remedy.endswith(".")


@pytest.mark.parametrize(
    "change",
    [
        custodians(15, 3),
        of(CLEO, "manager", "Charles Babbage"),  # two of three are no quorum
        of(ADA, "deputy", "Ada Byron"),
        both(groups(2), of(BERT, "site", "North Plant")),  # one whole group, and one of two of another
        swap('site = "Bank"\nmedium', 'site = "Head Office"\nmedium'),  # beside two shares
    ],
    ids=["15 shares", "a manager of two", "a deputy", "one of three groups at a site", "a package beside two shares"],
)
def test_what_is_well_short_of_a_quorum_is_no_finding(change: Change) -> None:
    assert set(ids(found(change(EXAMPLE)))) <= {"one-spare"}


def test_a_quorum_at_a_site_without_a_package_is_one_finding_not_two() -> None:
    assert ids(found(of(CLEO, "site", "Head Office")(EXAMPLE))) == ["quorum-at-one-site"]


TEXTS = [
    "Example Ltd",
    "security@example.com",
    "Room 101",
    "Example CA",
    '"Custodians',
    ADA,
    '"Engineering',
    "Grace Hopper",
]
TEXTS += [
    "Charles Babbage",
    '"Operations',
    "Katherine Johnson",
    "Internal Audit",
    "Deposit box at",
    "USB stick",
    "Mechanical",
]


@pytest.mark.parametrize("text", TEXTS)
def test_every_text_that_is_printed_is_tried(text: str) -> None:
    assert "unprintable" in ids(found(swap(text, f"{text}安")(EXAMPLE)))


def test_the_names_of_sites_and_deputies_and_the_reasons_of_waivers_are_tried_too() -> None:
    changes = (lambda text: text.replace('"Head Office"', '"安"'), of(ADA, "deputy", "安"))
    for change in (*changes, both(waive("one-spare"), swap("threshold = 3", "threshold = 4", "Agreed.", "安"))):
        assert "unprintable" in ids(found(change(EXAMPLE)))


@pytest.mark.parametrize(
    "name", ["hans  müller", "HANS MÜLLER", "Hans Mu\u0308ller", "\u210cans Müller", "Hans\u00a0Müller"]
)
def test_a_person_is_known_however_the_name_is_written(name: str) -> None:
    assert person(name) == person("Hans Müller")
    assert person(name) != person("Hans Muller")


def test_a_waiver_of_what_nobody_knows_or_finds_is_a_finding() -> None:
    (unknown,) = found(waive("no-spares")(EXAMPLE))
    assert (unknown.lint, unknown.stands) == ("waiver-unknown", True)
    assert "no-spares is waived" in unknown.text
    assert "no-spare," in unknown.remedy
    (needless,) = found(waive("no-spare")(EXAMPLE))
    assert (needless.lint, needless.stands) == ("waiver-needless", True)
    refused = found(waive("unprintable")(EXAMPLE))
    assert ids(refused) == ["waiver-not-allowed"]
    assert refused[0].stands


TWO_LONG = certificates("[root]\nyears = 31", "[[intermediate]]\nyears = 31")


def test_a_waiver_holds_for_the_certificate_that_it_names_and_for_no_other() -> None:
    findings = found(waive_for("intermediate", "validity-too-long")(TWO_LONG(EXAMPLE)))
    stands = {finding.certificate: finding.stands for finding in findings if finding.lint == "validity-too-long"}
    assert stands == {"root": True, "intermediate": False}


def test_a_waiver_that_names_no_certificate_or_a_needless_one_waives_nothing_and_is_told() -> None:
    findings = found(waive("validity-too-long")(TWO_LONG(EXAMPLE)))
    assert ids(findings) == ["validity-too-long", "validity-too-long", "waiver-misdirected"]
    assert all(finding.stands for finding in findings)
    (elsewhere,) = found(waive_for("intermediate-2", "certificate-outlives-root")(EXAMPLE))
    assert (elsewhere.lint, elsewhere.stands) == ("waiver-needless", True)
    assert "for intermediate-2, and finds nothing there" in elsewhere.text
    (other,) = found(waive_for("root", "clock-day")(EXAMPLE))
    assert (other.lint, other.stands) == ("waiver-misdirected", True)


def test_a_finding_about_waivers_cannot_be_waived() -> None:
    findings = found(waive("no-spare", "waiver-needless")(EXAMPLE))
    assert ids(findings) == ["waiver-needless", "waiver-unknown"]
    assert all(finding.stands for finding in findings)


def days(number: int) -> dt.timedelta:
    return dt.timedelta(days=number)


@pytest.mark.parametrize(
    ("today", "rehearsed", "expected"),
    [
        (DAY - days(90), None, "warning"),
        (DAY - days(1), None, "warning"),
        (DAY, None, "error"),
        (DAY + days(1), None, "error"),
        (DAY, DAY, None),
        (DAY, DAY - days(30), None),
        (DAY, DAY - days(31), "error"),
        (DAY - days(5), DAY - days(31), "warning"),
        (DAY - days(5), DAY - days(30), None),
        (DAY + days(7), DAY - days(24), "error"),  # on the standby day, 31 days later
        (DAY, DAY + days(1), None),  # UTC may be a day ahead
        (DAY, DAY + days(2), "error"),
    ],
)
def test_a_rehearsal_is_wanted_in_the_last_30_days_and_missed_on_the_day(
    today: dt.date, rehearsed: dt.date | None, expected: str | None
) -> None:
    findings = [finding for finding in found(EXAMPLE, today, rehearsed) if finding.lint == "not-rehearsed"]
    assert [finding.severity.value for finding in findings] == ([expected] if expected else [])
    specimen = found(EXAMPLE.replace('kind = "production"', 'kind = "specimen"'), today, rehearsed)
    assert not [finding for finding in specimen if finding.lint == "not-rehearsed" and finding.stands]
    assert [f.lint for f in specimen].count("not-rehearsed") == len(findings)
    assert all("'escrow rehearse PLAN --auto --out DIR'" in f.remedy for f in findings)
    assert all("'--rehearsal DIR'" in f.remedy for f in findings)
    waived = [f for f in found(waive("not-rehearsed")(EXAMPLE), today, rehearsed) if f.lint == "not-rehearsed"]
    assert all(finding.waived == "Agreed." for finding in waived)


def test_a_rehearsal_that_was_waived_may_be_held_all_the_same() -> None:
    """Taking the waiver out would change the plan, and the rehearsal would be of another."""
    (finding,) = found(waive("not-rehearsed")(EXAMPLE))
    assert (finding.lint, finding.stands) == ("waiver-needless", False)


@pytest.mark.parametrize(("after", "expected"), [(0, []), (1, ["warning"]), (7, ["warning"]), (8, ["error"])])
def test_a_date_that_is_past_is_no_error_while_the_standby_day_is_ahead(after: int, expected: list[str]) -> None:
    findings = found(EXAMPLE, DAY + days(after), DAY)
    assert [finding.severity.value for finding in findings if finding.lint == "date-past"] == expected


def test_lint_shows_findings_reasons_odds_and_the_words_of_the_plan(tmp_path: Path) -> None:
    ahead = draft.example(dt.datetime.now(dt.UTC).date())
    path = tmp_path / "ceremony.toml"
    path.write_text(both(waive("one-spare"), swap("threshold = 3", "threshold = 4", "Alan Turing", ADA))(ahead))
    done = escrow("lint", path).expect(1)
    shown = " ".join(done.out.split())
    assert f"error officer-holds-share: {ADA} is an officer and a custodian. why Officers handle" in shown
    assert "do Let somebody else keep the share" in shown
    assert "waived one-spare: The quorum is 4 of 5" in shown
    assert "because Agreed." in shown
    assert "warning not-rehearsed" in shown
    assert " ".join(parse(path.read_bytes(), path).words) in shown
    assert "1 error stands against this plan" in shown
    assert max(map(len, done.out.splitlines())) <= 80
    path.write_text(ahead)
    shown = " ".join(escrow("lint", path).expect(0).out.split())
    assert "with a probability of 8.0 % if nobody looks, 0.6 % if losses are repaired yearly" in shown
    assert "3 custodians have the CA's keys; or the shares under 3 managers, or of 3 units, or at 2 sites." in shown
    assert "No error stands" in shown


def test_lint_is_read_by_machines_too(tmp_path: Path) -> None:
    path = tmp_path / "ceremony.toml"
    path.write_text(swap("threshold = 3", "threshold = 5")(draft.example(dt.datetime.now(dt.UTC).date())))
    shown = json.loads(escrow("lint", path, "--json").expect(1).out)
    assert shown["passes"] is False
    assert [finding["lint"] for finding in shown["findings"]] == ["no-spare", "not-rehearsed"]
    assert [finding["severity"] for finding in shown["findings"]] == ["error", "warning"]
    assert shown["plan_hash"] == parse(path.read_bytes(), path).digest.hex()
    assert shown["collusion"]["sites"] == {"fewest": 3, "exact": True}


def journal(of: Plan, day: dt.date, *, closed: bool = True) -> bytes:
    """The journal of a rehearsal without a hitch, as the engine lets it be."""
    walk = Walk(of.policy, 0, plan=of.digest.hex(), copies=len(of.packages))
    while not walk.state.ended and (closed or walk.due().id != "close"):
        walk.step()
    lines, before = [], hashlib.sha256(LABEL).digest()
    for entry in walk.entries:
        made = replace(entry, before=before, utc=f"{day}T09:00:00Z")
        lines.append(made.encode() + b"\n")
        before = made.digest
    return b"".join(lines)


def test_a_rehearsal_is_proved_by_the_directory_it_left(tmp_path: Path) -> None:
    path, left = tmp_path / "ceremony.toml", tmp_path / "journal.jsonl"
    today = dt.datetime.now(dt.UTC).date()
    path.write_text(draft.example(today - draft.AHEAD))  # in a few days
    read = parse(path.read_bytes(), path)
    left.write_bytes(journal(read, today - days(3)))
    assert "not-rehearsed" not in escrow("lint", path, "--rehearsal", tmp_path).expect().out
    left.write_bytes(journal(read, read.ceremony.date - days(31)))
    assert "more than 30 days before" in " ".join(escrow("lint", path, "--rehearsal", tmp_path).expect().out.split())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (lambda: journal(plan(EXAMPLE.replace("2030", "2031")), TODAY), "is of another plan"),
        (lambda: journal(plan(EXAMPLE), TODAY, closed=False), "before the rehearsal was closed"),
        (lambda: journal(plan(EXAMPLE), TODAY).replace(b"bag", b"bug", 1), "is no journal"),
        (lambda: b"[]\n", "is no journal"),
        (lambda: b"not JSON\n", "is of another plan"),  # a line that was cut off, and nothing before it
        (lambda: b"", "is of another plan"),
    ],
    ids=["another plan", "not closed", "changed", "no journal", "cut off", "empty"],
)
def test_what_proves_no_rehearsal_of_this_plan_is_an_error(
    content: Callable[[], bytes], message: str, tmp_path: Path
) -> None:
    (tmp_path / "journal.jsonl").write_bytes(content())
    with pytest.raises(UsageError, match=message):
        rehearsed(tmp_path, plan(EXAMPLE))
