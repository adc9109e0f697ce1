"""The package: the encrypted keys of one share set as one text file. `seal` and `open_package` are inverses.

The layout stands in FORMAT.md, section "Package": a preamble for a stranger, the manifest, a PEM block with CMS,
and a hash over all of it, so that damage anywhere is noticed.
"""

import base64
import hashlib
import json
import re
import textwrap
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Self

from escrow import cms, payload
from escrow.errors import PackageError
from escrow.manifest import Manifest
from escrow.memory import Secret, isolate

MAX_LENGTH = 16 << 20
MANIFEST_MEMBER = "manifest.json"
README_MEMBER = "README.txt"

TITLE = "STEP-CA ESCROW PACKAGE, FORMAT"
"""What every package begins with."""

_VERSION = "1"
_MANIFEST_BEGIN, _MANIFEST_END = "==== MANIFEST ====", "==== END OF MANIFEST ===="
_PEM_BEGIN, _PEM_END = "-----BEGIN CMS-----", "-----END CMS-----"
_PEM_MARK = "-----BEGIN"
_HASH_LABEL = "SHA-256 of everything above this line: "

_PREAMBLE = """\
{title}

This file holds the encrypted private keys of the certificate authority named
in the manifest below. It is useless without a quorum of the paper shares that
were printed with it, and the shares are useless without it. It is not secret;
keep several copies, apart from the shares.
{specimen}
The shares carry the set id {set_id}.
{quorum}

To recover without any special software, on a computer that is not connected
to a network, with ssss, openssl and unzip (K is the number of shares needed):

  1. ssss-combine -t K -x -D     enter the K LEFT lines; note the result
  2. ssss-combine -t K -x -D     enter the K RIGHT lines; note the result
  3. Join the two results, left first, to 64 hex digits: W
  4. openssl cms -cmsout -print -inform PEM -in THIS_FILE | head -n 2
       must say authEnvelopedData; else the file was tampered with: stop
  5. openssl cms -decrypt -binary -inform PEM -in THIS_FILE \\
       -secretkey W -secretkeyid {set_id} -out keys.zip
  6. unzip keys.zip
  7. sha256sum manifest.json
       must begin with the set id that stands on the sheets; else stop

ssss prints its result on standard error; without -D the result is wrong and
nothing says so. openssl leaves a file behind even when it fails: go on only if
its exit status is 0, and if it is not, destroy keys.zip.
{groups}"""
_GROUPS = """\
The shares are in groups: do steps 1 and 2 for the sheets of each group, and
again with the results as lines NUMBER_OF_GROUP-RESULT and the number of groups
needed as K. The lines of a group of one sheet are such lines already.
"""
_README = """\
The private keys of a step-ca certificate authority, restored from escrow.

secrets/   private keys, PKCS#8 PEM, NOT ENCRYPTED: keep them in memory only
certs/     certificates and SSH public keys, byte for byte as they were
config/, templates/   step-ca's configuration, byte for byte as it was

Before step-ca can use them: encrypt each key under a password with
  openssl pkcs8 -topk8 -v2 aes-256-cbc -v2prf hmacWithSHA256 -iter 600000 \\
    -in KEY -out NEW
and correct the paths in config/ca.json.
"""


@dataclass(frozen=True)
class Package:
    """What can be known of a package without its wrapping key."""

    manifest: Manifest
    cms: bytes = field(repr=False)

    def encode(self) -> bytes:
        """The package's text, UTF-8."""
        text = (_preamble(self.manifest) + self._body()).encode()
        return text + _HASH_LABEL.encode() + hashlib.sha256(text).hexdigest().encode() + b"\n"

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """The package in a text. Raises PackageError or ManifestError; any changed byte is noticed."""
        text = _checked_text(data)
        manifest = Manifest.decode(_between(text, _MANIFEST_BEGIN, _MANIFEST_END).encode())
        try:
            der = base64.b64decode(_between(text, _PEM_BEGIN, _PEM_END).replace("\n", ""), validate=True)
        except ValueError:
            message = "The package's CMS block is not base64: it is damaged. Use another copy."
            raise PackageError(message) from None
        cms.check_structure(der)
        package = cls(manifest, der)
        if _PEM_MARK in text.partition(f"\n{_MANIFEST_BEGIN}\n")[0]:
            message = (
                "The package has a second encrypted part, before the manifest, which openssl would open: do not use it."
            )
            raise PackageError(message)
        if not text.endswith("\n" + package._body()):
            message = "The package is not laid out as this toolkit does it: it was changed. Use another copy."
            raise PackageError(message)
        return package

    def _body(self) -> str:
        """All that follows the preamble, which is for people and may be worded otherwise in another release."""
        text = base64.b64encode(self.cms).decode("ascii")
        body = [text[start : start + 64] for start in range(0, len(text), 64)]
        manifest = self.manifest.encode().decode()
        lines = [_MANIFEST_BEGIN, manifest + _MANIFEST_END, "", _PEM_BEGIN, *body, _PEM_END, "", ""]
        return "\n".join(lines)


