"""Step 5.1: every certificate beside what the plan says of it, on a screen of its own; a difference stops."""

import re
from collections.abc import Sequence
from dataclasses import replace

import pytest
from authorities import issued, profiles_of, quiet, rich, rich_profiles

from ceremony.run.acts.comparing import compare, show_imported
from ceremony.run.questions import Asked, Fields, Questions, StepError
from escrow.certificates import fingerprint
from escrow.issuing.fields import FIELDS, planned
from escrow.issuing.make import issue, make_keys
from escrow.issuing.naming import Attribute
from escrow.issuing.profile import Profiles
from escrow.issuing.validity import duration_of_days
from escrow.memory import Secret


class Watching:
    """A desk that keeps what it was shown, and answers as told."""

    def __init__(self, *answers: str) -> None:
        self.pages: list[Sequence[str]] = []
        self.said: list[str] = []
        self.asked: list[str] = []
        self.answers = list(answers)

    def page(self, lines: Sequence[str]) -> None:
        self.pages.append(lines)

    def say(self, text: str) -> None:
        self.said.append(text)

    def line(self, asked: Asked, fields: Fields) -> str:
        self.asked.append(asked.text(fields))
        return self.answers.pop(0) if self.answers else ""

    def secret(self, asked: Asked, fields: Fields) -> Secret:
        raise NotImplementedError(asked, fields)


def test_each_certificate_has_a_screen_with_both_sides_and_a_question() -> None:
    desk = Watching()
    profiles, ca = rich_profiles(), rich()
    facts = compare(profiles, ca, {}, Questions(desk, {}))
    assert len(desk.pages) == len(desk.asked) == 3
    for profile, certificate, page, entry in zip(
        profiles, ca.certificates, desk.pages, facts["certificates"], strict=True
    ):
        assert max(map(len, page)) < 80
        text = re.sub(r"\s", "", "".join(page))
        for name, value in planned(profiles, profile).items():
            if value:
                assert any(line.startswith(FIELDS[name]) for line in page)
        assert fingerprint(certificate) in text
        assert profile.certificate_file in text
        assert entry == {
            "file": profile.certificate_file,
            "sha256": fingerprint(certificate),
            "fields": planned(profiles, profile),
        }
    assert facts["waived"] == []


def test_a_plain_certificate_fits_a_screen() -> None:
    desk = Watching()
    compare(profiles_of("EC P-256"), issued("EC P-256"), {}, Questions(desk, {}))
    assert max(map(len, desk.pages)) <= 22


def test_who_sees_something_else_does_not_go_on_by_typing_it() -> None:
    desk = Watching("no", "stop", "", "")
    compare(profiles_of("EC P-256"), issued("EC P-256"), {}, Questions(desk, {}))
    assert len(desk.asked) == 4
    assert all("exception" in text for text in desk.said)


def other(profiles: Profiles) -> Profiles:
    root = replace(profiles.root, subject=(Attribute("CN", "Somebody Else"),))
    return replace(profiles, root=root)


def test_a_certificate_that_is_not_as_planned_fails_the_step_and_is_marked() -> None:
    desk = Watching()
    with pytest.raises(StepError, match="root is not as planned: Subject, Issuer"):
        compare(other(profiles_of("EC P-256")), issued("EC P-256"), {}, Questions(desk, {}))
    assert desk.asked == []
    (page,) = desk.pages
    assert next(line.split()[0] for line in page if line[46:47] == "#") == "Subject"
    assert not [line for line in page if line.startswith("Path length") and "#" in line]


def test_what_is_waived_is_said_and_in_the_facts_with_its_reason() -> None:
    profiles = profiles_of("EC P-256")
    longer = replace(profiles.intermediates[0], validity=duration_of_days(profiles.root.validity.first, 100))
    profiles = replace(profiles, intermediates=(longer,))
    reasons = {("intermediate", "certificate-validity-second"): "As agreed."}
    ca = issue(profiles, make_keys(profiles, quiet), reasons, quiet)
    desk = Watching()
    facts = compare(profiles, ca, reasons, Questions(desk, {}))
    (waived,) = facts["waived"]
    assert (waived["lint"], waived["certificate"], waived["reason"]) == (
        "certificate-validity-second",
        "intermediate",
        "As agreed.",
    )
    assert "WAIVED certificate-validity-second" in desk.said[0]
    assert desk.asked[0] == Asked.READ.value


def test_imported_certificates_are_shown_without_a_plan() -> None:
    desk = Watching()
    ca = issued("EC P-256")
    facts = show_imported(ca.authority.files, Questions(desk, {}))
    assert [entry["sha256"] for entry in facts["certificates"]] == [fingerprint(each) for each in ca.certificates]
    assert len(desk.pages) == 2
    assert max(len(line) for page in desk.pages for line in page) < 80
