"""Uploads that resume: the protocol, what becomes of the bytes, and clients that lie."""

import base64
import hashlib
import io
import random
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from sync.core.manifest import manifest_digest
from sync.library.libraries.models import Library, LibraryEvent
from sync.library.libraries.rules import Right
from sync.library.uploads import pages as upload_pages
from sync.library.uploads.jobs import expire_old_uploads
from sync.library.uploads.models import Upload, UploadPart
from sync.library.uploads.rules import KEPT, RESERVED_FOR
from tests.fakes.store import MemoryStore
from tests.house import Person
from tests.sync.library.agents import manifest_for
from tests.sync.library.conftest import Room
from tests.sync.library.grants import grant_right
from workspace.db import Database
from workspace.jobs.worker import JobRun
from workspace.parts import Parts
from workspace.people.models import Group

SignedIn = Callable[[str], Person]
MIB = 1024 * 1024
TUS = {"Tus-Resumable": "1.0.0", "Accept": "application/json"}
BYTES = "application/offset+octet-stream"


def noise(count: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(count)


def metadata(**values: str) -> str:
    return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in values.items())


class Tus:
    """A client of the protocol for one person."""

    def __init__(self, person: Person) -> None:
        self.client, self.token = person.client, person.csrf()

    def ask(self, method: str, url: str, data: bytes | None = None, **headers: str) -> Any:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        kind = BYTES if data is not None else None
        return self.client.open(url, method=method, data=data, content_type=kind, headers={**TUS, "X-CSRF-Token": self.token, **named})

    def create(self, folder: str, size: int | str, *, data: bytes | None = None, **values: str) -> Any:
        return self.ask("POST", f"/library/folders/{folder}/uploads", data, Upload_Length=str(size), Upload_Metadata=metadata(**values))

    def patch(self, url: str, offset: int | str, data: bytes, **headers: str) -> Any:
        return self.ask("PATCH", url, data, Upload_Offset=str(offset), **headers)

    def offset(self, url: str) -> int:
        answer = self.client.head(url, headers=TUS)
        assert answer.status_code == 200
        return int(answer.headers["Upload-Offset"])


@pytest.fixture
def tus(room: Room, signed_in: SignedIn) -> Tus:
    return Tus(signed_in("suhang"))


def nodes(room: Room) -> dict[str, Any]:
    return {node.name: node for node in room.su.feed({room.id: 0}).pages[0].nodes if not node.deleted}


def test_upload_when_small_then_one_request_makes_the_version(room: Room, tus: Tus) -> None:
    answer = tus.create(room.root, 5, data=b"hello", filename="说明.txt", note="按 林悦 的意见\n改了标题")
    assert (answer.status_code, answer.headers["Upload-Offset"], answer.headers["Mainline-Version"]) == (201, "5", "1")
    assert answer.headers["Tus-Resumable"] == "1.0.0"
    asset = answer.headers["Mainline-Asset"]
    assert tus.client.get(f"/library/assets/{asset}/versions/1/content").get_data() == b"hello"
    assert nodes(room)["说明.txt"].author == "苏航"


def test_upload_when_empty_then_complete_at_once(room: Room, tus: Tus) -> None:
    answer = tus.create(room.root, 0, filename="空.txt")
    assert (answer.status_code, nodes(room)["空.txt"].size_bytes) == (201, 0)
    assert tus.offset(answer.headers["Location"]) == 0


@pytest.mark.parametrize("name", ["大图.psd", "大图.tif"])
def test_upload_when_cut_anywhere_then_the_same_chunks_as_at_once(room: Room, tus: Tus, memory: MemoryStore, name: str) -> None:
    data = noise(4 * MIB) + bytes(3 * MIB) + noise(4 * MIB + 17, seed=2)
    url = tus.create(room.root, len(data), filename=name).headers["Location"]
    sizes = random.Random(name)
    while (offset := tus.offset(url)) < len(data):
        part = data[offset : offset + sizes.choice([64 * 1024, 300_000, 3 * MIB])]
        assert tus.patch(url, offset, part).status_code in (204, 400)
        if len(part) < 64 * 1024:
            assert offset + len(part) == len(data)
    node = nodes(room)[name]
    assert node.manifest == manifest_digest(manifest_for(data, name))
    assert tus.client.get(f"/library/assets/{node.id}/versions/1/content").get_data() == data
    assert [key for key in memory.objects if key.startswith("uploads/")] == []


