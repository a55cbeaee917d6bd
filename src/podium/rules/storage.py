"""The rules on where the bytes are: that a remote is one of the registry's own, and what a look at it found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import ClassVar

from podium import layout, remotes
from podium.checks import Example, File, Finding, Flaw, Rule, quoted
from podium.errors import Refused
from podium.history import Step
from podium.layout import Document
from podium.model import Registry, Version
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
                fix = (
                    f"`podium upload {name}:{number}` where the bytes are, with --repair where the remote's are damaged"
                )
                yield self.finding(
                    Flaw(path, f"{quoted(f'{name}:{number}')}: {said}", ("outs", 0), fix), tree.read(path)
                )


_CONFIG = "[core]\n    remote = storage\n['remote \"storage\"']\n    url = s3://acme/models\n"
_ARCHIVE = "['remote \"archive\"']\n    url = s3://acme-archive/models\n"
_ARTIFACT = "artifacts/vision/resnet50/artifact.yaml"


class RemotesAreTheRegistrys(Rule):
    """
    A remote that an artifact or a version names is one of the registry's own ``.dvc/config``.

    Why: a version whose remote nobody knows cannot be used. And a change is judged with the remotes of its base, so
    that no pull request makes a check talk, with its credentials, to a server that nobody has agreed to: a remote is
    added by one change, used by the next.

    Fix: ``dvc remote add NAME URL`` in a change of its own, or name a remote that is there. A remote that versions name
    stays in ``.dvc/config``; where their bytes have moved, its address changes.
    """

    id = "remote-named"
    documents: ClassVar[tuple[Document, ...]] = ("artifact", "version")
    good: ClassVar[Example] = {
        _ARTIFACT: "description: ResNet-50\nremote: archive\n",
        layout.DVC_CONFIG: _CONFIG + _ARCHIVE,
    }
    bad: ClassVar[Example] = {
        _ARTIFACT: "description: ResNet-50\nremote: archives\n",
        layout.DVC_CONFIG: _CONFIG + _ARCHIVE,
    }

    def in_file(self, file: File) -> Iterator[Flaw]:
        """Look at what one artifact or version names."""
        place = file.place.document
        name = file.data.get("remote") if place == "artifact" else file.data["outs"][0].get("remote")
        if name is None:
            return
        there = remotes.named(file.around.tree)
        if name not in there:
            said = f"{layout.DVC_CONFIG} has no remote {quoted(name)}; it has {', '.join(sorted(there)) or 'none'}"
            pointer = ("remote",) if place == "artifact" else ("outs", 0, "remote")
            yield Flaw(file.path, said, pointer, f"`dvc remote add {name} URL`, or name one that is there")

    def in_step(self, step: Step) -> Iterator[Flaw]:
        """Look at the remotes that come or go with the step, and at who names them."""
        before, after = remotes.named(step.before.tree), remotes.named(step.after.tree)
        if before == after or step.before.tree.entry(layout.REGISTRY) is None:
            return
        for path, name in _naming(step.after):
            if name in before - after and path not in step.paths:
                said = f"the remote {quoted(name)} is taken away, and {path} names it"
                yield Flaw(layout.DVC_CONFIG, said, fix="put it back; where its bytes have moved, change its address")
                return
            if name in after - before and path in step.paths:
                said = f"the remote {quoted(name)} comes with the same change that puts it to use"
                yield Flaw(path, said, fix="add the remote in a change of its own, and use it when that is merged")


def _naming(registry: Registry) -> Iterator[tuple[str, str]]:
    """Give the files that name a remote, with its name; what cannot be read is found elsewhere."""
    for name, artifact in registry.artifacts.items():
        about = layout.about("artifact", name)
        for path in (about, *(layout.version("artifact", name, number) for number in artifact.numbers)):
            entry = registry.tree.entry(path)
            if entry is None or not entry.is_file or b"remote:" not in registry.tree.read(path):
                continue  # told from the bytes: a registry has many versions, and few name one
            try:
                number = path.rpartition("/")[2].removesuffix(".dvc")
                found = artifact.about.remote if path == about else artifact.records[number].remote
            except Refused:
                continue
            if found:
                yield path, found


RULES = (BytesArePresent, RemotesAreTheRegistrys)
