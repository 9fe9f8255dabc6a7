"""Pure decisions about handing an order over: who may offer it, and what an answer leads to.

    state       accept     decline    withdraw
    offered     accepted   declined   withdrawn
    accepted    -          -          -
    declined    -          -          -
    withdrawn   -          -          -

The receiver accepts or declines; whoever offered it, whoever holds the order, or the director takes the offer back. Until it is
accepted the order stays where it is, so that nothing is ever without somebody who answers for it. When it has come to somebody else
meanwhile, the offer is worth nothing: it would take from them what they never gave away.
"""

from dataclasses import dataclass
from enum import StrEnum

from main_lines.tasks.rules import OPEN
from main_lines.tasks.rules import State as OrderState


class State(StrEnum):
    OFFERED = "offered"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


class Verb(StrEnum):
    ACCEPT = "accept"
    DECLINE = "decline"
    WITHDRAW = "withdraw"


class Why(StrEnum):
    """Why a verb is refused, most telling first."""

    NOT_YOURS = "not_yours"
    OVER = "over"
    ORDER_DONE = "order_done"
    MOVED_ON = "moved_on"
    OFFERED_ALREADY = "offered_already"
    TO_ITSELF = "to_itself"


@dataclass(frozen=True)
class Standing:
    """What the actor is to the handover. holds: they direct the line or work on the order.

    moved_on: the order is with somebody else than when it was offered: who offered it can no longer give it away.
    """

    receives: bool = False
    offered: bool = False
    holds: bool = False
    moved_on: bool = False


_MOVES = {Verb.ACCEPT: State.ACCEPTED, Verb.DECLINE: State.DECLINED, Verb.WITHDRAW: State.WITHDRAWN}


def decide_offer(order: OrderState, who: Standing, *, offered_already: bool, to_itself: bool) -> Why | None:
    """May the order be offered? None: it may. to_itself: whom it is offered to holds it now."""
    if not who.holds:
        return Why.NOT_YOURS
    if order not in OPEN:
        return Why.ORDER_DONE
    if offered_already:
        return Why.OFFERED_ALREADY
    return Why.TO_ITSELF if to_itself else None


def decide_answer(state: State, verb: Verb, who: Standing, order: OrderState) -> State | Why:
    """Where the answer leads, or why it does not. An order that is done is neither accepted nor declined any more."""
    if not (who.offered or who.holds if verb is Verb.WITHDRAW else who.receives):
        return Why.NOT_YOURS
    if state is not State.OFFERED:
        return Why.OVER
    if verb is Verb.ACCEPT and order not in OPEN:
        return Why.ORDER_DONE
    if verb is Verb.ACCEPT and who.moved_on:
        return Why.MOVED_ON
    return _MOVES[verb]
