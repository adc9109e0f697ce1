"""Shares, manifests and names, as tests of paper need them."""

import datetime as dt

from escrow.manifest import KeyEntry, Manifest
from escrow.policy import Group, Policy, Position
from escrow.share import Kind, Record, commitment, key_check

GROUPS = Policy(2, (Group(2, 3), Group(1, 1), Group(3, 255)))
NAMES = ["Ann", "Zoë Müller-Łukasiewicz", "Αλέξανδρος Παπαδόπουλος", "Александра Щукина", "W" * 60, "Ŵ " * 30]


def make(policy: Policy, position: Position, kind: Kind = Kind.PRODUCTION) -> tuple[Record, Manifest]:
    """A manifest with made-up commitments, but for one share."""
    value = bytes(range(32))
    k = policy.threshold_of(position.group)
    hashes = {position: commitment(position, k, value).hex()}
    commitments = tuple(
        tuple(hashes.get(Position(g, x), "ab" * 32) for x in range(1, group.shares + 1))
        for g, group in enumerate(policy.groups, 1)
    )
    manifest = Manifest(
        kind=kind,
        ca="A certificate authority with quite a long name, Example Organisation",
        created=dt.datetime(2026, 1, 2, tzinfo=dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        epoch=1,
        supersedes=(),
        policy=policy,
        commitments=commitments,
        key_check=key_check(value).hex(),
        certificates=(),
        keys=(KeyEntry("root", "secrets/root_ca_key", "EC P-256", "cd" * 32, None),),
        files=(),
    )
    return Record(kind, manifest.short_set_id, position.group, position.x, k, value), manifest
