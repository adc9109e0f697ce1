"""What must hold between the keys and the certificates of a CA, before sealing as after opening."""

import hashlib
from collections.abc import Mapping

from cryptography import x509

from escrow import certificates, keys, stepca
from escrow.errors import CertificateError, KeyFileError
from escrow.manifest import Manifest
from escrow.memory import Secret


def prove_contents(manifest: Manifest, members: Mapping[str, Secret]) -> None:
    """Prove that the members of a package are the CA that its manifest describes.

    Every certificate has the fingerprint in the manifest; every key has the public half in the manifest, and
    that of its certificate or .pub file; a signature made with it verifies; the chain leads to a root.
    Raises CertificateError or KeyFileError.
    """
    found = sorted(
        (file, certificates.fingerprint(certificate))
        for file in manifest.files
        for certificate in certificates_of(members, file)
    )
    if found != sorted((entry.file, entry.sha256) for entry in manifest.certificates):
        message = "The certificates in the package are not those that its manifest names."
        raise CertificateError(message)
    stepca.refuse_private_keys({file: members[file] for file in manifest.files})
    publics = public_keys(members)
    for entry in manifest.keys:
        public = keys.public_half(members[entry.file], entry.name)
        if key_fingerprint(public) != entry.public_key:
            message = f"The key {entry.name} in the package is not the one that its manifest names."
            raise KeyFileError(message)
        if entry.public_file and entry.public_file not in publics:
            message = f"The key {entry.name} should belong to {entry.public_file}, which has no public key in it."
            raise KeyFileError(message)
        belongs = publics[entry.public_file] if entry.public_file else [public]
        keys.prove(members[entry.file], public if public in belongs else belongs[0], entry.name)
    hierarchy = stepca.hierarchy(members)
    certificates.check_chain(hierarchy.chain, hierarchy.roots)
    wanted = {
        "root": {key_fingerprint(certificates.public_key(root)) for root in hierarchy.roots},
        "intermediate": {key_fingerprint(certificates.public_key(signer)) for signer in hierarchy.chain[:1]},
    }
    for entry in manifest.keys:
        if entry.name in wanted and entry.public_key not in wanted[entry.name]:
            message = f"The key {entry.name} is not that of the CA's {entry.name} certificate."
            raise KeyFileError(message)


def certificates_of(files: Mapping[str, Secret], file: str) -> list[x509.Certificate]:
    """The certificates in a file of `certs/`; none for SSH keys and for files elsewhere."""
    if not file.startswith("certs/") or b"CERTIFICATE-----" not in bytes(files[file].view):
        return []
    return stepca.certificates_in(files, file)


def public_keys(files: Mapping[str, Secret]) -> dict[str, list[bytes]]:
    """The public keys (SubjectPublicKeyInfo, DER) in each certificate file and SSH public key of `certs/`."""
    found = {}
    for file in files:
        if held := certificates_of(files, file):
            found[file] = [certificates.public_key(certificate) for certificate in held]
        elif file.startswith("certs/") and file.endswith(".pub"):
            found[file] = [certificates.read_ssh_public_key(bytes(files[file].view), file)]
    return found


def key_fingerprint(public: bytes) -> str:
    """SHA-256 of a SubjectPublicKeyInfo (DER), lower-case hex."""
    return hashlib.sha256(public).hexdigest()
