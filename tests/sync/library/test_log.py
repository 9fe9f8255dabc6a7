"""The log in the bucket: an answer is given after its line is there, and small objects become large ones."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.fakes.store import MemoryStore
from tests.sync.library.agents import Refused, commit, delete, make_folder, manifest_for, rename
from tests.sync.library.conftest import Room

Opens = Callable[..., Any]


def lines_of(memory: MemoryStore, library_id: str) -> list[dict[str, Any]]:
    """Every change of a node in the bucket's log but the root folder's, each once, without the heads of the objects."""
    found = [json.loads(line) for each in memory.list(f"log/{library_id}/") for line in memory.get(each.key).splitlines()[1:]]
    return sorted({line["seq"]: line for line in found if line.get("seq", 0) > 1}.values(), key=lambda line: int(line["seq"]))


def ship(work_as: Opens, run_jobs: Any, room: Room) -> None:
    """A new job, since the failed one waits for its next attempt."""
    with work_as("林悦") as work:
        work.after_commit("library.ship_log", library_id=room.id)
    run_jobs()


def test_log_when_answered_then_the_change_is_in_the_bucket(room: Room, memory: MemoryStore) -> None:
    folder = room.su.op(room.id, make_folder(room.root, "主视觉")).node
    node = room.su.save(room.id, folder.id, "a.txt", b"v1").node
    room.su.op(room.id, rename(node.id, room.root, "b.txt"))
    room.su.op(room.id, delete(node.id, 1))
    lines = lines_of(memory, room.id)
    assert [(line["seq"], line["name"], line["above"], line["deleted"]) for line in lines] == [
        (3, "主视觉", [], False), (4, "a.txt", [[folder.id, "主视觉"]], False), (5, "b.txt", [], False), (6, "b.txt", [], True),
    ]  # fmt: skip
    assert lines[1]["manifest"]
    assert lines[1]["author"] == "苏航"
    first = next(memory.list(f"log/{room.id}/"))
    head = json.loads(memory.get(first.key).splitlines()[0])
    assert (head["name"], head["root"], [grant["right"] for grant in head["grants"]]) == (
        "主视觉素材",
        room.root,
        ["edit", "see", "manage"],
    )


def test_log_when_many_operations_come_at_once_then_one_object(room: Room, memory: MemoryStore) -> None:
    answers = room.su.ops(room.id, *(make_folder(room.root, f"{number:03d}") for number in range(250)))
    assert {answer.outcome for answer in answers} == {"applied"}
    assert len(list(memory.list(f"log/{room.id}/"))) == 1
    assert len(lines_of(memory, room.id)) == 250


def test_log_when_the_store_is_away_then_nothing_is_acknowledged_until_the_line_is_there(room: Room, memory: MemoryStore) -> None:
    operation = make_folder(room.root, "主视觉")
    memory.failing = True
    with pytest.raises(Refused) as refusal:
        room.su.op(room.id, operation)
    assert refusal.value.status == 503
    assert refusal.value.problem.retryable
    with pytest.raises(Refused):
        room.su.op(room.id, operation)
    memory.failing = False
    assert lines_of(memory, room.id) == []
    assert room.su.op(room.id, operation).outcome == "applied", "the first answer, given now that it is true"
    assert [line["name"] for line in lines_of(memory, room.id)] == ["主视觉"]


def test_log_when_told_of_a_change_nobody_confirmed_then_its_line_is_there_first(room: Room, memory: MemoryStore) -> None:
    memory.failing = True
    with pytest.raises(Refused):
        room.su.op(room.id, make_folder(room.root, "主视觉"))
    memory.failing = False
    assert room.chen.op(room.id, make_folder(room.root, "主视觉")).outcome == "exists"
    assert [line["name"] for line in lines_of(memory, room.id)] == ["主视觉"]


def test_log_when_gathered_then_one_object_with_every_line(room: Room, memory: MemoryStore, run_jobs: Any, work_as: Opens) -> None:
    for number in range(5):
        room.su.op(room.id, make_folder(room.root, str(number)))
    before = lines_of(memory, room.id)
    other = f"log/{room.id}/new/000000000003-000000000003-of-a-former-catalogue.jsonl"
    memory.put(other, b'{"library":"x"}\n{"seq":3,"name":"lost"}\n')
    ship(work_as, run_jobs, room)
    keys = [found.key for found in memory.list(f"log/{room.id}/")]
    assert len(keys) == 2
    assert other in keys, "what this catalogue never wrote stays"
    memory.remove(other)
    assert lines_of(memory, room.id) == before
    ship(work_as, run_jobs, room)
    assert len(list(memory.list(f"log/{room.id}/"))) == 1


def test_log_when_a_folder_moves_among_other_operations_then_each_line_tells_where_its_node_lay_then(
    room: Room, memory: MemoryStore
) -> None:
    first, second = make_folder(room.root, "一稿"), make_folder(room.root, "二稿")
    inner = make_folder(first.node, "内")
    saves = [commit(inner.node, name, manifest_for(b"")) for name in ("前.psd", "后.psd")]
    room.su.ops(room.id, first, second, inner, saves[0], rename(inner.node, second.node, "内"), saves[1])
    above = {line["name"]: [name for _id, name in line["above"]] for line in lines_of(memory, room.id)}
    assert (above["前.psd"], above["后.psd"], above["内"]) == (["一稿", "内"], ["二稿", "内"], ["二稿"])
