"""Posts: whom they tell, what is left of a withdrawn one, who may see an attached file, what is unread."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from main_lines.feed.access import get_post
from main_lines.feed.actions import post_progress, read_posts, withdraw_post
from main_lines.feed.holding import held_by_posts
from main_lines.feed.models import PostEvent, ProgressPost
from main_lines.feed.queries import (
    FEED_PAGE,
    PostView,
    line_events,
    line_feed,
    line_feed_after,
    line_feed_at,
    line_feed_since,
    readers,
    thread_of,
    unread_by_line,
    unread_of,
)
from main_lines.feed.rules import LOUD_AN_HOUR, LOUD_LEAST, Part
from main_lines.lines.access import get_line
from main_lines.lines.actions import add_line_member, remove_line_member
from main_lines.tasks.access import get_task
from main_lines.tasks.actions import Draft, sign_task, write_tasks
from main_lines.tasks.bulk import sign_tasks
from sync.library.assets.actions import save_upload
from sync.library.assets.models import Node
from sync.library.libraries.actions import open_library
from sync.library.libraries.models import Library
from sync.library.storage import ObjectStore
from tests.contracts.library_contract import manifest_for
from tests.fakes.store import MemoryStore
from tests.house import NOW
from tests.main_lines.conftest import INSIDE, OUTSIDE, Story
from workspace.errors import Conflict, InvalidInput, NotAllowed, NotFound, TooManyRequests
from workspace.events.models import Event
from workspace.notices.models import Notice
from workspace.notices.queries import list_notices
from workspace.parts import Parts
from workspace.people.actions import make_group
from workspace.people.models import Member
from workspace.search.queries import find

Says = Callable[..., str]


@pytest.fixture
def say(work_as: Callable, story: Story) -> Says:
    """``say("苏航", "…")`` — id of a new post in the shared line."""

    def said(who: str, text: str, *, task: str = "", now: object = NOW, **more: object) -> str:
        with work_as(who, now=now) as work:
            return post_progress(work, story.line_id, text=text, about=task or None, **more).id

    return said


def views(work, story: Story) -> list[PostView]:
    return [row.post for row in line_feed(work, get_line(work, story.line_id)).rows if hasattr(row, "post")]


def unread(work_as: Callable, story: Story, name: str) -> int:
    with work_as(name, writes=False) as work:
        return unread_by_line(work).get(f"/lines/{story.line_id}", -1)


def told(work_as: Callable, run_jobs: Callable) -> dict[str, bool]:
    """Who has a notice of a post: name -> asked to act."""
    run_jobs()
    with work_as("林悦", writes=False) as work:
        query = select(Member.name, Notice.asks).join(Member, Member.id == Notice.member_id).join(Event, Event.seq == Notice.seq)
        return {row.name: row.asks for row in work.session.execute(query.where(Event.kind.startswith("main_lines.post.")))}


def test_feed_when_paged_then_every_event_once_and_nothing_missing(work_as: Callable, story: Story) -> None:
    for number in range(7):
        with work_as("苏航") as work:
            post_progress(work, story.line_id, text=f"第 {number} 条")
    with work_as("赵宁", writes=False) as work:
        line = get_line(work, story.line_id)
        first = line_feed(work, line, limit=3)
        kept = line_feed_since(work, line, first.oldest)
        seqs, page = [row.seq for row in first.rows], first
        while page.older:
            page = line_feed(work, line, before=page.older, limit=3)
            seqs += [row.seq for row in page.rows]
        in_room = [row.seq for row in line_feed(work, line, limit=100).rows]
        assert seqs == in_room == sorted(set(seqs), reverse=True)
        assert [row.seq for row in kept.rows] == seqs[:3]


def test_feed_when_posts_arrive_then_the_fresh_part_leaves_no_hole(work_as: Callable, story: Story) -> None:
    with work_as("赵宁", writes=False) as work:
        page = line_feed(work, get_line(work, story.line_id), limit=1)
    for number in range(5):
        with work_as("苏航") as work:
            post_progress(work, story.line_id, text=f"第 {number} 条")
    with work_as("赵宁", writes=False) as work:
        kept = line_feed_since(work, get_line(work, story.line_id), page.oldest)
        assert [row.quote for row in kept.rows if row.quote] == [f"第 {number} 条" for number in (4, 3, 2, 1, 0)]
        assert kept.oldest == page.oldest


def test_feed_when_a_post_is_asked_for_then_its_page_and_on_to_the_present(work_as: Callable, story: Story, say: Says) -> None:
    ids = [say("苏航", f"第 {number} 条") for number in range(40)]
    with work_as("赵宁", writes=False) as work:
        line = get_line(work, story.line_id)
        page = line_feed_at(work, line, ids[3])
        assert [row.quote for row in page.rows if row.quote][-4:] == ["第 3 条", "第 2 条", "第 1 条", "第 0 条"]
        assert page.newer
        following = line_feed_after(work, line, page.newer)
        assert [row.quote for row in following.rows] == [f"第 {number} 条" for number in range(39, 32, -1)]
        assert following.newer is None
        assert line_feed_at(work, line, "no such post").rows == line_feed(work, line).rows


def test_feed_when_only_a_part_is_shown_then_paged_within_it(work_as: Callable, story: Story, write: Callable, say: Says) -> None:
    for number in range(4):
        write(f"单 {number}")
        say("苏航", f"第 {number} 条")
    with work_as("赵宁", writes=False) as work:
        line = get_line(work, story.line_id)
        first = line_feed(work, line, part=Part.POSTS, limit=3)
        rest = line_feed(work, line, part=Part.POSTS, before=first.older, limit=3)
        assert [row.quote for row in (*first.rows, *rest.rows)] == [f"第 {number} 条" for number in (3, 2, 1, 0)]
        assert {row.kind for row in line_feed(work, line, part=Part.TASKS).rows} == {"main_lines.task.written"}
        assert line_feed(work, line, part=Part.ALERTS).rows == []


def test_feed_when_one_act_did_many_things_then_one_row_that_unfolds_on_any_page(
    work_as: Callable, story: Story, say: Says, signed_in: Callable
) -> None:
    """Sixty orders drafted and sent at once, a post, forty signatures at once, a post: what a director reads in four rows."""
    with work_as("林悦") as work:
        department_id = story.people["苏航"].department_id
        drafts = [Draft(title=f"单 {number}", department_id=department_id) for number in range(60)]
        ids = [order.id for order in write_tasks(work, story.line_id, drafts, submit=True)]
    say("苏航", "都看到了")
    with work_as("林悦", now=NOW + timedelta(minutes=1)) as work:
        sign_tasks(work, dict.fromkeys(ids[:40], ""))
    post_id = say("苏航", "开工")
    with work_as("赵宁", writes=False) as work:
        line = get_line(work, story.line_id)
        everything = line_events(work, line).rows
        page = line_feed(work, line, limit=4)
        signed, drafted = page.rows[1], page.rows[3]
        assert [row.words for row in (signed, drafted)] == ["林悦 签发了 40 张任务单", "林悦 起草了 60 张任务单并送签"]
        assert [row.quote for row in page.rows if row.quote] == ["开工", "都看到了"]
        assert page.rows == line_feed_since(work, line, page.oldest).rows
        assert page.oldest == drafted.first == page.older
        one_by_one, older = [], None
        for _step in range(10):
            part = line_feed(work, line, before=older, limit=1)
            one_by_one, older = [*one_by_one, *part.rows], part.older
            if older is None:
                break
        assert one_by_one == line_feed(work, line).rows
        assert line_feed_at(work, line, post_id).rows[0].quote == "开工"
        assert line_feed_after(work, line, drafted.seq).rows == page.rows[:3]
        assert len(everything) == FEED_PAGE, "programs get each event"
    director = signed_in("linyue")
    assert "林悦 起草了 60 张任务单并送签" in director.get(f"/lines/{story.line_id}").get_data(as_text=True)
    assert "起草了 60 张" in director.get(f"/lines/{story.line_id}/board").get_data(as_text=True)
    assert "起草了 60 张" in director.get("/home/events").get_data(as_text=True)
    unfolded = director.get(drafted.unfold).get_data(as_text=True)
    assert all(f"“单 {number}”" in unfolded for number in range(60))
    assert unfolded.count("<li") == 60
    assert director.get(signed.unfold).get_data(as_text=True).count("<li") == 40


def test_post_when_it_calls_then_only_members_of_the_line_are_told(work_as: Callable, run_jobs: Callable, story: Story, say: Says) -> None:
    """陈墨 is of the same department and 何青 of the same city, but neither is in the line."""
    say("林悦", "@设计策划 主视觉今晚定，@吴昊 请备仓。@何青 @北京 也看看")
    assert told(work_as, run_jobs) == {"苏航": False, "吴昊": True}
    with work_as("苏航", writes=False) as work:
        (notice,) = [row for row in list_notices(work) if row.kind == str(PostEvent.MENTIONED)]
        assert notice.words == "林悦 在进度通告中提到了设计策划、吴昊、北京"
        assert "主视觉" not in str([event.facts for event in work.session.scalars(select(Event))])


def test_post_when_it_is_about_an_order_then_its_owner_is_told_and_it_stands_in_both_places(
    work_as: Callable, run_jobs: Callable, story: Story, write: Callable, say: Says
) -> None:
    task_id = write()
    post_id = say("赵宁", "客服话术等主视觉文案", task=task_id)
    assert told(work_as, run_jobs) == {"苏航": False}
    with work_as("苏航", writes=False) as work:
        line = get_line(work, story.line_id)
        (row,) = thread_of(work, line, get_task(work, task_id).id)
        assert (row.words, row.quote, row.post.id) == ("赵宁 就任务单“主视觉”发布进度通告", "客服话术等主视觉文案", post_id)
        assert views(work, story)[0].task == (task_id, 1, "主视觉")


def test_post_when_somebody_left_before_they_were_told_then_they_are_not(
    work_as: Callable, run_jobs: Callable, story: Story, say: Says
) -> None:
    say("林悦", "@苏航 请看")
    with work_as("林悦") as work:
        remove_line_member(work, story.line_id, story.id_of("苏航"))
    assert told(work_as, run_jobs) == {}


def test_post_when_withdrawn_then_its_text_is_gone_and_the_fact_stays(
    work_as: Callable, run_jobs: Callable, story: Story, say: Says
) -> None:
    post_id = say("苏航", "@林悦 报价先别外传")
    with pytest.raises(NotAllowed), work_as("林悦") as work:
        withdraw_post(work, post_id)
    with pytest.raises(NotFound), work_as(OUTSIDE) as work:
        withdraw_post(work, post_id)
    with work_as("苏航") as work:
        withdraw_post(work, post_id)
    with pytest.raises(Conflict), work_as("苏航") as work:
        withdraw_post(work, post_id)
    assert told(work_as, run_jobs) == {}, "who had not been told yet is not told"
    with work_as("林悦", writes=False) as work:
        row = line_feed(work, get_line(work, story.line_id)).rows[0]
        assert (row.words, row.quote, row.post.files) == ("苏航 的进度通告已撤回", "", [])
        assert find(work, "报价") == []
        assert "报价" not in str([event.facts for event in work.session.scalars(select(Event))])
    assert unread(work_as, story, "林悦") == 0


def test_post_when_older_than_withdrawing_then_it_cannot_be_withdrawn(work_as: Callable, story: Story, say: Says) -> None:
    post_id = say("苏航", "旧通告")
    with work_as("苏航") as work:
        get_post(work, post_id)[0].in_audit = True
        assert views(work, story)[0].may_withdraw is False
        work.record(PostEvent.READ, subject="test", rooms=["audit"], count=0)
    with pytest.raises(Conflict), work_as("苏航") as work:
        withdraw_post(work, post_id)


def test_reading_when_the_newest_is_seen_first_then_what_lies_below_stays_unread(work_as: Callable, story: Story, say: Says) -> None:
    for number in range(3):
        say("林悦", f"第 {number} 条")
    say("苏航", "自己的")
    assert [unread(work_as, story, name) for name in ("苏航", "林悦", "赵宁")] == [3, 1, 4]
    with work_as("苏航") as work:
        assert read_posts(work, story.line_id, seen=[3]) == 0
        assert read_posts(work, story.line_id, seen=[3, 1]) == 1
        assert unread_of(work, story.line_id).count == 2
        assert read_posts(work, story.line_id, seen=[3, 2]) == 2
        assert read_posts(work, story.line_id, seen=[3, 2]) == 0
    assert unread(work_as, story, "苏航") == 0
    with work_as("赵宁") as work:
        assert read_posts(work, story.line_id, upto=2) == 2
    assert unread(work_as, story, "赵宁") == 2


def test_reading_when_done_then_the_author_and_the_director_see_by_whom_and_nobody_else(work_as: Callable, story: Story, say: Says) -> None:
    post_id = say("苏航", "竖版已上传")
    with work_as("赵宁") as work:
        read_posts(work, story.line_id, seen=[1])
        (event,) = work.recorded
        assert set(event.rooms) == {f"member:{story.id_of(name)}" for name in ("赵宁", "苏航", "林悦")}
        assert "双十一" not in str(event.facts), "it stays readable to them when they have left the line"
    for name, seen in (("苏航", (1, 3)), ("林悦", (1, 3)), ("赵宁", (None, None))):
        with work_as(name, writes=False) as work:
            view = views(work, story)[0]
            assert (view.read, view.asked) == seen, name
            who = readers(work, get_post(work, post_id)[0])
            assert [card.name for card in who.read] == ["赵宁"]
            assert {card.name for card in who.missing} == {"林悦", "吴昊"}


def test_reading_when_somebody_joins_later_then_what_was_before_them_is_not_unread(work_as: Callable, story: Story, say: Says) -> None:
    say("林悦", "早先的通告")
    with work_as("林悦", now=NOW + timedelta(hours=1)) as work:
        add_line_member(work, story.line_id, story.id_of(OUTSIDE))
    assert unread(work_as, story, OUTSIDE) == 0
    say("林悦", "之后的通告", now=NOW + timedelta(hours=2))
    assert unread(work_as, story, OUTSIDE) == 1
    with work_as("林悦", writes=False) as work:
        assert [view.asked for view in views(work, story)] == [4, 3]


def test_reading_when_called_then_the_notice_is_read_with_the_post(work_as: Callable, run_jobs: Callable, story: Story, say: Says) -> None:
    say("林悦", "@苏航 请看")
    run_jobs()
    with work_as("苏航") as work:
        read_posts(work, story.line_id, seen=[1])
        assert [row.is_read for row in list_notices(work) if row.kind == str(PostEvent.MENTIONED)] == [True]


@pytest.fixture
def private_file(work_as: Callable, story: Story, parts: Parts) -> str:
    """A file in a library of 苏航's own; of the line only 林悦 may see it too."""
    store = MemoryStore()
    parts.provide(ObjectStore, lambda: store)  # type: ignore[type-abstract]
    with work_as("苏航") as work:
        group = make_group(work, name="报价小组", kind="free", member_ids=[story.id_of("林悦")])
        library = open_library(work, name="报价", scope_room=None, group_id=group.id)
        save_upload(work, library.id, folder_id=library.root_id, name="绝密报价.xlsx", manifest=manifest_for(b""), packs=())
        return work.session.scalars(select(Node.id).where(Node.name == "绝密报价.xlsx")).one()


