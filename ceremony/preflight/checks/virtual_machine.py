"""The machine is a real one: under a hypervisor or in a container somebody else sees all its memory."""

import re
from collections.abc import Iterator

from ceremony.preflight.finding import Finding, check, failed, listed, passed
from ceremony.preflight.machine import Machine, UnreadableError

_DMI = re.compile(
    r"qemu|kvm|vmware|virtualbox|innotek|xen|bochs|parallels|virtual machine|amazon ec2|google compute", re.IGNORECASE
)
_CGROUP = re.compile(r"docker|lxc|kubepods|libpod|containerd|machine\.slice")
_CONTAINER_FILES = ("/.dockerenv", "/run/.containerenv", "/run/systemd/container")


@check(
    "no-virtual-machine",
    requirement="This is a real machine: no virtual machine and no container.",
    measured="systemd-detect-virt, /proc/cpuinfo, /sys/class/dmi/id, /proc/1/cgroup",
    remedy="Use a real machine: a host sees all memory of its guests.",
)
def virtual_machine(machine: Machine) -> Finding:
    """Every sign counts; no sign is looked for only where it would have been seen."""
    signs = sorted(set(_signs(machine)))
    return failed(listed(signs)) if signs else passed("no sign of a hypervisor or a container")


def _signs(machine: Machine) -> Iterator[str]:
    yield from _detected(machine)
    flags = re.search(r"^(?:flags|Features)\s*:(.*)$", machine.read("/proc/cpuinfo"), re.MULTILINE)
    if flags is None:
        message = "/proc/cpuinfo shows no flags"
        raise UnreadableError(message)
    if "hypervisor" in flags[1].split():
        yield "the processor says hypervisor"
    if "id" in machine.members("/sys/class", "dmi"):
        names = [machine.word(f"/sys/class/dmi/id/{name}") for name in ("sys_vendor", "product_name")]
        if match := _DMI.search(" ".join(names)):
            yield f"the firmware says {match[0]}"
    groups = machine.read("/proc/1/cgroup")
    if not re.match(r"\d+:", groups):
        message = "/proc/1/cgroup is not understood"
        raise UnreadableError(message)
    if match := _CGROUP.search(groups):
        yield f"the control group says {match[0]}"
    yield from (f"there is {path}" for path in _CONTAINER_FILES if machine.exists(path))


def _detected(machine: Machine) -> Iterator[str]:
    """What systemd says, where it is; a kernel's own signs are there without it."""
    if not machine.exists("/usr/bin/systemd-detect-virt"):
        return
    said = machine.execute(["systemd-detect-virt"]).strip()
    if said != "none":
        yield f"systemd says {said or 'nothing'}"
