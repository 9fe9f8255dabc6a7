"""Through HTTP as each person: lists, the detail, every verb as a plain form, refusals in words."""

import html
import re
from collections.abc import Callable

import pytest

from main_lines.approvals.actions import approve_request, return_request
from tests.house import Person
from tests.main_lines.approvals.conftest import LEAVE, Clerk, WorkAs

SignedIn = Callable[[str], Person]
PHONE = {"User-Agent": "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/126.0 Mobile Safari/537.36 wxwork/4.1"}


def text_of(answer: object) -> str:
    return html.unescape(answer.get_data(as_text=True))  # type: ignore[attr-defined]


def form_of(page: str, action: str) -> dict[str, str]:
    """The hidden fields of the form that posts there."""
    found = re.search(rf'<form[^>]*action="{re.escape(action)}".*?</form>', page, re.S)
    assert found, action
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', found.group(0)))


@pytest.mark.parametrize("headers", [{}, PHONE], ids=["full frame", "phone frame"])
def test_inbox_when_something_waits_then_listed_and_counted(clerk: Clerk, signed_in: SignedIn, headers: dict[str, str]) -> None:
    approval_id = clerk.submit("陈墨")
    page = text_of(signed_in("chenmo").get("/approvals", headers=headers))
    assert f'href="/approvals/{approval_id}"' in page
    assert '待办 <span class="nav-count">1</span>' in page
    assert ("/vendor/base-" in page) is not bool(headers)
    others = text_of(signed_in("zhaoning").get("/approvals", headers=headers))
    assert approval_id not in others
    assert "没有待办的审批" in others


def test_tabs_when_passed_through_then_each_person_finds_it_in_theirs(clerk: Clerk, work_as: WorkAs, signed_in: SignedIn) -> None:
    approval_id = clerk.submit("陈墨")
    with work_as("陈墨") as work:
        approve_request(work, approval_id, step_id=clerk.step(approval_id, "陈墨"), to=[clerk.id_of("林悦")])
    for login, tab in (("linyue", "todo"), ("chenmo", "done"), ("suhang", "mine")):
        person = signed_in(login)
        found = [
            name for name in ("todo", "done", "mine", "cc") if approval_id in text_of(person.get(f"/approvals/list/fragment?tab={name}"))
        ]
        assert found == [tab], login


@pytest.mark.parametrize("headers", [{}, PHONE], ids=["full frame", "phone frame"])
def test_approval_when_opened_from_a_link_then_two_posts_away_without_script(
    clerk: Clerk, signed_in: SignedIn, headers: dict[str, str]
) -> None:
    approval_id = clerk.submit("陈墨")
    person = signed_in("chenmo")
    page = text_of(person.get(f"/approvals/{approval_id}?sheet=approve", headers=headers))
    assert re.search(r'<dialog class="sheet" id="sheet-approve"[^>]* open>', page)
    fields = form_of(page, f"/approvals/{approval_id}/finish")
    answer = person.post(f"/approvals/{approval_id}/finish", data=fields, headers=headers)
    assert (answer.status_code, answer.location) == (303, f"/approvals?after={approval_id}")
    after = text_of(person.get(answer.location, headers=headers))
    assert "国庆请假" in after
    assert "您已于" in after
    assert person.post(f"/approvals/{approval_id}/finish", data=fields).status_code == 303, "the same form sent again is answered again"


def test_acting_when_more_waits_then_the_next_opens(clerk: Clerk, signed_in: SignedIn) -> None:
    first, second = clerk.submit("陈墨"), clerk.submit("陈墨", title="第二项")
    person = signed_in("chenmo")
    data = {"step": clerk.step(first, "陈墨"), "phrase": "请补充证明", "reason": "还缺医院证明", "key": "k"}
    answer = person.post(f"/approvals/{first}/reject", data=data)
    assert answer.location == f"/approvals/{second}?after={first}"
    assert "请补充证明；还缺医院证明" in text_of(person.get(f"/approvals/{first}"))


