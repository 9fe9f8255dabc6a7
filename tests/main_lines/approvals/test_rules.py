"""The rules of free flow: both directions of every table, and every verb by everyone who may not."""

from dataclasses import replace

import pytest

from main_lines.approvals.rules import (
    HOLDER_VERBS,
    MOST_STEPS,
    REQUEST_MOVES,
    STEP_MOVES,
    Decision,
    Mode,
    Move,
    Open,
    Refuse,
    RequestState,
    Situation,
    StepState,
    Turn,
    Verb,
    Why,
    decide_approve,
    decide_comment,
    decide_recall,
    decide_reject,
    decide_remind,
    decide_return,
    decide_submit,
    decide_transfer,
    open_verbs,
)

RUNNING = Situation(
    RequestState.RUNNING,
    applicant_id="suhang",
    actor_id="chenmo",
    turns=(Turn("s1", "chenmo", StepState.PENDING, "n1"),),
    manager_id="linyue",
)


def both(mode: Mode, *, first: StepState = StepState.PENDING, asks_for: tuple[str, ...] = ()) -> Situation:
    """Chen Mo and Zhao Ning hold one node; Zhao Ning acts."""
    turns = (Turn("s1", "chenmo", first, "n1", mode, asks_for), Turn("s2", "zhaoning", StepState.PENDING, "n1", mode))
    return replace(RUNNING, actor_id="zhaoning", turns=turns)


def tried(now: Situation, verb: Verb) -> Decision:
    """The verb as well meant as possible."""
    return {
        Verb.SUBMIT: lambda: decide_submit(now, ["heqing"]),
        Verb.PASS_ON: lambda: decide_approve(now, "s1", ["heqing"]),
        Verb.FINISH: lambda: decide_approve(now, "s1"),
        Verb.REJECT: lambda: decide_reject(now, "s1", "不行"),
        Verb.RETURN: lambda: decide_return(now, "s1", "请改"),
        Verb.RECALL: lambda: decide_recall(now),
        Verb.TRANSFER: lambda: decide_transfer(now, "s1", "heqing"),
    }[verb]()


MOVING = [Verb.SUBMIT, *HOLDER_VERBS, Verb.RECALL]


@pytest.mark.parametrize("verb", MOVING)
@pytest.mark.parametrize("state", list(RequestState))
def test_request_when_verb_is_tried_in_every_state_then_only_the_table_moves(state: RequestState, verb: Verb) -> None:
    actor = "suhang" if verb in (Verb.SUBMIT, Verb.RECALL) else "chenmo"
    decision = tried(replace(RUNNING, state=state, actor_id=actor), verb)
    expected = REQUEST_MOVES.get((state, verb))
    if expected is None:
        assert decision == Refuse(Why.CLOSED)
    else:
        assert isinstance(decision, Move)
        assert decision.state is expected


@pytest.mark.parametrize("verb", HOLDER_VERBS)
@pytest.mark.parametrize("state", list(StepState))
def test_step_when_verb_is_tried_in_every_state_then_only_pending_moves(state: StepState, verb: Verb) -> None:
    decision = tried(replace(RUNNING, turns=(Turn("s1", "chenmo", state, "n1"),)), verb)
    expected = STEP_MOVES.get((state, verb))
    if expected is None:
        assert decision == Refuse(Why.STEP_CLOSED)
    else:
        assert isinstance(decision, Move)
        assert decision.own == ("s1", expected)


@pytest.mark.parametrize(
    ("verb", "actor", "why"),
    [
        *[(verb, actor, Why.NOT_HOLDER) for verb in HOLDER_VERBS for actor in ("zhaoning", "suhang", "")],
        *[(Verb.RECALL, actor, Why.NOT_APPLICANT) for actor in ("chenmo", "zhaoning", "")],
        *[(Verb.SUBMIT, actor, Why.NOT_APPLICANT) for actor in ("chenmo", "zhaoning", "")],
    ],
)
def test_verb_when_tried_by_somebody_else_then_refused(verb: Verb, actor: str, why: Why) -> None:
    assert tried(replace(RUNNING, actor_id=actor), verb) == Refuse(why)


@pytest.mark.parametrize("verb", [Verb.PASS_ON, Verb.FINISH])
def test_applicant_when_holding_the_own_request_then_may_not_approve_it(verb: Verb) -> None:
    own = replace(RUNNING, actor_id="suhang", turns=(Turn("s1", "suhang", StepState.PENDING, "n1"),))
    assert tried(own, verb) == Refuse(Why.OWN_REQUEST)
    assert not {Verb.FINISH, Verb.PASS_ON} & open_verbs(own)


