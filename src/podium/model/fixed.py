"""A mapping that nobody changes: a dict still, so that JSON, pickle and every library take it."""

from __future__ import annotations

from typing import Any, NoReturn, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Fixed(dict[K, V]):
    """A dict that refuses to be changed; ``dict(it)`` gives a copy that may be."""

    def _refuse(self, *_arguments: Any, **_named: Any) -> NoReturn:
        raise TypeError("what a registry holds is not changed in memory: take a copy, or use Registry.edit")

    __setitem__ = __delitem__ = __ior__ = clear = pop = popitem = setdefault = update = _refuse

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))

    def __reduce__(self) -> tuple[Any, ...]:
        return Fixed, (dict(self),)
