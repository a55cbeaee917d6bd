"""Rules on who answers for what, and on tags: owners, the vocabulary, CODEOWNERS."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from podium import codec, codeowners, layout
from podium.checks import Around, Example, File, Flaw, Rule, quoted
from podium.errors import Unreadable
from podium.model import Registry


class TagsAreInVocabulary(Rule):
    """
    Where registry.yaml has a vocabulary of tags, a registered model has no others.

    Why: ``fraud`` and ``fraud-detection`` side by side find half of the models each.

    Fix: use a tag of the vocabulary, or add this one to ``tags`` in ``registry.yaml``, with what it means.
    """

    id = "tag-in-vocabulary"
    documents = ("model",)
    good: ClassVar[Example] = {
        "models/Fraud/model.yaml": 'description: Finds fraud\nowners: ["@acme/risk"]\ntags: [image-classification]\n'
    }
    bad: ClassVar[Example] = {
        "models/Fraud/model.yaml": 'description: Finds fraud\nowners: ["@acme/risk"]\ntags: [fraud]\n'
    }

    def in_file(self, file: File) -> Iterator[Flaw]:
        """Look at the tags of one model."""
        settings = file.around.settings
        vocabulary = settings.tags if settings is not None else None
        for position, tag in enumerate(file.data.get("tags", ())):
            if vocabulary is not None and tag not in vocabulary:
                yield Flaw(
                    file.path, f"{quoted(tag)} is not in the vocabulary of registry.yaml", ("tags", position), _TAG
                )


_TAG = "use one of its tags, or add this one there with what it means"


class OwnersAreNamed(Rule):
    """
    A registered model names who answers for it.

    Why: when production misbehaves at night, the first question is whom to call.

    Fix: add ``owners: ["@org/team"]`` to ``model.yaml``; a user or an e-mail address will do, too.
    """

    id = "owner-named"
    severity = "warning"
    documents = ("model",)
    good: ClassVar[Example] = {"models/Fraud/model.yaml": "description: Finds fraud\nowners: [risk@acme.dev]\n"}
    bad: ClassVar[Example] = {"models/Fraud/model.yaml": "description: Finds fraud\n"}

    def in_file(self, file: File) -> Iterator[Flaw]:
        """Look at the owners of one model."""
        if not file.data.get("owners"):
            yield Flaw(file.path, "nobody is named as owner", ("owners",), 'add owners: ["@org/team"]')


class CodeownersAreCurrent(Rule):
    """
    CODEOWNERS sends each move of an alias to the people who approve it.

    Why: the forge asks for reviews by this file alone; a policy that has not reached it asks nobody. The last line that
    matches a path decides, so that a line below podium's block can take an alias away from its approvers.

    Fix: ``podium codeowners`` or ``podium check --fix`` writes podium's block and leaves the other lines as they are.
    """

    id = "codeowners-current"
    good: ClassVar[Example] = {
        layout.CODEOWNERS: f"* @acme/everyone\n{codeowners.BEGIN}\n"
        f"/models/*/aliases/production.yaml @acme/ml-leads\n{codeowners.END}\n/docs/ @acme/writers\n",
    }
    bad: ClassVar[Example] = {
        layout.CODEOWNERS: f"{codeowners.BEGIN}\n/models/*/aliases/production.yaml @mallory\n{codeowners.END}\n",
    }

    def of_registry(self, around: Around) -> Iterator[Flaw]:
        """Look at the file that the forge reads."""
        if around.settings is None:
            return
        registry = codec.read(around.tree)
        try:
            wanted = codeowners.block(registry)
        except Unreadable:  # found at the file that is broken
            return
        if wanted:
            yield from _compare(wanted, registry)


_WRITE = "`podium codeowners` writes it"


def _compare(wanted: str, registry: Registry) -> Iterator[Flaw]:
    path = codeowners.place(registry.tree)
    entry = registry.tree.entry(path)
    if entry is None or not entry.is_file:
        yield Flaw(
            path, "there is no such file, and registry.yaml names approvers or owners to put into it", fix=_WRITE
        )
        return
    text = registry.tree.read(path).decode(errors="surrogateescape")
    line, block = codeowners.found(text)
    if line == 0:
        yield Flaw(path, "podium's block is missing", fix=_WRITE)
        return
    have, want = block.replace("\r\n", "\n").rstrip("\n").split("\n"), wanted.rstrip("\n").split("\n")
    if have != want:
        ahead = next((n for n, (one, other) in enumerate(zip(have, want, strict=False)) if one != other), 0)
        yield Flaw(path, "podium's block is not what registry.yaml asks for", fix=_WRITE, line=line + ahead)
    end = line + len(have) - 1
    after = "\n".join(text.split("\n")[end:])
    for number, alias, pattern in codeowners.outdone(after, registry):
        said = f"{quoted(pattern)} takes the files of {alias} from its approvers: the last line that matches decides"
        yield Flaw(path, said, fix=f"move it above podium's block; {_WRITE}", line=end + number)


RULES = (TagsAreInVocabulary, OwnersAreNamed, CodeownersAreCurrent)
