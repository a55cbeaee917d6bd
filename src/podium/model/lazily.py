"""A mapping whose names are known before its values are."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cached_property
from typing import TypeVar

T = TypeVar("T")


class Lazily(Mapping[str, T]):
    """
    A mapping whose names are listed at the first need, and whose values are loaded one by one and kept.

    ``missing`` makes the error for a name that is not among them: a KeyError, which may say more.
    """

    def __init__(
        self,
        names: Callable[[], Collection[str]],
        load: Callable[[str], T],
        has: Callable[[str], bool] | None = None,
        missing: Callable[[str], KeyError] = KeyError,
    ) -> None:
        self._list = names
        self._load = load
        self._has = has
        self._missing = missing
        self._loaded: dict[str, T] = {}

    @cached_property
    def _names(self) -> dict[str, None]:
        return dict.fromkeys(self._list())

    def __getitem__(self, name: str) -> T:
        if name not in self._loaded:
            if name not in self:
                raise self._missing(name if isinstance(name, str) else f"<{type(name).__name__}>")
            self._loaded[name] = self._load(name)
        return self._loaded[name]

    def __contains__(self, name: object) -> bool:
        if self._has is not None and "_names" not in self.__dict__:
            return isinstance(name, str) and self._has(name)
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __repr__(self) -> str:
        return f"Lazily({list(self._names)!r})"
