"""Comments on versions: what may be said, by whom, who hears of it, who finds it, and what is left when it is taken back.

Over 400 lines because a comment's life is one story, told from its writing to its removal.
"""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from sync.library.comments import actions
from sync.library.comments.actions import Draft
from sync.library.comments.models import AssetComment
from sync.library.comments.queries import comments_view, people_to_mention
from sync.library.comments.rules import (
    AT_ONCE,
    CHANGEABLE_FOR,
    WORDS_LENGTH,
    Mark,
    Person,
    Refuse,
    Why,
    clean_words,
    decide_change,
    decide_mark,
    excerpt,
    named_in,
    pieces,
)
from sync.library.libraries.access import get_library
from sync.library.libraries.rules import Right
from tests.house import NOW, member_named
from tests.house import Person as Browser
from tests.sync.library.agents import delete, make_folder, rename
from tests.sync.library.conftest import Room
from tests.sync.library.grants import grant_member, grant_right
from tests.sync.library.test_pages import picture
from workspace.db import new_id
from workspace.errors import Conflict, InvalidInput, NotAllowed, NotFound, TooManyRequests
from workspace.people.models import Group

SignedIn = Callable[[str], Browser]
Opens = Callable[..., Any]


# --- rules ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("  标题太小 \r\n\r\n\r\n\r\n再大一点\t", "标题太小\n\n再大一点"),
        ("abc\u202egnp.exe\u202c\u2066x\u2069\u200f", "abcgnp.exex"),
        ("a\x00b\x1b[31mc\u2028d", "ab[31mcd"),
        ("家庭 👨‍👩‍👧", "家庭 👨‍👩‍👧"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        (" \u200b\ufeff\n ", ""),
    ],
    ids=["blank lines", "direction", "control", "joiners stay", "markup is text", "nothing"],
)
def test_words_when_cleaned_then_plain(raw: str, clean: str) -> None:
    assert clean_words(raw) == clean


def mark(x: Any = None, y: Any = None, w: Any = None, h: Any = None, time_ms: Any = None, **of: bool) -> Mark | Refuse:
    return decide_mark(x=x, y=y, w=w, h=h, time_ms=time_ms, **{"has_picture": True, "is_film": False, **of})


@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        (mark(), Mark()),
        (mark(0.0, 1.0), Mark(0.0, 1.0)),
        (mark(0.5, 0.5, 0.2, 0.1), Mark(0.5, 0.5, 0.2, 0.1)),
        (mark(0.75, 0.5, 0.5, 0.25), Mark(0.75, 0.5, 0.25, 0.25)),
        (mark(0.5, 0.5, 0.001, 0.3), Mark(0.5, 0.5)),
        (mark(1.01, 0.5), Refuse(Why.NO_PLACE)),
        (mark(float("nan"), 0.5), Refuse(Why.NO_PLACE)),
        (mark(0.5), Refuse(Why.NO_PLACE)),
        (mark(0.5, 0.5, 0.1), Refuse(Why.NO_PLACE)),
        (mark(w=0.1, h=0.1), Refuse(Why.NO_PLACE)),
        (mark(0.5, 0.5, has_picture=False), Refuse(Why.NO_PICTURE)),
        (mark(time_ms=1000), Refuse(Why.NO_FILM)),
        (mark(0.1, 0.1, time_ms=1000, is_film=True), Mark(0.1, 0.1, time_ms=1000)),
        (mark(time_ms=-1, is_film=True), Refuse(Why.NO_PLACE)),
    ],
)
def test_mark_when_decided_then_inside_the_picture_or_refused(asked: Mark | Refuse, kept: Mark | Refuse) -> None:
    assert asked == kept


def test_change_when_late_or_not_own_then_refused() -> None:
    def decided(**given: Any) -> Refuse | None:
        return decide_change(**{"own": True, "deleted": False, "created_at": NOW, "now": NOW + CHANGEABLE_FOR, **given})

    assert decided() is None
    assert decided(now=NOW + CHANGEABLE_FOR + timedelta(seconds=1)) == Refuse(Why.TOO_LATE)
    assert decided(own=False) == Refuse(Why.NOT_OWN)
    assert decided(deleted=True) == Refuse(Why.GONE)


