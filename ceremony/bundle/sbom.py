"""What a bundle is made of, for others' programs (CycloneDX 1.6) and for people: components, hashes, licences."""

import datetime as dt
import hashlib
import uuid
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesParser
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cyclonedx.model.component import Component

SBOM, LICENCES = "sbom.cdx.json", "licences"

_FILES = ("license", "licence", "copying", "notice", "authors", "ofl", "patents")


@dataclass(frozen=True)
class Part:
    """A distribution in the bundle: its metadata, its wheels, and its licences' files by name."""

    metadata: Message
    wheels: tuple[Path, ...]
    licences: Mapping[str, bytes]

    @property
    def name(self) -> str:
        """As its wheel says it."""
        return str(self.metadata["Name"])

    @property
    def version(self) -> str:
        """As its wheel says it."""
        return str(self.metadata["Version"])

    @property
    def licence(self) -> str:
        """What its metadata says of the licence: an SPDX expression, or else whatever is there."""
        said = self.metadata["License-Expression"] or self.metadata["License"]
        classified = [
            each.rpartition(" :: ")[2] for each in self.metadata.get_all("Classifier", []) if "License" in each
        ]
        return str(said or "; ".join(classified) or "not said").strip().splitlines()[0]


def parts_of(wheels: Iterable[Path]) -> list[Part]:
    """The distributions of these wheels, by name and version; one may have a wheel for each processor."""
    found: dict[tuple[str, str], list[Path]] = {}
    for wheel in sorted(wheels):
        name, version = wheel.name.split("-")[:2]
        found.setdefault((name.casefold(), version), []).append(wheel)
    return [_part(same) for _, same in sorted(found.items())]


def licences(parts: Sequence[Part]) -> dict[str, bytes]:
    """The files of all licences, by where they go, and a list of them for people."""
    files = {f"{LICENCES}/{part.name}/{name}": text for part in parts for name, text in sorted(part.licences.items())}
    rows = [
        f"{part.name} {part.version}: {part.licence}" + ("" if part.licences else " (its wheel has no licence file)")
        for part in parts
    ]
    return {**files, f"{LICENCES}/LIST.txt": "".join(f"{row}\n" for row in rows).encode()}


def sbom(own: Part, others: Sequence[Part], time: int) -> bytes:
    """The bill of materials as JSON. The same wheels and time give the same bytes."""
    from cyclonedx.model.bom import Bom
    from cyclonedx.output.json import JsonV1Dot6

    root = _component(own, application=True)
    known = {part.name.casefold().replace("_", "-"): _component(part) for part in others}
    bom = Bom(components=known.values())
    bom.metadata.component = root
    bom.metadata.timestamp = dt.datetime.fromtimestamp(time, dt.UTC)
    bom.register_dependency(root, known.values())
    digests = "".join(
        sorted(hashlib.sha256(w.read_bytes()).hexdigest() for part in (own, *others) for w in part.wheels)
    )
    bom.serial_number = uuid.uuid5(uuid.NAMESPACE_OID, digests)
    return JsonV1Dot6(bom).output_as_string(indent=1).encode() + b"\n"


def _component(part: Part, *, application: bool = False) -> "Component":
    from cyclonedx.factory.license import LicenseFactory
    from cyclonedx.model import HashAlgorithm, HashType
    from cyclonedx.model.component import Component, ComponentType
    from packageurl import PackageURL

    return Component(
        type=ComponentType.APPLICATION if application else ComponentType.LIBRARY,
        name=part.name,
        version=part.version,
        purl=PackageURL("pypi", name=part.name.casefold().replace("_", "-"), version=part.version),
        bom_ref=f"{part.name}=={part.version}",
        licenses=[LicenseFactory().make_from_string(part.licence)],
        hashes=[
            HashType(alg=HashAlgorithm.SHA_256, content=hashlib.sha256(wheel.read_bytes()).hexdigest())
            for wheel in part.wheels
        ],
    )


def _part(wheels: Sequence[Path]) -> Part:
    with zipfile.ZipFile(wheels[0]) as archive:
        names = archive.namelist()
        metadata = next(name for name in names if name.endswith(".dist-info/METADATA") and name.count("/") == 1)
        folder = metadata.rpartition("/")[0] + "/"
        texts = {name.removeprefix(folder): name for name in names if name.startswith(folder) and _is_licence(name)}
        return Part(
            BytesParser().parsebytes(archive.read(metadata)),
            tuple(wheels),
            {short.removeprefix("licenses/"): archive.read(name) for short, name in texts.items()},
        )


def _is_licence(name: str) -> bool:
    path = PurePosixPath(name)
    return not name.endswith("/") and ("licenses" in path.parts or path.name.casefold().startswith(_FILES))
