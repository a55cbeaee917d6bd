"""All that can be seen from a repository: every ref of every remote, fetched, and all that git itself would keep."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from podium.errors import Unavailable
from podium.git import ids, program, tiprefs
from podium.git.hosted import Hosted
from podium.git.objects import content, open_repository, shallow_boundary
from podium.git.remote import Remote
from podium.git.revisions import UNSHALLOW, default_tip
from podium.git.sources import Bare, Checkout, Source

if TYPE_CHECKING:
    from pygit2 import Repository

Wanted = Callable[[str], bool]
"""Tells by its path whether a file is asked for."""
_TRIES = 3
_PASSED_OVER = {".git", ".dvc"}


@dataclass(frozen=True)
class View:
    """
    What can be seen at one moment; two views are equal where nothing was pushed, committed, staged or edited in
    between.

    ``refs``: every ref of each remote (``origin refs/pull/7/head``), those of the repository itself, the heads of its
    work trees, and the commits of its reflogs, each with the id it is at. ``loose``: the files asked for that work
    trees and indexes hold, by path and content. ``default``: the commit at the tip of the default branch.
    """

    repository: Repository = field(repr=False, compare=False)
    refs: Mapping[str, str]
    loose: frozenset[tuple[str, bytes]]
    default: str | None
    worktrees: tuple[Path, ...] = field(default=(), compare=False)

    @property
    def tips(self) -> dict[str, str]:
        """The commits that refs and work trees are at, each with one name; no tags, and nothing only a reflog knows."""
        branches = {name: id_ for name, id_ in self.refs.items() if "refs/tags/" not in name and name[0] != "@"}
        return _commits(self.repository, branches)

    @property
    def tagged(self) -> dict[str, str]:
        """The commits that tags are at, each with one name."""
        return _commits(self.repository, {name: id_ for name, id_ in self.refs.items() if "refs/tags/" in name})

    def files(self, wanted: Wanted) -> Iterator[tuple[str, str]]:
        """
        Give the path and the object id of every file asked for that any commit holds which can be reached, each pair
        once.

        Raises Unavailable where an object is missing.
        """
        ids = sorted(set(self.refs.values()))
        found: set[tuple[str, str]] = set()
        for pair in (*_in_commits(self.repository, ids), *_in_trees(self.repository, ids)):
            if pair not in found and wanted(pair[0]):
                found.add(pair)
                yield pair

    def read(self, id_: str) -> bytes:
        """Give the content of a file; raises Unavailable where it is missing."""
        return content(self.repository, id_)


def view(source: Source, wanted: Wanted) -> View:
    """
    Look at everything there is, with every remote asked and what is missing fetched; no ref, index or file is touched.

    ``wanted`` tells which files of work trees and indexes are asked for. Raises Unavailable for a shallow, partial or
    single-branch clone, which hides versions, and where a remote does not answer.
    """
    _refuse_parts(source)
    refs, default = _local(source), None
    for remote in _remotes(source):
        there = _taken(remote, refs)
        refs |= {f"{remote.address} {name}": id_ for name, id_ in there.items()}
        default = default or there.get("HEAD")
    repository = open_repository(_folder(source))
    loose = frozenset(_loose(source, repository, wanted))
    return View(repository, refs, loose, default or default_tip(repository), tuple(_worktrees(source)))


def sweep(source: Source) -> None:
    """Take away what killed fetches of podium's left in a repository: else what it leads to would stay for ever."""
    if not isinstance(source, Hosted):
        tiprefs.sweep(_folder(source), bare=not isinstance(source, Checkout))


def _folder(source: Source) -> Path:
    return source.root if isinstance(source, Checkout) else source.path if isinstance(source, Bare) else source.cache


def _git(source: Source, *arguments: str) -> bytes:
    return program.output(_folder(source), *arguments, bare=not isinstance(source, Checkout))


# --- what would hide something --------------------------------------------------------------------------------------


