"""What podium mends by itself: canonical YAML, CODEOWNERS, and what ``check --fix`` can put right safely."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from podium import checks, codec, codeowners, layout, rules
from podium.edits import Edited
from podium.model import Registry
from podium.tree import Tree, overlay, walk


def fixed(registry: Registry, paths: Sequence[str] | None = None) -> Edited:
    """Mend what the rules find and what can be mended without changing what the registry says."""
    report = checks.check(registry.tree, rules.ALL, paths)
    return _changed(registry, rules.fixes(registry, report.findings))


def formatted(registry: Registry, paths: Sequence[str] | None = None) -> Edited:
    """Write files in canonical form; those that are not of the strict subset are left for ``check`` to name."""
    return _changed(registry, dict(_formatted(registry.tree, paths)))


def _formatted(tree: Tree, paths: Sequence[str] | None) -> Iterator[tuple[str, bytes]]:
    for path, document in _documents(tree, paths):
        raw = tree.read(path)
        try:
            canonical = codec.canonical(document, raw)
        except codec.Malformed:
            continue
        if canonical != raw:
            yield path, canonical


def _documents(tree: Tree, paths: Sequence[str] | None) -> Iterator[tuple[str, layout.Document]]:
    tops = [layout.REGISTRY, layout.MODELS, layout.ARTIFACTS] if paths is None else paths
    for top in tops:
        entry = tree.entry(top) if top not in ("", ".") else None
        files = [(top, entry)] if entry is not None and not entry.is_folder else walk(tree, "" if top == "." else top)
        for path, found in files:
            place = layout.place(path)
            # what is under versions/ is written once, and so not written anew
            if place is not None and found.is_file and place.document not in ("link", "version"):
                yield path, place.document


def owned(registry: Registry) -> Edited:
    """Write podium's block of CODEOWNERS anew."""
    entry = registry.tree.entry(layout.CODEOWNERS)
    there = registry.tree.read(layout.CODEOWNERS).decode() if entry is not None and entry.is_file else None
    merged = codeowners.merged(there, registry)
    return _changed(registry, {layout.CODEOWNERS: merged.encode()} if merged != there else {})


def with_owners(edited: Edited) -> Edited:
    """Add to an edit what it changes about CODEOWNERS, so that both land together."""
    if not edited.changed:
        return edited
    again = owned(edited.registry)
    return Edited(again.registry, edited.result, notes=edited.notes) if again.changed else edited


def _changed(registry: Registry, changes: Mapping[str, bytes | None]) -> Edited:
    if not changes:
        return Edited(registry, "", changed=False)
    return Edited(codec.read(overlay(registry.tree, changes)), ", ".join(sorted(changes)))
