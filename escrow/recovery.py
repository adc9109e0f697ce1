"""Recover a CA: sheets -> shares -> wrapping key -> keys. The inverse is `sealing`."""

import hmac
from collections.abc import Collection as AbstractCollection
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from escrow import assemble, keys, package, shamir, stepca
from escrow import token as tokens
from escrow.configuration import CONFIG, taking_keys_from_token
from escrow.contents import prove_contents
from escrow.errors import FileError, ManifestError, PackageError, QuorumError, RefusedError, ShareError, UsageError
from escrow.files import NewFiles, begins_with, read_public
from escrow.gather import Collection
from escrow.manifest import Manifest
from escrow.memory import Secret, isolate
from escrow.online import recipient
from escrow.online.recipient import Recipient
from escrow.package import Package
from escrow.policy import Policy, Position
from escrow.progress import Progress
from escrow.share import key_check
from escrow.token import Token

RECOVERED = "recovered.cms"
"""What is restored for a recipient's key."""

_OPENED_BY = """\
{file} holds private keys of {ca}, restored from escrow:
{keys}; set {set_id}.

It is encrypted to this public key ({kind}), and nothing else opens it:
SHA-256 of its SubjectPublicKeyInfo {fingerprint}

Whoever has the private half opens it, in memory and without a network:

  cd /dev/shm && umask 077
  openssl cms -decrypt -binary -inform PEM -in {file} -inkey PRIVATE_KEY -out recovered.zip
  unzip -d recovered recovered.zip

Only if openssl ends without an error is recovered.zip what was restored: it
leaves a file behind even when it fails. In recovered/, secrets/ has the keys,
NOT ENCRYPTED; README.txt says how they are encrypted for step-ca. Not in it are
the database with issued and revoked certificates, ACME accounts, and
provisioners managed remotely.
"""


def read_package(path: Path, progress: Progress, pages: Sequence[Path] = ()) -> Package:
    """Read a package: its file, or scans of its sheets (a PDF, a picture, a text of codes, a directory of these).

    Raises FileError, PackageError or ManifestError, naming the file; UsageError if it is among the `pages` of shares
    instead.
    """
    if (swapped := _package_among(pages)) and not _begins_as_package(path):
        message = f"{swapped} is the package: name it first, and then the pages. {path} was named in its place."
        raise UsageError(message)
    try:
        if assemble.is_sheets(path):
            return Package.decode(assemble.assemble(path, progress))
        return Package.decode(read_public(path, package.MAX_LENGTH))
    except (PackageError, ManifestError) as error:
        message = f"{path}: {error}"
        raise type(error)(message) from None


def _package_among(pages: Sequence[Path]) -> Path | None:
    return next(filter(_begins_as_package, pages), None)


def _begins_as_package(path: Path) -> bool:
    try:
        return begins_with(path, package.TITLE.encode())
    except FileError:
        return False


def gather(manifest: Manifest, pages: Sequence[Path], *, keep: bool, progress: Progress) -> Collection:
    """Read page files one after the other into a collection."""
    collection = Collection(manifest, keep=keep)
    for number, page in enumerate(pages):
        progress("Reading pages", number, len(pages))
        collection.add_file(page)
    if pages:
        progress("Reading pages", len(pages), len(pages))
    return collection


def require_quorum(collection: Collection) -> None:
    """Raise QuorumError if shares are missing, ShareError if anything given is not a valid share.

    Either way the message says which shares are good: they are not lost, and need not be looked for again.
    """
    if collection.problems:
        lines = [str(verdict) for verdict in collection.problems]
        lines.append(_good_shares(collection))
        lines.append(
            still_needed(collection)
            if collection.missing
            else "A quorum is there without the rest: leave the rest out to go on."
        )
        raise ShareError("\n".join(lines))
    if collection.missing:
        message = f"{_good_shares(collection)}\n{still_needed(collection)}"
        raise QuorumError(message)


def still_needed(collection: Collection) -> str:
    """How many more shares are needed, in words."""
    number = collection.missing
    return (
        f"{number} more {'share is' if number == 1 else 'shares are'} needed: a quorum is {collection.manifest.policy}."
    )


def recombine(collection: Collection) -> Secret:
    """Recombine the wrapping key from a quorum; every further share is checked against the same polynomials.

    Raises ShareError when shares disagree or the result is not the key that was split.
    """
    manifest, shares = collection.manifest, collection.shares
    wrapping_key = Secret(shamir.LENGTH)

    def in_worker() -> bytes:
        values = {position: bytes(secret.view) for position, secret in shares.items()}
        secret = combine(manifest.policy, values)
        if not hmac.compare_digest(key_check(secret).hex(), manifest.key_check):
            message = (
                "The shares are valid one by one, but the key that they give is not the one in the manifest: "
                "the set was made wrongly."
            )
            raise ShareError(message)
        wrapping_key.fill(secret)
        return b""

    with ExitStack() as undo:
        undo.callback(wrapping_key.close)
        isolate(in_worker, wrapping_key, *shares.values())
        undo.pop_all()
    return wrapping_key


def combine(policy: Policy, values: Mapping[Position, bytes]) -> bytes:
    """The 32 bytes that were split by a policy, from at least a quorum of values. Call in a worker.

    Raises ShareError when a value beyond the quorum disagrees with it.
    """
    parts = {}
    for number, group in enumerate(policy.groups, 1):
        members = {p.x: value for p, value in values.items() if p.group == number}
        if len(members) >= group.threshold:
            names = {x: f"Share {policy.name_of(Position(number, x))}" for x in members}
            parts[number] = _combine_checked(members, group.threshold, names)
    return _combine_checked(parts, policy.threshold, {number: f"Group {number}" for number in parts})