def test_names_when_in_the_words_then_found_and_cut_out() -> None:
    ann, anna = Person("1", "陈"), Person("2", "陈墨")
    assert named_in("请 @陈墨 看", [anna, Person("3", "苏航")]) == [anna]
    assert pieces("请@陈墨看", [ann.name, anna.name]) == [("请", False), ("@陈墨", True), ("看", False)]
    assert excerpt("一\n二  三", 4) == "一 二…"


# --- writing ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def asset(room: Room, run_jobs: Any) -> Any:
    """A picture of 苏航's with its preview."""
    node = room.su.save(room.id, room.root, "主视觉.png", picture()).node
    run_jobs()
    return node


def draft(words: str = "标题太小", **more: Any) -> Draft:
    return Draft(words, more.pop("key", new_id()), **more)


def said(work_as: Opens, name: str, asset: Any, words: str = "标题太小", version: int = 1, **more: Any) -> str:
    with work_as(name) as work:
        return actions.add_comment(work, asset.id, version, draft(words, **more)).id


def answered(work_as: Opens, name: str, thread_id: str, words: str = "好", **more: Any) -> str:
    with work_as(name) as work:
        return actions.reply_to(work, thread_id, draft(words, **more)).id


def member_id(work_as: Opens, name: str) -> str:
    with work_as(name, writes=False) as work:
        return member_named(work, name).id


def let_comment(work_as: Opens, room: Room, name: str = "看图组") -> None:
    with work_as("林悦") as work:
        group = work.session.query(Group).filter_by(name=name).one()
        grant_right(work, get_library(work, room.id), group_id=group.id, right=Right.COMMENT)


def test_comment_when_written_with_a_place_then_kept_numbered_and_heard(room: Room, asset: Any, work_as: Opens) -> None:
    with work_as("陈墨") as work:
        comment = actions.add_comment(work, asset.id, 1, draft("标题太小", mark=Mark(0.25, 0.5, 0.1, 0.2)))
        event = work.recorded[0]
        assert (event.kind, event.subject) == ("library.comment.added", f"asset:{asset.id}")
        assert event.rooms == (f"library:{room.id}", "line:double-eleven")
        assert "标题太小" not in json.dumps(event.facts, ensure_ascii=False)
        assert (comment.number, comment.x, comment.h, comment.thread_id) == (1, 0.25, 0.2, comment.id)
    said(work_as, "苏航", asset)
    with work_as("林悦", writes=False) as work:
        view = comments_view(work, asset.id)
        assert [(thread.number, thread.place) for thread in view.groups[0].open] == [(2, ()), (1, (0.25, 0.5, 0.1, 0.2))]
        assert (view.open, view.may_comment, view.can_mark) == (2, False, False)


def test_comment_when_sent_twice_then_kept_once_and_other_words_are_not_lost(asset: Any, work_as: Opens) -> None:
    first = said(work_as, "陈墨", asset, key="k")
    assert said(work_as, "陈墨", asset, key="k") == first
    with pytest.raises(Conflict):
        said(work_as, "陈墨", asset, "另一句", key="k")
    assert said(work_as, "苏航", asset, key="k") != first
    with work_as("陈墨", writes=False) as work:
        assert comments_view(work, asset.id).open == 2


@pytest.mark.parametrize(
    ("words", "mark", "error"),
    [
        (" \n\u200b", Mark(), InvalidInput), ("字" * (WORDS_LENGTH + 1), Mark(), InvalidInput), ("x" * 100_000, Mark(), InvalidInput),
        ("x", Mark(2.0, 0.5), InvalidInput), ("x", Mark(time_ms=5), InvalidInput),
    ],
    ids=["empty", "too long", "100k", "outside", "no film"],
)  # fmt: skip
def test_comment_when_not_fit_then_refused_and_nothing_kept(asset: Any, work_as: Opens, words: str, mark: Mark, error: type) -> None:
    with pytest.raises(error), work_as("陈墨") as work:
        actions.add_comment(work, asset.id, 1, draft(words, mark=mark))
    with work_as("陈墨", writes=False) as work:
        assert work.session.scalars(select(AssetComment)).all() == []


