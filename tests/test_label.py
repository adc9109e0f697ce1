"""The label of a share: a public code that is no share to anybody, and the words by which people compare."""

import base64
import zlib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sheets import make

from escrow import standalone
from escrow.errors import QuorumError, ShareError
from escrow.gather import Collection
from escrow.judge import judge
from escrow.label import PREFIX, Label, set_words, share_words
from escrow.paper import documents
from escrow.paper.parts import is_part_text
from escrow.paper.stationery import PLAIN
from escrow.policy import Group, Policy, Position
from escrow.reissue import reissue
from escrow.share import Kind, Record, is_share_text
from escrow.wordlist import WORDS

PROPERTY = settings(max_examples=200, deadline=None, derandomize=True)
labels = st.builds(
    Label,
    kind=st.sampled_from(Kind),
    set_id=st.binary(min_size=16, max_size=16),
    group=st.integers(0, 255),
    x=st.integers(0, 255),
    commitment=st.binary(min_size=32, max_size=32),
)
SAMPLE = Label(Kind.PRODUCTION, bytes(range(16)), 1, 2, bytes(range(32)))


@PROPERTY
@given(labels)
def test_a_label_comes_back_from_its_bytes_and_its_text(label: Label) -> None:
    assert Label.decode(label.encode()) == label
    assert Label.from_text(label.to_text()) == label
    assert len(label.encode()) == 55
    assert len(label.to_text()) == len(PREFIX) + 88


@PROPERTY
@given(st.binary(min_size=51, max_size=51))
@example(b"\x01" + bytes(50))
@example(b"\x81" + bytes(50))
@example(b"\x02" + bytes(50))
def test_what_can_be_decoded_is_encoded_to_the_same_bytes(body: bytes) -> None:
    data = body + zlib.crc32(body).to_bytes(4, "big")
    try:
        label = Label.decode(data)
    except ShareError:
        assert body[0] not in {0x01, 0x81}
    else:
        assert label.encode() == data


@PROPERTY
@given(st.integers(0, len(SAMPLE.to_text()) - 1), st.sampled_from("ABCXYZ234567=:ab "))
def test_a_changed_character_is_noticed(place: int, character: str) -> None:
    text = SAMPLE.to_text()
    changed = text[:place] + character + text[place + 1 :]
    if changed != text:
        with pytest.raises(ShareError):
            Label.from_text(changed)


@pytest.mark.parametrize(
    "text",
    [
        "",
        SAMPLE.to_text().lower(),
        SAMPLE.to_text() + "=",
        SAMPLE.to_text() + "========",
        SAMPLE.to_text() + "\n",
        SAMPLE.to_text()[:-1],
        SAMPLE.to_text().replace("LABEL1", "LABEL2"),
        SAMPLE.to_text().replace("LABEL1", "ESCR1"),
        PREFIX + base64.b32encode(bytes(55)).decode(),
    ],
)
def test_any_other_form_is_refused(text: str) -> None:
    with pytest.raises(ShareError):
        Label.from_text(text)


@given(labels)
@PROPERTY
def test_no_reader_takes_a_label_for_a_share_or_a_part_of_a_package(label: Label) -> None:
    text = label.to_text()
    assert not is_share_text(text)
    assert not is_part_text(text)
    with pytest.raises(ShareError):
        Record.from_text(text)


def test_a_scanned_label_is_called_a_label_and_never_a_share(tmp_path: Path) -> None:
    position = Position(1, 2)
    _, manifest = make(Policy.plain(3, 5), position)
    (tmp_path / "label.pdf").write_bytes(documents.label(manifest, position, "Anna", PLAIN))
    collection = Collection(manifest, keep=False)
    (verdict,) = collection.add_file(tmp_path / "label.pdf")
    assert str(verdict).startswith(f"No share ({tmp_path / 'label.pdf'}): this is the label of share 2 of this set")
    assert not collection.present
    (tmp_path / "label.txt").write_text(Label.of(manifest, position).to_text())
    assert not any(verdict.valid for verdict in collection.add_file(tmp_path / "label.txt"))
    _, other = make(Policy.plain(2, 5), position)
    (verdict,) = Collection(other, keep=False).add_file(tmp_path / "label.pdf")
    assert "does not belong to this package's set" in str(verdict)


def test_a_label_belongs_to_the_share_of_its_set_alone() -> None:
    policy = Policy(2, (Group(2, 3), Group(1, 1), Group(3, 4)))
    _, manifest = make(policy, Position(3, 2))
    for position in policy.positions:
        Label.of(manifest, position).check(manifest)
    right = Label.of(manifest, Position(3, 2))
    for wrong in (
        replace(right, x=3),
        replace(right, x=0),
        replace(right, group=4),
        replace(right, kind=Kind.SPECIMEN),
        replace(right, set_id=bytes(16)),
        replace(right, commitment=bytes(32)),
    ):
        with pytest.raises(ShareError):
            wrong.check(manifest)


def test_the_public_words_are_those_of_the_first_four_bytes() -> None:
    assert set_words(bytes([0, 1, 254, 255, 7])) == " ".join(WORDS[n] for n in (0, 1, 254, 255)).upper()
    assert share_words(bytes([255, 0, 0, 9, 7])) == " ".join(WORDS[n] for n in (255, 0, 0, 9)).upper()


def test_the_single_file_decoder_finds_no_share_in_a_label() -> None:
    namespace: dict[str, object] = {"__name__": "decoder"}
    exec(compile(standalone.source(), "decode.py", "exec"), namespace)  # noqa: S102 - our own program
    read_shares = namespace["read_shares"]
    assert callable(read_shares)
    wrong = namespace["WrongError"]
    assert isinstance(wrong, type)
    with pytest.raises(wrong):
        list(read_shares("label", SAMPLE.to_text()))


@pytest.mark.parametrize(
    ("policy", "position", "name"),
    [
        (Policy.plain(2, 3), Position(1, 2), "2"),
        (Policy(2, (Group(2, 3), Group(2, 2))), Position(1, 2), "2 of group 1"),
        (Policy(2, (Group(2, 3), Group(2, 2))), Position(2, 1), "1 of group 2"),
    ],
)
def test_what_is_said_of_shares_and_labels_names_the_group_where_there_are_several(
    policy: Policy, position: Position, name: str
) -> None:
    record, manifest = make(policy, position)
    foreign = replace(Label.of(manifest, position), commitment=bytes(32))
    _, verdict = judge(manifest, "here", record.to_text())
    assert str(verdict).startswith(f"Share {name} (here): ")
    with pytest.raises(ShareError, match=f"The label of share {name} does not belong"):
        foreign.check(manifest)
    with pytest.raises(QuorumError, match=f"Share {name} cannot be made again"):
        reissue(manifest, {}, position)
