"""One call for the verbs that need at most a reason: what a button or the API names is carried out by the action of that name.

No decision lives here; pages and API share it.
"""

from main_lines.tasks import actions
from main_lines.tasks.models import TaskOrder
from main_lines.tasks.rules import Verb
from workspace.work import Work

_PLAIN = {
    Verb.SUBMIT: actions.submit_task,
    Verb.START: actions.start_task,
    Verb.WITHDRAW: actions.withdraw_task,
    Verb.CLOSE: actions.close_task,
    Verb.UNBLOCK: actions.unblock_task,
}


def move_task(work: Work, task_id: str, verb: Verb, *, reason: str = "", seen: str = "") -> TaskOrder:
    """Carry out the verb. decline, return, cancel and block need a reason; InvalidInput when it is empty.

    seen: mark of the order as its sender saw it; sign and accept are refused when it has changed since.
    """
    match verb:
        case Verb.SIGN:
            return actions.sign_task(work, task_id, seen=seen)
        case Verb.ACCEPT:
            return actions.accept_task(work, task_id, seen=seen)
        case Verb.DECLINE:
            return actions.decline_task(work, task_id, reason=reason)
        case Verb.RETURN:
            return actions.return_task(work, task_id, reason=reason)
        case Verb.CANCEL:
            return actions.cancel_task(work, task_id, reason=reason)
        case Verb.BLOCK:
            return actions.block_task(work, task_id, reason=reason)
    return _PLAIN[verb](work, task_id)