@pytest.mark.parametrize("verb", ["reject", "return"])
def test_refusal_when_no_reason_is_given_then_the_sheet_opens_again(clerk: Clerk, signed_in: SignedIn, verb: str) -> None:
    approval_id = clerk.submit("陈墨")
    answer = signed_in("chenmo").post(f"/approvals/{approval_id}/{verb}", data={"step": clerk.step(approval_id, "陈墨"), "key": "k"})
    assert answer.status_code == 422
    assert re.search(rf'id="sheet-{verb}"[^>]* open>', text_of(answer))
    assert "请填写理由" in text_of(answer)
    assert clerk.states(approval_id) == {"陈墨": "pending"}


def test_late_form_when_somebody_was_first_then_409_with_the_fresh_state(clerk: Clerk, work_as: WorkAs, signed_in: SignedIn) -> None:
    approval_id = clerk.submit("陈墨")
    step_id = clerk.step(approval_id, "陈墨")
    person = signed_in("chenmo")
    with work_as("陈墨") as work:
        return_request(work, approval_id, step_id=step_id, reason="请改")
    answer = person.post(f"/approvals/{approval_id}/finish", data={"step": step_id, "key": "late"})
    page = text_of(answer)
    assert answer.status_code == 409
    assert "这项审批已经有了结果" in page
    assert "退回" in page
    assert "sheet-approve" not in page


@pytest.mark.parametrize(
    "path",
    ["", "/fragment", "/edit", "/people/pass-on", "/people/transfer", "/people/cc", "/asset/thumb", "/asset/content"],
)
def test_page_when_asked_by_a_stranger_then_absent(clerk: Clerk, signed_in: SignedIn, path: str) -> None:
    approval_id = clerk.submit("陈墨")
    stranger = signed_in("zhaoning")
    assert stranger.get(f"/approvals/{approval_id}{path}").status_code == 404
    assert stranger.get(f"/approvals/{'0' * 26}{path}").status_code == 404


@pytest.mark.parametrize(
    "path", ["finish", "reject", "return", "recall", "comment", "remind", "people/pass-on", "people/transfer", "people/cc", "edit"]
)
def test_verb_when_posted_by_a_stranger_then_absent(clerk: Clerk, signed_in: SignedIn, path: str) -> None:
    approval_id = clerk.submit("陈墨")
    data = {"step": clerk.step(approval_id, "陈墨"), "to": clerk.id_of("何青"), "reason": "x", "words": "x", "title": "x", "key": "k"}
    assert signed_in("zhaoning").post(f"/approvals/{approval_id}/{path}", data=data).status_code == 404
    assert clerk.states(approval_id) == {"陈墨": "pending"}


def test_people_when_searched_then_the_chosen_stay_and_passing_on_opens_their_step(clerk: Clerk, signed_in: SignedIn) -> None:
    approval_id = clerk.submit("陈墨")
    person = signed_in("chenmo")
    here = f"/approvals/{approval_id}/people/pass-on"
    page = text_of(person.get(f"{here}?q=北京&to={clerk.id_of('吴昊')}"))
    assert re.search(rf'value="{clerk.id_of("吴昊")}" checked', page)
    assert clerk.id_of("林悦") in page
    assert clerk.id_of("苏航") not in page, "the applicant cannot be next"
    data = {**form_of(page, here), "to": [clerk.id_of("吴昊"), clerk.id_of("林悦")], "mode": "any"}
    assert person.post(here, data=data).status_code == 303
    assert clerk.states(approval_id) == {"陈墨": "approved", "吴昊": "pending", "林悦": "pending"}


@pytest.mark.parametrize("asked", ["墨 " * 1500, "墨" * 60_000], ids=["words", "letters"])
def test_people_when_searched_by_far_too_much_then_no_failure(clerk: Clerk, signed_in: SignedIn, asked: str) -> None:
    approval_id, person = clerk.submit("陈墨"), signed_in("chenmo")
    answer = person.post(f"/approvals/{approval_id}/people/pass-on", data={"find": "1", "q": asked})
    assert answer.status_code == 200


