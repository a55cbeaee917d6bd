"""The rule on bytes: it is told what a look at the remote found, and says it of the registry's files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import ClassVar

from podium import layout
from podium.checks import Example, Finding, Flaw, Rule, quoted
from podium.model import Version
from podium.rules import examples
from podium.tree import Tree


class BytesArePresent(Rule):
    """
    The remote has the bytes of every version that is asked for.

    Why: a version whose bytes never left somebody's laptop can be promoted, and then nobody can use it.

    Fix: ``podium upload`` on the machine that has the bytes; ``podium upload --repair`` where the remote's are damaged.
    """

    id = "bytes-present"
    good: ClassVar[Example] = {
        "artifacts/vision/resnet50/versions/v3.dvc": examples.record("v3", {"model.safetensors": b"fourth"})
    }
    bad: ClassVar[Example] = {
        "artifacts/vision/resnet50/versions/v3.dvc": examples.record("v3", {"model.safetensors": b"fifth"})
    }

    def judge(
        self, tree: Tree, versions: Iterable[Version], problems: Mapping[str, Iterable[str]]
    ) -> Iterator[Finding]:
        """
        Give a finding for each problem with a version's bytes, each version of an artifact once.

        ``problems`` says by the version's md5 (``Version.md5``) what is wrong: a sentence each.
        """
        for version in {(version.artifact.name, version.artifact.version): version for version in versions}.values():
            name, number = version.artifact.name, version.artifact.version
            path = layout.version("artifact", name, number)
            for said in problems.get(version.md5, ()):
                fix = f"`podium upload {name}:{number}` where the bytes are"
                yield self.finding(
                    Flaw(path, f"{quoted(f'{name}:{number}')}: {said}", ("outs", 0), fix), tree.read(path)
                )


RULES = (BytesArePresent,)
