"""Make a CA: its keys in locked memory first, then its certificates, linted before and after they are signed."""

import datetime as dt
import hashlib
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from cryptography import x509

from escrow import certificates, keys
from escrow.authority import Authority, EscrowedKey
from escrow.configuration import SSH_KEYS, new_configuration
from escrow.errors import CertificateError
from escrow.issuing.draft import draft
from escrow.issuing.hierarchy import check_hierarchy
from escrow.issuing.lints import Finding, Waivers, lint, stop
from escrow.issuing.profile import Profiles, names, step_ca_init
from escrow.issuing.signing import sign_all, throw_away, try_out
from escrow.memory import Secret
from escrow.progress import Progress


@dataclass(frozen=True)
class Issued:
    """A CA that was issued, its certificates in the order of the profiles, and what was found and is waived."""

    authority: Authority
    certificates: tuple[x509.Certificate, ...]
    waived: tuple[Finding, ...]


def make_keys(profiles: Profiles, progress: Progress) -> tuple[EscrowedKey, ...]:
    """The private keys of a CA: of every certificate, and of SSH. The caller closes them."""
    wanted = [(each.name, each.algorithm, each.key_file, each.certificate_file) for each in profiles]
    if profiles.ssh:
        wanted += [(name, profiles.ssh, file, f"certs/{file.removeprefix('secrets/')}.pub") for name, file in SSH_KEYS]
    made = []
    with ExitStack() as undo:
        for number, (name, algorithm, file, public_file) in enumerate(wanted):
            progress("Generating keys", number, len(wanted))
            key = keys.generate(algorithm)
            undo.callback(key.pem.close)
            made.append(EscrowedKey(name, file, key, public_file))
        undo.pop_all()
    progress("Generating keys", len(wanted), len(wanted))
    return tuple(made)


def prepare(profiles: Profiles, made: Sequence[EscrowedKey]) -> tuple[x509.Certificate, ...]:
    """Fix what the root's key will sign for these keys, serial numbers included: signed with a throw-away key.

    Once for a set of keys: whatever goes wrong after, these very bytes are signed again, and no others.
    """
    own = {entry.name: entry.key for entry in made}
    drafts = draft(profiles, {profile.name: own[profile.name].public for profile in profiles})
    return try_out(drafts, profiles.root.algorithm)


def to_be_signed(certificates: Sequence[x509.Certificate]) -> list[str]:
    """SHA-256 (hex) of what the root's key signs: journalled before it does."""
    return [hashlib.sha256(each.tbs_certificate_bytes).hexdigest() for each in certificates]


def issue(
    profiles: Profiles,
    made: Sequence[EscrowedKey],
    waivers: Waivers,
    progress: Progress,
    *,
    tried: Sequence[x509.Certificate] = (),
) -> Issued:
    """Issue the certificates of the profiles for these keys. The keys pass to the authority that is returned.

    What was prepared (`tried`, or else it is prepared now) is linted; then its bytes are signed with the root's key,
    compared octet for octet with what was linted, and linted again; then all are checked against each other.
    Raises CertificateError.
    """
    own = {entry.name: entry.key for entry in made}
    progress("Issuing certificates", 0, 3)
    tried = tried or prepare(profiles, made)
    stop(lint(profiles, tried, tried=True), waivers)
    progress("Issuing certificates", 1, 3)
    signed = sign_all(tried, own[profiles.root.name])
    check_same(tried, signed)
    progress("Issuing certificates", 2, 3)
    findings = lint(profiles, signed)
    stop(findings, waivers)
    root, *intermediates = signed
    check_hierarchy(root, intermediates)
    progress("Issuing certificates", 3, 3)
    files = {
        profile.certificate_file: Secret.of(certificates.to_pem(certificate))
        for profile, certificate in zip(profiles, signed, strict=True)
    }
    for entry in made:
        if entry.public_file and entry.public_file not in files:
            files[entry.public_file] = Secret.of(certificates.to_ssh_public_key(entry.key.public))
    files |= new_configuration(profiles.name, ssh=profiles.ssh is not None)
    return Issued(Authority(profiles.name, files, tuple(made)), signed, findings)


def check_same(tried: Sequence[x509.Certificate], signed: Sequence[x509.Certificate]) -> None:
    """What was signed is what was linted, octet for octet. Raises CertificateError."""
    for one, other in zip(tried, signed, strict=True):
        if one.tbs_certificate_bytes != other.tbs_certificate_bytes:
            message = f"What was signed for {other.subject.rfc4514_string()} is not what was linted: do not use it."
            raise CertificateError(message)


def generate(name: str, now: dt.datetime, progress: Progress) -> Authority:
    """Make a CA as `step ca init` does, in locked memory."""
    profiles = step_ca_init(name, now)
    with ExitStack() as undo:
        made = make_keys(profiles, progress)
        for entry in made:
            undo.callback(entry.key.pem.close)
        issued = issue(profiles, made, STEP_WAIVERS, progress)
        undo.pop_all()
    return issued.authority


def preview(profiles: Profiles) -> tuple[Finding, ...]:
    """What lint would find in the certificates of the profiles: tried out with keys that nobody keeps."""
    publics = throw_away({each.algorithm for each in profiles})
    drafts = draft(profiles, {each.name: publics[each.algorithm] for each in profiles})
    return lint(profiles, try_out(drafts, profiles.root.algorithm), tried=True)


_SECOND = "As step ca init does: 3650 days and a second, both ends included."
STEP_WAIVERS = {(name, "certificate-validity-second"): _SECOND for name in names(1)}
