"""Whether a plan is wise: every lint with its id, why it matters, and what to do. Waived only by words in the plan."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from ceremony.planning import certificate_lints
from ceremony.planning import lint_checks as checks
from ceremony.planning.certificate_lints import is_of_certificates, previewed
from ceremony.planning.lint_checks import Facts
from ceremony.planning.lint_list import LINTS, SESSION_LINTS, Lint, Severity
from ceremony.planning.plan import Plan, Waiver
from ceremony.preflight.ids import IDS as PREFLIGHT
from ceremony.preflight.ids import NEVER_WAIVED
from escrow.issuing.lints import OWN


@dataclass(frozen=True)
class Finding:
    """What a lint found, why that matters, what to do; and the reason in the plan, if it is waived."""

    lint: str
    severity: Severity
    text: str
    reason: str
    remedy: str
    waived: str | None = None
    certificate: str = ""
    """The certificate that it is about, if it is about one."""

    @property
    def stands(self) -> bool:
        """Whether the ceremony may not be held with it."""
        return self.severity is Severity.ERROR and self.waived is None


def lint(plan: Plan, today: dt.date, rehearsed: dt.date | None) -> tuple[Finding, ...]:
    """Everything that the lints find in a plan on a day; `rehearsed` is when this very plan was rehearsed last."""
    facts = Facts(plan, today, rehearsed)
    findings = [finding for rule in (*LINTS, *SESSION_LINTS) for finding in _apply(rule, facts)]
    findings += _of_certificates(facts)
    return (*findings, *_about_waivers(plan, {(finding.certificate, finding.lint) for finding in findings}))


def _apply(rule: Lint, facts: Facts) -> Iterator[Finding]:
    waived = facts.plan.reasons.get(rule.id) if rule.waivable else None
    for text in rule.check(facts):
        severity = Severity.WARNING if checks.settled(rule.id, facts) or rule.only_warns(facts) else Severity.ERROR
        yield Finding(rule.id, severity, text, rule.reason, rule.remedy, waived)


def _of_certificates(facts: Facts) -> Iterator[Finding]:
    """What is unwise about certificates; and what would stop them from being issued, tried out now."""
    reasons = facts.plan.certificate_reasons
    for lint, check, reason, remedy, waivable in certificate_lints.RULES:
        for certificate, text in check(facts):
            waived = reasons.get((certificate, lint)) if waivable else None
            said = f"{certificate} {text}"
            yield Finding(lint, Severity.ERROR, said, reason, remedy, waived, certificate)
    for found in previewed(facts.plan):
        reason = OWN.get(
            found.lint, "pkilint finds it, by RFC 5280: programs may refuse the certificate, or misread it."
        )
        text = f"{found.certificate}: {found.text}"
        remedy = "Change the certificate's table in the plan."
        waived = reasons.get((found.certificate, found.lint))
        yield Finding(found.lint, Severity.ERROR, text, reason, remedy, waived, found.certificate)


def _about_waivers(plan: Plan, found: set[tuple[str, str]]) -> Iterator[Finding]:
    rules = {rule.id: rule.waivable for rule in (*LINTS, *SESSION_LINTS)} | {
        rule[0]: rule[-1] for rule in certificate_lints.RULES
    }
    of_the_day = {rule.id for rule in LINTS if rule.of_the_day}
    for waiver in plan.waivers:
        lint, own = waiver.lint, is_of_certificates(waiver.lint)
        known = own or lint in rules or lint in PREFLIGHT
        if not known:
            yield Finding(
                "waiver-unknown",
                Severity.ERROR,
                f"{lint} is waived, and there is no such lint, and no such check of preflight.",
                "A misspelt waiver waives nothing, and looks as if it did.",
                f"Name one of {', '.join(sorted(name for name, waivable in rules.items() if waivable))}.",
            )
        elif lint in NEVER_WAIVED or not rules.get(lint, True):
            yield Finding(
                "waiver-not-allowed",
                Severity.ERROR,
                f"{lint} is waived, and cannot be.",
                "No reason makes this good.",
                "Mend what it finds, and remove the waiver.",
            )
        elif own != bool(waiver.certificate):
            yield _misdirected(waiver)
        elif not checks.seen_later(lint, plan) and (waiver.certificate or "", lint) not in found:
            yield _needless(waiver, Severity.WARNING if lint in of_the_day else Severity.ERROR)


def _misdirected(waiver: Waiver) -> Finding:
    if waiver.certificate:
        text = f"{waiver.lint} is waived for the certificate {waiver.certificate}, and is no lint of certificates."
        remedy = "Remove certificate from the waiver."
    else:
        text = f"{waiver.lint} is waived, and it is not said for which certificate."
        remedy = 'Write certificate = "root", "intermediate", "intermediate-2" and so on: one waiver for each.'
    reason = "A waiver holds for what was judged, and for nothing else."
    return Finding("waiver-misdirected", Severity.ERROR, text, reason, remedy)


def _needless(waiver: Waiver, severity: Severity) -> Finding:
    where = f" for {waiver.certificate}" if waiver.certificate else ""
    return Finding(
        "waiver-needless",
        severity,
        f"{waiver.lint} is waived{where}, and finds nothing{' there' if where else ''}.",
        "A waiver kept for later would hide what nobody has judged yet.",
        "Remove the waiver.",
    )
