"""Packages whose modules are loaded when a name of theirs is asked for, so that a command starts with what it needs."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any


def names(package: str, where: Mapping[str, str]) -> Callable[[str], Any]:
    """
    Make the ``__getattr__`` of a package: which of its modules has which names (with blanks between them).

    The modules' own names are there too. A name is looked up once; the package has it from then on.
    """
    modules = {name: module for module, offered in where.items() for name in offered.split()}

    def load(name: str) -> Any:
        if name not in where and name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}", name=name, obj=sys.modules[package])
        from importlib import import_module  # a start without it

        if name in where:
            return import_module(f"{package}.{name}")
        found = getattr(import_module(f"{package}.{modules[name]}"), name)
        setattr(sys.modules[package], name, found)
        return found

    return load