def test_turn_when_meant_for_the_applicant_then_goes_to_the_manager() -> None:
    assert decide_approve(RUNNING, "s1", ["suhang"]) == Move(
        RequestState.RUNNING, own=("s1", StepState.APPROVED), opens=Open(("linyue",), Mode.ONE)
    )
    assert decide_approve(replace(RUNNING, manager_id=None), "s1", ["suhang"]) == Refuse(Why.NO_MANAGER)
    assert decide_approve(replace(RUNNING, manager_id="suhang"), "s1", ["suhang"]) == Refuse(Why.NO_MANAGER)


@pytest.mark.parametrize("reason", ["", "   ", "\n"])
def test_refusal_when_no_reason_is_given_then_refused(reason: str) -> None:
    assert decide_reject(RUNNING, "s1", reason) == Refuse(Why.NO_REASON)
    assert decide_return(RUNNING, "s1", reason) == Refuse(Why.NO_REASON)
    assert decide_comment(reason) == Refuse(Why.NO_WORDS)


@pytest.mark.parametrize(
    ("to", "why"), [("", Why.NOBODY), ("chenmo", Why.TO_SELF), ("suhang", Why.TO_APPLICANT)], ids=["nobody", "oneself", "applicant"]
)
def test_transfer_when_the_target_does_not_fit_then_refused(to: str, why: Why) -> None:
    assert decide_transfer(RUNNING, "s1", to) == Refuse(why)


def test_transfer_when_the_target_sits_in_the_same_node_then_refused() -> None:
    assert decide_transfer(both(Mode.ALL), "s2", "chenmo") == Refuse(Why.TO_SIBLING)
    assert decide_transfer(both(Mode.ALL, first=StepState.APPROVED), "s2", "chenmo") == Refuse(Why.TO_SIBLING)


def test_transfer_when_allowed_then_the_new_step_joins_the_node() -> None:
    decision = decide_transfer(both(Mode.ALL), "s2", "heqing")
    assert decision == Move(RequestState.RUNNING, own=("s2", StepState.TRANSFERRED), opens=Open(("heqing",), Mode.ALL), joins="n1")


def test_countersign_when_others_have_yet_to_sign_then_just_signs() -> None:
    assert decide_approve(both(Mode.ALL), "s2") == Move(RequestState.RUNNING, own=("s2", StepState.APPROVED), signed_only=True)


def test_countersign_when_the_last_signs_and_nobody_asked_for_anybody_then_finished() -> None:
    assert decide_approve(both(Mode.ALL, first=StepState.APPROVED), "s2") == Move(RequestState.APPROVED, own=("s2", StepState.APPROVED))


def test_countersign_when_an_earlier_signer_asked_for_somebody_then_the_last_signature_passes_on() -> None:
    now = both(Mode.ALL, first=StepState.APPROVED, asks_for=("heqing",))
    assert decide_approve(now, "s2") == Move(RequestState.RUNNING, own=("s2", StepState.APPROVED), opens=Open(("heqing",), Mode.ONE))
    both_asked = decide_approve(now, "s2", ["wuhao", "heqing"])
    assert isinstance(both_asked, Move)
    assert both_asked.opens == Open(("heqing", "wuhao"), Mode.ALL)


def test_countersign_when_a_signer_asked_for_another_signer_then_that_wish_is_met_already() -> None:
    now = both(Mode.ALL, first=StepState.APPROVED, asks_for=("zhaoning",))
    assert decide_approve(now, "s2") == Move(RequestState.APPROVED, own=("s2", StepState.APPROVED))


@pytest.mark.parametrize("mode", [Mode.ALL, Mode.ANY])
def test_node_when_one_rejects_then_it_ends(mode: Mode) -> None:
    assert decide_reject(both(mode), "s2", "不行") == Move(
        RequestState.REJECTED, own=("s2", StepState.REJECTED), others=(("s1", StepState.DONE),)
    )


def test_any_when_the_first_approves_then_the_others_are_done() -> None:
    assert decide_approve(both(Mode.ANY), "s2") == Move(
        RequestState.APPROVED, own=("s2", StepState.APPROVED), others=(("s1", StepState.DONE),)
    )


