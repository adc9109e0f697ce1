"""People who are not there: everything is answered as by somebody who does everything right."""

import datetime as dt
import itertools
import json
from collections.abc import Callable, Sequence

from ceremony import spoken
from ceremony.rules.steps import position_of
from ceremony.run.before import BAGS
from ceremony.run.questions import FAILED, Asked, Fields
from ceremony.run.room import Room
from escrow.errors import EscrowError, UsageError
from escrow.files import read_public
from escrow.memory import Secret
from escrow.package import MAX_LENGTH

_PAGES = 3  # so often is a step shown before the rehearsal gives up: again after a loss of power, too


class StuckError(EscrowError):
    """A step of a rehearsal did not succeed, and nobody is there to mend anything."""


class Answering:
    """Answers everything as people would who do everything right, and shows what is done.

    Raises StuckError where a step has to be done again: nothing would be otherwise then.
    """

    def __init__(self, room: Room, show: Callable[[str], None]) -> None:
        self._room, self._show = room, show
        self._bags = itertools.count(1)
        self._bag = ""
        self._step, self._shown = "", 0
        self._said: list[str] = []
        self._printed_again: set[str] = set()

    def page(self, lines: Sequence[str]) -> None:
        """Show the number of the step and who acts."""
        step, who = lines[0].rpartition("  ")[2], lines[lines.index("") + 1]
        if step.startswith("step "):  # otherwise something to look at, within a step
            self._shown = self._shown + 1 if step == self._step else 1
            if self._shown > _PAGES:
                raise self._stuck()
            self._step, self._said = step, []
        self._show(f"{step}: {who.removesuffix(':')}")

    def say(self, text: str) -> None:
        """Say nothing: the journal has it."""
        self._said.append(text)

    def line(self, asked: Asked, fields: Fields) -> str:
        """The answer; Enter to whatever needs no other."""
        if asked in {Asked.BAG, Asked.BAG_HANDOVER}:
            self._bag = f"SPECIMEN-{next(self._bags):03}"
        elif asked is Asked.CHECK_WORDS:
            return " ".join(spoken.check_words(self._room.plan.digest, str(fields["step"])))
        elif asked is Asked.RETRY:
            raise self._stuck()
        elif asked is Asked.TRY_AGAIN:  # paper that lay in the scanner when the power was lost is printed anew, once
            if self._step in self._printed_again:
                raise self._stuck()
            self._printed_again.add(self._step)
        answers = {
            Asked.PHRASE: fields.get("phrase"),
            Asked.BAG: self._bag,
            Asked.BAG_HANDOVER: self._bag,
            Asked.BAG_AGAIN: self._bag,
            Asked.COPY: "1",
            Asked.REACHED: "yes",
            Asked.SHOWN: self._noted(str(fields.get("share"))),
            Asked.DESTROYED: fields.get("sheets"),
            Asked.AT: dt.datetime.now(dt.UTC).strftime("%H:%M"),
            Asked.DISPOSITION: "accepted",
            Asked.SENTENCE: "Part of the rehearsal.",
            Asked.TRY_AGAIN: "print",
            Asked.TIME: dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M"),
        }
        return str(answers.get(asked, ""))

    def _noted(self, share: str) -> str:
        """The bag that a share's sheet is in, as the archive has it that is carried on."""
        bags = self._room.out / BAGS
        if not bags.exists():
            return ""
        noted = json.loads(read_public(bags, MAX_LENGTH))
        policy = self._room.plan.policy
        return next((numbers[-1] for key, numbers in noted.items() if policy.name_of(position_of(key)) == share), "")

    def secret(self, asked: Asked, fields: Fields) -> Secret:
        """The officers' halves of the plan's words; a password for what is rehearsed.

        Raises UsageError for what nobody is here to answer.
        """
        words = self._room.plan.words
        if asked in {Asked.NEW_PASSWORD, Asked.PASSWORD_AGAIN}:
            return Secret.of(b"rehearsal")
        if asked is not Asked.HALF:
            message = f"Nobody is here to answer {asked.name}."
            raise UsageError(message)
        first = fields["officer"] == self._room.plan.officers[0].name
        return Secret.of(" ".join(words[:16] if first else words[16:]).encode())

    def _stuck(self) -> StuckError:
        """What ends the rehearsal: the step, and its problem."""
        told = [text.removeprefix(FAILED) for text in self._said if text.startswith(FAILED)] or self._said or ["?"]
        message = (
            f"The rehearsal ends: {self._step} did not succeed. {told[-1]} Nobody is here to mend that: mend it, and "
            "rehearse again; without --auto the step can be tried again."
        )
        return StuckError(message)
