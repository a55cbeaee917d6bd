"""Where a registry is: a checkout, a bare repository on disk, or a Git URL with a clone of it in the cache."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import urlsplit

from podium import folders, git, layout
from podium.errors import Denied, NotARegistry, Unavailable, Usage
from podium.freshness import ANEW, Freshness
from podium.tree import Tree
from podium.visible import without_user

if TYPE_CHECKING:
    from pygit2 import Repository

    from podium.git import Hosted, ObjectTree, Remote

_SCHEMES = frozenset({"https", "http", "ssh", "git", "file", "git+ssh", "ssh+git"})
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)
_HELPER = re.compile(r"[A-Za-z0-9][A-Za-z0-9+.-]*::")
_HOST_AND_PATH = re.compile(r"(?:[^/@:\s]+@)?([^/@:\s]+|\[[0-9A-Fa-f:.]+\]):(?!//)[^\s]+")
_EMPTY = "make the first commit in a clone of it, and `git push -u origin HEAD`"


@dataclass(frozen=True)
class Checkout:
    """A registry in a folder, normally the top of a Git work tree; it is read as it lies on disk."""

    root: Path

    @property
    def label(self) -> str:
        """What people read."""
        return str(self.root)

    @property
    def home(self) -> Path:
        """The folder for files that podium hands out: beside DVC's cache, so that links reach it."""
        return self.root / ".dvc" / "cache" / "podium"

    @cached_property
    def git_dir(self) -> Path:
        """The folder in which Git keeps what is this checkout's own; raises Denied for one in no repository."""
        found = git_dir_of(self.root)
        if found is not None:
            return found
        above = next((folder for folder in self.root.parents if git_dir_of(folder) is not None), None)
        if above is not None:
            raise Denied(
                f"the registry {self.root} is not the top folder of its Git repository {above}", "move it there"
            )
        raise Denied(
            f"the registry {self.root} is in no Git repository", f"make it one: `git init -b main {self.root}`"
        )

    @cached_property
    def repository(self) -> Repository:
        """The repository; raises Denied where there is none, Unavailable where it cannot be opened."""
        assert self.git_dir
        return git.open_repository(self.root)

    def tree(self, rev: str | None = None) -> Tree:
        """
        Give the files on disk, or those of a revision.

        Raises what ``resolve_rev`` does, and Unavailable where Git leaves files of the registry out of the work tree.
        """
        if rev is None:
            self._check_whole()
            return git.WorkingTree(self.root)
        return registry_at(self.repository, git.resolve_rev(self.repository, rev), f"{self.label} at {rev}")

    def _check_whole(self) -> None:
        """Raise Unavailable for a sparse checkout that lacks some of the registry: a version not seen may be there."""
        own = git_dir_of(self.root)
        if own is None or not (own / "info" / "sparse-checkout").is_file():
            return
        of_the_registry = (layout.REGISTRY, layout.MODELS, layout.ARTIFACTS, layout.SCHEMAS, ".dvc")
        listed = git.output(self.root, "ls-files", "-t", "-z", "--", *of_the_registry).split(b"\0")
        if any(line.startswith(b"S ") for line in listed):
            raise Unavailable(
                f"{self.root} is a sparse checkout, which lacks files of the registry",
                "`git sparse-checkout disable` brings them; to read only: --rev HEAD",
            )

    def remote(self) -> Remote:
        """Give the remote of the current branch, else ``origin``, else the only one; raises Denied if there is none."""
        names = [name for name in self.repository.remotes.names() if name]
        wanted = [name for name in (self._remote_of_branch(), "origin", *names[:1]) if name in names]
        if not wanted or (len(names) > 1 and wanted[0] == names[0] != "origin" and not self._remote_of_branch()):
            name_one = "`git remote add origin URL`" if not names else "call one of them origin: `git remote rename`"
            raise Denied(
                f"{self.label} has {'no remote' if not names else 'several remotes, none called origin'}", name_one
            )
        address = git.redacted(str(self.repository.remotes[wanted[0]].url))
        return git.Remote(self.root, bare=False, address=wanted[0], label=f"{wanted[0]} ({address})")

    def _remote_of_branch(self) -> str | None:
        if self.repository.head_is_detached or self.repository.head_is_unborn:
            return None
        key = f"branch.{self.repository.head.shorthand}.remote"
        return str(self.repository.config[key]) if key in self.repository.config else None