def test_return_when_siblings_are_open_then_they_are_cancelled() -> None:
    assert decide_return(both(Mode.ALL), "s2", "请改") == Move(
        RequestState.RETURNED, own=("s2", StepState.RETURNED), others=(("s1", StepState.CANCELLED),)
    )


def test_recall_when_running_then_every_open_step_is_cancelled() -> None:
    assert decide_recall(replace(both(Mode.ALL), actor_id="suhang")) == Move(
        RequestState.RECALLED, others=(("s1", StepState.CANCELLED), ("s2", StepState.CANCELLED))
    )


def test_finish_when_a_mandatory_role_has_not_signed_then_only_passing_on_is_open() -> None:
    now = replace(RUNNING, missing_roles=("财务",))
    assert decide_approve(now, "s1") == Refuse(Why.MISSING_ROLES)
    assert isinstance(decide_approve(now, "s1", ["heqing"]), Move)


def test_steps_when_thirty_are_used_then_only_the_admin_goes_on() -> None:
    used = tuple(Turn(f"u{n}", "x", StepState.APPROVED, f"u{n}") for n in range(MOST_STEPS - 1))
    full = replace(RUNNING, turns=(*used, *RUNNING.turns))
    assert decide_approve(full, "s1", ["heqing"]) == Refuse(Why.TOO_MANY_STEPS)
    assert decide_transfer(full, "s1", "heqing") == Refuse(Why.TOO_MANY_STEPS)
    assert isinstance(decide_approve(full, "s1"), Move)
    assert isinstance(decide_approve(replace(full, is_admin=True), "s1", ["heqing"]), Move)


@pytest.mark.parametrize(("ago_s", "allowed"), [(None, True), (3600.0, True), (3599.0, False), (0.0, False)])
def test_reminder_when_within_the_hour_then_refused(ago_s: float | None, allowed: bool) -> None:
    assert (decide_remind(RUNNING, ago_s) is None) is allowed


def test_submit_when_several_holders_then_they_countersign_unless_told_otherwise() -> None:
    draft = replace(RUNNING, state=RequestState.DRAFT, actor_id="suhang", turns=())
    assert decide_submit(draft, ["chenmo", "linyue", "chenmo"]) == Move(RequestState.RUNNING, opens=Open(("chenmo", "linyue"), Mode.ALL))
    assert decide_submit(draft, ["chenmo", "linyue"], Mode.ANY) == Move(RequestState.RUNNING, opens=Open(("chenmo", "linyue"), Mode.ANY))
    assert decide_submit(draft, []) == Refuse(Why.NOBODY)


@pytest.mark.parametrize(
    ("actor", "state", "verbs"),
    [
        ("chenmo", RequestState.RUNNING, {Verb.FINISH, Verb.PASS_ON, Verb.REJECT, Verb.RETURN, Verb.TRANSFER, Verb.COMMENT, Verb.CC}),
        ("suhang", RequestState.RUNNING, {Verb.RECALL, Verb.REMIND, Verb.COMMENT, Verb.CC}),
        ("suhang", RequestState.RETURNED, {Verb.SUBMIT, Verb.COMMENT, Verb.CC}),
        ("zhaoning", RequestState.RUNNING, {Verb.REMIND, Verb.COMMENT, Verb.CC}),
        ("chenmo", RequestState.APPROVED, {Verb.COMMENT, Verb.CC}),
    ],
    ids=["holder", "applicant", "applicant-returned", "cc", "closed"],
)
def test_page_when_asked_what_is_open_then_offers_exactly_that(actor: str, state: RequestState, verbs: set[Verb]) -> None:
    assert open_verbs(replace(RUNNING, actor_id=actor, state=state)) == verbs


def test_countersign_when_an_earlier_wish_means_the_last_signer_then_it_is_met() -> None:
    """The applicant's turn goes to the manager, who is the last to sign here; gone managers are nobody to wait for."""
    now = replace(both(Mode.ALL, first=StepState.APPROVED, asks_for=("suhang",)), manager_id="zhaoning")
    finished = Move(RequestState.APPROVED, own=("s2", StepState.APPROVED))
    assert decide_approve(now, "s2") == finished
    assert decide_approve(replace(now, manager_id=None), "s2") == finished
    assert decide_approve(replace(now, manager_id="heqing"), "s2") == replace(
        finished, state=RequestState.RUNNING, opens=Open(("heqing",), Mode.ONE)
    )
