"""
Small files of things that can be found out again, in the user's cache: read whole, or dropped.

Nothing in them is trusted but what a caller has looked at. A file is written beside its place and renamed into it, so
that any number of processes may; one of another podium, one that is broken, one that others could have written and one
that is too large are as good as none.
"""

from __future__ import annotations

import os
import stat

from podium.version import VERSION

try:
    from _blake2 import blake2b  # the interpreter's own; hashlib loads OpenSSL too, a twentieth of a command's start
except ImportError:
    from hashlib import blake2b

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

MOST_BYTES = 128 * 1024 * 1024
"""A larger file is neither written nor read."""
MOST_FILES = 64
"""So many lie in one folder; then the one that was not written for the longest time goes."""


def digest(content: bytes) -> str:
    """Give the hash that tells whether bytes are still those that were written."""
    return blake2b(content, digest_size=32).hexdigest()


def name(what: str) -> str:
    """Give the name of the file that keeps something: the same for the same words, whatever these are."""
    return digest(what.encode("utf-8", "surrogateescape"))[:24]


def read(path: Path | str, form: str) -> Any:
    """Give the value that was kept in a file under this form; ``None`` where there is nothing that can be used."""
    import json

    try:
        return json.loads(read_bytes(path, form) or b"null")
    except (ValueError, RecursionError, MemoryError):
        return None


def read_bytes(path: Path | str, form: str) -> bytes | None:
    """Give the bytes that were kept in a file under this form; ``None`` where there is nothing that can be used."""
    try:
        sum_, _, rest = _own_bytes(path).partition(b"\n")
        head = _head(form)
        return rest[len(head) :] if rest.startswith(head) and digest(rest).encode() == sum_ else None
    except (OSError, ValueError, MemoryError):
        return None


def _head(form: str) -> bytes:
    """Say by which podium, and in which form, something was kept."""
    return f"{VERSION} {form}\n".encode()


def _own_bytes(path: Path | str) -> bytes:
    """Read a file that belongs to this user, and that nobody else can write; raises ValueError for any other."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        found = os.fstat(handle)
        folder = os.stat(os.path.dirname(path) or ".")  # noqa: PTH116, PTH120 - a start without pathlib
        for looked_at in (found, folder):
            if looked_at.st_uid != os.geteuid() or looked_at.st_mode & 0o022:
                raise ValueError(path)
        if not stat.S_ISREG(found.st_mode) or found.st_size > MOST_BYTES:
            raise ValueError(path)
        return file.read(found.st_size)


def write(path: Path, form: str, value: Any) -> None:
    """Keep a value that JSON can say; where the disk does not take it, nothing is kept."""
    import json

    write_bytes(path, form, json.dumps(value, separators=(",", ":")).encode())


def write_bytes(path: Path, form: str, content: bytes) -> None:
    """Keep bytes; where the disk does not take them, nothing is kept."""
    body = _head(form) + content
    whole = digest(body).encode() + b"\n" + body
    write_for_others(path, whole)


def write_for_others(path: Path, content: bytes) -> None:
    """Keep bytes as they are, for another program; where the disk does not take them, nothing is kept."""
    if len(content) > MOST_BYTES:
        return
    try:
        _place(path, content)
    except OSError:
        return


def is_still(path: str, sum_: str) -> bool:
    """Tell whether a file that was written for another program has the content of this digest."""
    try:
        return digest(_own_bytes(path)) == sum_
    except (OSError, ValueError, MemoryError):
        return False


def _place(path: Path, content: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        _make_room(path.parent)
    replace(path, content)


def replace(path: Path, content: bytes, modified: float | None = None) -> None:
    """
    Write a file that can be made again, for this user only, whole or not at all; raises OSError.

    ``modified`` is the time it is to bear, in seconds of the epoch. What a crash of the machine leaves of it may be
    broken.
    """
    import tempfile
    from contextlib import suppress

    handle, beside = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        if modified is not None:
            os.utime(beside, (modified, modified))
        os.replace(beside, path)  # noqa: PTH105 - two names, no need for paths
    except BaseException:
        with suppress(OSError):
            os.unlink(beside)  # noqa: PTH108
        raise


def _make_room(folder: Path) -> None:
    """Take away the files that were written longest ago, and what a writer that was killed left."""
    import re  # a command starts without it

    named = re.compile(_OURS).fullmatch
    ours = (file for file in folder.iterdir() if named(file.name) and not file.is_symlink() and file.is_file())
    by_age = sorted(ours, key=lambda file: file.stat().st_mtime)
    for file in by_age[: max(0, len(by_age) - MOST_FILES + 1)]:
        file.unlink(missing_ok=True)


_OURS = r"[0-9a-f]{20,64}\.(json|kept|index)|\.new-[0-9a-z_]{8}"
"""What files are called that are kept here, and unfinished ones; what else lies in such a folder is somebody's own."""


def program() -> str | None:
    """Hash podium's own files: what was kept by other code may be other; ``None`` where they are not to be seen."""
    if not _found_once:
        _found_once.append(_program())
    return _found_once[0]


_found_once: list[str | None] = []


def _program() -> str | None:
    import hashlib
    from pathlib import Path

    folder, found = Path(__file__).parent, hashlib.sha256()
    files = sorted(path for path in folder.rglob("*") if path.suffix in _DECIDING and path.is_file())
    for path in files:
        content = path.read_bytes()
        found.update(f"{path.relative_to(folder).as_posix()} {len(content)}\0".encode() + content)
    return found.hexdigest() if files else None


_DECIDING = {".py", ".json", ".html", ".css", ".js"}
