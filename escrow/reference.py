"""How a ca.json names a key: by a file, or by something in a KMS from which no file can be had.

Source: go.step.sm/crypto v0.82, kms/uri and kms/softkms; certificates v0.30, authority.
"""

import re
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlsplit

STANDARD_INPUT = "-"

_SOFT = {"", "softkms"}
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):")
_HOLDERS = {
    "awskms": "AWS KMS, which never gives a private key out",
    "azurekms": "Azure Key Vault, which never gives a private key out",
    "capi": "the certificate store of Windows: export it there as a file, if it was made exportable",
    "cloudkms": "Google Cloud KMS, which never gives a private key out",
    "kms": "the platform's own store (a TPM, or Apple's Secure Enclave), which never gives a private key out",
    "mackms": "Apple's Keychain or Secure Enclave, which does not give it out as a file",
    "pkcs11": "an HSM behind PKCS#11: back it up with the HSM's own means",
    "sshagentkms": "an ssh-agent, which signs and never gives a private key out: find the file it was loaded from",
    "tpmkms": "this machine's TPM, and works nowhere else",
    "yubikey": "a YubiKey, which never gives a private key out",
}
# What tells keys apart, of all that a URI may hold. Whatever else is in it, such as a PIN, is not repeated.
_HARMLESS = {"id", "object", "token", "serial", "slot-id", "key-id", "name", "vault", "region", "version"}


def file_of(reference: str, kms: str = "") -> str | None:
    """The file that a reference names, as it stands there; None for what is no file.

    `kms` is the type of the configuration's KMS: without a scheme of its own, a reference is a name in that.
    """
    scheme = _scheme(reference, kms)
    if reference == STANDARD_INPUT or scheme not in _SOFT:
        return None
    if not reference.lower().startswith("softkms:"):
        return reference
    parts = urlsplit(reference)
    opaque = not parts.path.startswith("/") and not parts.netloc
    values = parse_qs(parts.path.replace(";", "&")) if opaque else {}
    path = values.get("path", []) + parse_qs(parts.query.replace(";", "&")).get("path", [])
    return path[0] if path else parts.path if opaque else unquote(parts.path)


def pointed(reference: str, place: Path) -> str:
    """A reference to a file, leading to another one."""
    return f"softkms:{quote(str(place))}" if reference.lower().startswith("softkms:") else str(place)


def holder_of(reference: str, kms: str = "") -> str:
    """Where the key is that a reference names, if not in a file: to be read after "it is in". Without any PIN."""
    if reference == STANDARD_INPUT:
        return "no file: step-ca reads it from standard input. Give the file or pipe that it comes from"
    scheme = _scheme(reference, kms)
    return f"{_HOLDERS.get(scheme, 'a KMS that is not known here')} ({harmless(reference)})"


def harmless(reference: str) -> str:
    """A reference without what may be secret in it."""
    scheme, colon, rest = reference.partition(":")
    if not colon:
        return reference
    attributes = rest.partition("?")[0].split(";")
    kept = [part for part in attributes if "=" not in part or part.partition("=")[0].lower() in _HARMLESS]
    return f"{scheme}:{';'.join(kept)}"


def _scheme(reference: str, kms: str) -> str:
    match = _SCHEME.match(reference)
    return (match[1] if match else kms).lower()
