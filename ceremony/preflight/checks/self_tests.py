"""The program gives the known answers here: arithmetic, ciphers, words, codes, fonts."""

from ceremony.preflight.finding import Finding, check, failed, passed
from ceremony.preflight.machine import Machine
from escrow.errors import EscrowError


@check(
    "self-tests",
    requirement="The program gives the known answers on this machine.",
    measured="published vectors, and round trips of specimen data",
    remedy="Do not go on: the program or the machine is broken. Install it again, or use another machine.",
)
def self_tests(machine: Machine) -> Finding:
    """Every test is made, so that all that is broken is named."""
    broken = []
    for name, test in machine.self_tests.items():
        try:
            test()
        except EscrowError as error:
            broken.append(f"{name}: {error}")
        except Exception as error:  # noqa: BLE001 - a library that is broken raises what it likes
            broken.append(f"{name}: {type(error).__name__}")
    if broken or not machine.self_tests:
        return failed("; ".join(broken) or "there are none")
    return passed(", ".join(machine.self_tests))
