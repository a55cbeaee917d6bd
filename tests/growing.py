"""A registry in a bare repository that grows commit by commit, for tests of what reads commits."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from podium import git
from tests import example


@dataclass
class Growing:
    """A bare repository; each commit is made from Git objects, without a work tree."""

    root: Path
    tip: str | None = field(default=None)

    @classmethod
    def at(cls, root: Path, files: Mapping[str, bytes | None] | None = None) -> Growing:
        """Make one, with the example as its first commit."""
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(root)], check=True)
        made = cls(root)
        made.commit("Start", example.files() if files is None else files)
        return made

    @property
    def repository(self):
        return git.open_repository(self.root)

    def commit(self, message: str, files: Mapping[str, bytes | None]) -> str:
        """Add a commit that changes some files."""
        self.tip = git.commit_objects(self.repository, self.tip, files, message)
        subprocess.run(["git", "update-ref", "refs/heads/main", self.tip], cwd=self.root, check=True)
        return self.tip
