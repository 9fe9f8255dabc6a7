"""What every library must do for an agent, whatever it is built on.

The fake and the real server run the same suite: a test class inherits `LibraryContract` and gives a `subject` fixture. The
client is the agent's own `Remote` over plain TCP, so that the wire is part of the contract.

Over 400 lines because a contract is one list of promises.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest

from sync.agent.errors import NotEnrolled, Refused
from sync.agent.journal import new_id
from sync.agent.remote import Remote
from sync.agent.transport import TcpDialer, Transport
from sync.core import protocol as p
from sync.core.chunking import CHUNK_MAX_BYTES, MIB, Chunk, Cutter
from sync.core.hashing import Address, address_of
from sync.core.manifest import EMPTY, Manifest, manifest_digest, manifest_of
from sync.core.packs import PackWriter
from sync.core.paths import FOLDERS_DEEP


@dataclass
class Subject:
    """A running library. api: its address. library: id of an empty library that both 林悦 and 陈帆 may edit.

    issue_code: a fresh enrolment code for the member of this display name. grant: what that member may do in a folder (its node) and
    below it; None: what they may do above.
    """

    api: str
    library: str
    issue_code: Callable[[str], str]
    grant: Callable[[str, str, p.Right | None], None]


class Client:
    """One enrolled device, with the few steps that every test needs."""

    def __init__(self, subject: Subject, member: str) -> None:
        self.transport = Transport(TcpDialer())
        nobody = Remote(self.transport, subject.api, None)
        self.code, self.nonce = subject.issue_code(member), new_id()
        self.enrolled = nobody.enrol(self.enrolment())
        self.remote = Remote(self.transport, subject.api, self.enrolled.token)
        self.library = subject.library
        listed = {library.id: library for library in self.remote.libraries().libraries}
        self.root = listed[subject.library].root

    def enrolment(self) -> p.EnrolRequest:
        return p.EnrolRequest(self.code, self.nonce, "test", "Linux", "0")

    def leases(self, *take: str, give_back: tuple[str, ...] = ()) -> list[tuple[str, str]]:
        """Node and holder of what the library says is checked out."""
        answer = self.remote.leases(self.library, p.LeasesRequest(take, give_back))
        return [(lease.node, lease.name) for lease in answer.leases]

    def store(self, *contents: bytes) -> tuple[p.StoredPack, ...]:
        """PUT the chunks that are missing, in one pack that is not registered yet."""
        chunks = {address_of(content): content for content in contents if content}
        answer = self.remote.missing(self.library, p.MissingRequest(tuple(chunks), 1))
        if not answer.missing:
            return ()
        writer = PackWriter()
        for address in answer.missing:
            writer.add(address, chunks[address])
        pack = writer.finish()
        self.remote.put_pack(answer.uploads[0], pack)
        return (p.StoredPack(answer.uploads[0].pack, address_of(pack), len(pack)),)

    def commit_op(self, name: str, content: bytes, *, node: str = "", base: int = 0, parent: str = "") -> p.Commit:
        return p.Commit(new_id(), node or new_id(), parent or self.root, name, base, manifest_for(content), 1_700_000_000_000)

    def commit(self, name: str, content: bytes, *, node: str = "", base: int = 0, parent: str = "") -> p.OpAnswer:
        op = self.commit_op(name, content, node=node, base=base, parent=parent)
        return self.op(op, self.store(content))

    def op(self, op: p.Op, packs: tuple[p.StoredPack, ...] = ()) -> p.OpAnswer:
        (answer,) = self.remote.ops(self.library, p.OpsRequest((op,), packs))
        return answer

    def feed(self, cursor: int, wait_s: int = 0, limit: int = p.MAX_NODES) -> tuple[list[p.Node], int]:
        tag = self.remote.libraries().tag
        nodes: list[p.Node] = []
        while True:
            answer = self.remote.feed(p.FeedRequest({self.library: cursor}, tag, wait_s, limit))
            for page in answer.pages:
                nodes += page.nodes
                cursor = page.cursor
            if not any(page.more for page in answer.pages):
                return nodes, cursor

    def page(self, cursor: int) -> p.FeedPage:
        """The feed with contents, on one page."""
        asked = p.FeedRequest({self.library: cursor}, self.remote.libraries().tag, 0, contents=True)
        (page,) = self.remote.feed(asked).pages
        return page

    def read(self, digest: Address) -> bytes:
        first = self.remote.content(self.library, p.ContentRequest(digest, 0, 1024))
        assert first.manifest is not None
        got: dict[Address, bytes] = {}
        for place in first.places:
            got.update(self.remote.get_chunks(first.packs[place.pack], [place]))
        return b"".join(got[chunk.address] for chunk in first.manifest.chunks)


def manifest_for(content: bytes) -> Manifest:
    """Content in chunks of 1 MiB; any cut is a valid manifest."""
    if not content:
        return EMPTY
    pieces = [content[start : start + MIB] for start in range(0, len(content), MIB)]
    cutter = Cutter.WHOLE if len(pieces) == 1 else Cutter.CDC_1M
    return manifest_of([Chunk(address_of(piece), len(piece)) for piece in pieces], cutter)


def outcome(answer: p.OpAnswer) -> tuple[str, str | None]:
    """Outcome and error code, for short assertions."""
    return answer.outcome.value, answer.error.code if answer.error else None


class LibraryContract:
    """Inherit and give the fixture `subject`, freshly empty for each test."""

    @pytest.fixture
    def subject(self) -> Subject:
        raise NotImplementedError("the inheriting class gives the library")

    @pytest.fixture
    def lin(self, subject: Subject) -> Iterator[Client]:
        client = Client(subject, "林悦")
        yield client
        client.transport.close()

    @pytest.fixture
    def chen(self, subject: Subject) -> Iterator[Client]:
        client = Client(subject, "陈帆")
        yield client
        client.transport.close()

    # --- identity ---------------------------------------------------------------------------------------------------

    def test_enrol_when_the_code_is_unknown_then_refused(self, subject: Subject) -> None:
        transport = Transport(TcpDialer())
        with pytest.raises(Refused) as refused:
            Remote(transport, subject.api, None).enrol(p.EnrolRequest("no-such-code", new_id(), "x", "Linux", "0"))
        transport.close()
        assert (refused.value.status, refused.value.problem.code) == (401, "code_unknown")

    def test_enrol_when_asked_again_with_the_same_nonce_then_a_new_token_replaces_the_old(self, subject: Subject, lin: Client) -> None:
        nobody = Remote(lin.transport, subject.api, None)
        again = nobody.enrol(lin.enrolment())
        assert again.device == lin.enrolled.device
        Remote(lin.transport, subject.api, again.token).libraries()
        with pytest.raises(NotEnrolled):
            lin.remote.libraries()

    def test_enrol_when_somebody_else_has_the_code_then_refused(self, subject: Subject, lin: Client) -> None:
        nobody = Remote(lin.transport, subject.api, None)
        with pytest.raises(Refused) as refused:
            nobody.enrol(replace(lin.enrolment(), nonce=new_id()))
        assert (refused.value.status, refused.value.problem.code) == (401, "code_used")
        lin.remote.libraries()

    def test_any_request_when_the_token_is_wrong_then_not_enrolled(self, subject: Subject, lin: Client) -> None:
        stranger = Remote(lin.transport, subject.api, "not-a-token")
        with pytest.raises(NotEnrolled):
            stranger.libraries()
        with pytest.raises(NotEnrolled):
            stranger.ops(subject.library, p.OpsRequest(()))

    def test_heartbeat_when_sent_then_says_when_to_come_back(self, lin: Client) -> None:
        answer = lin.remote.heartbeat(p.HeartbeatRequest(p.AgentState.MOUNTED, "/assets", 0, 0, "0"))
        assert answer.heartbeat_s > 0
        assert abs(answer.server_ms - time.time() * 1000) < 60_000
        assert answer.libraries_tag == lin.remote.libraries().tag

    def test_heartbeat_when_others_have_read_on_then_says_how_many_know_a_node(self, lin: Client, chen: Client) -> None:
        def beat(client: Client, cursor: int | None, *asks: str) -> dict[str, int] | None:
            cursors = {client.library: cursor} if cursor is not None else None
            return client.remote.heartbeat(p.HeartbeatRequest(p.AgentState.MOUNTED, "/", 0, 0, "0", None, cursors, asks)).seen

        first = lin.commit("a", b"1").node
        assert first is not None
        beat(lin, first.seq)
        beat(chen, 0)
        assert beat(lin, first.seq, first.id, "no-such-node-00000000") == {first.id: 0}, "one's own device does not count"
        _, cursor = chen.feed(0)
        beat(chen, cursor)
        assert beat(lin, first.seq, first.id) == {first.id: 1}
        lin.commit("a", b"2", node=first.id, base=1)
        assert beat(lin, first.seq, first.id) == {first.id: 0}, "not the newest version yet"
        beat(chen, chen.feed(cursor)[1])
        assert beat(lin, None, first.id) == {first.id: 1}
        assert beat(lin, None) is None

    def test_library_when_unknown_then_not_found_in_the_one_shape(self, lin: Client) -> None:
        with pytest.raises(Refused) as refused:
            lin.remote.missing("no-such-library", p.MissingRequest((), 0))
        assert refused.value.status == 404
        assert refused.value.problem.title

    # --- content ----------------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("size", [0, 1, 70_000, 3 * MIB + 5])
    def test_commit_when_content_is_stored_then_others_read_the_same_bytes(self, lin: Client, chen: Client, size: int) -> None:
        content = bytes(range(256)) * (size // 256 + 1)
        content = content[:size]
        pieces = [content[start : start + MIB] for start in range(0, size, MIB)]
        answer = lin.op(op := lin.commit_op("海报.bin", content), lin.store(*pieces))
        assert outcome(answer) == ("applied", None)
        assert answer.node is not None
        assert (answer.node.version, answer.node.size_bytes, answer.node.author) == (1, size, "林悦")
        assert answer.node.manifest == manifest_digest(op.manifest)
        nodes, _ = chen.feed(0)
        (seen,) = [node for node in nodes if node.id == op.node]
        assert seen == answer.node
        if size:
            assert chen.read(seen.manifest) == content

    def test_feed_when_contents_are_asked_for_then_says_where_small_saves_of_others_lie(self, lin: Client, chen: Client) -> None:
        lin.commit("旧.bin", b"old")
        _, before = chen.feed(0)
        content = b"saved a moment ago" * 1000
        saved = lin.commit("海报.bin", content).node
        lin.commit("大.bin", bytes(2 * MIB))
        assert saved is not None
        assert saved.manifest is not None
        (told,) = chen.page(before).contents
        assert told.manifest is not None
        assert manifest_digest(told.manifest) == saved.manifest
        (place,) = told.places
        assert chen.remote.get_chunks(told.packs[place.pack], [place]) == [(address_of(content), content)]
        assert lin.page(before).contents == (), "who saved it has it"
        assert chen.page(0).contents == (), "newcomers take everything in first"

    def test_commit_when_chunks_were_never_stored_then_refused_and_named(self, lin: Client) -> None:
        op = lin.commit_op("a", b"never sent")
        answer = lin.op(op)
        assert outcome(answer) == ("refused", "chunks_missing")
        assert answer.error is not None
        assert answer.error.retryable
        assert answer.error.missing == (address_of(b"never sent"),)
        assert outcome(lin.op(op, lin.store(b"never sent"))) == ("refused", "chunks_missing"), "its late copy changes nothing"
        assert outcome(lin.op(replace(op, op_id=new_id()))) == ("applied", None)

    @pytest.mark.parametrize("told", [1, 99, 101, CHUNK_MAX_BYTES])
    def test_commit_when_it_says_another_length_of_a_chunk_then_refused(self, lin: Client, told: int) -> None:
        """The chunk is verified, but who reads would find other bytes where the version says that they lie."""
        op = lin.commit_op("a", b"x" * 100)
        lying = manifest_of([Chunk(op.manifest.chunks[0].address, told)], Cutter.CDC_1M)
        assert outcome(lin.op(replace(op, manifest=lying), lin.store(b"x" * 100))) == ("refused", "bad_message")
        assert outcome(lin.op(replace(op, op_id=new_id()))) == ("applied", None)

    def test_packs_when_registered_then_their_chunks_are_not_missing(self, lin: Client) -> None:
        stored = lin.store(b"one", b"two")
        assert [each.state for each in lin.remote.register_packs(lin.library, stored)] == [p.PackState.VERIFIED]
        assert [each.state for each in lin.remote.register_packs(lin.library, stored)] == [p.PackState.VERIFIED]
        answer = lin.remote.missing(lin.library, p.MissingRequest((address_of(b"one"), address_of(b"three")), 2))
        assert answer.missing == (address_of(b"three"),)
        assert len(answer.uploads) == 2

    def test_missing_when_no_chunk_is_asked_for_then_slots_ahead(self, lin: Client) -> None:
        answer = lin.remote.missing(lin.library, p.MissingRequest((), 2))
        assert answer.missing == ()
        assert len({upload.pack for upload in answer.uploads}) == 2
        writer = PackWriter()
        writer.add(address_of(b"ahead"), b"ahead")
        pack = writer.finish()
        lin.remote.put_pack(answer.uploads[0], pack)
        stored = p.StoredPack(answer.uploads[0].pack, address_of(pack), len(pack))
        assert outcome(lin.op(lin.commit_op("a", b"ahead"), (stored,))) == ("applied", None)

    def test_missing_when_nothing_is_then_no_slots(self, lin: Client) -> None:
        lin.remote.register_packs(lin.library, lin.store(b"x"))
        assert lin.remote.missing(lin.library, p.MissingRequest((address_of(b"x"),), 5)) == p.MissingAnswer((), ())

    def test_packs_when_the_bytes_are_not_what_they_claim_then_corrupt_and_never_served(self, lin: Client) -> None:
        upload = lin.remote.missing(lin.library, p.MissingRequest((address_of(b"claimed"),), 1)).uploads[0]
        writer = PackWriter()
        writer.add(address_of(b"claimed"), b"poison!")
        pack = writer.finish()
        lin.remote.put_pack(upload, pack)
        stored = p.StoredPack(upload.pack, address_of(pack), len(pack))
        assert [each.state for each in lin.remote.register_packs(lin.library, (stored,))] == [p.PackState.CORRUPT]
        assert outcome(lin.op(lin.commit_op("a", b"claimed"), (stored,))) == ("refused", "chunks_missing")

    def test_packs_when_nothing_was_put_then_absent(self, lin: Client) -> None:
        upload = lin.remote.missing(lin.library, p.MissingRequest((address_of(b"y"),), 1)).uploads[0]
        stored = p.StoredPack(upload.pack, address_of(b"whatever"), 8)
        assert [each.state for each in lin.remote.register_packs(lin.library, (stored,))] == [p.PackState.ABSENT]

    def test_put_when_the_same_pack_is_sent_twice_then_fine(self, lin: Client) -> None:
        upload = lin.remote.missing(lin.library, p.MissingRequest((address_of(b"z"),), 1)).uploads[0]
        writer = PackWriter()
        writer.add(address_of(b"z"), b"z")
        pack = writer.finish()
        lin.remote.put_pack(upload, pack)
        lin.remote.put_pack(upload, pack)
        stored = p.StoredPack(upload.pack, address_of(pack), len(pack))
        assert [each.state for each in lin.remote.register_packs(lin.library, (stored,))] == [p.PackState.VERIFIED]

    def test_content_when_the_version_is_unknown_then_not_found(self, lin: Client) -> None:
        with pytest.raises(Refused) as refused:
            lin.remote.content(lin.library, p.ContentRequest(address_of(b"no manifest"), 0, 1))
        assert refused.value.status == 404

    def test_content_when_asked_from_the_middle_then_only_those_places(self, lin: Client) -> None:
        content = bytes([1]) * MIB + bytes([2]) * MIB + bytes([3]) * 7
        answer = lin.op(lin.commit_op("m", content), lin.store(*(content[s : s + MIB] for s in range(0, len(content), MIB))))
        assert answer.node is not None
        part = lin.remote.content(lin.library, p.ContentRequest(answer.node.manifest, 1, 1))
        assert part.manifest is None
        assert [place.chunk for place in part.places] == [address_of(bytes([2]) * MIB)]
        assert set(part.packs) == {place.pack for place in part.places}

    # --- commits ----------------------------------------------------------------------------------------------------

    def test_op_when_sent_twice_then_the_first_answer_and_one_version(self, lin: Client) -> None:
        first = lin.op(op := lin.commit_op("a.psd", b"one"), lin.store(b"one"))
        lin.commit("a.psd", b"two", node=op.node, base=1)
        assert lin.op(op) == first
        nodes, _ = lin.feed(0)
        assert [node.version for node in nodes if node.id == op.node] == [2]

    def test_commit_when_the_base_is_the_head_then_the_next_version(self, lin: Client) -> None:
        first = lin.commit("a.psd", b"one").node
        assert first is not None
        second = lin.commit("a.psd", b"two", node=first.id, base=1)
        assert outcome(second) == ("applied", None)
        assert second.node is not None
        assert (second.node.id, second.node.version) == (first.id, 2)
        assert second.node.seq > first.seq

    def test_commit_when_nothing_changed_then_no_new_version(self, lin: Client) -> None:
        first = lin.commit("a.psd", b"one").node
        assert first is not None
        same = lin.commit("a.psd", b"one", node=first.id, base=1)
        assert outcome(same) == ("exists", None)
        assert same.node == first

    def test_commit_when_it_loses_the_swap_then_a_second_head_beside_the_winner(self, lin: Client, chen: Client) -> None:
        base = lin.commit("海报.psd", b"base").node
        assert base is not None
        winner = chen.commit("海报.psd", b"chen", node=base.id, base=1).node
        lost = lin.commit("海报.psd", b"lin", node=base.id, base=1)
        assert outcome(lost) == ("conflict", None)
        assert lost.node == winner
        assert lost.second is not None
        assert lost.second.head_of == base.id
        assert lost.second.parent == base.parent
        assert lost.second.name.startswith("海报 (林悦, ")
        assert lost.second.name.endswith(").psd")
        assert chen.read(lost.second.manifest) == b"lin"
        nodes, _ = chen.feed(0)
        assert {node.id for node in nodes} >= {base.id, lost.second.id}

    def test_commit_when_two_create_the_same_name_then_a_second_head(self, lin: Client, chen: Client) -> None:
        first = lin.commit("Plan.txt", b"lin").node
        late = chen.commit_op("plan.TXT", b"chen")
        lost = chen.op(late, chen.store(b"chen"))
        assert outcome(lost) == ("conflict", None)
        assert lost.node == first
        assert lost.second is not None
        assert lost.second.id == late.node

    def test_commit_when_two_create_the_same_file_then_it_exists(self, lin: Client, chen: Client) -> None:
        first = lin.commit("a", b"same").node
        second = chen.commit("a", b"same")
        assert outcome(second) == ("exists", None)
        assert second.node == first

    @pytest.mark.parametrize("name", ["con", "a/b", "..", "x.", "a\x07b", "主" * 90])
    def test_names_when_not_storable_then_refused_everywhere(self, lin: Client, name: str) -> None:
        file = lin.commit("fine", b"1").node
        assert file is not None
        assert outcome(lin.commit(name, b"1x")) == ("refused", "name_refused")
        assert outcome(lin.op(p.MakeFolder(new_id(), new_id(), lin.root, name))) == ("refused", "name_refused")
        assert outcome(lin.op(p.Rename(new_id(), file.id, lin.root, name))) == ("refused", "name_refused")

    def test_commit_when_many_race_for_one_base_then_exactly_one_wins(self, lin: Client) -> None:
        base = lin.commit("a", b"0").node
        assert base is not None
        ops = [lin.commit_op("a", b"racer %d" % n, node=base.id, base=1) for n in range(8)]
        packs = [lin.store(b"racer %d" % n) for n in range(8)]
        answers: list[p.OpAnswer] = []
        threads = [threading.Thread(target=lambda n=n: answers.append(lin.op(ops[n], packs[n]))) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(answer.outcome.value for answer in answers) == ["applied"] + ["conflict"] * 7
        seconds = {answer.second.name for answer in answers if answer.second}
        assert len(seconds) == 7

    # --- folders, names, deletion -------------------------------------------------------------------------------

    def folder(self, client: Client, name: str, parent: str = "") -> p.Node:
        node = client.op(p.MakeFolder(new_id(), new_id(), parent or client.root, name)).node
        assert node is not None
        return node

    def test_make_folder_when_it_is_there_then_the_one_that_is(self, lin: Client, chen: Client) -> None:
        first = self.folder(lin, "图片")
        answer = chen.op(p.MakeFolder(new_id(), new_id(), chen.root, "图片"))
        assert outcome(answer) == ("exists", None)
        assert answer.node == first

    def test_make_folder_when_more_than_the_most_lie_one_in_another_then_refused(self, lin: Client) -> None:
        ops, parent = [], lin.root
        for _number in range(FOLDERS_DEEP + 1):
            ops.append(p.MakeFolder(new_id(), new_id(), parent, "d"))
            parent = ops[-1].node
        answers = lin.remote.ops(lin.library, p.OpsRequest(tuple(ops), ()))
        assert [outcome(answer) for answer in answers[-2:]] == [("applied", None), ("refused", "name_refused")]

    def test_ops_when_in_one_request_then_later_ones_see_earlier_ones(self, lin: Client) -> None:
        packs = lin.store(b"deep")
        make = p.MakeFolder(new_id(), new_id(), lin.root, "夹")
        commit = lin.commit_op("f", b"deep", parent=make.node)
        rename = p.Rename(new_id(), make.node, lin.root, "新夹")
        answers = lin.remote.ops(lin.library, p.OpsRequest((make, commit, rename), packs))
        assert [answer.outcome.value for answer in answers] == ["applied"] * 3
        nodes = {node.id: node for node in lin.feed(0)[0]}
        assert nodes[make.node].name == "新夹"
        assert nodes[commit.node].parent == make.node

    def test_rename_when_a_folder_moves_then_one_row_and_content_stays(self, lin: Client) -> None:
        outer, inner = self.folder(lin, "外"), self.folder(lin, "内")
        file = lin.commit("f", b"1", parent=inner.id).node
        assert file is not None
        _, cursor = lin.feed(0)
        moved = lin.op(p.Rename(new_id(), inner.id, outer.id, "内二"))
        assert outcome(moved) == ("applied", None)
        nodes, _ = lin.feed(cursor)
        assert [(node.id, node.parent, node.name) for node in nodes] == [(inner.id, outer.id, "内二")]

    def test_rename_when_not_possible_then_refused_with_its_reason(self, lin: Client) -> None:
        outer = self.folder(lin, "外")
        inner = self.folder(lin, "内", outer.id)
        file, other = lin.commit("a", b"1").node, lin.commit("b", b"2").node
        assert file is not None
        assert other is not None
        assert outcome(lin.op(p.Rename(new_id(), outer.id, inner.id, "x"))) == ("refused", "would_loop")
        assert outcome(lin.op(p.Rename(new_id(), file.id, lin.root, "B"))) == ("refused", "name_taken")
        assert outcome(lin.op(p.Rename(new_id(), file.id, new_id(), "c"))) == ("refused", "parent_gone")
        assert outcome(lin.op(p.Rename(new_id(), new_id(), lin.root, "c"))) == ("refused", "node_gone")
        assert outcome(lin.op(p.Rename(new_id(), file.id, lin.root, "a"))) == ("exists", None)
        assert outcome(lin.op(p.Rename(new_id(), file.id, lin.root, "A"))) == ("applied", None)

    def test_delete_when_seen_then_a_tombstone_and_the_name_is_free(self, lin: Client) -> None:
        file = lin.commit("a", b"1").node
        assert file is not None
        _, cursor = lin.feed(0)
        assert outcome(lin.op(p.Delete(new_id(), file.id, 1))) == ("applied", None)
        nodes, _ = lin.feed(cursor)
        assert [(node.id, node.deleted) for node in nodes] == [(file.id, True)]
        assert outcome(lin.op(p.Delete(new_id(), file.id, 1)))[0] == "exists"
        assert outcome(lin.commit("a", b"other")) == ("applied", None)

    def test_delete_when_edited_since_then_the_edit_stays(self, lin: Client, chen: Client) -> None:
        file = lin.commit("a", b"1").node
        assert file is not None
        edited = chen.commit("a", b"2", node=file.id, base=1).node
        kept = lin.op(p.Delete(new_id(), file.id, 1))
        assert outcome(kept) == ("kept", None)
        assert kept.node == edited

    def test_commit_when_it_was_deleted_meanwhile_then_the_edit_brings_it_back(self, lin: Client, chen: Client) -> None:
        folder = self.folder(lin, "夹")
        file = lin.commit("a", b"1", parent=folder.id).node
        assert file is not None
        lin.op(p.Delete(new_id(), folder.id, 0, recursive=True))
        back = chen.commit("a", b"2", node=file.id, base=1, parent=folder.id)
        assert outcome(back) == ("applied", None)
        live = {node.id for node in chen.feed(0)[0] if not node.deleted}
        assert {folder.id, file.id} <= live

    def test_commit_when_it_was_deleted_and_its_name_taken_then_it_comes_back_where_its_saver_has_it(
        self, lin: Client, chen: Client
    ) -> None:
        folder = self.folder(lin, "夹")
        file = lin.commit("a", b"1").node
        assert file is not None
        lin.op(p.Delete(new_id(), file.id, 1))
        assert lin.commit("a", b"another").node is not None
        back = chen.commit("b", b"2", node=file.id, base=1, parent=folder.id)
        assert outcome(back) == ("applied", None)
        assert back.node is not None
        assert (back.node.parent, back.node.name, back.node.version) == (folder.id, "b", 2)

    def test_commit_when_its_folder_was_deleted_then_the_feed_tells_of_what_stays_deleted_in_it(self, lin: Client, chen: Client) -> None:
        folder = self.folder(lin, "夹")
        inner = self.folder(lin, "里", parent=folder.id)
        file, beside = (lin.commit(name, b"1", parent=folder.id).node for name in "ab")
        assert file is not None
        assert beside is not None
        _nodes, cursor = chen.feed(0)
        lin.op(p.Delete(new_id(), folder.id, 0, recursive=True))
        assert outcome(chen.commit("a", b"2", node=file.id, base=1, parent=folder.id)) == ("applied", None)
        heard = {node.id: node.deleted for node in chen.feed(cursor)[0]}
        assert heard == {folder.id: False, file.id: False, beside.id: True, inner.id: True}, (
            "who did not hear of the deletion would keep them"
        )

    def test_delete_when_a_folder_is_not_empty_then_only_recursively(self, lin: Client) -> None:
        folder = self.folder(lin, "夹")
        lin.commit("a", b"1", parent=folder.id)
        assert outcome(lin.op(p.Delete(new_id(), folder.id, 0))) == ("refused", "not_empty")
        assert outcome(lin.op(p.Delete(new_id(), folder.id, 0, recursive=True))) == ("applied", None)
        assert outcome(lin.commit("b", b"2", parent=folder.id)) == ("refused", "parent_gone")

    # --- the feed -------------------------------------------------------------------------------------------------

    def test_feed_when_paged_then_every_node_once_in_order(self, lin: Client) -> None:
        made = [self.folder(lin, f"夹{n}").id for n in range(7)]
        nodes, cursor = lin.feed(0, limit=2)
        assert [node.id for node in nodes if node.id in made] == made
        assert [node.seq for node in nodes] == sorted({node.seq for node in nodes})
        assert lin.feed(cursor) == ([], cursor)

    def test_children_when_a_folder_is_asked_for_then_what_is_live_in_it_as_the_feed_has_it(self, lin: Client) -> None:
        outer = self.folder(lin, "夹").id
        self.folder(lin, "别处")
        inner = lin.op(p.MakeFolder(new_id(), new_id(), outer, "里")).node
        saved, gone = lin.commit("b", b"1", parent=outer).node, lin.commit("a", b"2", parent=outer).node
        assert inner is not None
        assert gone is not None
        lin.op(p.Delete(new_id(), gone.id, gone.version, recursive=False))
        assert list(lin.remote.children(lin.library, outer)) == [saved, inner]
        assert {node.name for node in lin.remote.children(lin.library, lin.root)} == {"夹", "别处"}

    def test_children_when_the_folder_is_not_there_then_none(self, lin: Client) -> None:
        assert list(lin.remote.children(lin.library, new_id())) == []

    def test_feed_when_somebody_else_saves_then_it_answers_at_once(self, lin: Client, chen: Client) -> None:
        _, cursor = chen.feed(0)
        seen: list[list[p.Node]] = []
        waiting = threading.Thread(target=lambda: seen.append(chen.feed(cursor, wait_s=p.MAX_WAIT_S)[0]))
        waiting.start()
        committed = lin.commit("a", b"1").node
        waiting.join(p.MAX_WAIT_S - 5)
        assert seen, "it waited to the end"
        assert [node for node in seen[0] if not node.deleted] == [committed]

    def test_feed_when_nothing_happens_then_it_waits_and_is_empty(self, lin: Client) -> None:
        _, cursor = lin.feed(0)
        began = time.monotonic()
        assert lin.feed(cursor, wait_s=1) == ([], cursor)
        assert time.monotonic() - began >= 0.9

    # --- rights in a folder -------------------------------------------------------------------------------------------

    def test_feed_when_a_folder_is_hidden_and_shown_then_gone_without_a_name_and_back(
        self, subject: Subject, lin: Client, chen: Client
    ) -> None:
        folder = lin.op(p.MakeFolder(new_id(), new_id(), lin.root, "机密")).node
        assert folder is not None
        file = lin.commit("涨价.txt", b"secret", parent=folder.id).node
        assert file is not None
        nodes, cursor = chen.feed(0)
        assert {folder.id, file.id} <= {node.id for node in nodes}
        tag = chen.remote.libraries().tag
        subject.grant(folder.id, "陈帆", p.Right.NONE)
        assert chen.remote.libraries().tag != tag
        nodes, cursor = chen.feed(cursor)
        gone = {node.id: node for node in nodes}
        assert [(gone[each].deleted, gone[each].right, gone[each].name) for each in (folder.id, file.id)] == [(True, p.Right.NONE, "")] * 2
        assert not {folder.id, file.id} & {node.id for node in chen.feed(0)[0]}
        subject.grant(folder.id, "陈帆", p.Right.SEE)
        nodes, cursor = chen.feed(cursor)
        back = {node.id: node for node in nodes}
        assert (back[folder.id].name, back[folder.id].right, back[file.id].name) == ("机密", p.Right.SEE, "涨价.txt")
        subject.grant(folder.id, "陈帆", None)
        assert {node.id: node.right for node in chen.feed(cursor)[0]}[folder.id] is None
        assert {node.id: node.right for node in lin.feed(0)[0]}[folder.id] is None, "it was never otherwise for others"

    def test_commit_when_it_was_deleted_and_its_savers_folder_may_not_be_changed_then_it_comes_back_where_it_was(
        self, subject: Subject, lin: Client, chen: Client
    ) -> None:
        closed, file = self.folder(lin, "机密"), lin.commit("a", b"1").node
        assert file is not None
        lin.op(p.Delete(new_id(), file.id, 1))
        subject.grant(closed.id, "陈帆", p.Right.SEE)
        back = chen.commit("b", b"2", node=file.id, base=1, parent=closed.id).node
        assert back is not None
        assert (back.parent, back.name) == (lin.root, "a")

    @pytest.mark.parametrize("right", [p.Right.NONE, p.Right.SEE])
    def test_ops_when_the_folder_may_not_be_changed_then_each_is_refused(
        self, subject: Subject, lin: Client, chen: Client, right: p.Right
    ) -> None:
        folder = lin.op(p.MakeFolder(new_id(), new_id(), lin.root, "机密")).node
        assert folder is not None
        file = lin.commit("涨价.txt", b"secret", parent=folder.id).node
        assert file is not None
        mine = chen.commit("我的.txt", b"mine").node
        assert mine is not None
        subject.grant(folder.id, "陈帆", right)
        packs = chen.store(b"changed")
        tries: list[p.Op] = [
            chen.commit_op("涨价.txt", b"changed", node=file.id, base=1), chen.commit_op("新.txt", b"changed", parent=folder.id),
            p.MakeFolder(new_id(), new_id(), folder.id, "里"), p.Rename(new_id(), file.id, chen.root, "出去.txt"),
            p.Rename(new_id(), mine.id, folder.id, "进去.txt"), p.Delete(new_id(), file.id, 1),
            p.Delete(new_id(), folder.id, 0, recursive=True),
        ]  # fmt: skip
        answers = chen.remote.ops(chen.library, p.OpsRequest(tuple(tries), packs))
        assert [outcome(answer) for answer in answers] == [("refused", "not_allowed")] * len(tries)
        assert outcome(lin.commit("涨价.txt", b"changed by who may", node=file.id, base=1)) == ("applied", None)

    # --- check-outs ---------------------------------------------------------------------------------------------------

    def test_check_out_when_taken_then_told_in_the_feed_and_bound_until_given_back(self, lin: Client, chen: Client) -> None:
        file = lin.commit("主视觉.psd", b"1").node
        assert file is not None
        cursor = chen.feed(0)[1]
        assert lin.leases(file.id) == [(file.id, "林悦")]
        page = chen.remote.feed(p.FeedRequest({chen.library: cursor}, "", 0)).pages[0]
        assert ([(lease.node, lease.name) for lease in page.leases], page.nodes) == ([(file.id, "林悦")], ())
        assert page.leases[0].left_ms > 0
        assert page.cursor > cursor
        assert chen.leases(file.id) == [(file.id, "林悦")], "it is told who has it"
        assert chen.leases() == [(file.id, "林悦")], "and so is who asks for all"
        refused = [chen.op(p.Rename(new_id(), file.id, chen.root, "别名.psd")), chen.op(p.Delete(new_id(), file.id, 1))]
        assert [outcome(answer) for answer in refused] == [("refused", "checked_out")] * 2
        lost = chen.commit("主视觉.psd", b"chen", node=file.id, base=1)
        assert (lost.outcome, lost.second.head_of if lost.second else None) == (p.Outcome.CONFLICT, file.id)
        assert outcome(lin.commit("主视觉.psd", b"2", node=file.id, base=1)) == ("applied", None)
        assert lin.leases(give_back=(file.id,)) == []
        assert chen.leases(file.id) == [(file.id, "陈帆")]

    def test_check_out_when_it_is_no_file_then_nothing_is_taken(self, lin: Client) -> None:
        assert lin.leases(lin.root, new_id()) == []