def test_last_bytes_when_sent_again_then_409_and_no_second_version(room: Room, tus: Tus) -> None:
    data = noise(300_000)
    url = tus.create(room.root, len(data), data=data[:200_000], filename="a.bin").headers["Location"]
    assert tus.offset(url) == 200_000
    assert tus.patch(url, 200_000, data[200_000:]).status_code == 204
    again = tus.patch(url, 200_000, data[200_000:])
    assert (again.status_code, again.get_json()["error"]["facts"]["offset"]) == (409, len(data))
    assert tus.offset(url) == len(data)
    assert nodes(room)["a.bin"].version == 1
    tus.create(room.root, len(data), data=data, filename="a.bin")
    assert nodes(room)["a.bin"].version == 1


def test_known_content_when_uploaded_again_then_no_pack_is_stored_twice(room: Room, tus: Tus, memory: MemoryStore) -> None:
    data = noise(3 * MIB)
    tus.create(room.root, len(data), data=data, filename="a.bin")
    before = {key for key in memory.objects if key.startswith("packs/")}
    tus.create(room.root, len(data), data=data, filename="b.bin")
    assert {key for key in memory.objects if key.startswith("packs/")} == before
    assert nodes(room)["b.bin"].manifest == nodes(room)["a.bin"].manifest


def test_new_version_when_the_asset_was_renamed_meanwhile_then_it_is_its_next(room: Room, tus: Tus) -> None:
    asset = room.su.save(room.id, room.root, "主图.png", b"one").node
    tus.create(room.root, 3, data=b"two", filename="anything.jpg", asset=asset.id, note="换了底色")
    node = nodes(room)["主图.png"]
    assert (node.id, node.version) == (asset.id, 2)
    assert "anything.jpg" not in nodes(room)


def test_folders_when_dropped_then_made_once(room: Room, tus: Tus) -> None:
    for name in ("a.txt", "b.txt"):
        answer = tus.create(room.root, 1, data=b"x", filename=name, relativePath=f"素材包/图/{name}")
        assert answer.status_code == 201
    found = nodes(room)
    assert {"素材包", "图", "a.txt", "b.txt"} <= set(found)
    assert found["a.txt"].parent == found["图"].id
    assert found["图"].parent == found["素材包"].id


def test_folder_when_a_file_has_its_name_then_a_reason_and_nothing_saved(room: Room, tus: Tus) -> None:
    room.su.save(room.id, room.root, "图", b"a file")
    answer = tus.create(room.root, 1, data=b"x", relativePath="图/a.txt")
    assert (answer.status_code, answer.get_json()["error"]["title"]) == (422, "已有同名的文件或文件夹")
    assert "a.txt" not in nodes(room)


# --- clients that lie ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("offset", ["1", "65536", "299999"])
def test_offset_when_it_lies_then_409_with_the_true_one(room: Room, tus: Tus, offset: str) -> None:
    url = tus.create(room.root, 300_000, filename="a.bin").headers["Location"]
    answer = tus.patch(url, offset, noise(70_000))
    assert (answer.status_code, answer.get_json()["error"]["facts"]["offset"], tus.offset(url)) == (409, 0, 0)


@pytest.mark.parametrize("offset", ["-1", "x", "", "1e3", "９", "9" * 30])
def test_offset_when_no_number_then_400(room: Room, tus: Tus, offset: str) -> None:
    url = tus.create(room.root, 300_000, filename="a.bin").headers["Location"]
    assert tus.ask("PATCH", url, noise(70_000), Upload_Offset=offset).status_code == 400


