"""Every lint of a plan: its id, what it checks, why it matters, and what to do."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from ceremony.planning import lint_checks as checks
from ceremony.planning import session_lints
from ceremony.planning.lint_checks import Facts


class Severity(StrEnum):
    """An error is to be mended or waived; a warning is said, and holds nobody up."""

    ERROR = "error"
    WARNING = "warning"


def _never(facts: Facts) -> bool:  # noqa: ARG001 - the interface of Lint.only_warns
    return False


@dataclass(frozen=True)
class Lint:
    """A rule for plans. What hangs on the day it is asked (`of_the_day`) may be waived before anything is found."""

    id: str
    check: Callable[[Facts], Iterable[str]]
    reason: str
    remedy: str
    waivable: bool = True
    only_warns: Callable[[Facts], bool] = _never
    of_the_day: bool = False


LINTS = (
    Lint(
        "same-person-twice",
        checks.same_person_twice,
        "One person with two shares, or in both seats of dual control, makes the quorum smaller than it looks.",
        "Name another person.",
        waivable=False,
    ),
    Lint(
        "officer-holds-share",
        checks.officer_holds_share,
        "Officers handle every share; one who also keeps a share needs fewer others for a quorum.",
        "Let somebody else keep the share, or be the officer.",
    ),
    Lint(
        "witness-holds-share",
        checks.witness_holds_share,
        "A witness vouches for the handing over of shares, and cannot vouch for the own one.",
        "Name a witness who keeps no share.",
    ),
    Lint(
        "officer-is-witness",
        checks.officer_is_witness,
        "Nobody watches their own hands.",
        "Name a witness who does nothing but watch.",
        waivable=False,
    ),
    Lint(
        "officers-in-one-unit",
        checks.officers_in_one_unit,
        "Dual control within one unit is one chain of command.",
        "Take an officer of another unit.",
    ),
    Lint(
        "deputy-holds-share",
        checks.deputy_holds_share,
        "A custodian who fetches another's share has two in hand.",
        "Name a deputy who keeps no share.",
    ),
    Lint(
        "deputy-of-several",
        checks.deputy_of_several,
        "One deputy can come into several shares at once.",
        "Name a deputy of their own for each.",
    ),
    Lint(
        "own-manager",
        checks.own_manager,
        "The manager signs for the custodian's absence or leaving, and takes notice; nobody does so for themselves.",
        "Name who appointed the custodian: a board, a director, an owner.",
    ),
    Lint(
        "no-spare",
        checks.no_spare,
        "Paper burns and people leave. Without a share to spare the CA goes with the first of them.",
        "Add custodians, or lower the threshold.",
    ),
    Lint(
        "one-spare",
        checks.one_spare,
        "A second loss often comes before the first is noticed: a recovery would find too few.",
        "Add a custodian.",
    ),
    Lint(
        "many-shares",
        checks.many_shares,
        f"With more than {checks.MAX_SHARES} shares the ceremony takes a day, and nobody knows where all of them are.",
        "Keep fewer shares, by fewer people.",
    ),
    Lint(
        "quorum-under-one-manager",
        checks.quorum_under_one_manager,
        "Who can order a quorum to hand over their shares has the CA alone.",
        "Choose custodians under several managers, so that no manager reaches a quorum.",
    ),
    Lint(
        "quorum-in-one-unit",
        checks.quorum_in_one_unit,
        "People of one unit have one interest, travel together and leave together.",
        "Choose custodians of several units.",
    ),
    Lint(
        "quorum-at-one-site",
        checks.quorum_at_one_site,
        "One break-in gives a quorum away, and one fire may leave too few.",
        "Spread the shares over more sites.",
    ),
    Lint(
        "package-beside-quorum",
        checks.package_beside_quorum,
        "Who gets into that site carries the CA's keys out.",
        "Keep the copy of the package elsewhere, or the shares.",
    ),
    Lint(
        "packages-at-one-site",
        checks.packages_at_one_site,
        "Shares without a package restore nothing, and one fire takes every copy.",
        "Add a copy at another site.",
    ),
    Lint(
        "one-archive",
        checks.one_archive,
        "The archive is the only record of what happened; without it nobody can prove how the keys were made and kept.",
        "Add a copy, at another site.",
    ),
    Lint(
        "archives-at-one-site",
        checks.archives_at_one_site,
        "One fire, or one person with access, takes every copy of the record.",
        "Keep one of them at another site.",
    ),
    Lint(
        "access-needs-ca",
        checks.access_needs_ca,
        "On the day when the CA is lost, what depends on it is shut: a badge reader, a login, a vault.",
        "Find a way that works without the CA, and name it.",
    ),
    Lint(
        "standby-missing",
        checks.standby_missing,
        "A ceremony that cannot be held or finished needs another day on which all these people are free.",
        "Agree on a day and write standby = DATE under [ceremony].",
    ),
    Lint(
        "standby-not-after",
        checks.standby_not_after,
        "Only a later day helps when the first one fails.",
        "Choose a later day.",
        waivable=False,
    ),
    Lint(
        "date-past",
        checks.date_past,
        "The date stands on every document, and people were asked to come on it.",
        "Agree on a new date, and write it into the plan.",
        waivable=False,
        only_warns=checks.standby_ahead,
        of_the_day=True,
    ),
    Lint(
        "not-rehearsed",
        checks.not_rehearsed,
        "What goes wrong in a rehearsal costs paper; in a ceremony it costs the ceremony.",
        "In the last 30 days before the ceremony: 'escrow rehearse PLAN --auto --out DIR', which takes a minute, or "
        "without --auto with the people. Then name it: '--rehearsal DIR'.",
        only_warns=checks.rehearsal_may_wait,
        of_the_day=True,
    ),
    Lint(
        "unprintable",
        checks.unprintable,
        "It stands on paper, and the printed fonts lack it.",
        "Write it in Latin, Greek or Cyrillic letters.",
        waivable=False,
    ),
)
SESSION_LINTS = (
    Lint(
        "hash-placeholder",
        session_lints.hash_placeholder,
        "The hash fixes what the people agree to: a row of zeros is the hash of nothing.",
        "Write what 'sha256sum' says of the file; 'escrow init --for ... --archive DIR' fills in that of the archive.",
        waivable=False,
    ),
    Lint(
        "text-placeholder",
        session_lints.text_placeholder,
        "Why it was done stands in script and transcript for ever, and '...' is no reason.",
        "Write in a sentence what happened.",
        waivable=False,
    ),
    Lint(
        "custodian-agreed",
        session_lints.custodian_agreed,
        "Whoever decides that keys are brought back should not be one of those who can bring them back.",
        "Have two others agree; see RECOVERY.md, 'Who decides'.",
    ),
    Lint(
        "file-not-as-pinned",
        session_lints.file_not_as_pinned,
        "The session would stop when it drafts what is to be signed, with everybody in the room.",
        "Lay the file where the plan names it, from the plan's own folder on, and look whose hash is right.",
        waivable=False,
    ),
)
