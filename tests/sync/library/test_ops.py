"""Operations on the tree through the protocol: every outcome, races, resending, and what is recorded."""

import random
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from sync.core.protocol import Endpoint, OpsRequest
from sync.library.assets import jobs
from sync.library.assets.models import OpAnswer
from sync.library.libraries.actions import open_library
from sync.library.libraries.models import Library, LibraryEvent
from sync.library.libraries.rules import Right
from tests.house import member_named
from tests.sync.library.agents import commit, delete, fresh, make_folder, manifest_for, rename
from tests.sync.library.conftest import Room
from tests.sync.library.grants import grant_right
from workspace.db import Database
from workspace.events.models import Event
from workspace.jobs.worker import JobRun
from workspace.parts import Parts
from workspace.people.actions import make_group

Opens = Callable[..., Any]


def live(room: Room) -> dict[str, Any]:
    """Names to nodes of the whole library, as a newcomer sees it."""
    pages = room.chen.feed({room.id: 0}).pages
    return {node.name: node for node in pages[0].nodes if node.parent}


def events(work_as: Opens, prefix: str) -> list[Event]:
    with work_as("林悦", writes=False) as work:
        return list(work.session.scalars(select(Event).where(Event.kind.startswith(prefix)).order_by(Event.seq)))


# --- saves ----------------------------------------------------------------------------------------------------------


def test_commit_when_new_then_version_one_and_an_event_with_its_facts(room: Room, work_as: Opens) -> None:
    folder = room.su.op(room.id, make_folder(room.root, "主视觉")).node
    answer = room.su.save(room.id, folder.id, "海报.psd", b"v1")
    assert (answer.outcome, answer.node.version, answer.node.author, answer.node.size_bytes) == ("applied", 1, "苏航", 2)
    event = events(work_as, "library.version.committed")[0]
    assert event.rooms == [f"library:{room.id}", "line:double-eleven"]
    wanted = {"asset": "海报.psd", "path": "主视觉/海报.psd", "version": 1, "author": "苏航", "size_bytes": 2}
    wanted |= {"asset_id": answer.node.id, "library_id": room.id, "library": "主视觉素材"}
    assert wanted.items() <= event.facts.items()


def test_commit_when_based_on_the_head_then_next_version(room: Room) -> None:
    first = room.su.save(room.id, room.root, "a.txt", b"v1").node
    second = room.chen.save(room.id, room.root, "a.txt", b"v2", node=first.id, base=1)
    assert (second.outcome, second.node.version, second.node.author) == ("applied", 2, "陈墨")


def test_commit_when_based_on_an_older_version_then_second_head_beside(room: Room, work_as: Opens) -> None:
    node = room.su.save(room.id, room.root, "海报.psd", b"v1").node
    room.su.save(room.id, room.root, "海报.psd", b"v2", node=node.id, base=1)
    answer = room.chen.save(room.id, room.root, "海报.psd", b"other", node=node.id, base=1)
    assert answer.outcome == "conflict"
    assert (answer.node.id, answer.node.version, answer.node.author) == (node.id, 2, "苏航")
    assert (answer.second.head_of, answer.second.version, answer.second.author) == (node.id, 1, "陈墨")
    assert answer.second.name.startswith("海报 (陈墨, ")
    assert answer.second.name.endswith(").psd")
    assert set(live(room)) == {"海报.psd", answer.second.name}
    assert len(events(work_as, "library.version.conflicted")) == 1


def test_commit_when_content_is_the_head_then_exists_without_a_version(room: Room) -> None:
    node = room.su.save(room.id, room.root, "a.txt", b"v1").node
    answer = room.chen.save(room.id, room.root, "a.txt", b"v1", node=node.id, base=0)
    assert (answer.outcome, answer.node.version) == ("exists", 1)


def test_create_when_name_is_taken_then_same_content_exists_other_conflicts(room: Room) -> None:
    node = room.su.save(room.id, room.root, "Straße.txt", b"v1").node
    same = room.chen.save(room.id, room.root, "STRASSE.TXT", b"v1")
    assert (same.outcome, same.node.id) == ("exists", node.id)
    op = commit(room.root, "strasse.txt", room.chen.upload(room.id, b"v2"))
    other = room.chen.op(room.id, op)
    assert (other.outcome, other.node.id, other.second.id, other.second.head_of) == ("conflict", node.id, op.node, node.id)