@dataclass(frozen=True)
class Bare:
    """A registry in a bare repository on disk; it is read at its default branch."""

    path: Path

    @property
    def label(self) -> str:
        """What people read."""
        return str(self.path)

    @property
    def home(self) -> Path:
        """The folder for bytes, in the user's cache."""
        return _cached(str(self.path)).home

    @cached_property
    def repository(self) -> Repository:
        """The repository; raises Unavailable where it cannot be opened."""
        return git.open_repository(self.path)

    def tree(self, rev: str | None = None) -> Tree:
        """Give the files of a revision, or the default branch; raises as ``resolve_rev``, and Denied where empty."""
        return tree_of(self.repository, rev, self.label)

    def remote(self) -> Remote:
        """Give it as a remote, seen from a clone in the cache: nothing is written into it but by ``git push``."""
        return _cached(str(self.path)).remote()


Source: TypeAlias = "Checkout | Bare | Hosted"


# --- what of it is this machine's own --------------------------------------------------------------------------------

_LOCAL = ".dvc/config.local"
_CACHE = ".dvc/cache"
_OF_THE_CACHE = ("podium", "podium-proofs", "podium-tmp", "files", "files/md5")
_NO_LINKS = (".dvc", ".dvc/config", ".dvc/tmp", _CACHE, *(f"{_CACHE}/{name}" for name in _OF_THE_CACHE))
PRIVATE = (_LOCAL, *_NO_LINKS)
"""Paths of a checkout that are this machine's own, or lead to what is."""


def doubtful(checkout: Checkout) -> list[str]:
    """Give what lies there of this machine's own that a commit may have brought: links, and settings."""
    there = [path for path in _NO_LINKS if (checkout.root / path).is_symlink()]
    return [*there, _LOCAL] if os.path.lexists(checkout.root / _LOCAL) else there


def refuse_planted(checkout: Checkout) -> None:
    """
    Make sure that a commit planted nothing where DVC keeps what is this machine's own; raises Denied.

    A person may put a link to a large disk there, or settings of their own, and Git ignores it. What Git tracks came
    with somebody's commit: it would lead podium elsewhere, or hand it settings that nobody here has made.
    """
    there = doubtful(checkout)
    if not there:
        return
    if git_dir_of(checkout.root) is None:
        _refuse_strangers(checkout.root / _LOCAL)
        return
    tracked = git.output(checkout.root, "ls-files", "-z", "--", *there).split(b"\0")[0]
    if tracked:
        path = tracked.decode("utf-8", "surrogateescape")
        what = "has no place in a commit" if path.endswith(".local") else "is a link in a commit"
        raise Denied(f"{path} {what}: it is for this machine only", f"take it out: `git rm --cached {path}`")


def _refuse_strangers(settings: Path) -> None:
    """See that settings that may name programs are this user's, if no Git says whose the folder is; raises Denied."""
    if os.path.lexists(settings) and settings.lstat().st_uid not in {os.geteuid(), 0}:
        raise Denied(
            f"{settings} is another user's, and could make this one's programs run", "move it, or name another registry"
        )


# --- whether it is one -----------------------------------------------------------------------------------------------


@contextmanager
def _looking() -> Iterator[None]:
    """Say in words what the disk does not let us look at."""
    try:
        yield
    except OSError as error:
        what = f"{error.filename} cannot be looked at: {error.strerror}"
        raise Unavailable(what, "see to its permissions and the disk") from None


def git_dir_of(folder: Path) -> Path | None:
    """Give the git directory of a work tree's top folder; ``None`` if the folder is no such top. Raises Unavailable."""
    dot_git = folder / ".git"
    with _looking():
        if dot_git.is_dir():
            return dot_git
        if not dot_git.is_file():
            return None
        pointer = dot_git.read_text(errors="surrogateescape")
    if not pointer.startswith("gitdir:") or "\0" in pointer:
        raise Denied(f"{dot_git} says of no folder that it is the repository's", "mend it, or clone the registry anew")
    return folder / pointer.removeprefix("gitdir:").strip()


def _is_git_dir(folder: Path) -> bool:
    return (folder / "HEAD").is_file() and (folder / "objects").is_dir() and (folder / "refs").is_dir()