def test_file_when_its_library_is_closed_to_a_reader_then_they_learn_that_there_is_one_and_no_more(
    work_as: Callable, story: Story, say: Says, private_file: str
) -> None:
    with pytest.raises(InvalidInput), work_as("赵宁") as work:
        post_progress(work, story.line_id, text="我看看", files=[(private_file, 1)])
    post_id = say("苏航", "报价见附件", files=[(private_file, 1), (private_file, 1)])
    for name, shown in (("苏航", "绝密报价.xlsx"), ("林悦", "绝密报价.xlsx"), ("赵宁", "")):
        with work_as(name, writes=False) as work:
            (file,) = views(work, story)[0].files
            assert (file.name, bool(file.url)) == (shown, bool(shown)), name
    with work_as("赵宁", writes=False) as work:
        posts = [event for event in work.session.scalars(select(Event)) if event.kind.startswith("main_lines.post.")]
        assert [event.facts["files"] for event in posts] == [1]
        assert "绝密" not in str([event.facts for event in posts])
        assert find(work, "绝密报价") == []
        assert list(held_by_posts(work, "")) == [(private_file, 1)]
    with work_as("苏航") as work:
        withdraw_post(work, post_id)
        assert list(held_by_posts(work, "")) == []


def test_file_when_it_lies_in_the_lines_library_then_every_member_sees_the_pinned_version(
    work_as: Callable, story: Story, say: Says, parts: Parts
) -> None:
    store = MemoryStore()
    parts.provide(ObjectStore, lambda: store)  # type: ignore[type-abstract]
    with work_as("苏航") as work:
        root_id = work.session.get_one(Library, story.library_id).root_id
        save_upload(work, story.library_id, folder_id=root_id, name="主视觉.psd", manifest=manifest_for(b""), packs=())
        asset_id = work.session.scalars(select(Node.id).where(Node.name == "主视觉.psd")).one()
    say("苏航", "主视觉见附件", files=[(asset_id, 1)])
    with work_as("赵宁", writes=False) as work:
        (file,) = views(work, story)[0].files
        assert (file.name, file.version, file.url, file.newest) == ("主视觉.psd", 1, f"/library/assets/{asset_id}?version=1", None)