def test_commit_when_deleted_meanwhile_then_the_edit_brings_it_and_its_folder_back(room: Room) -> None:
    folder = room.su.op(room.id, make_folder(room.root, "旧稿")).node
    keep = room.su.save(room.id, folder.id, "a.txt", b"v1").node
    room.su.save(room.id, folder.id, "b.txt", b"b")
    room.chen.op(room.id, delete(folder.id, recursive=True))
    answer = room.su.save(room.id, folder.id, "a.txt", b"v2", node=keep.id, base=1)
    assert (answer.outcome, answer.node.version, answer.node.deleted) == ("applied", 2, False)
    assert set(live(room)) == {"旧稿", "a.txt"}


def test_make_folder_when_out_of_the_trash_then_the_feed_tells_of_what_stays_there(room: Room) -> None:
    folder = room.su.op(room.id, make_folder(room.root, "旧稿")).node
    beside = room.su.save(room.id, folder.id, "a.txt", b"v1").node
    gone = room.chen.op(room.id, delete(folder.id, recursive=True)).node
    room.su.op(room.id, replace(make_folder(room.root, "旧稿"), node=folder.id))
    heard = room.chen.feed({room.id: gone.seq}).pages[0].nodes
    assert [(node.id, node.deleted) for node in heard] == [(beside.id, True), (folder.id, False)]


def test_commit_when_deleted_and_the_name_is_taken_then_second_head(room: Room) -> None:
    """An editor that deletes and creates while another copy of it still writes to the former file."""
    old = room.su.save(room.id, room.root, "a.txt", b"v1").node
    room.su.op(room.id, delete(old.id, 1))
    new = room.su.save(room.id, room.root, "a.txt", b"new").node
    answer = room.chen.save(room.id, room.root, "a.txt", b"late", node=old.id, base=1)
    assert (answer.outcome, answer.node.id) == ("conflict", new.id)
    assert answer.second.id not in (old.id, new.id)


def test_create_when_folder_is_gone_or_another_librarys_then_parent_gone(room: Room) -> None:
    folder = room.su.op(room.id, make_folder(room.root, "旧稿")).node
    room.su.op(room.id, delete(folder.id))
    for parent in (folder.id, fresh("nobody")):
        assert room.su.save(room.id, parent, "a.txt", b"x").error.code == "parent_gone"


@pytest.mark.parametrize("name", ["", "..", "a/b", "CON", "nul.txt", "a\n", "x" * 256, "海" * 86, "end. "])
def test_create_when_name_is_not_storable_then_refused_in_words(room: Room, name: str) -> None:
    answer = room.su.op(room.id, commit(room.root, name, manifest_for(b"")))
    assert (answer.outcome, answer.error.code) == ("refused", "name_refused")
    assert answer.error.message
    assert room.su.op(room.id, make_folder(room.root, name)).error.code == "name_refused"


def test_commit_when_empty_file_then_applied_without_chunks(room: Room) -> None:
    assert room.su.save(room.id, room.root, "空.txt", b"").outcome == "applied"


def test_commit_when_node_id_is_another_librarys_then_not_allowed(room: Room, work_as: Opens) -> None:
    with work_as("林悦") as work:
        group = make_group(work, name="另一组", kind="free", member_ids=[member_named(work, "苏航").id])
        other = open_library(work, name="另一个", scope_room=None, group_id=group.id)
    assert room.su.op(room.id, commit(room.root, "x", manifest_for(b""), node=other.root_id)).error.code == "not_allowed"


def test_commit_when_over_quota_then_refused(room: Room, work_as: Opens) -> None:
    room.su.save(room.id, room.root, "a.bin", random.Random(1).randbytes(2000))
    with work_as("林悦") as work:
        work.session.get_one(Library, room.id).quota_bytes = 1000
        work.record(LibraryEvent.OPENED, subject="library:x", rooms=["audit"])
    assert room.su.save(room.id, room.root, "b.bin", b"more").error.code == "quota"


# --- races and resending --------------------------------------------------------------------------------------------


def test_two_commits_at_once_then_exactly_one_wins_and_no_byte_is_lost(room: Room) -> None:
    node = room.su.save(room.id, room.root, "a.txt", b"v1").node
    ops = [(agent, commit(room.root, "a.txt", agent.upload(room.id, text), node=node.id, base=1))
           for agent, text in ((room.su, b"from su"), (room.chen, b"from chen"))]  # fmt: skip
    answers: list[Any] = []
    start = threading.Barrier(2)

    def send(agent: Any, op: Any) -> None:
        start.wait()
        answers.append(agent.op(room.id, op))

    threads = [threading.Thread(target=send, args=pair) for pair in ops]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.outcome for answer in answers) == ["applied", "conflict"]
    kept = {found.manifest for found in live(room).values()}
    assert len(kept) == 2
    assert live(room)["a.txt"].version == 2


