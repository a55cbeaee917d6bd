"""What ``check --fix`` can mend without changing what anything means."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from podium import codec, codeowners, layout, schemas
from podium.checks import Finding
from podium.codec import Malformed
from podium.errors import Unreadable
from podium.model import Registry
from podium.tree import Tree

Changes = Mapping[str, "bytes | None"]


def fixes(registry: Registry, findings: Iterable[Finding]) -> Changes:
    """
    Give the files to write (bytes) or to take away (``None``) for the findings that can be fixed safely.

    Files under ``versions/`` are written once, so that none of them is written anew.
    """
    changes: dict[str, bytes | None] = {}
    for finding in findings:
        entry = registry.tree.entry(finding.path)
        if entry is None or entry.is_file:
            changes |= _fix(registry, finding)
    return {
        path: content for path, content in changes.items() if content is None or _differs(registry.tree, path, content)
    }


def _fix(registry: Registry, finding: Finding) -> Changes:
    path = finding.path
    if finding.rule == "canonical-yaml":
        return _canonical(registry.tree, path)
    if finding.rule == "codeowners-current":
        return _codeowners(registry)
    if finding.rule == "schema" and path in _SHIPPED:
        return {path: _SHIPPED[path]}
    is_left_by_dvc = finding.rule == "unknown-file" and path.endswith("/versions/.gitignore")
    return {path: None} if is_left_by_dvc else {}


_SHIPPED = {layout.shipped_schema(document): schemas.text(document) for document in layout.DOCUMENTS}


def _canonical(tree: Tree, path: str) -> Changes:
    place = layout.place(path)
    if place is None or place.document in ("link", "version"):
        return {}
    try:
        return {path: codec.canonical(place.document, tree.read(path))}
    except (KeyError, Malformed):  # its path was escaped to be shown, or its comments cannot be kept
        return {}


def _codeowners(registry: Registry) -> Changes:
    try:
        existing = registry.tree.read(codeowners.place(registry.tree)).decode(errors="surrogateescape")
    except KeyError:
        existing = None
    try:
        return {codeowners.place(registry.tree): codeowners.merged(existing, registry).encode(errors="surrogateescape")}
    except Unreadable:
        return {}


def _differs(tree: Tree, path: str, content: bytes) -> bool:
    entry = tree.entry(path)
    return entry is None or tree.read(path) != content
