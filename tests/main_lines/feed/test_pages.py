"""The feed in the browser and as JSON."""

from collections.abc import Callable

from main_lines.feed.queries import line_feed
from main_lines.lines.access import get_line
from tests.main_lines.conftest import Story

HTMX = {"HX-Request": "true"}


def posts(work_as: Callable, story: Story) -> list[str]:
    with work_as("林悦", writes=False) as work:
        return [row.quote for row in line_feed(work, get_line(work, story.line_id)).rows if row.quote]


def test_post_when_sent_by_form_then_back_to_the_feed_with_it(signed_in: Callable, work_as: Callable, story: Story) -> None:
    person = signed_in("suhang")
    answer = person.post(f"/lines/{story.line_id}/posts", data={"text": "主视觉今晚出"})
    assert (answer.status_code, answer.location) == (303, f"/lines/{story.line_id}")
    assert "主视觉今晚出" in person.get(f"/lines/{story.line_id}").get_data(as_text=True)


def test_post_when_sent_twice_with_one_key_then_once(signed_in: Callable, work_as: Callable, story: Story) -> None:
    person = signed_in("suhang")
    headers = {**HTMX, "Idempotency-Key": "k1"}
    first = person.post(f"/lines/{story.line_id}/posts", data={"text": "只发一次"}, headers=headers)
    second = person.post(f"/lines/{story.line_id}/posts", data={"text": "只发一次"}, headers=headers)
    assert first.get_data() == second.get_data()
    assert "Idempotency-Key" in first.get_data(as_text=True), "the fresh form carries its own key"
    assert posts(work_as, story) == ["只发一次"]


def test_post_when_empty_then_the_field_is_named(signed_in: Callable, work_as: Callable, story: Story) -> None:
    answer = signed_in("suhang").post(f"/lines/{story.line_id}/posts", data={"text": "   "}, headers=HTMX)
    assert answer.status_code == 422
    assert "text" in answer.get_data(as_text=True)
    assert posts(work_as, story) == []


def test_post_when_it_holds_markup_then_shown_as_text(signed_in: Callable, story: Story) -> None:
    person = signed_in("suhang")
    person.post(f"/lines/{story.line_id}/posts", data={"text": "<script>alert(1)</script>"})
    page = person.get(f"/lines/{story.line_id}").get_data(as_text=True)
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_way_back_when_it_leaves_the_site_then_ignored(signed_in: Callable, story: Story) -> None:
    person = signed_in("suhang")
    for wish in ("//evil.example", "https://evil.example", "/\\evil.example", "\\/evil"):
        answer = person.post(f"/lines/{story.line_id}/posts", data={"text": "回去", "back": wish})
        assert answer.location == f"/lines/{story.line_id}", wish


def test_older_rows_when_asked_for_then_the_next_page_by_key(signed_in: Callable, story: Story) -> None:
    person = signed_in("suhang")
    token = person.csrf()
    for number in range(35):
        person.client.post(f"/lines/{story.line_id}/posts", data={"text": f"通告{number:02}"}, headers={"X-CSRF-Token": token})
    first = person.get(f"/lines/{story.line_id}").get_data(as_text=True)
    assert "通告34" in first
    assert "通告04" not in first
    older = first.split("/feed?before=")[1].split('"')[0]
    second = person.get(f"/lines/{story.line_id}/feed?before={older}").get_data(as_text=True)
    assert "通告04" in second
    assert "通告05" not in second


def test_feed_when_read_then_in_words_and_paged(signed_in: Callable, story: Story) -> None:
    person = signed_in("suhang")
    assert person.post(f"/api/lines/{story.line_id}/posts", json={"text": "第一条"}).status_code == 201
    feed = person.get(f"/api/lines/{story.line_id}/feed").get_json()
    assert feed["events"][0]["words"] == "苏航 发布进度通告：第一条"
    assert feed["older"] is None


def test_body_when_a_field_is_unknown_then_named(signed_in: Callable, story: Story) -> None:
    answer = signed_in("suhang").post(f"/api/lines/{story.line_id}/posts", json={"text": "好", "colour": "red"})
    assert answer.status_code == 422
    assert "colour" in answer.get_json()["error"]["facts"]["fields"]


def test_post_when_refused_without_scripts_then_what_was_typed_comes_back(signed_in: Callable, story: Story) -> None:
    answer = signed_in("suhang").post(f"/lines/{story.line_id}/posts", data={"text": "长" * 2001})
    told = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "最多 2000 个字" in told
    assert "长" * 2001 in told