def _refuse_parts(source: Source) -> None:
    """Raise Unavailable for a clone that lacks commits, objects or branches: what it hides would seem not needed."""
    repository = source.repository
    if shallow_boundary(repository):
        raise Unavailable(f"{source.label} is a shallow clone, which hides versions", UNSHALLOW)
    settings = [(key.lower(), value) for key, value in _settings(source)]
    if any(
        key == "extensions.partialclone" or key.endswith((".promisor", ".partialclonefilter")) for key, _ in settings
    ):
        raise Unavailable(f"{source.label} is a partial clone, which hides versions", "make a full clone, and use that")
    for name in repository.remotes.names() if isinstance(source, Checkout) else ():
        whole = [value for key, value in settings if key == f"remote.{name}.fetch".lower()]
        if name and not any(value.lstrip("+").split(":")[0] in {"refs/heads/*", "refs/*"} for value in whole):
            mend = f"git config remote.{name}.fetch '+refs/heads/*:refs/remotes/{name}/*' && git fetch {name}"
            raise Unavailable(f"{source.label} is a clone of single branches of {name}", f"take all of them: `{mend}`")
    if (Path(repository.path) / "info" / "grafts").is_file():
        raise Unavailable(f"{source.label} has grafts, which hide history", "remove .git/info/grafts")


def _settings(source: Source) -> list[tuple[str, str]]:
    listed = _git(source, "config", "--list", "-z").decode("utf-8", "surrogateescape")
    return [(key, value) for key, _, value in (entry.partition("\n") for entry in listed.split("\0") if entry)]


# --- refs -----------------------------------------------------------------------------------------------------------


def _local(source: Source) -> dict[str, str]:
    """Give the repository's own refs, with heads of all work trees and pseudo-refs, and all commits of its reflogs."""
    if isinstance(source, Hosted):
        source.remote()  # makes the clone where there is none yet; it has nothing of its own
        return {}
    refs = ids.by_name(_git(source, "for-each-ref", "--format=%(objectname)\t%(refname)"))
    for number, folder in enumerate(_worktrees(source)):
        git_dir = Path(os.fsdecode(program.output(folder, "rev-parse", "--absolute-git-dir").rstrip(b"\n")))
        for place in sorted(git_dir.glob("*HEAD")):
            ran = program.run(folder, "rev-parse", "--verify", "--quiet", place.name)
            if ran.code == 0:
                refs[f"{place.name} of work tree {number}"] = ids.one(ran.out, "rev-parse")
        walked = ids.rows(program.output(folder, "reflog", "show", "--all", "--format=%H"), "reflog")
        refs |= {f"@{id_}": id_ for (id_,) in walked}
    return refs


def _worktrees(source: Source) -> list[Path]:
    """Give the folders of all work trees of the repository that are there."""
    if isinstance(source, Hosted):
        return []
    listed = _git(source, "worktree", "list", "--porcelain", "-z").split(b"\0")
    folders = [Path(os.fsdecode(line[len(b"worktree ") :])) for line in listed if line.startswith(b"worktree ")]
    return [folder for folder in folders if (folder / ".git").exists()]


def _remotes(source: Source) -> list[Remote]:
    if isinstance(source, Hosted):
        return [source.remote()]
    bare = not isinstance(source, Checkout)
    names = [name for name in source.repository.remotes.names() if name]
    return [
        Remote(_folder(source), bare=bare, address=name, label=f"the Git remote {name}")
        for name in sorted(names, key=lambda name: (name != "origin", name))
    ]


def _taken(remote: Remote, known: Mapping[str, str]) -> dict[str, str]:
    """Ask a remote for all its refs, and fetch those that no ref here is at; raises Unavailable."""
    here = set(known.values())
    for _ in range(_TRIES - 1):
        there = remote.all_refs()
        with suppress(Unavailable):  # a ref may have gone in between
            _fetch(remote, {name: id_ for name, id_ in there.items() if id_ not in here})
            return there
    there = remote.all_refs()
    _fetch(remote, {name: id_ for name, id_ in there.items() if id_ not in here})
    return there


def _fetch(remote: Remote, refs: Mapping[str, str]) -> None:
    """Fetch refs, and make sure that what they were said to be at is here: they may have moved since."""
    if not refs:
        return
    remote.fetch(*refs)
    asked = "".join(f"{id_}\n" for id_ in refs.values()).encode()
    told = program.output(remote.folder, "cat-file", "--batch-check", stdin=asked, bare=remote.bare)
    if any(line.endswith(b" missing") for line in told.splitlines()):
        raise Unavailable(f"refs of {remote.label} moved while they were fetched", "try again")


def _commits(repository: Repository, refs: Mapping[str, str]) -> dict[str, str]:
    by_id = {id_: name for name, id_ in refs.items()}
    return {commit: by_id[id_] for id_, commit in _peeled(repository, by_id, "commit").items()}


