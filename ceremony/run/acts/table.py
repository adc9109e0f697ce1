"""Which function does which action."""

from collections.abc import Callable, Mapping

from ceremony.rules.state import State
from ceremony.rules.steps import Action, Step
from ceremony.run.acts import (
    drilling,
    ending,
    keys,
    online,
    opening,
    papers,
    printer,
    proof,
    recovering,
    refreshing,
    reissuing,
    sheets,
    signing,
)
from ceremony.run.questions import Facts, Questions
from ceremony.run.work import Workshop

ACTIONS: Mapping[Action, Callable[[Workshop, Step, State, Questions], Facts]] = {
    Action.COMPARE_PLAN: opening.compare_plan,
    Action.PREFLIGHT: opening.preflight,
    Action.TEST_PAGE: printer.prove,
    Action.OPEN: opening.open_ceremony,
    Action.WRITE_HEAD: opening.write_head,
    Action.MAKE_KEYS: keys.make_keys,
    Action.ISSUE: keys.certificates,
    Action.SEAL: keys.seal,
    Action.PRINT_PAPERS: papers.print_papers,
    Action.PRINT: sheets.print_sheet,
    Action.READ_BACK: sheets.read_back,
    Action.BAG: sheets.bag,
    Action.PROVE_QUORUM: proof.prove_quorum,
    Action.BAG_AGAIN: sheets.bag_again,
    Action.MAKE_ONLINE: online.make_online,
    Action.HAND_OVER: online.hand_over,
    Action.BAG_HANDOVER: online.bag_handover,
    Action.COPY_PACKAGE: proof.copy_package,
    Action.SETTLE: ending.settle,
    Action.ZEROIZE: ending.zeroize,
    Action.CLOSE: ending.close,
    Action.DESTROY: sheets.destroy,
    Action.GATHER: sheets.gather,
    Action.DRAFT: signing.draft,
    Action.READ_QUORUM: signing.read_quorum,
    Action.UNLOCK: signing.unlock,
    Action.SIGN: signing.sign,
    Action.OUTCOME: signing.outcome,
    Action.DELIVER: signing.deliver,
    Action.BRIEF: drilling.brief,
    Action.WHICH_COPY: drilling.which_copy,
    Action.CALL: drilling.call,
    Action.SHOW_BAG: drilling.show_bag,
    Action.READ_ONE: drilling.read_one,
    Action.PROVE_KEYS: drilling.prove_keys,
    Action.TRY_CA: drilling.try_ca,
    Action.JUDGE: drilling.judge,
    Action.TELL_LOSS: reissuing.tell_loss,
    Action.READ_GROUP: reissuing.read_group,
    Action.PRINT_AGAIN: reissuing.print_again,
    Action.DESTROY_SHEET: reissuing.destroy_sheet,
    Action.CALLED: recovering.called,
    Action.SHOW_SET: recovering.show_set,
    Action.RESTORE: recovering.restore,
    Action.SHOW_OLD: refreshing.show_old,
    Action.TAKE_KEYS: refreshing.take_keys,
    Action.BAG_OLD: sheets.bag_old,
    Action.SUPERSEDE: refreshing.supersede,
    Action.DESTROY_OLD: refreshing.destroy_old,
}


class Hands:
    """Does the runner's steps in a workshop."""

    def __init__(self, shop: Workshop) -> None:
        self._shop = shop

    def do(self, step: Step, state: State, ask: Questions) -> Facts:
        """Do a step's action."""
        return ACTIONS[step.action](self._shop, step, state, ask) if step.action else {}

    def forget(self) -> None:
        """Wipe everything secret."""
        self._shop.forget()

    def end(self) -> None:
        """Sign the journal."""
        self._shop.end()