def _combine_checked(values: Mapping[int, bytes], k: int, names: Mapping[int, str]) -> bytes:
    chosen = {x: values[x] for x in sorted(values)[:k]}
    secret = shamir.combine(chosen, k)
    try:
        shamir.prove_consistent(values, k, secret)
    except ShareError:  # now look for the one to name, which costs more
        others = ", ".join(map(str, chosen))
        for x, value in values.items():
            if shamir.interpolate(chosen, k, x) != value:
                message = f"{names[x]} contradicts {others}: one of them is wrong. Leave one out at a time."
                raise ShareError(message) from None
        raise
    return secret


def open_checked(sealed: Package, wrapping_key: Secret) -> dict[str, Secret]:
    """Open a package and prove its contents, before anybody gets to see them."""
    members = package.open_package(sealed, wrapping_key)
    with ExitStack() as undo:
        for member in members.values():
            undo.callback(member.close)
        prove_contents(sealed.manifest, members)
        undo.pop_all()
    return members


def check_target(files: NewFiles, manifest: Manifest) -> None:
    """Raise RefusedError if there are keys at the target, or any file that would have to be overwritten."""
    secrets = files.root / "secrets"
    if secrets.is_dir() and any(secrets.iterdir()):
        message = f"{secrets} holds keys already: nothing is restored over a CA. Name another directory."
        raise RefusedError(message)
    files.check_absent([*manifest.files, *(entry.file for entry in manifest.keys)])


def check_names(manifest: Manifest, only: AbstractCollection[str]) -> None:
    """Raise UsageError if a key is wanted that the package does not have."""
    known = {entry.name for entry in manifest.keys}
    if unknown := set(only) - known:
        message = f"The package has no key {', '.join(sorted(unknown))}; it has {', '.join(sorted(known))}."
        raise UsageError(message)


def restore(  # noqa: PLR0913 - what to restore, where to, and how
    manifest: Manifest,
    members: Mapping[str, Secret],
    only: AbstractCollection[str],
    password: Secret,
    *,
    out: NewFiles,
    progress: Progress,
) -> None:
    """Write a STEPPATH with the wanted keys (all, if `only` is empty) encrypted under a password."""
    encrypted = encrypt(manifest, members, only, password, progress)
    stepca.write_tree(out, {name: members[name] for name in manifest.files}, encrypted)


def encrypt(
    manifest: Manifest,
    members: Mapping[str, Secret],
    only: AbstractCollection[str],
    password: Secret,
    progress: Progress,
) -> dict[str, bytes]:
    """The wanted keys (all, if `only` is empty), by their files in a STEPPATH, encrypted under a password."""
    wanted = [entry for entry in manifest.keys if not only or entry.name in only]
    encrypted = {}
    for number, entry in enumerate(wanted):
        progress("Encrypting keys", number, len(wanted))
        encrypted[entry.file] = keys.export(members[entry.file], password)
    progress("Encrypting keys", len(wanted), len(wanted))
    return encrypted


def restore_to_token(  # noqa: PLR0913 - what to restore, where to, and how
    manifest: Manifest,
    members: Mapping[str, Secret],
    only: Sequence[str],
    token: Token,
    pin: Secret,
    *,
    out: NewFiles,
    progress: Progress,
) -> tuple[str, ...]:
    """Store keys in a token, and publish a STEPPATH whose ca.json takes them from there; return their names.

    Without `only`, those with which step-ca signs. If anything fails, the token is as it was. Raises TokenError,
    UsageError, FileError.
    """
    wanted = tokens.fitting(manifest.keys, only)
    stored = tokens.store(token, pin, {entry.name: members[entry.file] for entry in wanted}, progress)
    try:
        files = {name: members[name] for name in manifest.files}
        if CONFIG in files:
            keys = {name: tokens.key_uri(name, public) for name, public in stored.items()}
            files[CONFIG] = taking_keys_from_token(files[CONFIG], token.uri, keys)
        stepca.write_tree(out, files, {})
        out.publish()
    except BaseException as error:
        tokens.take_back(token, pin, stored, error)
        raise
    return tuple(stored)


def restore_to_recipient(  # noqa: PLR0913 - what to restore, to whom, and where
    manifest: Manifest,
    members: Mapping[str, Secret],
    only: AbstractCollection[str],
    to: Recipient,
    *,
    out: NewFiles,
    progress: Progress,
) -> None:
    """Write what is wanted (all keys, if `only` is empty) as one CMS file that only a recipient's key opens.

    In it is an archive as in a package, and beside it README.txt, which says how to open it.
    """
    progress("Encrypting keys", 0, 1)
    wanted = [entry for entry in manifest.keys if not only or entry.name in only]
    names = sorted([*manifest.files, *(entry.file for entry in wanted)])
    with package.archive_of({name: members[name] for name in names}) as archive:
        sealed = recipient.encrypt(to, archive)
    listed = ", ".join(entry.name for entry in wanted)
    about = {"ca": manifest.ca, "set_id": manifest.set_id.hex(), "keys": listed, "kind": to.kind, "file": RECOVERED}
    out.write(RECOVERED, sealed)
    out.write(package.README_MEMBER, _OPENED_BY.format(**about, fingerprint=to.fingerprint).encode())
    progress("Encrypting keys", 1, 1)


def _good_shares(collection: Collection) -> str:
    if not collection.present:
        return "No valid share was given."
    shares = "shares" if len(collection.present) > 1 else "share"
    return f"Valid and not lost: {shares} {collection.manifest.policy.names_of(collection.present)}."
