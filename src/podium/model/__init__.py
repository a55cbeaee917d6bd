"""
The frozen values: Registry, RegisteredModel, Artifact, Version, Alias, Policy.

A registry is read lazily: ``Lazily`` is a mapping whose names are known before its values are. Asking for a value that
the file on disk does not hold raises Unreadable; asking whether a name is there does not.
"""

from __future__ import annotations

from podium.model.entities import Artifact, Entity, RegisteredModel, Registry
from podium.model.fixed import Fixed
from podium.model.lazily import Lazily
from podium.model.values import (
    About,
    Alias,
    ArtifactVersion,
    Bound,
    Fact,
    File,
    Link,
    Policy,
    Record,
    Row,
    Scalar,
    Settings,
    Version,
)

__all__ = [
    "About",
    "Alias",
    "Artifact",
    "ArtifactVersion",
    "Bound",
    "Entity",
    "Fact",
    "File",
    "Fixed",
    "Lazily",
    "Link",
    "Policy",
    "Record",
    "RegisteredModel",
    "Registry",
    "Row",
    "Scalar",
    "Settings",
    "Version",
]
