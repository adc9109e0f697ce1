"""Which mount holds a path, and which one keeps what is written there."""

import pytest

from escrow.errors import FileError
from escrow.mounts import holder, mount_of, parse

# What is below /media was mounted first and is hidden by what was mounted over it.
MOUNTS = """\
20 1 8:1 / / rw - ext4 /dev/sda1 rw
21 20 0:5 / /media rw shared:3 master:1 - ext4 /dev/sdb1 rw,errors=remount-ro
22 21 0:6 / /media/key rw - vfat /dev/sdc1 rw
23 20 0:7 / /media rw - tmpfs tmpfs rw
24 20 0:8 / /a\\040b rw - ramfs none rw
25 24 0:9 / /a\\040b/over rw - overlay o rw,lowerdir=/x,upperdir=/a\\040b/up,workdir=/w
26 20 0:10 / /loop rw - overlay o rw,lowerdir=/x,upperdir=/loop/up,workdir=/w
27 20 0:11 / /mediation rw - proc proc rw
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "ext4"),
        ("/etc/passwd", "ext4"),
        ("/media", "tmpfs"),
        ("/media/key/file", "tmpfs"),
        ("/mediation", "proc"),
        ("/mediator", "ext4"),
        ("/a b/c", "ramfs"),
        ("/a b/over/c", "ramfs"),
    ],
)
def test_what_is_written_at_a_path_is_kept_by_the_mount_that_is_seen_there(path: str, kind: str) -> None:
    assert holder(parse(MOUNTS), path, lambda _: True).kind == kind


def test_an_overlay_whose_upper_directory_is_not_to_be_seen_is_not_believed() -> None:
    for path, seen in (("/loop/file", True), ("/a b/over/c", False)):
        with pytest.raises(FileError, match="cannot be seen"):
            holder(parse(MOUNTS), path, lambda _, seen=seen: seen)  # type: ignore[misc]


@pytest.mark.parametrize("text", ["", "21 20 0:5 / /media rw - ext4 /dev/sdb1 rw\n"])
def test_without_a_root_nothing_is_said(text: str) -> None:
    with pytest.raises(FileError, match="cannot be seen"):
        mount_of(parse(text), "/etc")


def test_what_is_mounted_over_the_root_is_the_root_in_whatever_order_they_stand() -> None:
    lines = ["20 1 8:1 / / rw - ext4 /dev/sda1 rw\n", "21 20 0:5 / / rw - tmpfs tmpfs rw\n"]
    for text in ("".join(lines), "".join(reversed(lines))):
        assert mount_of(parse(text), "/etc").kind == "tmpfs"


def test_a_path_that_is_not_absolute_lies_nowhere() -> None:
    with pytest.raises(FileError, match="cannot be seen"):
        mount_of(parse(MOUNTS), "media/key")


@pytest.mark.parametrize(
    "text", ["garbage", "1 2 / - x y z", "a b 0:1 / / rw - ext4 x rw", "20 1 8 / / rw - ext4 x rw"]
)
def test_what_is_no_mountinfo_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(text)
