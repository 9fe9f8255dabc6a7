"""`message`: a frozen dataclass that costs nothing to define.

`dataclass(frozen=True)` writes and compiles six functions for each class. The protocol has fifty, and that took a third of the time in
which an agent starts, in a small guest most of a second. A message is a dataclass like any other (`fields`, `replace`, positional and
named arguments, defaults), with its functions made by closures.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, TypeVar

__all__ = ["message"]

if TYPE_CHECKING:
    from dataclasses import dataclass as message
else:
    T = TypeVar("T")

    def message(*, frozen: bool) -> Any:
        """As `dataclass(frozen=True)`; for classes that neither inherit fields nor look at themselves when they are made."""
        assert frozen

        def make(kind: type[T]) -> type[T]:
            kind = dataclasses.dataclass(init=False, repr=False, eq=False)(kind)
            fields = dataclasses.fields(kind)
            assert not hasattr(kind, "__post_init__"), kind
            assert all(field.default_factory is dataclasses.MISSING for field in fields), kind
            defaults = {field.name: field.default for field in fields if field.default is not dataclasses.MISSING}
            for function in _functions(tuple(field.name for field in fields), defaults):
                function.__qualname__ = f"{kind.__qualname__}.{function.__name__}"
                setattr(kind, function.__name__, function)
            return kind

        return make


def _functions(names: tuple[str, ...], defaults: dict[str, Any]) -> tuple[Any, ...]:
    count, known = len(names), frozenset(names)

    def __init__(self: Any, *values: Any, **named: Any) -> None:
        given = self.__dict__
        if len(values) < count:
            given.update(defaults)
        given.update(named)
        given.update(zip(names, values, strict=False))
        if len(given) != count or len(values) > count or not (named.keys() <= known and named.keys().isdisjoint(names[: len(values)])):
            raise TypeError(f"{type(self).__name__} has the fields {', '.join(names)}; given were {len(values)} and {', '.join(named)}")

    def __repr__(self: Any) -> str:
        return f"{type(self).__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in names)})"

    def __eq__(self: Any, other: object) -> Any:
        return self.__dict__ == other.__dict__ if other.__class__ is self.__class__ else NotImplemented

    def __hash__(self: Any) -> int:
        return hash(tuple(getattr(self, name) for name in names))

    def __setattr__(self: Any, name: str, value: object) -> None:
        raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")

    def __delattr__(self: Any, name: str) -> None:
        raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")

    return __init__, __repr__, __eq__, __hash__, __setattr__, __delattr__