def seal(manifest: Manifest, wrapping_key: Secret, members: Mapping[str, Secret]) -> Package:
    """Encrypt the members under the wrapping key, with the manifest and a README beside them."""

    def in_worker() -> bytes:
        contents: dict[str, bytes | memoryview] = {
            README_MEMBER: _README.encode(),
            MANIFEST_MEMBER: manifest.encode(),
            **{name: member.view for name, member in members.items()},
        }
        return cms.encrypt(bytes(wrapping_key.view), manifest.set_id, payload.pack(contents))

    return Package(manifest, isolate(in_worker, wrapping_key, *members.values()))


def open_package(package: Package, wrapping_key: Secret) -> dict[str, Secret]:
    """Decrypt a package: the members by file name, without the manifest and the README.

    The inner manifest is compared with the outer one, which authenticates it, and the members must be exactly
    those that it names. Raises PackageError; what a failed attempt computed is wiped, never shown.
    """
    plaintext = Secret(len(package.cms))

    def in_worker() -> bytes:
        members = payload.unpack(cms.decrypt(bytes(wrapping_key.view), package.manifest.set_id, package.cms))
        _check_members(package.manifest, members)
        wanted = {name: content for name, content in members.items() if name not in _OWN_MEMBERS}
        plaintext.fill(b"".join(wanted.values()))
        return json.dumps([[name, len(content)] for name, content in wanted.items()]).encode()

    with plaintext:
        lengths = json.loads(isolate(in_worker, wrapping_key, plaintext))
        members, start = {}, 0
        for name, length in lengths:
            members[name] = Secret.of(plaintext.view[start : start + length])
            start += length
        return members


def archive_of(members: Mapping[str, Secret]) -> Secret:
    """Members as an archive of the same kind as in a package, README included: not encrypted."""
    room = sum(len(member) for member in members.values()) + len(_README)
    archive = Secret(room + _ENTRY * (len(members) + 1) + 2 * sum(map(len, members)))

    def in_worker() -> bytes:
        contents = {name: member.view for name, member in members.items()}
        archive.fill(payload.pack({README_MEMBER: _README.encode(), **contents}))
        return b""

    with ExitStack() as undo:
        undo.callback(archive.close)
        isolate(in_worker, archive, *members.values())
        undo.pop_all()
    return archive


_ENTRY = 200  # bytes, more than the two headers of a member have besides its name
_OWN_MEMBERS = {README_MEMBER, MANIFEST_MEMBER}


def _check_members(manifest: Manifest, members: Mapping[str, bytes]) -> None:
    if members.get(MANIFEST_MEMBER) != manifest.encode():
        message = "The manifest inside the package differs from the one outside: the package was tampered with."
        raise PackageError(message)
    named = {entry.file for entry in manifest.keys} | set(manifest.files) | _OWN_MEMBERS
    if set(members) != named:
        odd = ", ".join(sorted(set(members) ^ named))
        message = f"The package's content is not what its manifest says ({odd}): the package was put together wrongly."
        raise PackageError(message)


def _preamble(manifest: Manifest) -> str:
    several = len(manifest.policy.groups) > 1
    specimen = "" if manifest.kind.value == "production" else "\nSPECIMEN: made for practice. Production refuses it.\n"
    return _PREAMBLE.format(
        title=f"{TITLE} {_VERSION}",
        specimen=specimen,
        set_id=manifest.set_id.hex(),
        quorum=textwrap.fill(f"A quorum is {manifest.policy}.", 78),
        groups=_GROUPS if several else "",
    )


def _checked_text(data: bytes) -> str:
    """The text above the last line, once the first line and the hash in the last were found right."""
    title, _, version = data.partition(b"\n")[0].decode("utf-8", "replace").rstrip("\r").rpartition(" ")
    if title != TITLE:
        message = f"This is not an escrow package: its first line is not '{TITLE} {_VERSION}'."
        raise PackageError(message)
    if version != _VERSION:
        number = (
            version if re.fullmatch(r"[0-9]{1,4}", version) else "unknown"
        )  # never shown as it is: it may be hostile
        message = f"The package has format version {number}; this program reads {_VERSION}. Use a newer one."
        raise PackageError(message)
    if len(data) > MAX_LENGTH:
        message = f"The package is longer than {MAX_LENGTH} bytes: this toolkit did not make it."
        raise PackageError(message)
    if b"\r" in data:
        message = "The package's line endings were converted on the way. Use another copy, or undo it with: tr -d '\\r'"
        raise PackageError(message)
    text, label, given = data.rpartition(_HASH_LABEL.encode())
    if not label or len(given) != 2 * hashlib.sha256().digest_size + 1:
        message = "The package is cut off: its last line, the hash over everything above, is missing. Use another copy."
        raise PackageError(message)
    if given != hashlib.sha256(text).hexdigest().encode() + b"\n":
        message = "The package is damaged: the hash in its last line does not fit. Use another copy."
        raise PackageError(message)
    try:
        return text.decode()
    except UnicodeDecodeError:
        message = "The package is not UTF-8 text: it was changed. Use another copy."
        raise PackageError(message) from None


def _between(text: str, begin: str, end: str) -> str:
    """What stands between two whole lines, the last newline included; names in the manifest cannot imitate them."""
    _, found, rest = text.partition(f"\n{begin}\n")
    inside, found_end, _ = rest.partition(f"\n{end}\n")
    if not found or not found_end:
        message = f"The package lacks the line {end if found else begin!r}: it is damaged. Use another copy."
        raise PackageError(message)
    return inside + "\n"
