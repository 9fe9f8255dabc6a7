"""Who may do what to an approval, and what then happens: tables and pure decisions. No clock, session or Flask here.

Request: draft -> running -> {approved, rejected, recalled, expired}; running <-> returned (a resubmission is round + 1);
approved -> revoking -> {revoked, approved}; expired -> running (approval admin only).
Step: waiting, pending -> {approved, rejected, returned, transferred, done, cancelled, expired}; ``done`` = closed because
a sibling decided.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from workspace.events.kinds import N_

MOST_STEPS = 30
REMIND_AGAIN_AFTER_S = 3600


class RequestState(StrEnum):
    DRAFT = "draft"
    RUNNING = "running"
    RETURNED = "returned"
    APPROVED = "approved"
    REJECTED = "rejected"
    RECALLED = "recalled"
    EXPIRED = "expired"
    REVOKING = "revoking"
    REVOKED = "revoked"


class StepState(StrEnum):
    WAITING = "waiting"
    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    RETURNED = "returned"
    TRANSFERRED = "transferred"
    DONE = "done"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class Verb(StrEnum):
    SUBMIT = "submit"
    PASS_ON = "pass_on"
    FINISH = "finish"
    REJECT = "reject"
    RETURN = "return"
    RECALL = "recall"
    TRANSFER = "transfer"
    CC = "cc"
    COMMENT = "comment"
    REMIND = "remind"


class Mode(StrEnum):
    """How several holders of one node decide. all 会签: everybody signs. any 或签: the first who decides."""

    ONE = "one"
    ALL = "all"
    ANY = "any"


OPEN_STATES = (RequestState.DRAFT, RequestState.RUNNING, RequestState.RETURNED, RequestState.REVOKING)

# Verbs that move the request. A pair that is not here is refused.
REQUEST_MOVES: dict[tuple[RequestState, Verb], RequestState] = {
    (RequestState.DRAFT, Verb.SUBMIT): RequestState.RUNNING,
    (RequestState.RETURNED, Verb.SUBMIT): RequestState.RUNNING,
    (RequestState.RUNNING, Verb.PASS_ON): RequestState.RUNNING,
    (RequestState.RUNNING, Verb.FINISH): RequestState.APPROVED,
    (RequestState.RUNNING, Verb.REJECT): RequestState.REJECTED,
    (RequestState.RUNNING, Verb.RETURN): RequestState.RETURNED,
    (RequestState.RUNNING, Verb.RECALL): RequestState.RECALLED,
    (RequestState.RUNNING, Verb.TRANSFER): RequestState.RUNNING,
}

# What the holder's own step becomes.
STEP_MOVES: dict[tuple[StepState, Verb], StepState] = {
    (StepState.PENDING, Verb.PASS_ON): StepState.APPROVED,
    (StepState.PENDING, Verb.FINISH): StepState.APPROVED,
    (StepState.PENDING, Verb.REJECT): StepState.REJECTED,
    (StepState.PENDING, Verb.RETURN): StepState.RETURNED,
    (StepState.PENDING, Verb.TRANSFER): StepState.TRANSFERRED,
}

# What the other open steps of the node become when one of them ends it.
SIBLING_MOVES: dict[Verb, StepState] = {
    Verb.PASS_ON: StepState.DONE,
    Verb.FINISH: StepState.DONE,
    Verb.REJECT: StepState.DONE,
    Verb.RETURN: StepState.CANCELLED,
    Verb.RECALL: StepState.CANCELLED,
}

HOLDER_VERBS = (Verb.PASS_ON, Verb.FINISH, Verb.REJECT, Verb.RETURN, Verb.TRANSFER)
OPEN_STEPS = (StepState.WAITING, StepState.PENDING)


class Why(StrEnum):
    """Why a verb is refused, in words; STALE ones answer 409 with the fresh state, the others 403 or 422."""

    CLOSED = N_("这项审批已经有了结果")
    STEP_CLOSED = N_("这个节点已经处理过了")
    NOT_HOLDER = N_("现在不由您处理")
    NOT_APPLICANT = N_("只有申请人可以这样做")
    OWN_REQUEST = N_("不能审批自己的申请")
    NOBODY = N_("请选择处理人")
    TO_SELF = N_("不能交给自己")
    TO_APPLICANT = N_("不能交给申请人")
    NO_MANAGER = N_("申请人没有上级，不能由申请人自己处理，请改选他人")
    TO_SIBLING = N_("这位同事已经在处理这项审批")
    NO_REASON = N_("请填写理由")
    NO_WORDS = N_("请填写内容")
    TOO_MANY_STEPS = N_("流转已满 30 个节点，只有审批管理员可以继续")
    MISSING_ROLES = N_("还需要指定角色签字后才能办结")
    TOO_SOON = N_("一小时内只能催办一次")
    NOT_RUNNING = N_("审批不在进行中")


STALE = (Why.CLOSED, Why.STEP_CLOSED)
INPUT = (Why.NOBODY, Why.TO_SELF, Why.TO_APPLICANT, Why.NO_MANAGER, Why.TO_SIBLING, Why.NO_REASON, Why.NO_WORDS)


@dataclass(frozen=True)
class Turn:
    """A step as the rules see it. node: steps of one countersign share it. asks_for: holders its signer wants next."""

    id: str
    holder_id: str
    state: StepState
    node: str
    mode: Mode = Mode.ONE
    asks_for: tuple[str, ...] = ()


@dataclass(frozen=True)
class Situation:
    """The request at this instant and who wants to act. turns: every step so far, in order of opening.

    manager_id: of the applicant. missing_roles: mandatory roles of the template that nobody has signed for, the actor's
    own signature counted in.
    """

    state: RequestState
    applicant_id: str
    actor_id: str
    turns: tuple[Turn, ...] = ()
    is_admin: bool = False
    manager_id: str | None = None
    missing_roles: tuple[str, ...] = ()

    def turn(self, step_id: str) -> Turn | None:
        return next((turn for turn in self.turns if turn.id == step_id), None)

    def my_turn(self) -> Turn | None:
        """The pending step that the actor holds; at most one, because a node holds a person once."""
        return next((turn for turn in self.turns if turn.state is StepState.PENDING and turn.holder_id == self.actor_id), None)

    def siblings(self, turn: Turn) -> tuple[Turn, ...]:
        return tuple(other for other in self.turns if other.node == turn.node and other.id != turn.id)


@dataclass(frozen=True)
class Refuse:
    why: Why


@dataclass(frozen=True)
class Open:
    """Open a step for each holder, all in one node."""

    holder_ids: tuple[str, ...]
    mode: Mode


@dataclass(frozen=True)
class Move:
    """What to carry out. own: the actor's step and what it becomes. others: further steps to close.

    state: the request's next state. joins: the new step belongs to this node instead of a new one. signed_only: a
    signature in a countersign that others have yet to sign.
    """

    state: RequestState
    own: tuple[str, StepState] | None = None
    others: tuple[tuple[str, StepState], ...] = ()
    opens: Open | None = None
    joins: str | None = None
    signed_only: bool = False


Decision = Refuse | Move


def decide_submit(now: Situation, holder_ids: Sequence[str], mode: Mode = Mode.ALL) -> Decision:
    """The applicant sends a draft, or a returned request once more, to its first holders."""
    if now.actor_id != now.applicant_id:
        return Refuse(Why.NOT_APPLICANT)
    if (now.state, Verb.SUBMIT) not in REQUEST_MOVES:
        return Refuse(Why.CLOSED)
    opens = _opened(now, holder_ids, mode)
    return opens if isinstance(opens, Refuse) else Move(RequestState.RUNNING, opens=opens)


def decide_approve(now: Situation, step_id: str, next_holder_ids: Sequence[str] = (), mode: Mode = Mode.ALL) -> Decision:
    """Pass on (somebody is next) or finish (nobody is).

    In a node of ``all``, everybody signs; its way on is the union of whom its signers asked for, and only when nobody
    asked for anybody it is finished. So no signer's wish is lost and the node can never hang without a way on.
    """
    verb = Verb.PASS_ON if next_holder_ids else Verb.FINISH
    turn = _held(now, step_id)
    if isinstance(turn, Refuse):
        return turn
    if now.actor_id == now.applicant_id:
        return Refuse(Why.OWN_REQUEST)
    wish = _opened(now, next_holder_ids, mode, turn=turn) if next_holder_ids else None
    if isinstance(wish, Refuse):
        return wish
    own = (turn.id, STEP_MOVES[StepState.PENDING, verb])
    siblings = now.siblings(turn)
    if turn.mode is Mode.ALL and any(other.state in OPEN_STEPS for other in siblings):
        return Move(RequestState.RUNNING, own=own, signed_only=True)
    holders = tuple(dict.fromkeys([*_wished(now, turn, siblings), *(wish.holder_ids if wish else ())]))
    if not holders:
        return (
            Refuse(Why.MISSING_ROLES) if now.missing_roles else Move(RequestState.APPROVED, own=own, others=_closing(siblings, Verb.FINISH))
        )
    opens = _opened(now, holders, mode, turn=turn)
    return opens if isinstance(opens, Refuse) else Move(RequestState.RUNNING, own=own, others=_closing(siblings, Verb.PASS_ON), opens=opens)


def decide_reject(now: Situation, step_id: str, reason: str) -> Decision:
    """Terminal, in every mode: one refusal ends the node and the request."""
    return _end(now, step_id, Verb.REJECT, reason)


def decide_return(now: Situation, step_id: str, reason: str) -> Decision:
    """Back to the applicant, who may change the form and submit again."""
    return _end(now, step_id, Verb.RETURN, reason)


def decide_recall(now: Situation) -> Decision:
    if now.actor_id != now.applicant_id:
        return Refuse(Why.NOT_APPLICANT)
    if (now.state, Verb.RECALL) not in REQUEST_MOVES:
        return Refuse(Why.CLOSED)
    return Move(RequestState.RECALLED, others=_closing(now.turns, Verb.RECALL))


def decide_transfer(now: Situation, step_id: str, holder_id: str) -> Decision:
    """Somebody else takes the actor's place in the node."""
    turn = _held(now, step_id)
    if isinstance(turn, Refuse):
        return turn
    if not holder_id:
        return Refuse(Why.NOBODY)
    if holder_id == now.actor_id:
        return Refuse(Why.TO_SELF)
    if holder_id == now.applicant_id:
        return Refuse(Why.TO_APPLICANT)
    if any(other.holder_id == holder_id and other.state in (*OPEN_STEPS, StepState.APPROVED) for other in now.siblings(turn)):
        return Refuse(Why.TO_SIBLING)
    if _too_many(now, 1):
        return Refuse(Why.TOO_MANY_STEPS)
    own = (turn.id, STEP_MOVES[StepState.PENDING, Verb.TRANSFER])
    return Move(RequestState.RUNNING, own=own, opens=Open((holder_id,), turn.mode), joins=turn.node)


