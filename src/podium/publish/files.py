"""Files put into a checkout: all or none, each at once, in an order that leaves a sound registry at any moment."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from podium import layout, refs
from podium.errors import Denied, Unavailable

Changes = Mapping[str, bytes | None]

_PRESSES = 10
"""How often somebody may press Ctrl-C while a change is taken back."""
_RANKS = {"model": 0, "artifact": 0, "version": 1, "link": 2, "alias": 3}


def in_order(changes: Changes) -> list[str]:
    """Give the paths so that each file is written after those it refers to; what is taken away goes last."""
    return sorted(changes, key=lambda path: (changes[path] is None, *_rank(path)))


def _rank(path: str) -> tuple[int, str, int, str]:
    place = layout.place(path)
    if place is None or place.document == "registry":
        return len(_RANKS), "", 0, path
    number = refs.number(place.member) if refs.is_version(place.member) else 0
    return _RANKS[place.document], place.name, number, path


@contextmanager
def written(root: Path, scratch: Path, changes: Changes) -> Iterator[None]:
    """
    Write changes into the folder of a checkout; they are taken back if what follows in the ``with`` block fails.

    ``scratch`` is a folder for unfinished files; the caller sees to it that nobody else uses it. Raises Denied for a
    path that leads through a link, Unavailable where the disk does not take the files.
    """
    undo: list[Callable[[], object]] = []
    try:
        _check_paths(root, changes)
        with _disk_errors():
            place = _scratch(root, scratch)
            for number, (path, content) in enumerate(changes.items()):
                if content is not None:
                    _prepare(place / f"{number}.new", content, root / path)
            numbers = {path: number for number, path in enumerate(changes)}
            for path in in_order(changes):
                _put(root, path, place / f"{numbers[path]}.new", place / f"{numbers[path]}.old", undo)
            _sync_folders(root, changes)
        yield
    except BaseException:
        for step in reversed(undo):
            _surely(step)
        raise
    finally:
        for folder in _places(root, scratch):
            shutil.rmtree(folder, ignore_errors=True)


def _surely(step: Callable[[], object]) -> None:
    """Take a step back, also where somebody presses Ctrl-C once more; each may be taken twice."""
    for _ in range(_PRESSES):
        with suppress(KeyboardInterrupt):
            with suppress(OSError):
                step()
            return


@contextmanager
def _disk_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        put_back = "make room, or see to the permissions, then try again; nothing was changed"
        raise Unavailable(f"the files cannot be written: {error.strerror}{where}", put_back) from None


def put(root: Path, path: str, text: str) -> None:
    """
    Write one file below a folder, so that it is there with all of its text, or as it was, also after a crash of the
    machine.

    It is a person's own and keeps its mode. Raises Denied for a path that leads through a link, OSError where the disk
    does not take it.
    """
    _check_paths(root, [path])
    place = root / path
    place.parent.mkdir(parents=True, exist_ok=True)
    unfinished = place.with_name(f".podium-{place.name}.tmp")  # always the same: one that a kill left is taken away
    unfinished.unlink(missing_ok=True)
    try:
        with unfinished.open("x", encoding="utf-8", newline="") as file:
            file.write(text)
            with suppress(FileNotFoundError):
                os.fchmod(file.fileno(), stat.S_IMODE(place.stat().st_mode))
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(place)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def _check_paths(root: Path, paths: Iterable[str]) -> None:
    for path in paths:
        *folders, name = path.split("/")
        if {"", ".", "..", ".git"} & {*folders, name}:
            raise Denied(f"{path!r} is no path of a registry", "see `podium check`")
        for depth in range(len(folders)):
            _check_mode(root, "/".join(folders[: depth + 1]), stat.S_ISDIR, "folder")
        _check_mode(root, path, stat.S_ISREG, "file")


def _check_mode(root: Path, path: str, is_right: Callable[[int], bool], what: str) -> None:
    try:
        mode = os.lstat(root / path).st_mode
    except FileNotFoundError:
        return
    except OSError as error:
        raise Unavailable(
            f"{path} cannot be looked at: {error.strerror}", "see to its permissions and the disk"
        ) from None
    if not is_right(mode):
        raise Denied(f"{path} is no plain {what}, so podium does not write there", "see `podium check`")


def _places(root: Path, scratch: Path) -> tuple[Path, Path]:
    return scratch / "podium-unfinished", root / ".dvc" / "tmp" / "podium-unfinished"


def _scratch(root: Path, scratch: Path) -> Path:
    """Make the folder for unfinished files: on the checkout's filesystem, so that a rename is all it takes."""
    near, far = _places(root, scratch)
    place = near if scratch.stat().st_dev == root.stat().st_dev else far
    for left in (near, far):  # by a process that was killed
        shutil.rmtree(left, ignore_errors=True)
    place.mkdir(parents=True)
    return place


def _prepare(file: Path, content: bytes, target: Path) -> None:
    with file.open("xb") as handle:
        handle.write(content)
        with suppress(FileNotFoundError):  # keep what a shared checkout allows its group
            os.fchmod(handle.fileno(), stat.S_IMODE(target.stat().st_mode) & 0o666)
        handle.flush()
        os.fsync(handle.fileno())


def _put(root: Path, path: str, new: Path, old: Path, undo: list[Callable[[], object]]) -> None:
    target = root / path
    existed = os.path.lexists(target)
    if existed:
        _keep(target, old)
        undo.append(lambda: old.replace(target))
    if not new.exists():
        target.unlink(missing_ok=True)
        return
    _make_folders(root, target.parent, undo)
    if existed:
        new.replace(target)
    else:
        undo.append(lambda: _take_back(new, target))  # first: Ctrl-C may come between any two lines
        _put_new(new, target)


def _keep(target: Path, old: Path) -> None:
    try:
        os.link(target, old)
    except OSError:  # a filesystem without hard links
        shutil.copy2(target, old)


def _put_new(new: Path, target: Path) -> None:
    """Give a new file its name; never over another's, which somebody may have made in the meantime."""
    try:
        os.link(new, target)
    except FileExistsError:
        raise Denied(f"{target.name} appeared in {target.parent} meanwhile", "run the command again") from None
    except OSError:  # a filesystem without hard links
        if os.path.lexists(target):
            raise Denied(f"{target.name} appeared in {target.parent} meanwhile", "run the command again") from None
        new.replace(target)


def _take_back(new: Path, target: Path) -> None:
    """Remove a file that was put in its place, and no other that may have come there."""
    if not new.exists() or new.samefile(target):
        target.unlink()


def _make_folders(root: Path, folder: Path, undo: list[Callable[[], object]]) -> None:
    missing = []
    while folder != root and not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
    for one in reversed(missing):
        undo.append(one.rmdir)
        one.mkdir()


def _sync_folders(root: Path, changes: Changes) -> None:
    for folder in {(root / path).parent for path in changes}:
        with suppress(OSError):  # not every filesystem does
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
