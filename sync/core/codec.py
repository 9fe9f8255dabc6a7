"""Frozen dataclasses to JSON and back, strictly.

The shape of a message is its dataclass and nothing else. Decoding checks every type and refuses what does not fit,
naming the field; unknown fields are ignored, so that either end may be one release ahead.
"""

from __future__ import annotations

import dataclasses
import json
import re
import types
import typing
from collections.abc import Callable, Iterable
from enum import Enum
from functools import cache, cached_property
from typing import Any, TypeVar

from sync.core.chunking import Chunk
from sync.core.hashing import Address, is_address

T = TypeVar("T")
_Decoder = Callable[[Any], Any]
_SURROGATE = re.compile("[\ud800-\udfff]")


class BadMessage(ValueError):
    """The JSON is not the message that was expected; the text names the field."""


def encode(value: Any) -> Any:
    """The JSON value of a message: only dict, list, str, int, bool and None."""
    return json.loads(to_text(value))


def to_text(message: object) -> str:
    """A message as JSON. Its dataclasses are taken apart while the encoder, which is C, comes upon them."""
    return _ENCODER.encode(message)


def _parts(value: object) -> object:
    if isinstance(value, Enum):
        return value.value
    return _taker(typing.cast(Any, type(value)))(value)


@cache
def _taker(kind: type) -> Callable[[Any], object]:
    """What gives the fields of a message by name."""
    if kind is Chunk:
        return lambda chunk: [chunk.address, chunk.size_bytes]
    names = [field.name for field in dataclasses.fields(kind)]
    if any(isinstance(value, cached_property) for value in vars(kind).values()):  # Kept beside the fields.
        return lambda message: {name: getattr(message, name) for name in names}
    return vars


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_parts, check_circular=False)


def decode(kind: type[T], value: object) -> T:
    """The message of this kind in a JSON value; raises BadMessage."""
    try:
        return typing.cast(T, _decoder(typing.cast(Any, kind))(value))
    except _Misfit as error:
        raise BadMessage(f"{kind.__name__}{error.path}: {error.why}") from error


def to_bytes(message: object) -> bytes:
    """A message as an HTTP body."""
    return to_text(message).encode()


def lists_to_bytes(**fields: Iterable[str]) -> bytes:
    """The body of a message whose fields are lists of messages that are text already."""
    return ("{" + ",".join(f'"{name}":[{",".join(texts)}]' for name, texts in fields.items()) + "}").encode()


def from_bytes(kind: type[T], body: bytes) -> T:
    """The message of this kind in an HTTP body; raises BadMessage."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadMessage(f"{kind.__name__}: not JSON: {error}") from error
    return decode(kind, value)


@cache
def _decoder(kind: Any) -> _Decoder:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind is Chunk:
        return _chunk
    if kind is Address:
        return _address
    if dataclasses.is_dataclass(kind):
        return _dataclass_decoder(typing.cast(type, kind))
    if origin is tuple:
        return _list_decoder(_decoder(arguments[0]))
    if origin is dict:
        return _dict_decoder(_decoder(arguments[1]))
    if origin in (types.UnionType, typing.Union):
        return _union_decoder(arguments)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _enum_decoder(kind)
    return _plain_decoder(kind)


class _Misfit(ValueError):
    """A value that is not what its place asks for. Each level puts its own step before the path, so that what fits costs nothing."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.path, self.why = "", why


def _chunk(value: Any) -> Chunk:
    if not isinstance(value, list) or len(value) != 2 or type(value[1]) is not int:
        raise _Misfit("expected [address, size]")
    return Chunk(_address(value[0]), value[1])


def _address(value: Any) -> Address:
    if not isinstance(value, str) or not is_address(value):
        raise _Misfit("expected an address")
    return Address(value)


def _dataclass_decoder(kind: type) -> _Decoder:
    hints = typing.get_type_hints(kind)
    required = [(f.name, f.default is dataclasses.MISSING) for f in dataclasses.fields(kind)]
    steps: list[tuple[str, bool, _Decoder]] = []
    defaults = {f.name: f.default for f in dataclasses.fields(kind) if f.default is not dataclasses.MISSING}
    checked = hasattr(kind, "__post_init__")

    def decode_fields(value: Any) -> Any:
        if not isinstance(value, dict):
            raise _Misfit("expected an object")
        if not steps:  # made on first use, so that a message may contain its own kind
            steps[:] = [(name, must, _decoder(hints[name])) for name, must in required]  # all at once: another thread may decode too
        given = dict(defaults)
        for name, must, decoder in steps:
            if name in value:
                try:
                    given[name] = decoder(value[name])
                except _Misfit as error:
                    error.path = f".{name}{error.path}"
                    raise
            elif must:
                missing = _Misfit("missing")
                missing.path = f".{name}"
                raise missing
        if not checked:  # A frozen class would set each field by a call of its own: a third of the time that a page of the feed takes.
            made: Any = object.__new__(kind)
            made.__dict__.update(given)
            return made
        try:
            return kind(**given)
        except ValueError as error:
            raise _Misfit(str(error)) from error

    return decode_fields


def _list_decoder(item: _Decoder) -> _Decoder:
    def decode_list(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise _Misfit("expected a list")
        try:
            return tuple([item(each) for each in value])
        except _Misfit as error:
            error.path = f"[]{error.path}"
            raise

    return decode_list


def _dict_decoder(item: _Decoder) -> _Decoder:
    def decode_dict(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise _Misfit("expected an object")
        return {key: item(each) for key, each in value.items()}

    return decode_dict


def _union_decoder(arguments: tuple[Any, ...]) -> _Decoder:
    """`X | None`, or a union of messages told apart by their `kind`."""
    messages = [each for each in arguments if each is not type(None)]
    if len(messages) == 1:
        inner = _decoder(messages[0])
        return lambda value: None if value is None else inner(value)
    by_kind: dict[object, _Decoder] = {each.KIND: _decoder(each) for each in messages}

    def decode_kind(value: Any) -> Any:
        kind = value.get("kind") if isinstance(value, dict) else None
        if not isinstance(kind, str) or kind not in by_kind:
            raise _Misfit(f"expected a kind out of {', '.join(map(str, by_kind))}")
        return by_kind[kind](value)

    return decode_kind


def _enum_decoder(kind: type[Enum]) -> _Decoder:
    members: dict[object, Enum] = {member.value: member for member in kind}

    def decode_enum(value: Any) -> Enum:
        found = members.get(value) if isinstance(value, str) else None
        if found is None:
            raise _Misfit(f"{value!r} is not a {kind.__name__}")
        return found

    return decode_enum


def _plain_decoder(kind: Any) -> _Decoder:
    if kind not in (str, int, bool):
        raise TypeError(f"messages cannot hold {kind!r}")

    def decode_text(value: Any) -> Any:
        if type(value) is not str:
            raise _Misfit("expected str")
        if not value.isascii() and _SURROGATE.search(value):  # half a character, which no database and no hash takes
            raise _Misfit("not Unicode")
        return value

    def decode_plain(value: Any) -> Any:
        if type(value) is not kind:  # bool is an int in Python, but not in a message
            raise _Misfit(f"expected {kind.__name__}")
        return value

    return decode_text if kind is str else decode_plain
