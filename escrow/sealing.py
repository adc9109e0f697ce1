"""Seal a CA: keys -> package, wrapping key -> shares -> sheets. The inverse is `recovery`."""

import datetime as dt
import json
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from escrow import certificates, configuration, keys, package, shamir, standalone, stepca
from escrow.contents import certificates_of, key_fingerprint, prove_contents, public_keys
from escrow.errors import KeyFileError, PageError, PasswordRequiredError, TemplateError, UsageError
from escrow.files import NewFiles, read_secret, write_all
from escrow.judge import judge_file
from escrow.keys import KEY_CAPACITY, PrivateKey
from escrow.manifest import TIME, CertificateEntry, KeyEntry, Manifest, Superseded
from escrow.memory import Secret, isolate
from escrow.package import Package
from escrow.paper import package_sheet, page, parts, scan, sheet
from escrow.paper.page import PageSize, check_printable
from escrow.paper.parts import Part
from escrow.policy import Policy, Position
from escrow.share import VALUE_LENGTH, Kind, Record, commitment, key_check

PACKAGE_FILE = "package.escrow"
PACKAGE_SHEETS_FILE = "package-sheets.pdf"

PasswordSource = Callable[[str, str | None], Secret]
"""Asked for the password of an encrypted key, by its name and by what was wrong with the last answer.

It keeps and wipes what it hands out; to give up, it raises.
"""