def tree_of(repository: Repository, rev: str | None, label: str) -> ObjectTree:
    """Give the files of a revision, or the default branch; raises what ``resolve_rev`` does, and Denied if empty."""
    if rev is not None:
        return registry_at(repository, git.resolve_rev(repository, rev), f"{label} at {rev}")
    tip = git.default_tip(repository)
    if tip is None:
        raise Denied(f"{label} has no commit on its default branch", _EMPTY)
    return registry_at(repository, tip, label)


def registry_at(repository: Repository, commit: str, label: str) -> ObjectTree:
    """Give the files of a commit; raises Denied where they are no registry."""
    tree = git.commit_tree(repository, commit)
    check_registry(tree, label)
    return tree


def check_registry(tree: Tree, label: str) -> None:
    """Make sure that a tree is a registry's; raises Denied."""
    entry = tree.entry(layout.REGISTRY)
    if entry is None or not entry.is_file:
        what = "no registry.yaml" if entry is None else "no plain file registry.yaml"
        raise Denied(f"there is {what} in {label}", "name a registry with -R, or a revision that has one with --rev")


# --- finding it -----------------------------------------------------------------------------------------------------


def locate(where: str | None, cwd: Path, freshness: Freshness = ANEW) -> Source:
    """
    Find the registry that is meant: by path or Git URL, or from the working folder upwards.

    ``freshness`` is how old the clone of a URL may be. Raises NotARegistry where there is none, Usage for an address
    that is not to be used.
    """
    if where is None:
        return _on_disk(cwd, str(cwd))
    if not where:
        raise Usage(
            "'' names no registry", "name one, or leave it out: then it is the one that the working folder is in"
        )
    if _is_address(where, cwd):
        return _cached(where, freshness)
    place = _place(where, cwd)
    if not place.exists():  # what was mistyped is not to mean the registry that the working folder is in
        raise NotARegistry(where)
    return _on_disk(place.resolve() if ".." in place.parts else place, where)


def _place(where: str, cwd: Path) -> Path:
    try:
        place = cwd / Path(where).expanduser()
        place.exists()
    except RuntimeError:
        raise Usage(f"{where!r} names nobody's home folder", "write the path in full") from None
    except (OSError, ValueError):  # longer than any name, or no Unicode
        raise NotARegistry(where) from None
    return place


def _refuse_broken(url: str) -> None:
    try:
        urlsplit(url).port  # noqa: B018 - looked at for what it raises
    except ValueError as error:
        raise Usage(f"{git.redacted(url)!r} is no URL: {error}", "write https://HOST/PATH") from None


def _is_address(where: str, cwd: Path) -> bool:
    if where.startswith("-") or any(ord(letter) < 32 or ord(letter) == 127 for letter in where):
        raise Usage(f"{where!r} is no path and no Git URL", "write a path, https://…, ssh://…, or user@host:path")
    url = _URL.fullmatch(where)
    if url is not None:
        if url[1].lower() not in _SCHEMES or url[2].startswith("-"):
            raise Usage(f"{git.redacted(where)!r} is no Git URL that podium uses", "use https, ssh, git or file")
        _refuse_broken(where)
        return True
    if _place(where, cwd).exists():
        return False
    if _HELPER.match(where):
        raise Usage(f"{where!r} would run another program", "use https, ssh, git or file")
    named = _HOST_AND_PATH.fullmatch(where)
    if named is not None and (named[1].startswith("-")):
        raise Usage(f"{where!r} names no host", "write user@host:path")
    return named is not None


def _on_disk(start: Path, asked: str) -> Checkout | Bare:
    start = start.absolute()
    with _looking():
        for folder in (start, *start.parents):
            if (folder / layout.REGISTRY).is_file() and not (folder / layout.REGISTRY).is_symlink():
                return Checkout(folder)
            if _is_git_dir(folder) and folder.name != ".git":
                return Bare(folder)
            if (folder / ".git").exists():
                break
    raise NotARegistry(asked)


def _cached(url: str, freshness: Freshness = ANEW) -> Hosted:
    identity = without_user(url)
    name = re.sub(r"[^A-Za-z0-9]+", "-", identity.rstrip("/").rpartition("/")[2].removesuffix(".git"))[:40]
    import hashlib

    digest = hashlib.sha256(identity.encode("utf-8", "surrogateescape")).hexdigest()[:20]
    return git.Hosted(url, folders.cache() / "registries" / f"{name}-{digest}.git", freshness)
