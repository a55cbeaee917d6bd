"""The site: a registry at a commit as static pages, for people who would rather look than type."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from podium import codec, collector, git
from podium.progress import Progress, silent
from podium.site import folder, memory, pages, past, survey, verdicts
from podium.site.forge import Forge

if TYPE_CHECKING:
    from pygit2 import Repository

__all__ = ["Built", "Forge", "build"]


@dataclass(frozen=True)
class Built:
    """
    A site that was built: from which commit, how many files it has, and how many of them were written.

    ``left`` are pages of an earlier build that somebody changed since; ``hidden`` says what of the history is not
    known.
    """

    commit: str
    files: int
    written: int
    left: tuple[str, ...] = ()
    hidden: str = ""


def build(
    repository: Repository, commit: str, root: Path, forge: Forge | None = None, progress: Progress = silent
) -> Built:
    """
    Build the site of a commit into a folder; what is there already and would be the same is not written again.

    The pages follow from the commit and its history alone. Raises Denied for a folder of somebody else's, NewerFormat,
    and Unavailable where objects are missing.
    """
    with folder.opened(root) as out, collector.paused():
        site = _site(repository, commit, forge or Forge())
        groups = list(pages.groups(site))
        for done, group in enumerate(groups):
            progress("pages", done, len(groups))
            if not out.is_current(group.name, group.key):
                out.put(group.name, group.key, group.make())
        out.finish()
    files = sum(len(group.files) for group in out.after.values())
    return Built(commit, files, out.written, tuple(out.left), site.past.hidden)


def _site(repository: Repository, commit: str, forge: Forge) -> pages.Site:
    """Gather what the pages are made from; what an earlier build found out of what is still the same is taken over."""
    place = memory.place(repository.path)
    known = memory.load(place)
    tree = git.commit_tree(repository, commit)
    registry = codec.read(tree)
    seen = survey.survey(registry, known.get("survey", {}))
    judged = verdicts.verdicts(tree)
    happened = past.read(repository, commit, past.restored(known.get("past")))
    memory.save(place, {"survey": survey.kept(seen), "past": past.kept(happened)})
    return pages.Site(registry, seen, happened, judged, forge, git.made_at(repository, commit).isoformat())