def _peeled(repository: Repository, tips: Iterable[str], kind: str) -> dict[str, str]:
    """Give what ids mean as commits, or as trees; those that mean none are left out."""
    listed = list(tips)
    asked = "".join(f"{id_}^{{{kind}}}\n" for id_ in listed).encode()
    told = _run(repository, "cat-file", "--batch-check=%(objectname) %(objecttype)", stdin=asked).splitlines()
    if len(told) != len(listed):
        raise ids.strange("cat-file")
    is_kind = f" {kind}".encode()
    found = {id_: line.removesuffix(is_kind) for id_, line in zip(listed, told, strict=True) if line.endswith(is_kind)}
    return {id_: ids.one(line, "cat-file") for id_, line in found.items()}


# --- files ----------------------------------------------------------------------------------------------------------

_CHANGE = re.compile(rb":[0-7]+ (?P<mode>[0-7]+) [0-9a-f]+ (?P<id>[0-9a-f]+) [A-Z][0-9]*")


def _run(repository: Repository, *arguments: str, stdin: bytes = b"") -> bytes:
    # as patient as with a network: history may be long
    ran = program.run(Path(repository.path), *arguments, stdin=stdin, bare=True, timeout=program.NETWORK)
    if ran.code != 0:
        raise program.unavailable(f"`git {arguments[0]}` failed in {repository.path}", ran.messages)
    return ran.out


def _in_commits(repository: Repository, tips: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Give each file that a reachable commit has unlike its first parent: together, every file of every commit."""
    commits = "".join(f"{commit}\n" for commit in _peeled(repository, tips, "commit").values())
    listed = ids.rows(_run(repository, "rev-list", "--parents", "--stdin", stdin=commits.encode()), "rev-list")
    pairs = "".join(" ".join(row[:2]) + "\n" for row in listed).encode()
    options = ("--stdin", "-r", "-z", "--root", "--no-renames", "--no-commit-id", "--diff-filter=d")
    *tokens, end = _run(repository, "diff-tree", *options, stdin=pairs).split(b"\0")
    changes = [_CHANGE.fullmatch(token) for token in tokens[::2]]
    if end or len(tokens) % 2:
        raise ids.strange("diff-tree")
    for change, path in zip(changes, tokens[1::2], strict=True):
        if change is None:
            raise ids.strange("diff-tree")
        if change["mode"].startswith(b"100"):
            yield os.fsdecode(path), change["id"].decode()


def _in_trees(repository: Repository, tips: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Give the files of trees that a ref names without a commit."""
    listed = list(tips)
    for id_ in _peeled(repository, listed, "tree").keys() - _peeled(repository, listed, "commit").keys():
        yield from _entries(_run(repository, "ls-tree", "-r", "-z", "--full-tree", f"{id_}^{{tree}}"))


def _entries(listing: bytes) -> Iterator[tuple[str, str]]:
    """Read what `git ls-tree` lists."""
    for line in listing.split(b"\0"):
        about, tab, path = line.partition(b"\t")
        if tab and about.startswith(b"100"):
            yield os.fsdecode(path), about.split()[2].decode()


def _loose(source: Source, repository: Repository, wanted: Wanted) -> Iterator[tuple[str, bytes]]:
    """Give the files asked for that lie in work trees, committed or not, or are staged there."""
    for folder in _worktrees(source):
        for line in program.output(folder, "ls-files", "--stage", "-z").split(b"\0"):
            about, tab, path = line.partition(b"\t")
            if tab and about.startswith(b"100") and wanted(os.fsdecode(path)):
                yield os.fsdecode(path), content(repository, about.split()[1].decode())
        for path_on_disk in _on_disk(folder):
            path_inside = path_on_disk.relative_to(folder).as_posix()
            if wanted(path_inside) and not path_on_disk.is_symlink():
                yield path_inside, _bytes(path_on_disk)


def _on_disk(folder: Path) -> Iterator[Path]:
    for above, folders, files in os.walk(folder, onerror=_cannot_look):
        folders[:] = [name for name in folders if name not in _PASSED_OVER]
        yield from (Path(above) / name for name in files)


def _cannot_look(error: OSError) -> None:
    raise Unavailable(f"{error.filename} cannot be read: {error.strerror}", "see to its permissions") from None


def _bytes(place: Path) -> bytes:
    try:
        return place.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise Unavailable(f"{place} cannot be read: {error.strerror}", "see to its permissions") from None
