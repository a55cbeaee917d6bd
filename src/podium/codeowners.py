"""The block in CODEOWNERS that is podium's: who must review a move of which alias, and which model."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from podium import layout, refs
from podium.model import Registry, Settings
from podium.patterns import matches, may_mean
from podium.tree import Tree

BEGIN = "# >>> podium: written from registry.yaml by `podium codeowners`; change it there >>>"
END = "# <<< podium <<<"
_LINE = re.compile(r"[^\n]*\n|[^\n]+")


def place(tree: Tree) -> str:
    """Give the file that the forge reads: GitLab's own where the repository speaks of GitLab and not of GitHub."""
    # by name: what else lies beside a registry may be a whole disk, of which Git would tell file by file
    gitlab = tree.entry(".github") is None and (tree.entry(".gitlab") or tree.entry(".gitlab-ci.yml"))
    return layout.GITLAB_CODEOWNERS if gitlab else layout.CODEOWNERS


def block(registry: Registry) -> str:
    """
    Give the block that a registry asks for, its marker lines included; empty where there is nothing to hold.

    Raises Unreadable where ``registry.yaml`` or, if owners are wanted, a ``model.yaml`` is broken.
    """
    settings = registry.settings
    owners: Mapping[str, Sequence[str]] = {}
    if settings.owners_in_codeowners:
        owners = {name: model.owners for name, model in registry.models.items() if refs.why_not_name(name) is None}
    inside = list(lines(settings, owners))
    return "\n".join([BEGIN, *inside, END]) + "\n" if inside else ""


def lines(settings: Settings, owners: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Give the lines of the block; those of aliases come last, since the last line that matches a path decides."""
    for model in sorted(owners):
        if owners[model]:
            yield f"/{layout.model_folder(model)}/ {' '.join(owners[model])}"
    for alias, policy in sorted(settings.policies.items()):
        if policy.approvers:
            yield f"/{'/'.join(guarded(alias))} {' '.join(policy.approvers)}"


def guarded(alias: str) -> tuple[str, ...]:
    """Give the parts of the paths that move an alias of a registered model."""
    return tuple(layout.alias("model", "*", alias).split("/"))


def merged(existing: str | None, registry: Registry) -> str:
    """
    Give the whole file with the block in it: where it was, at the end where it is new or where a later line outdoes it.

    Raises Unreadable as ``block`` does.
    """
    wanted = block(registry)
    before, after = _around(existing or "")
    if not wanted:
        return before + after
    if any(True for _ in outdone(after, registry)):
        before, after = before + after, ""
    if before and not before.endswith("\n"):
        before += "\n"
    return before + wanted + after


def found(text: str) -> tuple[int, str]:
    """Give the line, from 1, at which podium's block begins, and the block; line 0 where there is none."""
    all_lines = _split(text)
    span = _span(all_lines)
    return (span[0] + 1, "".join(all_lines[span[0] : span[1]])) if span else (0, "")


def outdone(after: str, registry: Registry) -> Iterator[tuple[int, str, str]]:
    """Give each line, from 1, that takes an alias's path from its approvers, with the alias and the line's pattern."""
    for number, line in enumerate(_split(after), 1):
        pattern, owners = _rule(line)
        for alias, policy in sorted(registry.settings.policies.items()):
            if pattern and set(policy.approvers) - set(owners) and _means(pattern, alias, registry):
                yield number, alias, pattern


def _means(pattern: str, alias: str, registry: Registry) -> bool:
    """Tell whether a pattern means a file of the alias: of any model where it names a path, else of those there are."""
    if "/" in pattern.rstrip("/"):
        return may_mean(pattern, guarded(alias), inside=True)
    folders = (layout.MODELS, "aliases", *registry.models)
    names = folders if pattern.endswith("/") else (*folders, f"{alias}.yaml")
    return any(matches(name.lower(), pattern.rstrip("/").lower()) for name in names)


def _rule(line: str) -> tuple[str, Sequence[str]]:
    """Give the pattern and the owners of a line; an empty pattern for comments and GitLab's section heads."""
    words = line.partition(" #")[0].split()
    if not words or words[0].startswith(("#", "[", "^[")):
        return "", ()
    return words[0].replace("\\", ""), words[1:]


def _around(text: str) -> tuple[str, str]:
    all_lines = _split(text)
    span = _span(all_lines)
    if span is None:
        return "".join(_without_markers(all_lines)), ""
    return "".join(all_lines[: span[0]]), "".join(_without_markers(all_lines[span[1] :]))


def _without_markers(all_lines: Iterable[str]) -> Iterator[str]:
    return (line for line in all_lines if line.strip() not in (BEGIN, END))


def _span(all_lines: Sequence[str]) -> tuple[int, int] | None:
    """Give where podium's block begins and where it ends, as positions in the list of lines."""
    stripped = [line.strip() for line in all_lines]
    if BEGIN not in stripped or END not in stripped[stripped.index(BEGIN) :]:
        return None
    first = stripped.index(BEGIN)
    return first, stripped.index(END, first) + 1


def _split(text: str) -> list[str]:
    """Give the lines with their ends, where Git and the forges see them: a form feed or U+2028 ends none."""
    return _LINE.findall(text)
