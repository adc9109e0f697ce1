"""Benchmarks: ratios between costs that were measured in the same run. `python benchmarks/run.py [SECTION...]`.

A ratio says the same on a slow machine as on a fast one; nothing here passes or fails. Costs are processor time,
medians of repeats. All keys and shares are specimens, written to memory and removed.
"""

import argparse

import growth
import reading
import rehearsal
import sharing
import start
from measure import show

_SECTIONS = {
    "start": ("Start of the program", start.lines),
    "rehearsal": ("The rehearsal, 3 of 5: shares of its processor time, and what protection costs", rehearsal.lines),
    "recover": ("Recover from pictures of three sheets, 3 of 5, 200 dpi", reading.lines),
    "sharing": ("Split and combine 256 bits", sharing.lines),
    "growth": ("How cost and memory grow", growth.lines),
}


def main() -> None:
    """Run the sections that are asked for, or all of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer repeats and smaller sizes: half a minute")
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"one of: {', '.join(_SECTIONS)}")
    given = parser.parse_args()
    if unknown := set(given.sections) - set(_SECTIONS):
        parser.error(f"there is no section {', '.join(sorted(unknown))}")
    for name in given.sections or _SECTIONS:
        title, lines = _SECTIONS[name]
        show(f"{title} [{name}]", lines(quick=given.quick))


if __name__ == "__main__":
    main()