def decide_comment(words: str) -> Refuse | None:
    return None if words.strip() else Refuse(Why.NO_WORDS)


def decide_remind(now: Situation, seconds_since_last: float | None) -> Refuse | None:
    """seconds_since_last: since the newest reminder of a step that is open now, None when there was none."""
    if now.state is not RequestState.RUNNING:
        return Refuse(Why.NOT_RUNNING)
    if seconds_since_last is not None and seconds_since_last < REMIND_AGAIN_AFTER_S:
        return Refuse(Why.TOO_SOON)
    return None


def open_verbs(now: Situation) -> frozenset[Verb]:
    """What the actor, who takes part, can do now; pages offer exactly this. Asks the same decisions as the actions do."""
    mine = now.my_turn()
    verbs = {Verb.COMMENT, Verb.CC}
    if mine is not None:
        tries: dict[Verb, Decision] = {
            Verb.FINISH: decide_approve(replace(now, missing_roles=()), mine.id),
            Verb.REJECT: decide_reject(now, mine.id, "-"),
            Verb.RETURN: decide_return(now, mine.id, "-"),
            Verb.TRANSFER: decide_transfer(now, mine.id, "-"),
        }
        verbs |= {verb for verb, decision in tries.items() if isinstance(decision, Move)}
        if Verb.FINISH in verbs and not _too_many(now, 1):
            verbs.add(Verb.PASS_ON)
    if isinstance(decide_recall(now), Move):
        verbs.add(Verb.RECALL)
    if now.actor_id == now.applicant_id and (now.state, Verb.SUBMIT) in REQUEST_MOVES:
        verbs.add(Verb.SUBMIT)
    if mine is None and decide_remind(now, None) is None:
        verbs.add(Verb.REMIND)
    return frozenset(verbs)


