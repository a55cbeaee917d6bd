"""A tree that counts what is read: what a check costs is how many files it opens."""

from collections import Counter
from dataclasses import dataclass, field

from podium.tree import Tree


@dataclass(frozen=True)
class Counting:
    """A tree that counts what is read."""

    below: Tree
    reads: Counter = field(default_factory=Counter)
    commit = None

    def list(self, folder):
        return self.below.list(folder)

    def entry(self, path):
        return self.below.entry(path)

    def read(self, path):
        self.reads[path] += 1
        return self.below.read(path)
