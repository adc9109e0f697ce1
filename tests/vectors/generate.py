"""Generate the test vectors of the format. Secrets and randomness are fixed, so every run gives the same bytes.

    python tests/vectors/generate.py [DIRECTORY]

The keys in input/ protect nothing: they were made once, for this, together with their certificates. Other programs
may use the vectors: what a file holds is said at its top, what that means in escrow/FORMAT.md. Vectors change only
when the format does.
"""

import json
import sys
from pathlib import Path

import accepted
import refused

from escrow.memory import Secret

DESCRIPTIONS = {
    "records": "Shares in all their forms. Binary values are hex; `words` are 8 rows of 8 words and a check word.",
    "words": "Words with mistakes that can be mended, the record they give, and what is corrected (counted from 1).",
    "splits": "Wrapping keys split by policies. `coefficients` are a_1 to a_(k-1) of each lane, `part` is a group's.",
    "manifests": "Manifests as lines; joined by newlines, they are the text. `set_id` is the whole of it.",
    "packages": "Whole packages, as lines, with all their shares and what is inside.",
    "refused": (
        "Inputs that are refused, by what they claim to be, with the class of the error and a part of its message. "
        "`changes` are texts that occur once in the vector `base`, and what replaces each; then, with `rehash`, the "
        "hash line is made to fit again."
    ),
}


def main(directory: Path) -> None:
    """Write all vectors into a directory."""
    Secret.unlocked_allowed = True  # nothing here is secret
    made = {
        "records": accepted.records(),
        "words": accepted.words(),
        "splits": accepted.splits(),
        "manifests": accepted.manifests(),
        "packages": accepted.packages(),
        "refused": refused.vectors(),
    }
    for name, vectors in made.items():
        content = {"description": DESCRIPTIONS[name], "vectors": vectors}
        text = json.dumps(content, indent=1, ensure_ascii=False)
        (directory / f"{name}.json").write_text(text + "\n", "utf-8", newline="\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
