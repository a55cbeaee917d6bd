"""
podium: a Git-backed, declarative model registry.

The promise: ``open``, ``use_model``, ``Registry``, ``Version`` and the errors. What is not named here may change.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from podium.errors import Error

if TYPE_CHECKING:
    from podium.api import Registry, open, use_model  # noqa: A004 - read as podium.open
    from podium.editing import Editing
    from podium.model import Artifact, File, RegisteredModel, Version

__all__ = ["Artifact", "Editing", "Error", "File", "RegisteredModel", "Registry", "Version", "open", "use_model"]

_WHERE = {
    "Editing": "podium.editing",
    "Registry": "podium.api",
    "open": "podium.api",
    "use_model": "podium.api",
    "Artifact": "podium.model",
    "File": "podium.model",
    "RegisteredModel": "podium.model",
    "Version": "podium.model",
}


def __getattr__(name: str) -> Any:
    """Load a name when it is asked for: the command line imports this package too, and must start quickly."""
    if name not in _WHERE:
        raise AttributeError(f"module 'podium' has no attribute {name!r}")
    return getattr(import_module(_WHERE[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