def test_body_when_longer_than_the_file_then_413_and_when_too_short_a_piece_then_400(room: Room, tus: Tus) -> None:
    url = tus.create(room.root, 300_000, filename="a.bin").headers["Location"]
    assert tus.patch(url, 0, noise(300_001)).status_code == 413
    assert tus.patch(url, 0, noise(100)).status_code == 400
    assert tus.offset(url) == 0
    assert tus.create(room.root, 3, data=b"four", filename="b.bin").status_code == 413


@pytest.mark.parametrize("length", ["-1", "x", "", "9" * 30])
def test_length_when_no_number_then_400(room: Room, tus: Tus, length: str) -> None:
    assert tus.create(room.root, length, filename="a.bin").status_code == 400


def test_length_when_beyond_bounds_or_quota_then_422(room: Room, tus: Tus, work_as: Callable[..., Any]) -> None:
    assert tus.create(room.root, 65 * 1024**3, filename="a.bin").status_code == 422
    with work_as("林悦") as work:
        library = work.session.get(Library, room.id)
        library.quota_bytes = 1000
        work.record(LibraryEvent.OPENED, subject=f"library:{room.id}", rooms=[], library=library.name)
    answer = tus.create(room.root, 1001, filename="a.bin")
    assert (answer.status_code, answer.get_json()["error"]["title"]) == (422, "素材库空间已满")


def test_room_when_others_are_just_bringing_files_then_counted_with_what_they_still_need(
    room: Room, tus: Tus, work_as: Callable[..., Any], company: Database
) -> None:
    with work_as("林悦") as work:
        library = work.session.get(Library, room.id)
        library.quota_bytes = 1_000_000
        work.record(LibraryEvent.OPENED, subject=f"library:{room.id}", rooms=[], library=library.name)
    first = tus.create(room.root, 600_000, filename="a.bin")
    assert first.status_code == 201
    assert tus.create(room.root, 600_000, filename="b.bin").status_code == 422
    assert tus.create(room.root, 300_000, filename="c.bin").status_code == 201
    with company.session(writes=True) as session:  # For an hour nothing came: the room is for those who use it.
        session.execute(update(Upload).values(expires_at=datetime.now(UTC) + KEPT - RESERVED_FOR))
        session.commit()
    assert tus.create(room.root, 600_000, filename="d.bin").status_code == 201


@pytest.mark.parametrize(
    "path",
    ["..", "../a.txt", "a/../b.txt", "/etc/passwd", "a//b.txt", "", "x/", "CON.txt", "a\x00b", "C:\\a.txt", "gpj.\u202eexe", "名" * 90],
)
def test_path_when_a_trick_then_422_with_a_reason(room: Room, tus: Tus, path: str) -> None:
    answer = tus.create(room.root, 1, data=b"x", relativePath=path, filename=path)
    assert (answer.status_code, bool(answer.get_json()["error"]["message"])) == (422, True)
    assert len(nodes(room)) == 1


def test_path_when_ten_thousand_folders_deep_then_422(room: Room, tus: Tus) -> None:
    answer = tus.create(room.root, 1, data=b"x", relativePath="a/" * 5000 + "b.txt")
    assert answer.get_json()["error"]["message"] == "文件夹最多 64 层。"
    assert len(nodes(room)) == 1


@pytest.mark.parametrize("header", ["filename", "filename !!!", "filename /w=="])
def test_metadata_when_not_base64_then_400(room: Room, tus: Tus, header: str) -> None:
    url = f"/library/folders/{room.root}/uploads"
    assert tus.ask("POST", url, Upload_Length="1", Upload_Metadata=header).status_code in (400, 422)


def test_protocol_when_another_version_or_type_then_412_and_415(room: Room, tus: Tus) -> None:
    url = tus.create(room.root, 5, filename="a.bin").headers["Location"]
    assert tus.ask("PATCH", url, b"hello", Upload_Offset="0", Tus_Resumable="0.2.2").status_code == 412
    headers = {**TUS, "X-CSRF-Token": tus.token, "Upload-Offset": "0"}
    assert tus.client.patch(url, data=b"hello", content_type="text/plain", headers=headers).status_code == 415
    assert tus.offset(url) == 0


