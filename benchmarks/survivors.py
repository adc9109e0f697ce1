"""How many damaged sheets are read, ours and others': the table of the README, and larger ones."""

import argparse
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent.parent / "tests"))


def main() -> None:
    """Print the table as Markdown."""
    from survival import cases, survivors, table

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sheets", type=int, default=10, help="of each of the seven kinds of damage at each level")
    parser.add_argument("--by-kind", action="store_true", help="a table for each kind of damage, too")
    given = parser.parse_args()
    results = survivors(cases(range(given.sheets)))
    print(table(results))
    for kind in dict.fromkeys(fate.kind for fate in results) if given.by_kind else ():
        print(f"\n{kind}\n")
        print(table({fate: done for fate, done in results.items() if fate.kind == kind}))


if __name__ == "__main__":
    main()