def test_comment_when_too_fast_then_slowed_down(asset: Any, work_as: Opens) -> None:
    for _time in range(AT_ONCE):
        said(work_as, "陈墨", asset)
    with pytest.raises(TooManyRequests):
        said(work_as, "陈墨", asset)
    said(work_as, "苏航", asset)
    with work_as("陈墨", now=NOW + timedelta(minutes=2)) as work:
        actions.add_comment(work, asset.id, 1, draft())


def test_thread_when_resolved_then_no_reply_until_reopened(asset: Any, work_as: Opens) -> None:
    thread = said(work_as, "陈墨", asset)
    with work_as("苏航") as work:
        actions.settle_thread(work, thread, resolved=True)
    with work_as("苏航") as work:
        actions.settle_thread(work, thread, resolved=True)
        assert work.recorded == []
    with pytest.raises(Conflict):
        answered(work_as, "苏航", thread)
    with work_as("陈墨", writes=False) as work:
        view = comments_view(work, asset.id)
        assert (view.open, len(view.groups[0].settled), view.groups[0].settled[0].resolved_by_name) == (0, 1, "苏航")
    with work_as("陈墨") as work:
        actions.settle_thread(work, thread, resolved=False)
    answered(work_as, "苏航", thread)


def test_comment_when_edited_or_deleted_in_time_then_changed_and_a_trace_left(asset: Any, work_as: Opens) -> None:
    thread = said(work_as, "陈墨", asset, mark=Mark(0.1, 0.1))
    reply = answered(work_as, "苏航", thread)
    with work_as("陈墨") as work:
        actions.edit_comment(work, thread, words="标题再大些")
    for name in ("苏航", "林悦"):
        with pytest.raises(NotAllowed), work_as(name) as work:
            actions.edit_comment(work, thread, words="x")
        with pytest.raises(NotAllowed), work_as(name) as work:
            actions.delete_comment(work, thread)
    with work_as("陈墨") as work:
        actions.delete_comment(work, thread)
    with work_as("林悦", writes=False) as work:
        shown = comments_view(work, asset.id).groups[0].open[0]
        assert (shown.first.deleted, shown.first.words, shown.place) == (True, "", ())
        assert [row.id for row in shown.replies] == [reply]
        assert work.session.get_one(AssetComment, thread).words == ""
    with pytest.raises(Conflict), work_as("苏航", now=NOW + CHANGEABLE_FOR + timedelta(minutes=1)) as work:
        actions.delete_comment(work, reply)


def test_manager_when_deleting_anybodys_then_may(room: Room, asset: Any, work_as: Opens) -> None:
    thread = said(work_as, "苏航", asset)
    with work_as("林悦") as work:
        group = work.session.query(Group).filter_by(name="看图组").one()
        grant_right(work, get_library(work, room.id), group_id=group.id, right=Right.MANAGE)
    with work_as("林悦", now=NOW + timedelta(days=9)) as work:
        actions.delete_comment(work, thread)
    with work_as("苏航", writes=False) as work:
        assert comments_view(work, asset.id).groups[0].open[0].is_gone


def test_versions_when_others_are_shown_then_their_comments_stay_visible(room: Room, asset: Any, work_as: Opens) -> None:
    said(work_as, "陈墨", asset, "一")
    room.su.save(room.id, room.root, "主视觉.png", picture((400, 400)), node=asset.id, base=1)
    said(work_as, "陈墨", asset, "二", version=2)
    with work_as("林悦", writes=False) as work:
        assert [group.version for group in comments_view(work, asset.id).groups] == [2, 1]
        assert [group.version for group in comments_view(work, asset.id, number=1).groups] == [1, 2]
    with pytest.raises(NotFound):
        said(work_as, "陈墨", asset, version=3)


def test_comment_when_the_file_is_deleted_then_readable_and_closed(room: Room, asset: Any, work_as: Opens) -> None:
    said(work_as, "陈墨", asset)
    room.su.op(room.id, delete(asset.id, 1))
    with pytest.raises(Conflict):
        said(work_as, "陈墨", asset)
    with work_as("陈墨", writes=False) as work:
        assert (comments_view(work, asset.id).open, comments_view(work, asset.id).may_comment) == (1, False)


# --- mentions and notices ---------------------------------------------------------------------------------------------


def notices(signed_in: SignedIn, login: str) -> list[str]:
    return [notice["words"] for notice in signed_in(login).get("/api/notices").json["notices"] if "主视觉.png" in notice["words"]]