Progress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and how much there is."""


@dataclass(frozen=True)
class EscrowedKey:
    """A private key that is ready to be sealed."""

    name: str
    file: str
    key: PrivateKey
    public_file: str | None


@dataclass(frozen=True)
class Authority:
    """All of a CA that goes into a package."""

    name: str
    files: Mapping[str, Secret]
    keys: tuple[EscrowedKey, ...]
    notes: tuple[str, ...] = ()

    def close(self) -> None:
        """Wipe the keys and everything else."""
        for secret in (*self.files.values(), *(entry.key.pem for entry in self.keys)):
            secret.close()


def import_tree(path: Path, passwords: PasswordSource, progress: Progress) -> Authority:
    """Read a STEPPATH, open its keys and check everything against everything else.

    Raises TreeError, FileError, CertificateError, KeyFileError.
    """
    tree = stepca.read_tree(path)
    hierarchy = stepca.hierarchy(tree.files)
    certificates.check_chain(hierarchy.chain, hierarchy.roots)
    publics = public_keys(tree.files)
    imported: list[EscrowedKey] = []
    notes = list(tree.notes)
    with ExitStack() as undo:
        for number, file in enumerate(tree.keys):
            progress("Opening keys", number, len(tree.keys))
            key = _open_key(file.name, file.source, passwords)
            undo.callback(key.pem.close)
            fitting = [f for f in file.public_files or publics if publics.get(f) == key.public]
            expected = publics.get(file.public_files[0]) if file.public_files else None
            keys.prove(key.pem, key.public if fitting else expected or key.public, file.name)
            public_file = fitting[0] if fitting else None
            if not public_file:
                notes.append(f"The key {file.name} has no certificate or public key in certs/: is it still in use?")
            imported.append(EscrowedKey(file.name, file.file, key, public_file))
        progress("Opening keys", len(tree.keys), len(tree.keys))
        undo.pop_all()
    return Authority(certificates.name_of(hierarchy.roots[0]), tree.files, tuple(imported), tuple(notes))


def generate(name: str, now: dt.datetime, progress: Progress) -> Authority:
    """Make a root and an intermediate in locked memory, with the certificates that `step ca init` makes."""
    made = []
    for number in range(2):
        progress("Generating keys", number, 2)
        made.append(keys.generate("EC P-256"))
    root_key, key = made
    root = certificates.issue_root(root_key, name, now)
    intermediate = certificates.issue_intermediate(key, name, root_key, root, now)
    certificates.check_chain([intermediate], [root])
    progress("Generating keys", 2, 2)
    files = {
        configuration.ROOT_CERTIFICATE: Secret.of(certificates.to_pem(root)),
        configuration.INTERMEDIATE_CERTIFICATE: Secret.of(certificates.to_pem(intermediate)),
        **configuration.new_configuration(name),
    }
    entries = (
        EscrowedKey("root", configuration.ROOT_KEY, root_key, configuration.ROOT_CERTIFICATE),
        EscrowedKey("intermediate", configuration.INTERMEDIATE_KEY, key, configuration.INTERMEDIATE_CERTIFICATE),
    )
    return Authority(name, files, entries)


@dataclass(frozen=True)
class Order:
    """What set to make of an authority: the policy, whose shares they are, and when."""

    kind: Kind
    policy: Policy
    custodians: tuple[str, ...]
    created: dt.datetime
    page_size: PageSize = "A4"
    epoch: int = 1
    supersedes: tuple[Superseded, ...] = ()

    def __post_init__(self) -> None:
        if len(self.custodians) != len(self.policy.positions):
            number = len(self.policy.positions)
            message = f"There are {len(self.custodians)} custodians for {number} shares: name one for each."
            raise UsageError(message)
        for custodian in self.custodians:
            try:
                check_printable(custodian)
            except TemplateError as error:
                raise UsageError(str(error)) from None
        known = [" ".join(name.split()).casefold() for name in self.custodians]
        twice = {name for name, same in zip(self.custodians, known, strict=True) if known.count(same) > 1}
        if twice:
            message = f"{', '.join(sorted(twice))} would hold more than one share: name each custodian once."
            raise UsageError(message)


def seal(authority: Authority, order: Order, out: NewFiles, progress: Progress) -> Manifest:
    """Seal an authority: write the package and one sheet per share into `out`, and return the manifest.

    Beside the package go its decoder and its own sheets; no sheets of a package that is too large for paper.
    Nothing appears unless the shares were proved to fit each other, the package was opened again, and each
    sheet was read back from its own picture.
    """
    with ExitStack() as undo:
        wrapping_key = undo.enter_context(Secret.random(shamir.LENGTH))
        shares = {position: undo.enter_context(Secret(VALUE_LENGTH)) for position in order.policy.positions}
        progress("Splitting the wrapping key", 0, 1)
        facts = _split(wrapping_key, order.policy, shares)
        manifest = _describe(authority, order, facts)
        progress("Splitting the wrapping key", 1, 1)
        members = {**{entry.file: entry.key.pem for entry in authority.keys}, **authority.files}
        sealed = package.seal(manifest, wrapping_key, members)
        text = sealed.encode()
        opened = package.open_package(Package.decode(text), wrapping_key)  # what will be read, not what was meant
        for content in opened.values():
            undo.callback(content.close)
        prove_contents(manifest, opened)
        page.prepare()
        scan.prepare()
        for number, (position, value) in enumerate(shares.items()):
            progress("Making share sheets", number, len(shares))
            _make_sheet(manifest, position, value, order, out)
        progress("Making share sheets", len(shares), len(shares))
        progress("Making package sheets", 0, 1)
        if parts.fits(text):
            out.write(PACKAGE_SHEETS_FILE, make_package_sheets(sealed, order.page_size))
        out.write(standalone.FILE, standalone.source())
        progress("Making package sheets", 1, 1)
        out.write(PACKAGE_FILE, text)  # last: a package says that all its sheets are there
    return manifest


def make_package_sheets(sealed: Package, size: PageSize) -> bytes:
    """The sheets of a package as PDF, read back from their own picture.

    Raises PackageError for a package that is too large, PageError if they cannot be read back.
    """
    pdf = package_sheet.render(sealed, size)

    def in_worker() -> bytes:
        texts = [text for scanned in scan.scan(pdf) for text in scanned.texts]
        return parts.join([Part.from_text(text) for text in texts if parts.is_part_text(text)])

    scan.prepare()
    if isolate(in_worker) != sealed.encode():
        message = "The sheets of the package cannot be read back from their own picture: report this."
        raise PageError(message)
    return pdf


def sheet_file(policy: Policy, position: Position) -> str:
    """The name of a share's PDF: share-X.pdf, or share-GROUP-X.pdf where there are groups."""
    group = f"{position.group}-" if len(policy.groups) > 1 else ""
    return f"shares/share-{group}{position.x}.pdf"