def _held(now: Situation, step_id: str) -> Turn | Refuse:
    turn = now.turn(step_id)
    if turn is None or turn.holder_id != now.actor_id:
        return Refuse(Why.NOT_HOLDER)
    if now.state is not RequestState.RUNNING:
        return Refuse(Why.CLOSED)
    if turn.state is not StepState.PENDING:
        return Refuse(Why.STEP_CLOSED)
    return turn


def _wished(now: Situation, turn: Turn, siblings: Sequence[Turn]) -> list[str]:
    """Whom the others of a countersign asked for, without those who have signed in it anyway.

    A wish for the applicant means the manager, who may be the very last to sign, and who may be gone by now.
    """
    signed = [other for other in siblings if turn.mode is Mode.ALL and other.state is StepState.APPROVED]
    inside = {turn.holder_id, *(other.holder_id for other in signed)}
    wishes = [now.manager_id if holder == now.applicant_id else holder for other in signed for holder in other.asks_for]
    return [holder for holder in wishes if holder is not None and holder not in inside]


def _end(now: Situation, step_id: str, verb: Verb, reason: str) -> Decision:
    turn = _held(now, step_id)
    if isinstance(turn, Refuse):
        return turn
    if not reason.strip():
        return Refuse(Why.NO_REASON)
    own = (turn.id, STEP_MOVES[StepState.PENDING, verb])
    return Move(REQUEST_MOVES[now.state, verb], own=own, others=_closing(now.siblings(turn), verb))