def test_op_when_resent_then_first_answer_byte_for_byte_and_nothing_again(room: Room, work_as: Opens) -> None:
    op = commit(room.root, "a.txt", room.su.upload(room.id, b"v1"))
    request = OpsRequest((op,))
    first = room.su.raw(Endpoint.OPS.path(room.id), request)
    room.chen.save(room.id, room.root, "a.txt", b"v2", node=op.node, base=1)
    assert room.su.raw(Endpoint.OPS.path(room.id), request) == first
    assert live(room)["a.txt"].version == 2
    assert len(events(work_as, "library.version.committed")) == 2


def test_op_when_refused_then_its_late_copy_is_refused_and_a_new_one_applied(room: Room) -> None:
    op = commit(room.root, "a.txt", manifest_for(b"late"))
    first = room.su.op(room.id, op)
    assert (first.error.code, first.error.missing) == ("chunks_missing", (op.manifest.chunks[0].address,))
    room.su.upload(room.id, b"late")
    again = room.su.op(room.id, op)
    assert (again.error.code, again.error.missing, live(room)) == ("chunks_missing", (), {})
    assert room.su.op(room.id, replace(op, op_id=fresh("op"))).outcome == "applied"


def test_op_when_refused_for_want_of_rights_then_its_late_copy_stays_refused_after_a_grant(room: Room, work_as: Opens) -> None:
    op = make_folder(room.root, "新")
    assert room.lin.op(room.id, op).error.code == "not_allowed"
    with work_as("管力") as work:
        group = make_group(work, name="新组", kind="free", member_ids=[member_named(work, "林悦").id])
        grant_right(work, work.session.get_one(Library, room.id), group_id=group.id, right=Right.EDIT)
    assert room.lin.op(room.id, op).error.code == "not_allowed"
    assert room.lin.op(room.id, replace(op, op_id=fresh("op"))).outcome == "applied"


def test_many_ops_when_in_one_request_then_answers_in_order(room: Room) -> None:
    room.su.upload(room.id, b"same")
    folder = make_folder(room.root, "十一")
    ops = [folder, *(commit(folder.node, f"{number:04d}.txt", manifest_for(b"same")) for number in range(250))]
    answers = room.su.ops(room.id, *ops)
    assert [answer.op_id for answer in answers] == [op.op_id for op in ops]
    assert {answer.outcome for answer in answers} == {"applied"}
    assert len({answer.node.seq for answer in answers}) == 251


def test_rename_when_its_folder_is_made_in_the_same_request_then_it_is_there(room: Room) -> None:
    node = room.su.save(room.id, room.root, "a.txt", b"1").node
    folder = make_folder(room.root, "新")
    answers = room.su.ops(room.id, folder, rename(node.id, folder.node, "a.txt"))
    assert [answer.outcome for answer in answers] == ["applied", "applied"]
    assert answers[1].node.parent == folder.node


def test_rename_when_what_moves_is_new_too_then_all_of_it_arrives(room: Room) -> None:
    room.su.upload(room.id, b"1")
    file, folder = commit(room.root, "a.txt", manifest_for(b"1")), make_folder(room.root, "新")
    answers = room.su.ops(room.id, file, folder, rename(file.node, folder.node, "a.txt"))
    assert [answer.outcome for answer in answers] == ["applied"] * 3
    assert live(room)["a.txt"].parent == folder.node


# --- folders, names, deletes ----------------------------------------------------------------------------------------


def test_make_folder_when_name_is_a_folders_then_exists_and_a_files_then_taken(room: Room) -> None:
    first = room.su.op(room.id, make_folder(room.root, "素材")).node
    again = room.chen.op(room.id, make_folder(room.root, "素材"))
    assert (again.outcome, again.node.id) == ("exists", first.id)
    room.su.save(room.id, room.root, "a", b"x")
    assert room.su.op(room.id, make_folder(room.root, "A")).error.code == "name_taken"