def test_search_when_asked_then_lines_orders_and_posts_and_for_the_removed_nothing_at_once(
    work_as: Callable, story: Story, write: Callable, say: Says
) -> None:
    task_id = write("主视觉", checklist=["三七分构图"])
    post_id = say("苏航", "直通车预算本周用完")
    with work_as("林悦") as work:
        sign_task(work, task_id)
    asked = {"双十一大促": f"line:{story.line_id}", "横竖各一": f"task:{task_id}", "三七分": f"task:{task_id}", "车预算": f"post:{post_id}"}
    with work_as("赵宁", writes=False) as work:
        for words, subject in asked.items():
            assert subject in [found.subject for found in find(work, words)], words
        assert [found.subject for found in find(work, "双十一大促", kinds=("line",))] == [f"line:{story.line_id}"]
        (found,) = find(work, "直通车", kinds=("post",))
        assert (found.title, found.note, found.url.partition("#")[2]) == ("直通车预算本周用完", "苏航 · 双十一大促", f"post-{post_id}")
        assert find(work, "直通车", kinds=("task",)) == []
    with work_as("林悦") as work:
        remove_line_member(work, story.line_id, story.id_of("赵宁"))
    for name in ("赵宁", OUTSIDE, "管力"):
        with work_as(name, writes=False) as work:
            assert {words: find(work, words) for words in asked} == {words: [] for words in asked}
    assert unread(work_as, story, "赵宁") == -1


