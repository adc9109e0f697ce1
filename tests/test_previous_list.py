"""A root that published lists before it was escrowed: its first list here takes over what they revoked."""

import datetime as dt
import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ceremony.planning import draft
from ceremony.planning.plan import Plan, parse
from ceremony.run.before import SET_PLAN, Before
from ceremony.run.task import Input, signable
from escrow.certificates import fingerprint
from escrow.documents import made_up
from escrow.errors import CertificateError, PlanError
from escrow.inventory import Inventory, List, text_of
from escrow.issuing.naming import Attribute, to_name
from escrow.issuing.previous import read_list
from escrow.share import Kind
from escrow.signable import NewList

NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)
DAY = dt.timedelta(days=1)
KEY = ec.generate_private_key(ec.SECP256R1())
NAME = to_name([Attribute("CN", "Old Root")])
ROOT = (
    x509.CertificateBuilder()
    .subject_name(NAME)
    .issuer_name(NAME)
    .public_key(KEY.public_key())
    .serial_number(7)
    .not_valid_before(NOW - 100 * DAY)
    .not_valid_after(NOW + 1000 * DAY)
    .add_extension(x509.BasicConstraints(ca=True, path_length=1), critical=True)
    .sign(KEY, hashes.SHA256())
)
Builder = x509.CertificateRevocationListBuilder


def _builder(
    number: int | None = 41,
    reason: x509.ReasonFlags | None = x509.ReasonFlags.key_compromise,
    name: x509.Name = NAME,
) -> Builder:
    entry = x509.RevokedCertificateBuilder().serial_number(0xABC).revocation_date(NOW - 9 * DAY)
    entry = entry.add_extension(x509.CRLReason(reason), critical=False) if reason else entry
    made = Builder().issuer_name(name).last_update(NOW - 5 * DAY).next_update(NOW + DAY)
    made = made.add_revoked_certificate(entry.build())
    return made.add_extension(x509.CRLNumber(number), critical=False) if number is not None else made


def _signed(builder: Builder, key: ec.EllipticCurvePrivateKey = KEY) -> bytes:
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def _point(**flags: bool) -> x509.IssuingDistributionPoint:
    names = ("only_contains_user_certs", "only_contains_ca_certs", "indirect_crl", "only_contains_attribute_certs")
    url = [x509.UniformResourceIdentifier("http://pki.example.com/root.crl")]
    return x509.IssuingDistributionPoint(
        full_name=url, relative_name=None, only_some_reasons=None, **{name: flags.get(name, False) for name in names}
    )


REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "no list": (lambda: b"x", "can be read"),
    "another root's": (lambda: _signed(_builder(), ec.generate_private_key(ec.SECP256R1())), "not signed by this root"),
    "of another name": (
        lambda: _signed(_builder(name=to_name([Attribute("CN", "Other")]))),
        "not signed by this root",
    ),
    "a delta": (lambda: _signed(_builder().add_extension(x509.DeltaCRLIndicator(3), critical=True)), "is a delta"),
    "a part": (
        lambda: _signed(_builder().add_extension(_point(only_contains_ca_certs=True), critical=True)),
        "is a delta, a part",
    ),
    "what belongs to deltas": (lambda: _signed(_builder(reason=x509.ReasonFlags.remove_from_crl)), "is a delta"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_the_roots_full_list_is_refused(case: str) -> None:
    content, message = REFUSED[case]
    with pytest.raises(CertificateError, match=message):
        read_list(content(), ROOT, "previous.crl")


def test_a_full_list_is_read_with_its_reasons_with_and_without_a_number() -> None:
    pem = x509.load_der_x509_crl(_signed(_builder())).public_bytes(serialization.Encoding.PEM)
    for content, number in ((_signed(_builder()), 41), (pem, 41), (_signed(_builder(None)), 0)):
        found = read_list(content, ROOT, "previous.crl")
        assert (found.number, found.this_update) == (number, NOW - 5 * DAY)
        assert [(each.serial, each.date, each.reason) for each in found.revoked] == [
            (0xABC, NOW - 9 * DAY, "keyCompromise")
        ]
    whole = _signed(_builder(reason=None).add_extension(_point(), critical=True))
    assert [each.reason for each in read_list(whole, ROOT, "previous.crl").revoked] == ["unspecified"]


def _plan(**more: draft.Value) -> Plan:
    return parse(draft.session("crl", NOW.date(), {"crl": {"days": 30, **more}}).encode(), Path("session.toml"))


def _before(inventory: Inventory, *, imported: bool = True) -> Before:
    ca: draft.Values = {"ca": {"keys": "import", "tree": "/media/step"}} if imported else {}
    made = draft.fill(ca, {}).encode()
    plan = _plan()
    return Before(
        package=b"",
        manifest=made_up(Kind.SPECIMEN, plan.policy, plan.ca.name),
        archive="0" * 64,
        files={SET_PLAN: made},
        bags={},
        holders={},
        strays=frozenset(),
        inventory=inventory,
        root=ROOT,
    )


EMPTY = Inventory(fingerprint(ROOT), None)
LISTED = EMPTY.publish(List(50, text_of(NOW - DAY), text_of(NOW + DAY), "0" * 64, "BEFORE"))


def _list(plan: Plan, before: Before, given: Input | None = None) -> NewList:
    assert plan.session
    wanted = signable(plan, plan.session, before, given, NOW)
    assert isinstance(wanted, NewList)
    return wanted


def test_an_imported_root_makes_no_first_list_unless_the_plan_says_that_it_is_the_first() -> None:
    with pytest.raises(PlanError, match=r"previous_sha256; if this root never published a CRL, write first = true"):
        _list(_plan(), _before(EMPTY))
    assert _list(_plan(first=True), _before(EMPTY)).wanted.number == 1
    assert _list(_plan(), _before(EMPTY, imported=False)).wanted.number == 1
    assert _list(_plan(), _before(LISTED)).wanted.number == 51


@pytest.mark.parametrize(("inventory", "number"), [(EMPTY, 42), (LISTED, 51)], ids=["empty", "listed"])
def test_what_was_revoked_before_stays_revoked_and_numbers_go_on(inventory: Inventory, number: int) -> None:
    wanted = _list(_plan(), _before(inventory), Input("previous.crl", _signed(_builder())))
    der = wanted.try_out()
    wanted.compare(der)
    assert f"abc, {NOW - 9 * DAY:%Y-%m-%d %H:%M:%S} UTC, keyCompromise" in dict(wanted.found(der)).values()
    after = wanted.enter(inventory, der, "NOW")
    assert after.crl
    assert (after.crl.number, [each.serial for each in after.revoked]) == (number, ["abc"])
    assert Inventory.decode(after.encode()) == after
    again = _list(_plan(), _before(after), Input("previous.crl", _signed(_builder())))
    assert again.wanted.number == number + 1
    assert again.enter(after, again.try_out(), "AGAIN").revoked == after.revoked


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"previous": "root.crl"}, "previous and previous_sha256 belong together"),
        ({"previous_sha256": "0" * 64}, "previous and previous_sha256 belong together"),
        ({"previous": "root.crl", "previous_sha256": "0" * 64, "first": True}, "contradicts first = true"),
    ],
    ids=["not pinned", "nothing pinned", "first"],
)
def test_a_plan_pins_the_list_before_or_says_that_there_was_none(values: dict[str, draft.Value], message: str) -> None:
    with pytest.raises(PlanError, match=message):
        _plan(**values)
    digest = hashlib.sha256(b"").hexdigest()
    assert _plan(previous="root.crl", previous_sha256=digest).session
