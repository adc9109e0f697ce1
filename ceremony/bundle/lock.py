"""The dependencies, pinned by hashes, and which of them a target needs."""

import re
from dataclasses import dataclass
from importlib.resources import files

from ceremony.bundle.manifest import BundleError

PYTHONS, PROCESSORS = ("3.11", "3.12", "3.13", "3.14"), ("x86_64", "aarch64")


@dataclass(frozen=True)
class Target:
    """A Python and a processor that a bundle is for."""

    python: str
    processor: str

    @property
    def name(self) -> str:
        """As the installer knows it: "3.11-x86_64"."""
        return f"{self.python}-{self.processor}"

    @property
    def markers(self) -> dict[str, str]:
        """What environment markers mean there (PEP 508)."""
        return {
            "implementation_name": "cpython",
            "implementation_version": f"{self.python}.0",
            "os_name": "posix",
            "platform_machine": self.processor,
            "platform_python_implementation": "CPython",
            "platform_system": "Linux",
            "python_full_version": f"{self.python}.0",
            "python_version": self.python,
            "sys_platform": "linux",
            "platform_release": "",
            "platform_version": "",
            "extra": "",
        }


def requirements(target: Target, text: str | None = None) -> str:
    """What a target needs, as pip reads it: pinned, with hashes, without markers. Raises BundleError."""
    from packaging.requirements import InvalidRequirement, Requirement

    entries = re.split(r"\n(?=\S)", _without_comments(text if text is not None else _text()))
    needed = []
    for entry in filter(str.strip, entries):
        line, *hashes = (part.strip() for part in entry.replace("\\\n", "\n").strip().split("\n"))
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            message = f"The lock of dependencies is damaged: {line!r} is no requirement."
            raise BundleError(message) from None
        if not hashes or not str(requirement.specifier).startswith("=="):
            message = f"The lock of dependencies has no version or no hash for {requirement.name}: renew it."
            raise BundleError(message)
        if not requirement.marker or requirement.marker.evaluate(target.markers):
            needed.append(" ".join([f"{requirement.name}{requirement.specifier}", *hashes]))
    return "\n".join(needed) + "\n"


def _text() -> str:
    return (files(__package__) / "requirements.lock").read_text()


def _without_comments(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.startswith("#"))