def _split(wrapping_key: Secret, policy: Policy, shares: Mapping[Position, Secret]) -> dict[str, list[str] | str]:
    def in_worker() -> bytes:
        secret = bytes(wrapping_key.view)
        parts = shamir.split(secret, policy.threshold, len(policy.groups))
        shamir.prove_consistent(parts, policy.threshold, secret)
        commitments = []
        for number, group in enumerate(policy.groups, 1):
            values = shamir.split(parts[number], group.threshold, group.shares)
            shamir.prove_consistent(values, group.threshold, parts[number])
            for x, value in values.items():
                shares[Position(number, x)].fill(value)
            commitments.append(
                [commitment(Position(number, x), group.threshold, value).hex() for x, value in values.items()]
            )
        return json.dumps({"commitments": commitments, "key_check": key_check(secret).hex()}).encode()

    facts: dict[str, list[str] | str] = json.loads(isolate(in_worker, wrapping_key, *shares.values()))
    return facts


def _make_sheet(manifest: Manifest, position: Position, value: Secret, order: Order, out: NewFiles) -> None:
    name = sheet_file(manifest.policy, position)
    custodian = order.custodians[order.policy.positions.index(position)]
    descriptor = out.open(name)

    def in_worker() -> bytes:
        record = Record(
            manifest.kind,
            manifest.short_set_id,
            position.group,
            position.x,
            manifest.policy.threshold_of(position.group),
            bytes(value.view),
        )
        pdf = sheet.render(record, manifest, custodian, order.page_size)
        read_back = [found for found, _ in judge_file(manifest, name, pdf)]
        if read_back != [record]:
            message = f"The sheet of share {position.x} cannot be read back from its own picture: report this."
            raise PageError(message)
        write_all(descriptor, pdf, out.root / name)
        return b""

    with open(descriptor, "wb", buffering=0):  # noqa: PTH123 - a descriptor, not a path
        isolate(in_worker, value)


def _describe(authority: Authority, order: Order, facts: Mapping[str, list[str] | str]) -> Manifest:
    entries = [
        CertificateEntry(file, certificate.subject.rfc4514_string() or "(empty)", certificates.fingerprint(certificate))
        for file in authority.files
        for certificate in certificates_of(authority.files, file)
    ]
    return Manifest(
        kind=order.kind,
        ca=authority.name,
        created=order.created.astimezone(dt.UTC).strftime(TIME),
        epoch=order.epoch,
        supersedes=order.supersedes,
        policy=order.policy,
        commitments=tuple(tuple(group) for group in facts["commitments"]),
        key_check=str(facts["key_check"]),
        certificates=tuple(entries),
        keys=tuple(
            KeyEntry(
                entry.name,
                entry.file,
                entry.key.algorithm,
                key_fingerprint(entry.key.public),
                entry.public_file,
            )
            for entry in authority.keys
        ),
        files=tuple(authority.files),
    )


def _open_key(name: str, source: Path, passwords: PasswordSource) -> PrivateKey:
    with read_secret(source, KEY_CAPACITY) as content:
        try:
            return keys.load(content, None, f"The key {name} ({source})")
        except PasswordRequiredError:
            problem = None
        while True:
            password = passwords(name, problem)
            try:
                return keys.load(content, password, f"The key {name} ({source})")
            except KeyFileError as error:
                problem = str(error)
