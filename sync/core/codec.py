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
from collections.abc import Callable
from enum import Enum
from functools import cache
from typing import Any, TypeVar

from sync.core.chunking import Chunk
from sync.core.hashing import Address, is_address

T = TypeVar("T")
_Decoder = Callable[[Any, str], Any]
_SURROGATE = re.compile("[\ud800-\udfff]")


class BadMessage(ValueError):
    """The JSON is not the message that was expected; the text names the field."""


def encode(value: Any) -> Any:
    """The JSON value of a message: only dict, list, str, int, bool and None."""
    if isinstance(value, Chunk):
        return [value.address, value.size_bytes]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field: encode(getattr(value, field)) for field in _field_names(type(value))}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple | list):
        return [encode(item) for item in value]
    if isinstance(value, dict):
        return {key: encode(item) for key, item in value.items()}
    return value


def decode(kind: type[T], value: object) -> T:
    """The message of this kind in a JSON value; raises BadMessage."""
    return typing.cast(T, _decoder(typing.cast(Any, kind))(value, kind.__name__))


def to_bytes(message: object) -> bytes:
    """A message as an HTTP body."""
    return json.dumps(encode(message), ensure_ascii=False, separators=(",", ":")).encode()


def from_bytes(kind: type[T], body: bytes) -> T:
    """The message of this kind in an HTTP body; raises BadMessage."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadMessage(f"{kind.__name__}: not JSON: {error}") from error
    return decode(kind, value)


@cache
def _field_names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind))


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


def _chunk(value: Any, where: str) -> Chunk:
    if not isinstance(value, list) or len(value) != 2 or type(value[1]) is not int:
        raise BadMessage(f"{where}: expected [address, size]")
    return Chunk(_address(value[0], where), value[1])


def _address(value: Any, where: str) -> Address:
    if not isinstance(value, str) or not is_address(value):
        raise BadMessage(f"{where}: expected an address")
    return Address(value)


def _dataclass_decoder(kind: type) -> _Decoder:
    hints = typing.get_type_hints(kind)
    required = [(f.name, f.default is dataclasses.MISSING) for f in dataclasses.fields(kind)]
    decoders: dict[str, _Decoder] = {}

    def decode_fields(value: Any, where: str) -> Any:
        if not isinstance(value, dict):
            raise BadMessage(f"{where}: expected an object")
        if not decoders:  # made on first use, so that a message may contain its own kind
            decoders.update({name: _decoder(hints[name]) for name, _ in required})
        given = {}
        for name, must in required:
            if name in value:
                given[name] = decoders[name](value[name], f"{where}.{name}")
            elif must:
                raise BadMessage(f"{where}.{name}: missing")
        try:
            return kind(**given)
        except ValueError as error:
            raise BadMessage(f"{where}: {error}") from error

    return decode_fields


def _list_decoder(item: _Decoder) -> _Decoder:
    def decode_list(value: Any, where: str) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise BadMessage(f"{where}: expected a list")
        return tuple(item(each, f"{where}[{index}]") for index, each in enumerate(value))

    return decode_list


def _dict_decoder(item: _Decoder) -> _Decoder:
    def decode_dict(value: Any, where: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise BadMessage(f"{where}: expected an object")
        return {key: item(each, f"{where}.{key}") for key, each in value.items()}

    return decode_dict


def _union_decoder(arguments: tuple[Any, ...]) -> _Decoder:
    """`X | None`, or a union of messages told apart by their `kind`."""
    messages = [each for each in arguments if each is not type(None)]
    if len(messages) == 1:
        inner = _decoder(messages[0])
        return lambda value, where: None if value is None else inner(value, where)
    by_kind: dict[object, _Decoder] = {each.KIND: _decoder(each) for each in messages}

    def decode_kind(value: Any, where: str) -> Any:
        kind = value.get("kind") if isinstance(value, dict) else None
        if not isinstance(kind, str) or kind not in by_kind:
            raise BadMessage(f"{where}.kind: expected one of {', '.join(map(str, by_kind))}")
        return by_kind[kind](value, where)

    return decode_kind


def _enum_decoder(kind: type[Enum]) -> _Decoder:
    def decode_enum(value: Any, where: str) -> Enum:
        try:
            return kind(value)
        except ValueError as error:
            raise BadMessage(f"{where}: {value!r} is not a {kind.__name__}") from error

    return decode_enum


def _plain_decoder(kind: Any) -> _Decoder:
    if kind not in (str, int, bool):
        raise TypeError(f"messages cannot hold {kind!r}")

    def decode_plain(value: Any, where: str) -> Any:
        if type(value) is not kind:  # bool is an int in Python, but not in a message
            raise BadMessage(f"{where}: expected {kind.__name__}")
        if kind is str and _SURROGATE.search(value):  # half a character, which no database and no hash takes
            raise BadMessage(f"{where}: not Unicode")
        return value

    return decode_plain