def _closing(turns: Iterable[Turn], verb: Verb) -> tuple[tuple[str, StepState], ...]:
    return tuple((turn.id, SIBLING_MOVES[verb]) for turn in turns if turn.state in OPEN_STEPS)


def _opened(now: Situation, holder_ids: Sequence[str], mode: Mode, turn: Turn | None = None) -> Open | Refuse:
    """The next node. A turn meant for the applicant goes to the applicant's manager: nobody decides the own request."""
    holders = tuple(dict.fromkeys(now.manager_id if holder == now.applicant_id else holder for holder in holder_ids))
    if not holders:
        return Refuse(Why.NOBODY)
    if None in holders or now.applicant_id in holders:
        return Refuse(Why.NO_MANAGER)
    if turn is not None and turn.holder_id in holders:
        return Refuse(Why.TO_SELF)
    if _too_many(now, len(holders)):
        return Refuse(Why.TOO_MANY_STEPS)
    return Open(tuple(holder for holder in holders if holder), Mode.ONE if len(holders) == 1 else _several(mode))


def _several(mode: Mode) -> Mode:
    return Mode.ALL if mode is Mode.ONE else mode


def _too_many(now: Situation, more: int) -> bool:
    return len(now.turns) + more > MOST_STEPS and not now.is_admin