def test_people_when_nobody_is_chosen_then_asked_again(clerk: Clerk, signed_in: SignedIn) -> None:
    approval_id = clerk.submit("陈墨")
    data = {"step": clerk.step(approval_id, "陈墨"), "key": "k"}
    for purpose in ("pass-on", "transfer", "cc"):
        answer = signed_in("chenmo").post(f"/approvals/{approval_id}/people/{purpose}", data=data)
        assert answer.status_code == 422, purpose
        assert "请选择处理人" in text_of(answer)
    assert clerk.states(approval_id) == {"陈墨": "pending"}


def test_new_when_filled_in_then_sent_to_the_first_holder(clerk: Clerk, signed_in: SignedIn) -> None:
    person = signed_in("suhang")
    assert "素材定稿" in text_of(person.get("/approvals/new"))
    page = text_of(person.get("/approvals/new?template=leave"))
    data = {
        **form_of(page, "/approvals/new"),
        "title": "请假",
        "to": clerk.id_of("陈墨"),
        **{f"f_{name}": text for name, text in LEAVE.items()},
    }
    first = person.post("/approvals/new", data=data)
    assert first.status_code == 303
    assert person.post("/approvals/new", data=data).location == first.location, "a resend makes no second request"
    refused = person.post("/approvals/new", data={**data, "key": "other", "f_from": "2026-12-01"})
    assert refused.status_code == 422
    assert "结束日期早于开始日期" in text_of(refused)
    assert 'value="2026-12-01"' in text_of(refused)
    assert person.get("/approvals/new?template=no-such").status_code == 404


def test_returned_when_edited_then_the_next_round_begins(clerk: Clerk, work_as: WorkAs, signed_in: SignedIn) -> None:
    approval_id = clerk.submit("陈墨")
    with work_as("陈墨") as work:
        return_request(work, approval_id, step_id=clerk.step(approval_id, "陈墨"), reason="请改日期")
    person = signed_in("suhang")
    here = f"/approvals/{approval_id}/edit"
    assert f'href="{here}"' in text_of(person.get(f"/approvals/{approval_id}"))
    page = text_of(person.get(here))
    assert "家事" in page
    data = {**form_of(page, here), "title": "请假", "to": clerk.id_of("陈墨"), **{f"f_{name}": text for name, text in LEAVE.items()}}
    assert person.post(here, data=data).status_code == 303
    assert "第 2 轮" in text_of(person.get(f"/approvals/{approval_id}"))
    assert signed_in("chenmo").get(here).status_code == 403


def test_detail_when_opened_then_the_list_beside_it_is_the_one_that_holds_it(clerk: Clerk, work_as: WorkAs, signed_in: SignedIn) -> None:
    approval_id = clerk.submit("陈墨")
    beside = lambda login: re.findall(r"list/fragment\?tab=(\w+)&", text_of(signed_in(login).get(f"/approvals/{approval_id}")))  # noqa: E731
    assert (beside("suhang"), beside("chenmo")) == (["mine"], ["todo"])
    with work_as("陈墨") as work:
        approve_request(work, approval_id, step_id=clerk.step(approval_id, "陈墨"))
    assert beside("chenmo") == ["done"]


def test_text_when_hostile_then_shown_as_text(clerk: Clerk, signed_in: SignedIn) -> None:
    nasty = "<script>alert(1)</script>' \" {{ 7*7 }}"
    approval_id = clerk.submit("陈墨", title=nasty)
    person = signed_in("chenmo")
    person.post(f"/approvals/{approval_id}/comment", data={"words": nasty, "key": "k"})
    for url in (f"/approvals/{approval_id}", "/approvals", f"/approvals/{approval_id}/people/pass-on?q={nasty}"):
        raw = person.get(url).get_data(as_text=True)
        assert "<script>alert" not in raw
        assert "&lt;script&gt;alert" in raw