def test_rename_then_one_row_moves_and_content_stays(room: Room) -> None:
    folder = room.su.op(room.id, make_folder(room.root, "A")).node
    child = room.su.save(room.id, folder.id, "a.txt", b"x").node
    cursor = room.chen.feed({room.id: 0}).pages[0].cursor
    answer = room.su.op(room.id, rename(folder.id, room.root, "B"))
    assert (answer.outcome, answer.node.name) == ("applied", "B")
    assert [node.id for node in room.chen.feed({room.id: cursor}).pages[0].nodes] == [folder.id]
    assert live(room)["a.txt"].parent == folder.id
    assert child.parent == folder.id


def test_rename_when_swapped_in_one_request_then_both_arrive(room: Room) -> None:
    a = room.su.save(room.id, room.root, "a", b"1").node
    b = room.su.save(room.id, room.root, "b", b"2").node
    ops = (rename(a.id, room.root, "t"), rename(b.id, room.root, "a"), rename(a.id, room.root, "b"))
    assert [answer.outcome for answer in room.su.ops(room.id, *ops)] == ["applied"] * 3
    assert {name: node.id for name, node in live(room).items()} == {"a": b.id, "b": a.id}


def test_rename_when_only_the_case_changes_then_applied(room: Room) -> None:
    node = room.su.save(room.id, room.root, "Logo.png", b"1").node
    assert room.su.op(room.id, rename(node.id, room.root, "logo.png")).node.name == "logo.png"
    assert room.su.op(room.id, rename(node.id, room.root, "logo.png")).outcome == "exists"


def test_rename_when_impossible_then_refused_with_the_reason(room: Room) -> None:
    outer = room.su.op(room.id, make_folder(room.root, "outer")).node
    inner = room.su.op(room.id, make_folder(outer.id, "inner")).node
    room.su.save(room.id, room.root, "taken", b"1")
    gone = room.su.op(room.id, make_folder(room.root, "gone")).node
    room.su.op(room.id, delete(gone.id))
    codes = {
        "would_loop": rename(outer.id, inner.id, "x"),
        "name_taken": rename(inner.id, room.root, "Taken"),
        "parent_gone": rename(inner.id, gone.id, "x"),
        "node_gone": rename(gone.id, room.root, "x"),
        "not_allowed": rename(room.root, outer.id, "x"),
    }
    for code, op in codes.items():
        assert room.su.op(room.id, op).error.code == code


def test_delete_when_edited_meanwhile_then_kept(room: Room) -> None:
    node = room.su.save(room.id, room.root, "a.txt", b"v1").node
    room.chen.save(room.id, room.root, "a.txt", b"v2", node=node.id, base=1)
    answer = room.su.op(room.id, delete(node.id, 1))
    assert (answer.outcome, answer.node.version) == ("kept", 2)
    assert room.su.op(room.id, delete(node.id, 2)).outcome == "applied"
    assert room.su.op(room.id, delete(node.id, 2)).outcome == "exists"
    assert room.su.op(room.id, delete(fresh("nobody"))).outcome == "exists"


def test_delete_when_folder_is_not_empty_then_only_recursive(room: Room) -> None:
    folder = room.su.op(room.id, make_folder(room.root, "A")).node
    room.su.save(room.id, folder.id, "a.txt", b"x")
    assert room.su.op(room.id, delete(folder.id)).error.code == "not_empty"
    assert room.su.op(room.id, delete(folder.id, recursive=True)).outcome == "applied"
    assert live(room) == {}
    assert room.su.op(room.id, delete(room.root, recursive=True)).error.code == "not_allowed"


def test_name_when_its_holder_was_deleted_then_free_again(room: Room) -> None:
    node = room.su.save(room.id, room.root, "a.txt", b"v1").node
    ops = (delete(node.id, 1), make_folder(room.root, "a.txt"))
    assert [answer.outcome for answer in room.su.ops(room.id, *ops)] == ["applied", "applied"]


def test_answers_when_old_then_forgotten_and_the_others_kept(
    room: Room, parts: Parts, work_as: Opens, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "ANSWERS_AT_ONCE", 2)
    save = commit(room.root, "新.png", room.su.upload(room.id, b"new"))
    first = room.su.op(room.id, save)
    with work_as("苏航") as work:
        for number in range(5):
            at = work.now - jobs.ANSWERS_KEPT - timedelta(days=1, seconds=number)
            work.session.add(OpAnswer(device_id="device", library_id=room.id, op_id=f"old-{number}", body=b"{}", at=at))
    jobs.forget_answers(JobRun(parts.get(Database), parts, 1, "job", threading.Event()))
    with work_as("苏航") as work:
        assert list(work.session.scalars(select(OpAnswer.op_id))) == [save.op_id]
    assert room.su.op(room.id, save) == first
