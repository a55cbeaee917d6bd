"""Base and head → findings: every rule, on a registry as it stands, and on the bytes behind it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from podium import checks, codec, custody, rules
from podium.checks import Finding
from podium.errors import Usage
from podium.storage.progress import Progress, silent
from podium.tree import Tree

if TYPE_CHECKING:
    from podium.storage import Storage


@dataclass(frozen=True)
class Checked:
    """What a check found, on which commit (``None``: a working tree), and how many files it looked at."""

    findings: tuple[Finding, ...]
    head: str | None
    files: int
    skipped: int

    @property
    def ok(self) -> bool:
        """Whether no rule is broken; warnings alone are fine."""
        return all(finding.severity != "error" for finding in self.findings)


def check(tree: Tree, paths: Sequence[str] | None = None) -> Checked:
    """Judge a registry as it stands, or what touches some paths of it; raises NewerFormat, Unavailable."""
    report = checks.check(tree, rules.ALL, paths)
    return Checked(report.findings, tree.commit, report.files, report.skipped)


def with_bytes(checked: Checked, tree: Tree, storage: Storage, progress: Progress = silent) -> Checked:
    """Add to a check what it finds on the remote: every version's bytes are to be there. Raises Unavailable."""
    versions = list(custody.sound_versions(codec.read(tree)))
    problems = custody.problems(storage, [version.record for version in versions], progress)
    lacks = rules.BytesArePresent().judge(tree, versions, problems)
    return Checked((*checked.findings, *lacks), checked.head, checked.files, checked.skipped)


def inside(root: Path, paths: Iterable[Path]) -> list[str] | None:
    """
    Give paths that somebody typed as paths of the registry; ``None`` where none was given.

    Raises Usage for a path outside the registry, or one that is not there.
    """
    found = []
    for path in paths:
        # the folder is resolved, the name is not: a link in a registry is looked at, never followed
        full = path.absolute().parent.resolve() / path.name if path.name else path.resolve()
        try:
            found.append(full.relative_to(root.resolve()).as_posix())
        except ValueError:
            raise Usage(f"{path} is not in the registry {root}", "name files or folders of the registry") from None
        if not full.exists() and not full.is_symlink():
            raise Usage(f"there is no {path}", "name files or folders of the registry")
    return found or None