def test_checksum_when_it_does_not_fit_then_460_and_nothing_counts(room: Room, tus: Tus) -> None:
    url = tus.create(room.root, 5, filename="a.bin").headers["Location"]
    wrong = base64.b64encode(hashlib.sha1(b"other").digest()).decode()
    right = base64.b64encode(hashlib.sha1(b"hello").digest()).decode()
    assert tus.patch(url, 0, b"hello", Upload_Checksum=f"sha1 {wrong}").status_code == 460
    assert tus.patch(url, 0, b"hello", Upload_Checksum=f"md4 {right}").status_code == 400
    assert tus.offset(url) == 0
    assert tus.patch(url, 0, b"hello", Upload_Checksum=f"sha1 {right}").status_code == 204


def test_bytes_when_two_send_them_at_once_then_they_count_once(room: Room, app: Flask, tus: Tus, monkeypatch: Any) -> None:
    """Both have stored their bytes before either counts them, as after a line that broke and came back."""
    data = noise(200_000)
    url = tus.create(room.root, len(data), filename="a.bin").headers["Location"]
    both, count = threading.Barrier(2), upload_pages._count

    def counted(*arguments: Any) -> Any:
        both.wait(timeout=20)
        return count(*arguments)

    monkeypatch.setattr(upload_pages, "_count", counted)
    statuses: list[int] = []
    senders = [threading.Thread(target=lambda: statuses.append(tus.patch(url, 0, data).status_code)) for _ in range(2)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert sorted(statuses) == [204, 409]
    assert nodes(room)["a.bin"].version == 1


def test_bytes_when_others_counted_just_before_then_409_with_the_offset_to_go_on_from(
    room: Room, tus: Tus, memory: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was kept of the bytes before is gone when the second one looks for it."""
    data = noise(300_000)
    url = tus.create(room.root, len(data), filename="a.bin").headers["Location"]
    tus.patch(url, 0, data[:100_000])
    get = memory.get

    def counted_just_before(key: str) -> bytes:
        monkeypatch.setattr(memory, "get", get)
        assert tus.patch(url, 100_000, data[100_000:200_000]).status_code == 204
        return get(key)

    monkeypatch.setattr(memory, "get", counted_just_before)
    late = tus.patch(url, 100_000, data[100_000:200_000])
    assert (late.status_code, late.get_json()["error"]["facts"]["offset"]) == (409, 200_000)
    assert tus.patch(url, 200_000, data[200_000:]).status_code == 204
    assert nodes(room)["a.bin"].manifest == manifest_digest(manifest_for(data, "a.bin"))


def test_line_when_it_breaks_then_what_came_counts(room: Room, tus: Tus) -> None:
    """The body is shorter than it says, as when a phone leaves the network."""
    data = noise(500_000)
    url = tus.create(room.root, len(data), filename="a.bin").headers["Location"]
    headers = {**TUS, "X-CSRF-Token": tus.token, "Upload-Offset": "0"}
    cut = {"input_stream": io.BytesIO(data[:200_000]), "content_length": len(data), "content_type": BYTES, "headers": headers}
    assert tus.client.patch(url, **cut).status_code == 204
    assert tus.offset(url) == 200_000
    assert tus.patch(url, 200_000, data[200_000:]).status_code == 204
    assert nodes(room)["a.bin"].manifest == manifest_digest(manifest_for(data, "a.bin"))


def test_store_when_away_then_503_and_the_offset_stays(room: Room, tus: Tus, memory: MemoryStore) -> None:
    data = noise(200_000)
    url = tus.create(room.root, len(data), filename="a.bin").headers["Location"]
    memory.failing = True
    assert tus.patch(url, 0, data).status_code == 503
    memory.failing = False
    assert tus.offset(url) == 0
    assert tus.patch(url, 0, data).status_code == 204


# --- whose it is --------------------------------------------------------------------------------------------------------


def test_upload_when_somebody_elses_then_404_alike(room: Room, tus: Tus, signed_in: SignedIn) -> None:
    url = tus.create(room.root, 300_000, filename="a.bin").headers["Location"]
    for login in ("chenmo", "linyue", "zhaoning"):
        other = Tus(signed_in(login))
        assert other.patch(url, 0, noise(70_000)).status_code == 404
        assert other.ask("DELETE", url).status_code == 404
        assert other.client.get(url).status_code == 404
    assert Tus(signed_in("zhaoning")).create(room.root, 1, filename="a").status_code == 404
    assert Tus(signed_in("linyue")).create(room.root, 1, filename="a").status_code == 403
    assert tus.client.get("/library/uploads/nothing").status_code == 404


def test_right_when_lost_on_the_way_then_nothing_is_saved(room: Room, tus: Tus, work_as: Callable[..., Any]) -> None:
    url = tus.create(room.root, 200_000, filename="a.bin").headers["Location"]
    with work_as("林悦") as work:
        group = work.session.query(Group).filter_by(name="视觉组").one()
        grant_right(work, work.session.get(Library, room.id), group_id=group.id, right=Right.SEE)
    assert tus.patch(url, 0, noise(200_000)).status_code == 403
    assert "a.bin" not in nodes(room)


def test_list_when_unfinished_then_mine_alone_and_gone_when_given_up(
    room: Room, tus: Tus, memory: MemoryStore, signed_in: SignedIn
) -> None:
    url = tus.create(room.root, 400_000, data=noise(100_000), filename="a.bin").headers["Location"]
    listed = tus.client.get(f"/library/folders/{room.root}/uploads").get_json()["uploads"]
    assert [(each["url"], each["path"], each["offset_bytes"]) for each in listed] == [(url, "a.bin", 100_000)]
    assert signed_in("chenmo").get(f"/library/folders/{room.root}/uploads").get_json()["uploads"] == []
    assert [key for key in memory.objects if key.startswith("uploads/")]
    assert tus.ask("DELETE", url).status_code == 204
    assert tus.client.get(url).status_code == 404
    assert [key for key in memory.objects if key.startswith("uploads/")] == []


def test_upload_when_its_time_is_over_then_forgotten_with_its_objects(
    room: Room, tus: Tus, memory: MemoryStore, work_as: Callable[..., Any], parts: Parts
) -> None:
    url = tus.create(room.root, 400_000, data=noise(100_000), filename="a.bin").headers["Location"]
    with work_as("苏航") as work:
        upload = work.session.query(Upload).one()
        upload.expires_at -= timedelta(days=2)
    assert tus.client.get(url).status_code == 404
    expire_old_uploads(JobRun(parts.get(Database), parts, 1, "job", threading.Event()))
    with work_as("苏航", writes=False) as work:
        assert (work.session.query(Upload).count(), work.session.query(UploadPart).count()) == (0, 0)
    assert [key for key in memory.objects if key.startswith("uploads/")] == []


def test_empty_folders_when_dropped_then_made_once_and_refused_in_words(room: Room, signed_in: Callable[[str], Any]) -> None:
    person, url = signed_in("suhang"), f"/library/folders/{room.root}/empty-folders"
    for _time in range(2):
        assert person.post(url, {"paths": ["拍摄/空的", "拍摄/也空"]}, headers={"Accept": "application/json"}).status_code == 200
    assert set(nodes(room)) >= {"拍摄", "空的", "也空"}
    for paths in ([], ["a/../b"], ["a//b"], ["x/" * 70], [str(number) for number in range(1001)]):
        answer = person.post(url, {"paths": paths}, headers={"Accept": "application/json"})
        assert (answer.status_code, bool(answer.get_json()["error"]["title"])) == (422, True), paths[:2]
    assert signed_in("linyue").post(url, {"paths": ["a"]}, headers={"Accept": "application/json"}).status_code == 403