def test_mention_when_outsider_then_refused_with_the_reason_and_they_learn_nothing(
    asset: Any, work_as: Opens, run_jobs: Any, signed_in: SignedIn
) -> None:
    outsider = member_id(work_as, "赵宁")
    with pytest.raises(InvalidInput) as refused:
        said(work_as, "陈墨", asset, "@赵宁 看看", mentions=(outsider,))
    assert "赵宁不能查看这个文件" in str(refused.value.message)
    run_jobs()
    assert signed_in("zhaoning").get("/api/notices").json["notices"] == []
    with work_as("陈墨", writes=False) as work:
        assert [(person.name, person.sees) for person in people_to_mention(work, asset.id, "赵宁")] == [("赵宁", False)]
        assert {person.name for person in people_to_mention(work, asset.id, "")} == {"苏航", "林悦", "管力"}


def test_notices_when_commented_mentioned_and_resolved_then_once_to_whom_it_concerns(
    asset: Any, work_as: Opens, run_jobs: Any, signed_in: SignedIn
) -> None:
    thread = said(work_as, "陈墨", asset, "@林悦 请确认", mentions=(member_id(work_as, "林悦"), member_id(work_as, "陈墨")))
    run_jobs()
    assert notices(signed_in, "suhang") == ["陈墨 批注了“主视觉.png”版本 1"]
    assert notices(signed_in, "linyue") == ["陈墨 在“主视觉.png”的批注 1 中提到了林悦"]
    assert notices(signed_in, "chenmo") == []
    answered(work_as, "苏航", thread)
    run_jobs()
    assert notices(signed_in, "chenmo")[0] == "苏航 回复了“主视觉.png”上的批注 1"
    assert len(notices(signed_in, "linyue")) == 2
    with work_as("苏航") as work:
        actions.settle_thread(work, thread, resolved=True)
    run_jobs()
    assert notices(signed_in, "chenmo")[0] == "苏航 将“主视觉.png”上的批注 1 标为已解决"
    url = signed_in("chenmo").get("/api/notices").json["notices"][0]["url"]
    assert url == f"/library/assets/{asset.id}?version=1#comment-{thread}"


def test_mention_when_its_name_was_taken_out_of_the_words_then_nobody_is_called(asset: Any, work_as: Opens) -> None:
    said(work_as, "陈墨", asset, "算了", mentions=(member_id(work_as, "林悦"), member_id(work_as, "赵宁")))
    with work_as("陈墨", writes=False) as work:
        assert work.session.scalars(select(AssetComment.mentions)).all() == [[]]


# --- who sees what ----------------------------------------------------------------------------------------------------


def urls(asset: Any, thread: str) -> list[tuple[str, dict[str, str]]]:
    one = f"/library/comments/{thread}"
    return [
        (f"/library/assets/{asset.id}/comments", {"words": "x", "version": "1", "key": new_id()}),
        (f"{one}/replies", {"words": "x", "key": new_id()}), (f"{one}/words", {"words": "x"}), (f"{one}/deletion", {}),
        (f"{one}/resolution", {}),
    ]  # fmt: skip


def test_routes_when_stranger_reader_or_commenter_then_as_their_right_says(
    room: Room, asset: Any, work_as: Opens, signed_in: SignedIn
) -> None:
    thread = said(work_as, "陈墨", asset)
    reader, stranger = signed_in("linyue"), signed_in("zhaoning")
    fragments = [f"/library/assets/{asset.id}/comments{tail}" for tail in ("", "/threads", "/people")]
    assert [stranger.get(url).status_code for url in fragments] == [404] * 3
    assert [reader.get(url).status_code for url in fragments] == [200, 200, 403]
    assert [stranger.post(url, data).status_code for url, data in urls(asset, thread)] == [404] * 5
    assert [reader.post(url, data).status_code for url, data in urls(asset, thread)] == [403] * 5
    assert "comment-form" not in reader.get(fragments[0]).get_data(as_text=True)
    let_comment(work_as, room)
    assert [reader.post(url, data).status_code for url, data in urls(asset, thread)] == [200, 200, 403, 403, 200]
    assert "comment-form" in reader.get(fragments[0]).get_data(as_text=True)


