"""What podium mends by itself: canonical YAML, CODEOWNERS, and what ``check --fix`` can put right safely."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from podium import checks, codec, codeowners, layout, rules
from podium.edits import Edit, Edited
from podium.errors import Denied
from podium.model import Registry
from podium.tree import Overlay, Tree, overlay, walk


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
    path = codeowners.place(registry.tree)
    entry = registry.tree.entry(path)
    is_there = entry is not None and entry.is_file
    there = registry.tree.read(path).decode(errors="surrogateescape") if is_there else None
    merged = codeowners.merged(there, registry)
    return _changed(registry, {path: merged.encode(errors="surrogateescape")} if merged != there else {})


def sound(edit: Edit) -> Edit:
    """
    Make an edit that leaves its files as the rules want them: CODEOWNERS current, and nothing that a team schema
    refuses.

    The edit raises Denied with the first finding that it would cause.
    """

    def careful(registry: Registry) -> Edited:
        edited = edit(registry)
        tree = edited.registry.tree
        if not edited.changed or not isinstance(tree, Overlay):
            return edited
        written = [path for path, content in tree.changes.items() if content is not None]
        for finding in checks.check_files(tree, rules.ALL, written):
            if finding.severity == "error":
                raise Denied(f"{finding.path} would break a rule: {finding.message} [{finding.rule}]", finding.fix)
        return _with_owners(edited) if edited.registry.settings.owners_in_codeowners else edited

    return careful


def _with_owners(edited: Edited) -> Edited:
    again = owned(edited.registry)
    return replace(edited, registry=again.registry) if again.changed else edited


def _changed(registry: Registry, changes: Mapping[str, bytes | None]) -> Edited:
    if not changes:
        return Edited(registry, "", changed=False)
    return Edited(codec.read(overlay(registry.tree, changes)), ", ".join(sorted(changes)))
