"""The root of a set: its certificate among the files of an archive, and what it has issued."""

from collections.abc import Mapping, Sequence

from cryptography import x509

from escrow import certificates
from escrow.contents import key_fingerprint
from escrow.errors import CertificateError
from escrow.inventory import Inventory
from escrow.manifest import Manifest


def root_of(manifest: Manifest, files: Mapping[str, bytes]) -> x509.Certificate | None:
    """The certificate of the root whose key is in a package; None if there is no such key."""
    wanted = {entry.public_key for entry in manifest.keys if entry.name == "root"}
    for _, certificate in all_certificates(files):
        if (
            key_fingerprint(certificates.public_key(certificate)) in wanted
            and certificate.issuer == certificate.subject
        ):
            return certificate
    return None


def first_inventory(manifest: Manifest, files: Mapping[str, bytes], ceremony: str) -> Inventory | None:
    """What the root of a new set has issued, as far as the certificates in the archive say; None without a root key."""
    root = root_of(manifest, files)
    if root is None:
        return None
    own = {certificates.fingerprint(each): each for _, each in all_certificates(files) if _is_by(root, each)}
    return Inventory(certificates.fingerprint(root), None).issue(own.values(), ceremony)


def all_certificates(files: Mapping[str, bytes]) -> Sequence[tuple[str, x509.Certificate]]:
    """Every certificate below certs/, with the name of its file."""
    found: list[tuple[str, x509.Certificate]] = []
    for name, content in sorted(files.items()):
        if name.startswith("certs/") and b"CERTIFICATE-----" in content:
            found += ((name, each) for each in certificates.read(content, name))
    return found


def _is_by(root: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificates.check_chain([certificate], [root])
    except CertificateError:
        return False
    return True
