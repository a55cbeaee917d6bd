"""
podium: a Git-backed, declarative model registry.

The promise: ``open``, ``use_model``, ``Registry``, ``Version`` and the errors. What is not named here may change.
"""

from __future__ import annotations

from podium import deferred

TYPE_CHECKING = False  # as a type checker reads it: `typing` takes as long to load as Python takes to start
if TYPE_CHECKING:
    from podium.api import Registry, open, use_model  # noqa: A004 - read as podium.open
    from podium.editing import Editing
    from podium.errors import Error
    from podium.model import Artifact, File, RegisteredModel, Version
else:  # the command line imports this package too, and must start quickly
    __getattr__ = deferred.names(
        __name__,
        {
            "api": "Registry open use_model",
            "editing": "Editing",
            "errors": "Error",
            "model": "Artifact File RegisteredModel Version",
        },
    )

__all__ = ["Artifact", "Editing", "Error", "File", "RegisteredModel", "Registry", "Version", "open", "use_model"]


def __dir__() -> list[str]:
    return sorted(__all__)
