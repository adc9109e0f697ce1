"""`escrow inspect`: what a package contains."""

import json
from pathlib import Path

import click

from ceremony import options
from ceremony.terminal.console import Progress
from escrow.label import set_words
from escrow.manifest import Manifest, group_hex
from escrow.recovery import read_package


@click.command(name="inspect")
@click.argument("package", type=options.PATH)
@options.as_json
def command(package: Path, *, as_json: bool) -> None:
    """Show the manifest of PACKAGE: the CA, the set id, the policy, and the contents by public fingerprint.

    PACKAGE is the package file, or scans of the package sheets: a PDF, a picture, or a directory of them.
    The manifest is authenticated only when the package is opened with a quorum.
    """
    with Progress() as progress:
        manifest = read_package(package, progress).manifest
    if as_json:
        fields = json.loads(manifest.encode()) | {
            "set_id": manifest.set_id.hex(),
            "set_words": set_words(manifest.set_id),
        }
        click.echo(json.dumps(fields, indent=2, ensure_ascii=False))
    else:
        click.echo(_describe(manifest))


def _describe(manifest: Manifest) -> str:
    lines = [
        f"CA        {manifest.ca}",
        f"Kind      {manifest.kind.value}",
        f"Set id    {group_hex(manifest.set_id)}",
        f"Words     {set_words(manifest.set_id)}",
        f"Epoch     {manifest.epoch}, made {manifest.created}",
        f"Quorum    {manifest.policy}",
    ]
    lines += [f"Replaces  epoch {old.epoch}, set {old.set_id}" for old in manifest.supersedes]
    lines += ["", "Private keys (SHA-256 of the public key)"]
    for key in manifest.keys:
        lines += [f"  {key.name:<14} {key.algorithm:<9} {key.file}", f"    {key.public_key}"]
    lines += ["", "Certificates (SHA-256)"]
    for certificate in manifest.certificates:
        lines += [f"  {certificate.file}   {certificate.subject}", f"    {certificate.sha256}"]
    lines += ["", "Other files", *(f"  {file}" for file in manifest.files if not file.endswith(".crt"))]
    return "\n".join(lines)