def test_post_when_it_calls_then_the_names_stand_out_and_the_picked_one_is_meant(signed_in: Callable, story: Story) -> None:
    person = signed_in("linyue")
    person.post(f"/lines/{story.line_id}/posts", data={"text": "＠苏航 今晚定稿", "mentions": [f"member:{story.id_of('苏航')}"]})
    assert '<b class="post-name">@苏航</b> 今晚定稿' in person.get(f"/lines/{story.line_id}/feed").get_data(as_text=True)
    refused = person.post(f"/lines/{story.line_id}/posts", data={"text": "好", "mentions": ["<script>"]}, headers=HTMX)
    assert refused.status_code == 422


def test_mentions_when_typed_then_people_and_sets_of_the_line_alone(signed_in: Callable, story: Story) -> None:
    person, url = signed_in("linyue"), f"/lines/{story.line_id}/mentions"
    first = person.get(url).get_data(as_text=True)
    assert 'data-key="all:" data-name="所有人"' in first
    assert "全体成员 · 3 人" in first
    design = person.get(f"{url}?q=设计").get_data(as_text=True)
    assert "部门 · 1 人" in design
    assert "何青" not in person.get(f"{url}?q=何").get_data(as_text=True).replace("没有“何”", "")
    assert "没有“陈墨”" in person.get(f"{url}?q=陈墨").get_data(as_text=True)
    assert 'data-key="all:" data-name="everyone"' in person.get(f"{url}?lang=en").get_data(as_text=True)


def test_audience_when_written_then_how_many_are_told(signed_in: Callable, story: Story, write: Callable) -> None:
    person, task_id = signed_in("linyue"), write()

    def told(*said: str, task: str = "") -> str:
        query = {"said": list(said), "task": task}
        return person.get(f"/lines/{story.line_id}/audience", query_string=query).get_data(as_text=True)

    assert told() == "主线全体成员可见"
    assert told("@设计策划 看") == "将提醒 1 人：苏航"
    assert told("@设计策划 看", "@广州") == "将提醒 2 人：吴昊、苏航"
    assert told("@所有人").startswith("将提醒 3 人：")
    assert told("@陈墨") == "主线中没有这个人，不会提醒任何人"
    assert told(task=task_id) == "将提醒 1 人：苏航"


def test_unread_when_posts_come_then_shown_in_the_navigation_the_tab_and_the_list(signed_in: Callable, story: Story) -> None:
    signed_in("linyue").post(f"/lines/{story.line_id}/posts", data={"text": "第一条"})
    person = signed_in("suhang")
    line = f"/lines/{story.line_id}"
    counts = person.get("/api/nav/counts").get_json()["counts"]
    assert (counts["/lines"], counts[line]) == (1, 1)
    page = person.get(line).get_data(as_text=True)
    assert "1 条未读" in page
    assert f'href="{line}" aria-current="page">动态 <span class="nav-count">1</span>' in page
    assert "1 条未读" in person.get("/lines/rows").get_data(as_text=True)
    assert person.post(f"/api{line}/posts/read", json={"seen": [1]}).get_json() == {"read": 1, "unread": 0}
    counts = person.get("/api/nav/counts").get_json()["counts"]
    assert (counts["/lines"], counts[line]) == (0, 0)
    assert "条未读" not in person.get(line).get_data(as_text=True)


def test_readers_when_asked_by_another_member_then_refused(signed_in: Callable, story: Story) -> None:
    post_id = signed_in("suhang").post(f"/api/lines/{story.line_id}/posts", json={"text": "好"}).get_json()["id"]
    assert "林悦" in signed_in("suhang").get(f"/posts/{post_id}/readers").get_data(as_text=True)
    assert signed_in("linyue").get(f"/posts/{post_id}/readers").status_code == 200
    assert signed_in("zhaoning").get(f"/posts/{post_id}/readers").status_code == 403
    assert "已读" not in signed_in("zhaoning").get(f"/lines/{story.line_id}/feed").get_data(as_text=True)


def test_search_page_when_one_kind_is_chosen_then_only_that(signed_in: Callable, story: Story, write: Callable) -> None:
    person = signed_in("suhang")
    write("主视觉")
    person.post(f"/lines/{story.line_id}/posts", data={"text": "主视觉今晚出"})
    assert {found["subject"].split(":")[0] for found in person.get("/api/search?q=主视觉").get_json()} == {"task", "post"}
    assert [found["title"] for found in person.get("/api/search?q=主视觉&kind=post").get_json()] == ["主视觉今晚出"]
    page = person.get("/search?q=主视觉&kind=task").get_data(as_text=True)
    assert "今晚出" not in page
    assert 'name="kind" value="task"' in page