def test_page_when_words_are_hostile_then_shown_as_text(asset: Any, signed_in: SignedIn) -> None:
    person = signed_in("chenmo")
    url = f"/library/assets/{asset.id}/comments"
    words = "<script>alert(1)</script> \u202eevil \"' onmouseover=x"
    page = person.post(url, {"words": words, "version": "1", "key": "k"}).get_data(as_text=True)
    assert "&lt;script&gt;alert(1)&lt;/script&gt; evil" in page
    assert "<script>alert" not in page
    too_long = person.post(url, {"words": "长" * 100_000, "version": "1", "key": "l"}, headers={"Accept": "application/json"})
    assert (too_long.status_code, list(too_long.json["error"]["facts"]["fields"])) == (422, ["words"])
    for field in ("nan", "1e999", "left"):
        assert person.post(url, {"words": "x", "version": "1", "key": field, "x": field, "y": "0"}).status_code == 422


# --- search -----------------------------------------------------------------------------------------------------------


def found(person: Browser, words: str) -> list[tuple[str, str]]:
    return [
        (thing["title"], thing["url"]) for thing in person.get(f"/api/search?q={words}").json if thing["subject"].startswith("comment:")
    ]


def test_search_when_written_changed_and_deleted_then_found_as_it_is_now(
    room: Room, asset: Any, work_as: Opens, run_jobs: Any, signed_in: SignedIn
) -> None:
    reader, stranger = signed_in("linyue"), signed_in("zhaoning")
    thread = said(work_as, "陈墨", asset, "利益点被标题压住了")
    assert found(reader, "被标题压") == [("利益点被标题压住了", f"/library/assets/{asset.id}?version=1#comment-{thread}")]
    assert found(stranger, "被标题压") == []
    with work_as("陈墨") as work:
        actions.edit_comment(work, thread, words="利益点看不见")
    assert (found(reader, "被标题压"), len(found(reader, "看不见"))) == ([], 1)
    room.su.op(room.id, rename(asset.id, room.root, "定稿海报.png"))
    run_jobs()
    assert len(found(reader, "定稿海报 看不见")) == 1
    room.su.op(room.id, delete(asset.id, 1))
    run_jobs()
    assert found(reader, "看不见") == []
    with work_as("陈墨") as work:
        actions.delete_comment(work, thread)


def test_page_when_its_reader_may_comment_from_now_on_then_what_it_keeps_of_the_comments_is_fetched_again(
    room: Room, asset: Any, work_as: Opens, signed_in: SignedIn
) -> None:
    reader, fragment = signed_in("linyue"), f"/library/assets/{asset.id}/fragment"
    kept = lambda: re.findall(r'id="comments" data-keep="([^"]*)"', reader.get(fragment).get_data(as_text=True))  # noqa: E731
    before = kept()
    assert kept() == before
    with work_as("林悦") as work:
        grant_member(work, room.root, "林悦", Right.COMMENT)
    assert (len(kept()), kept() != before) == (1, True)


# --- folders with grants of their own -----------------------------------------------------------------------------------


def test_folder_when_closed_to_somebody_then_its_comments_are_too(room: Room, work_as: Opens, run_jobs: Any, signed_in: SignedIn) -> None:
    folder = room.su.op(room.id, make_folder(room.root, "保密")).node
    node = room.su.save(room.id, folder.id, "主视觉.png", picture()).node
    said(work_as, "陈墨", node, "角标先不要公开")
    reader = signed_in("linyue")
    assert len(found(reader, "先不要公开")) == 1
    with work_as("林悦") as work:
        grant_member(work, folder.id, "林悦", Right.NONE)
    run_jobs()
    assert found(reader, "先不要公开") == []
    assert reader.get(f"/library/assets/{node.id}/comments").status_code == 404
    with pytest.raises(InvalidInput):
        said(work_as, "陈墨", node, "@林悦 看", mentions=(member_id(work_as, "林悦"),))
    with work_as("陈墨") as work:
        actions.add_comment(work, node.id, 1, draft("再说一句"))
        assert work.recorded[0].rooms == (f"library:{room.id}/{folder.id}",)
    assert found(reader, "再说一句") == []
    assert len(found(signed_in("suhang"), "再说一句")) == 1
