"""What may stand on every document: facts about a set and about a share that are no secret, put into words once."""

from dataclasses import asdict, dataclass

from escrow.label import PUBLIC_WORDS, set_words, share_words
from escrow.manifest import Manifest, group_hex
from escrow.paper.page import Fields
from escrow.paper.stationery import Design
from escrow.policy import Policy, Position
from escrow.share import Kind

SET = frozenset(
    {"ca", "policy", "set_id", "set_id_full", "set_id_hex", "set_words", "epoch", "created", "kind", "contact"}
)
KEEPING = frozenset({"unit", "manager", "deputy", "site"})
SHARE = KEEPING | {"share", "x", "group", "share_words", "custodian"}
NAMING = KEEPING | {"ca", "policy", "organisation", "contact", "custodian"}
"""What a discreet document leaves out."""


@dataclass(frozen=True)
class Keeping:
    """How a share is kept, as far as is known beside its custodian's name: None is filled in by hand."""

    unit: str | None = None
    manager: str | None = None
    deputy: str | None = None
    site: str | None = None


UNKNOWN = Keeping()


@dataclass(frozen=True)
class PlannedSet:
    """What is known of a set before it is made."""

    ca: str
    kind: Kind
    policy: Policy


def of_set(manifest: Manifest, design: Design) -> Fields:
    """The fields of SET."""
    specimen = manifest.kind is Kind.SPECIMEN
    return {
        "contact": design.stationery.contact or None,
        "ca": manifest.ca,
        "policy": policy(manifest.policy, design),
        "set_id": group_hex(manifest.short_set_id),
        "set_id_full": group_hex(manifest.set_id),
        "set_id_hex": manifest.set_id.hex(),
        "set_words": set_words(manifest.set_id),
        "epoch": str(manifest.epoch),
        "created": manifest.created[:10],
        "kind": design.say("specimen" if specimen else "production"),
    }


def of_share(
    manifest: Manifest, position: Position, custodian: str | None, design: Design, keeping: Keeping = UNKNOWN
) -> Fields:
    """The fields of SET and of SHARE; a custodian who is None is to be filled in by hand."""
    return {
        **of_set(manifest, design),
        **asdict(keeping),
        "share": share(manifest.policy, position, design),
        "x": str(position.x),
        "group": str(position.group),
        "share_words": share_words(manifest.commitment_at(position)),
        "custodian": custodian,
    }


def of_share_to_come(
    planned: PlannedSet, position: Position, custodian: str, design: Design, keeping: Keeping
) -> Fields:
    """The fields of SET and of SHARE before there is a set: what only sealing makes known is filled in by hand."""
    boxes = " ".join(["____"] * PUBLIC_WORDS)
    return {
        **dict.fromkeys(SET | SHARE, None),
        **asdict(keeping),
        "ca": planned.ca,
        "contact": design.stationery.contact or None,
        "policy": policy(planned.policy, design),
        "kind": design.say(planned.kind.value),
        "share": share(planned.policy, position, design),
        "x": str(position.x),
        "group": str(position.group),
        "custodian": custodian,
        "set_words": boxes,
        "share_words": boxes,
        "epoch": "____",
        "created": "__________",
    }


def share(policy: Policy, position: Position, design: Design) -> str:
    """Which share of how many, in words."""
    groups = len(policy.groups) > 1
    names = {"x": position.x}
    if groups:
        names["group"] = position.group
    if not design.discreet:
        names["n"] = policy.groups[position.group - 1].shares
    return design.say("share" + "_in_group" * groups + "_discreet" * design.discreet, **names)


def policy(policy: Policy, design: Design) -> str:
    """What a quorum is, in words."""
    if len(policy.groups) == 1:
        return design.say("policy", k=policy.groups[0].threshold, n=policy.groups[0].shares)
    groups = [design.say("policy_group", k=group.threshold, n=group.shares) for group in policy.groups]
    listed = design.say("policy_separator").join(groups)
    return design.say("policy_of_groups", threshold=policy.threshold, number=len(groups), groups=listed)


def watermark(of: Manifest | PlannedSet, design: Design) -> str:
    """What is written across the pages: nothing, but on specimens."""
    return design.say("watermark") if of.kind is Kind.SPECIMEN else ""
