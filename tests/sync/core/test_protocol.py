"""Messages: every one survives the wire, and what does not fit is refused by name."""

from __future__ import annotations

import dataclasses
import inspect
import json
import threading
import typing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync.core import codec, protocol
from sync.core.chunking import Chunk, Cutter
from sync.core.codec import BadMessage, from_bytes, to_bytes
from sync.core.hashing import Address, address_of
from sync.core.manifest import Manifest, manifest_of
from sync.core.protocol import Commit, Delete, MakeFolder, OpsRequest, Rename

MESSAGES = [kind for _, kind in inspect.getmembers(protocol, dataclasses.is_dataclass) if kind.__module__ == protocol.__name__]
MANIFEST = manifest_of([Chunk(address_of(b"x"), 1)], Cutter.WHOLE)


def strategy(kind: type) -> st.SearchStrategy:
    """Any message of this kind."""
    hints = typing.get_type_hints(kind)
    fields = {f.name: st.just(f.default) if f.name == "kind" and hasattr(kind, "KIND") else None for f in dataclasses.fields(kind)}
    return st.builds(kind, **{name: field_strategy(hints[name]) if fixed is None else fixed for name, fixed in fields.items()})


def field_strategy(hint: object) -> st.SearchStrategy:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is Address:
        return st.binary(max_size=4).map(address_of)
    if hint is Manifest:
        return st.just(MANIFEST)
    if origin is tuple:
        return st.lists(field_strategy(arguments[0]), max_size=3).map(tuple)
    if origin is dict:
        return st.dictionaries(st.text(max_size=5), field_strategy(arguments[1]), max_size=3)
    if arguments:
        return st.one_of(*(field_strategy(each) for each in arguments))
    if hint is type(None):
        return st.none()
    if dataclasses.is_dataclass(hint):
        return strategy(hint)
    return st.from_type(hint)


@pytest.mark.parametrize("kind", MESSAGES, ids=lambda kind: kind.__name__)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_message_when_sent_then_arrives_equal(kind: type, data: st.DataObject) -> None:
    message = data.draw(strategy(kind))
    assert from_bytes(kind, to_bytes(message)) == message


@pytest.mark.parametrize(
    "op",
    [
        Commit("o", "n", "p", "海报.psd", 3, MANIFEST, 17),
        MakeFolder("o", "n", "p", "夹"),
        Rename("o", "n", "p", "新"),
        Delete("o", "n", 2),
    ],
    ids=lambda op: op.kind,
)
def test_ops_when_mixed_then_each_keeps_its_kind(op: protocol.Op) -> None:
    assert from_bytes(OpsRequest, to_bytes(OpsRequest((op,)))).ops == (op,)


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (b"{", "not JSON"),
        (b"[]", "expected an object"),
        (b'{"code":"a","nonce":"b","device_name":"c","platform":"d"}', r"agent_version: missing"),
        (b'{"code":1,"nonce":"b","device_name":"c","platform":"d","agent_version":"e"}', r"code: expected str"),
        (rb'{"code":"\ud800","nonce":"b","device_name":"c","platform":"d","agent_version":"e"}', r"code: not Unicode"),
    ],
    ids=["broken", "list", "missing", "type", "half a character"],
)
def test_decode_when_it_does_not_fit_then_names_the_field(body: bytes, where: str) -> None:
    with pytest.raises(BadMessage, match=where):
        from_bytes(protocol.EnrolRequest, body)


def test_decode_when_a_newer_end_adds_fields_then_they_are_ignored() -> None:
    body = json.dumps({"chunks": [], "uploads": 1, "future": {"x": 1}}).encode()
    assert from_bytes(protocol.MissingRequest, body) == protocol.MissingRequest((), 1)


def test_decode_when_true_stands_for_a_number_then_refused() -> None:
    with pytest.raises(BadMessage, match="uploads"):
        from_bytes(protocol.MissingRequest, b'{"chunks":[],"uploads":true}')


def test_decode_when_a_manifest_does_not_add_up_then_bad_message() -> None:
    op = json.loads(to_bytes(OpsRequest((Commit("o", "n", "p", "x", 0, MANIFEST, 1),))))
    op["ops"][0]["manifest"]["size_bytes"] = 99
    with pytest.raises(BadMessage, match="add up"):
        from_bytes(OpsRequest, json.dumps(op).encode())


def test_decode_when_nested_without_end_then_bad_message() -> None:
    with pytest.raises(BadMessage):
        from_bytes(protocol.FeedRequest, b"[" * 100_000)


@dataclasses.dataclass(frozen=True)
class Pair:
    first: str
    second: int


def test_decode_when_another_thread_is_at_the_first_of_its_kind_then_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    at_second, may_go_on, decoder_of = threading.Event(), threading.Event(), codec._decoder

    def slow(kind: object) -> object:
        if kind is int and threading.current_thread() is other:
            at_second.set()
            may_go_on.wait(5)
        return decoder_of(kind)

    monkeypatch.setattr(codec, "_decoder", slow)
    decode = codec._dataclass_decoder(Pair)
    other = threading.Thread(target=decode, args=({"first": "a", "second": 1},))
    other.start()
    assert at_second.wait(5)
    assert decode({"first": "b", "second": 2}) == Pair("b", 2)
    may_go_on.set()
    other.join(5)


def test_message_when_made_then_as_a_frozen_dataclass() -> None:
    lease = protocol.Lease("n", "m", name="林悦", left_ms=5)
    assert lease == protocol.Lease(node="n", member="m", name="林悦", left_ms=5)
    assert hash(lease) == hash(dataclasses.replace(lease))
    assert lease != dataclasses.replace(lease, left_ms=6)
    assert repr(lease) == "Lease(node='n', member='m', name='林悦', left_ms=5)"
    with pytest.raises(dataclasses.FrozenInstanceError):
        lease.left_ms = 6  # type: ignore[misc]
    for values, named in ((("n", "m", "x"), {}), (("n", "m", "x", 5, 6), {}), (("n", "m", "x", 5), {"node": "n"}), ((), {"other": 1})):
        with pytest.raises(TypeError):
            protocol.Lease(*values, **named)  # type: ignore[arg-type]