def test_text_when_it_hides_or_turns_what_follows_then_sent_and_kept_as_it_is_seen(clerk: Clerk, signed_in: SignedIn) -> None:
    """Whoever signs reads what was written; by page and by API alike."""
    applicant, holder = signed_in("suhang"), signed_in("chenmo")
    turned, seen = "年\u202e假\x07\u200b", "年假"
    form = leave_form(clerk, title=turned, f_reason=turned, f_kind=turned)
    by_page = str(applicant.post("/approvals/new", data=form).location).partition("?")[0].rpartition("/")[2]
    body = {"template": "leave", "title": turned, "to": [clerk.id_of("陈墨")], "values": LEAVE | {"kind": turned, "reason": turned}}
    by_api = applicant.post("/api/approvals", json=body).get_json()["approval_id"]
    holder.post(f"/approvals/{by_page}/comment", data={"words": turned, "key": "k"})
    holder.post(f"/api/approvals/{by_api}/comment", json={"words": turned})
    for approval_id in (by_page, by_api):
        shown = holder.get(f"/api/approvals/{approval_id}").get_json()
        assert (shown["title"], set(shown["fields"].values()) - {""}) == (seen, {seen, LEAVE["from"], LEAVE["to"]})
        assert {moment["comment"] for moment in shown["timeline"]} == {"", seen}
    step = clerk.step(by_page, "陈墨")
    assert holder.post(f"/approvals/{by_page}/reject", data={"step": step, "reason": "\u200b\u202e"}).status_code == 422
    assert holder.post(f"/api/approvals/{by_page}/reject", json={"step_id": step, "reason": "\u200b\u202e"}).status_code == 422


def test_home_when_something_waits_then_the_fragment_shows_it(clerk: Clerk, signed_in: SignedIn) -> None:
    approval_id = clerk.submit("陈墨")
    assert approval_id in text_of(signed_in("chenmo").get("/approvals/inbox/fragment"))
    assert "没有待办的审批" in text_of(signed_in("suhang").get("/approvals/inbox/fragment"))


def test_api_when_used_then_same_rules_and_stored_replies(clerk: Clerk, signed_in: SignedIn) -> None:
    applicant, holder = signed_in("suhang"), signed_in("chenmo")
    body = {
        "template": "ad_spend",
        "title": "加投",
        "to": [clerk.id_of("陈墨")],
        "values": {"amount": "99.90", "plan": "p", "from": "2026-11-01", "to": "2026-11-02", "goal": "g"},
    }
    made = applicant.post("/api/approvals", json=body, headers={"Idempotency-Key": "n1"})
    assert made.status_code == 201
    approval_id = made.get_json()["approval_id"]
    assert applicant.post("/api/approvals", json=body, headers={"Idempotency-Key": "n1"}).get_json() == made.get_json()
    shown = holder.get(f"/api/approvals/{approval_id}").get_json()
    assert (shown["amount"], shown["verbs"]) == ("99.90", ["cc", "comment", "finish", "pass_on", "reject", "return", "transfer"])
    assert holder.get("/api/approvals?tab=todo").get_json()["counts"]["todo"] == 1
    assert applicant.post(f"/api/approvals/{approval_id}/finish", json={"step_id": shown["step_id"]}).status_code == 403
    done = holder.post(f"/api/approvals/{approval_id}/finish", json={"step_id": shown["step_id"]})
    assert done.get_json()["state"] == "approved"
    late = holder.post(f"/api/approvals/{approval_id}/reject", json={"step_id": shown["step_id"], "reason": "不行"})
    assert late.status_code == 409
    assert "您已于" in late.get_json()["error"]["message"]
    assert signed_in("zhaoning").get(f"/api/approvals/{approval_id}").status_code == 404