def test_posts_when_made_then_numbered_in_their_line(work_as: Callable, story: Story, say: Says) -> None:
    for number in range(3):
        say("苏航", f"第 {number} 条")
    with work_as("苏航", writes=False) as work:
        query = select(ProgressPost.number, ProgressPost.text).order_by(ProgressPost.id)
        assert [tuple(row) for row in work.session.execute(query)] == [(1, "第 0 条"), (2, "第 1 条"), (3, "第 2 条")]


def test_everybody_when_called_again_and_again_within_an_hour_then_refused_but_for_the_director(
    work_as: Callable, story: Story, say: Says
) -> None:
    others = [person.id for name, person in story.people.items() if name not in INSIDE]
    with work_as("林悦") as work:
        for member_id in others[: LOUD_LEAST + 1 - len(INSIDE) + 1]:
            add_line_member(work, story.line_id, member_id)
    taken_back = say("苏航", "@所有人 主图换了")  # It has told everybody all the same.
    with work_as("苏航") as work:
        withdraw_post(work, taken_back)
    for _time in range(LOUD_AN_HOUR - 1):
        say("苏航", "@all 主图又换了")
    with pytest.raises(TooManyRequests):
        say("苏航", "@所有人 主图还是换了")
    say("苏航", "@赵宁 主图还是换了")
    say("苏航", "@所有人 主图定了", now=NOW + timedelta(minutes=61))
    for _time in range(LOUD_AN_HOUR + 1):
        say("林悦", "@所有人 请看")