def leave_form(clerk: Clerk, **more: object) -> dict[str, object]:
    fields = {f"f_{name}": value for name, value in LEAVE.items()}
    return {"template": "leave", "key": "k1", "title": "国庆请假", "to": clerk.id_of("陈墨"), **fields, **more}


@pytest.mark.parametrize("more", [{"f_reason": ""}, {"find": "1", "q": "北京"}], ids=["refused", "searching people"])
def test_form_when_shown_again_then_everything_typed_is_there(clerk: Clerk, signed_in: SignedIn, more: dict[str, str]) -> None:
    person = signed_in("suhang")
    answer = person.post("/approvals/new", data=leave_form(clerk, **more))
    page = text_of(answer)
    assert answer.status_code == (200 if "find" in more else 422)
    for name in ("from", "to"):
        assert re.search(rf'type="date" value="{LEAVE[name]}" id="f_{name}"', page), name
    assert re.search(rf'value="{clerk.id_of("陈墨")}" checked', page)
    assert "国庆请假" in page
    assert "没有发起过" in text_of(person.get("/approvals?tab=mine")), "nothing was sent"


def test_edit_when_people_are_searched_then_the_changed_form_stays(clerk: Clerk, work_as: WorkAs, signed_in: SignedIn) -> None:
    approval_id = clerk.submit("陈墨")
    with work_as("陈墨") as work:
        return_request(work, approval_id, step_id=clerk.step(approval_id, "陈墨"), reason="请改期")
    person = signed_in("suhang")
    data = leave_form(clerk, find="1", q="林", title="改过的标题", f_to="2026-10-12")
    page = text_of(person.post(f"/approvals/{approval_id}/edit", data=data))
    assert "改过的标题" in page
    assert 'value="2026-10-12"' in page
    assert 'name="csrf_token"' in page
    assert 'formmethod="get"' not in page, "the token would stand in the address"


def test_people_when_searched_by_the_button_then_nothing_is_decided(clerk: Clerk, signed_in: SignedIn) -> None:
    approval_id = clerk.submit("陈墨")
    person = signed_in("chenmo")
    data = {"step": clerk.step(approval_id, "陈墨"), "key": "k", "find": "1", "q": "林", "to": clerk.id_of("吴昊"), "comment": "请看"}
    page = text_of(person.post(f"/approvals/{approval_id}/people/pass-on", data=data))
    assert re.search(rf'value="{clerk.id_of("吴昊")}" checked', page)
    assert 'value="请看"' in page
    assert clerk.states(approval_id) == {"陈墨": "pending"}


def test_comment_when_too_long_then_kept_and_named(clerk: Clerk, signed_in: SignedIn) -> None:
    approval_id = clerk.submit("陈墨")
    answer = signed_in("suhang").post(f"/approvals/{approval_id}/comment", data={"words": "长" * 2001, "key": "k"})
    assert answer.status_code == 422
    assert "长" * 2001 in text_of(answer)
    assert "最多 2000 个字" in text_of(answer)


def test_cc_when_no_field_is_filled_then_still_shown(clerk: Clerk, signed_in: SignedIn) -> None:
    approval_id = clerk.submit("陈墨")
    person = signed_in("suhang")
    person.post(f"/approvals/{approval_id}/people/cc", data={"to": clerk.id_of("何青"), "key": "k"})
    assert re.search(r"<dt>抄送</dt>\s*<dd>何青</dd>", text_of(person.get(f"/approvals/{approval_id}")))


@pytest.mark.parametrize("version", [0, 2**31, 10**30])
def test_api_when_the_version_is_out_of_range_then_named(clerk: Clerk, signed_in: SignedIn, version: int) -> None:
    body = {"template": "asset_sign_off", "title": "定稿", "to": [clerk.id_of("陈墨")], "asset_id": "a" * 26, "version": version}
    answer = signed_in("suhang").post("/api/approvals", json=body)
    assert answer.status_code == 422
    assert list(answer.get_json()["error"]["facts"]["fields"]) == ["version"]
