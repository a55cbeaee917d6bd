"""
Strokes: what a command and the programs it starts do to a disk, call by call, and a command that is hit at one of them.

The kernel stops each process before a call that writes, syncs, renames, links, locks or removes (ptrace, with a seccomp
filter), whoever makes it: Python, libgit2, git, a hook. So nothing depends on how the code writes. Linux on x86-64.
"""

from __future__ import annotations

import ctypes
import errno
import gc
import json
import os
import platform
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

WORKS = sys.platform == "linux" and platform.machine() == "x86_64"
WHY_NOT = "calls are counted on Linux on x86-64 only"

# name: (number, where the path is: "fd" or "path" and the argument, "at" a folder's descriptor and the path after it)
_CALLS = {
    "write": (1, "fd", 0),
    "pwrite64": (18, "fd", 0),
    "writev": (20, "fd", 0),
    "pwritev": (296, "fd", 0),
    "pwritev2": (328, "fd", 0),
    "fsync": (74, "fd", 0),
    "fdatasync": (75, "fd", 0),
    "truncate": (76, "path", 0),
    "ftruncate": (77, "fd", 0),
    "fallocate": (285, "fd", 0),
    "flock": (73, "fd", 0),
    "sendfile": (40, "fd", 0),
    "copy_file_range": (326, "fd", 2),
    "splice": (275, "fd", 2),
    "rename": (82, "path", 1),
    "renameat": (264, "at", 2),
    "renameat2": (316, "at", 2),
    "mkdir": (83, "path", 0),
    "mkdirat": (258, "at", 0),
    "rmdir": (84, "path", 0),
    "creat": (85, "path", 0),
    "link": (86, "path", 1),
    "linkat": (265, "at", 2),
    "unlink": (87, "path", 0),
    "unlinkat": (263, "at", 0),
    "symlink": (88, "path", 1),
    "symlinkat": (266, "at", 1),
    "mknod": (133, "path", 0),
    "mknodat": (259, "at", 0),
    "chmod": (90, "path", 0),
    "fchmod": (91, "fd", 0),
    "fchmodat": (268, "at", 0),
    "fchmodat2": (452, "at", 0),
    "chown": (92, "path", 0),
    "fchown": (93, "fd", 0),
    "fchownat": (260, "at", 0),
    "setxattr": (188, "path", 0),
    "fsetxattr": (190, "fd", 0),
    "utime": (132, "path", 0),
    "utimes": (235, "path", 0),
    "utimensat": (280, "at", 0),
    "open": (2, "path", 0),
    "openat": (257, "at", 0),
}
_LOOKS = {"read": (0, "fd", 0), "pread64": (17, "fd", 0), "getdents64": (217, "fd", 0)}
_OPENS = {2: 1, 257: 2}
"""Which argument of a call that opens says what for."""
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_NAMES = {number: (name, *place) for name, (number, *place) in (_CALLS | _LOOKS).items()}
_TAKES_ROOM = frozenset(
    [
        "write",
        "pwrite64",
        "writev",
        "pwritev",
        "pwritev2",
        "fallocate",
        "sendfile",
        "copy_file_range",
        "splice",
        "mkdir",
        "mkdirat",
        "creat",
        "link",
        "linkat",
        "symlink",
        "symlinkat",
    ]
)
_READS = frozenset(_LOOKS)
_OPENING = frozenset({"open", "openat", "creat"})

HITS: dict[int, Callable[[str, int], bool]] = {
    errno.ENOSPC: lambda call, flags: call in _TAKES_ROOM or (call in _OPENING and bool(flags & os.O_CREAT)),
    errno.EDQUOT: lambda call, flags: call in _TAKES_ROOM or (call in _OPENING and bool(flags & os.O_CREAT)),
    errno.EROFS: lambda call, flags: (
        call not in _READS | {"flock", "fsync", "fdatasync"} and (call not in _OPENING or bool(flags & _WRITING))
    ),
    errno.EACCES: lambda call, _: call not in _READS | {"flock", "fsync", "fdatasync", "write", "pwrite64", "writev"},
    errno.EIO: lambda call, _: (
        call in _READS | {"write", "pwrite64", "writev", "fsync", "fdatasync", "copy_file_range"}
    ),
    errno.EMFILE: lambda call, _: call in _OPENING,
    errno.ENOLCK: lambda call, _: call == "flock",
}
"""Which calls can fail in such a way."""


@dataclass(frozen=True)
class Hit:
    """
    What befalls a command at its n-th stroke.

    ``what``: "kill" (all its processes, as where a machine stops), "kill one" (podium's own), "kill it" (the one that
    makes the stroke), "tear" (half of what is being written, then all are killed), a signal's name (to all, as a
    terminal does), or an error's name. An error is that of the first call from there on which can fail so, or with
    ``lasting`` of all such calls.
    """

    what: str
    at: int
    lasting: bool = False

    @property
    def error(self) -> int | None:
        """The number of the error, where it is one."""
        return getattr(errno, self.what, None)


@dataclass(frozen=True)
class Stroke:
    """One call: what it does, to which file, by which program."""

    call: str
    path: str
    program: str

    def __str__(self) -> str:
        return f"{self.call} {self.path} ({self.program})"


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code (negative: killed by that signal), what it printed, what it did."""

    code: int | None
    out: str
    err: str
    strokes: tuple[Stroke, ...] = field(repr=False)


def run(
    command: Callable[[], int],
    roots: Sequence[Path],
    hit: Hit | None = None,
    *,
    looks: bool = False,
    environment: Mapping[str, str] | None = None,
    apart: Sequence[Path] = (),
) -> Ended:
    """
    Run a function in a process of its own, count its strokes below some folders, and hit it at one of them.

    ``looks``: reading counts, too. Programs that work in a folder ``apart`` are another machine's: they are not killed
    with all others. What it prints goes through files.
    """
    reader, writer = os.pipe()
    tracer = os.fork()
    if tracer == 0:
        gc.freeze()  # a collector that looks through all that was loaded would copy it, page by page
        os.close(reader)
        code = 1
        with suppress(BaseException):
            told = _Tracer([f"{root}/" for root in roots], hit, [str(one) for one in apart], looks=looks).follow(
                command, environment or {}
            )
            with os.fdopen(writer, "w") as stream:
                json.dump(told, stream)
            code = 0
        if code:
            traceback.print_exc()
        os._exit(code)
    os.close(writer)
    with os.fdopen(reader) as stream:
        said = stream.read()
    os.waitpid(tracer, 0)
    told = json.loads(said)
    return Ended(told["code"], told["out"], told["err"], tuple(Stroke(*one) for one in told["strokes"]))


# --- the tracer -----------------------------------------------------------------------------------------------------

_SEIZE, _CONT, _GETREGS, _SETREGS = 0x4206, 7, 12, 13
_FOLLOW = 0x2 | 0x4 | 0x8 | 0x80 | 0x100000
"""Follow forks, vforks, threads; stop at the filter's calls; all die with the tracer."""
_AT_CALL = 7
_TRACE, _ALLOW = 0x7FF00000, 0x7FFF0000
_REGISTERS = [
    "r15",
    "r14",
    "r13",
    "r12",
    "rbp",
    "rbx",
    "r11",
    "r10",
    "r9",
    "r8",
    "rax",
    "rcx",
    "rdx",
    "rsi",
    "rdi",
    "orig_rax",
    "rip",
    "cs",
    "eflags",
    "rsp",
    "ss",
    "fs_base",
    "gs_base",
    "ds",
    "es",
    "fs",
    "gs",
]
_ARGUMENTS = ("rdi", "rsi", "rdx", "r10", "r8", "r9")


class _Registers(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in _REGISTERS]


class _Instruction(ctypes.Structure):
    _fields_ = [("code", ctypes.c_uint16), ("yes", ctypes.c_uint8), ("no", ctypes.c_uint8), ("value", ctypes.c_uint32)]


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_uint16), ("instructions", ctypes.POINTER(_Instruction))]


_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long
_libc.prctl.argtypes = [ctypes.c_int, ctypes.c_ulong, ctypes.c_void_p, ctypes.c_ulong, ctypes.c_ulong]


def _ptrace(request: int, thread: int, data: Any = None) -> None:
    if _libc.ptrace(request, thread, None, data) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _filter(*, looks: bool) -> None:
    """Let the kernel stop this process, and all it starts, before the calls that count."""
    calls = [number for number, *_ in _CALLS.values()] + ([number for number, *_ in _LOOKS.values()] if looks else [])
    lines = [(0x20, 0, 0, 4), (0x15, 1, 0, 0xC000003E), (0x06, 0, 0, _ALLOW), (0x20, 0, 0, 0)]
    for number in calls:
        if number in _OPENS and not looks:
            lines += [(0x15, 0, 4, number), (0x20, 0, 0, 16 + 8 * _OPENS[number])]
            lines += [(0x45, 0, 1, _WRITING), (0x06, 0, 0, _TRACE), (0x06, 0, 0, _ALLOW)]
        else:
            lines += [(0x15, 0, 1, number), (0x06, 0, 0, _TRACE)]
    lines.append((0x06, 0, 0, _ALLOW))
    program = _Program(len(lines), (_Instruction * len(lines))(*lines))
    _libc.prctl(38, 1, None, 0, 0)  # without this, it would be for root alone
    if _libc.prctl(22, 2, ctypes.addressof(program), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "no filter")


class _Tracer:
    def __init__(self, roots: Sequence[str], hit: Hit | None, apart: Sequence[str], *, looks: bool) -> None:
        self._roots = tuple(roots)
        self._apart = frozenset(apart)
        self._hit = hit
        self._looks = looks
        self._strokes: list[tuple[str, str, str]] = []
        self._threads: set[int] = set()
        self._main = 0
        self._over = False
        self._struck = self._torn = False

    def follow(self, command: Callable[[], int], environment: Mapping[str, str]) -> dict[str, Any]:
        """Run the command to its end, or to what befalls it; give what became of it."""
        go_reader, go = os.pipe()
        out, err = os.memfd_create("out"), os.memfd_create("err")
        self._main = os.fork()
        if self._main == 0:
            os.close(go)
            _be(command, environment, go_reader, out, err, looks=self._looks)
        _ptrace(_SEIZE, self._main, _FOLLOW)
        os.write(go, b"!")
        self._threads.add(self._main)
        code = None
        for thread, status in _changes():
            if os.WIFSTOPPED(status):
                self._stopped(thread, status)
            elif thread == self._main:
                code = os.waitstatus_to_exitcode(status)
        return {"code": code, "strokes": self._strokes, "out": _all_of(out), "err": _all_of(err)}

    def _stopped(self, thread: int, status: int) -> None:
        if thread not in self._threads:
            self._threads.add(thread)
            if self._over:
                self._kill_all()
        event, number = status >> 16, os.WSTOPSIG(status)
        with suppress(ProcessLookupError):
            if event == _AT_CALL and not self._over:
                self._called(thread)
            _ptrace(_CONT, thread, 0 if event or number == signal.SIGTRAP else number)

    def _called(self, thread: int) -> None:
        registers = _Registers()
        _ptrace(_GETREGS, thread, ctypes.addressof(registers))
        name, how, at = _NAMES[registers.orig_rax]
        arguments = [getattr(registers, one) for one in _ARGUMENTS]
        with suppress(OSError):
            path = _path(thread, how, arguments[at:])
            if not path.startswith(self._roots) or path.endswith(" (deleted)"):
                return
            flags = arguments[_OPENS[registers.orig_rax]] if registers.orig_rax in _OPENS else 0
            self._strokes.append((name, path, Path(f"/proc/{thread}/comm").read_text().strip()))
            if self._hit is not None and self._is_due(self._hit, name, flags):
                self._struck = True
                self._strike(self._hit, thread, registers, name)

    def _is_due(self, hit: Hit, name: str, flags: int) -> bool:
        if len(self._strokes) < hit.at:
            return False
        if hit.error is not None:
            return (hit.lasting or not self._struck) and HITS[hit.error](name, flags)
        return not self._struck or self._torn

    def _strike(self, hit: Hit, thread: int, registers: _Registers, name: str) -> None:
        if hit.error is not None:
            registers.orig_rax, registers.rax = 2**64 - 1, 2**64 - hit.error
            _ptrace(_SETREGS, thread, ctypes.addressof(registers))
        elif hit.what == "tear" and not self._torn and name in {"write", "pwrite64"} and registers.rdx > 1:
            self._torn = True
            registers.rdx //= 2
            _ptrace(_SETREGS, thread, ctypes.addressof(registers))
        elif hit.what in {"kill", "tear"}:
            self._kill_all()
        elif hit.what in {"kill one", "kill it"}:
            os.kill(self._main if hit.what == "kill one" else thread, signal.SIGKILL)
        else:
            self._send_all(getattr(signal, hit.what))

    def _kill_all(self) -> None:
        self._over = True
        self._send_all(signal.SIGKILL)

    def _send_all(self, number: int) -> None:
        """Send a signal to every process of this machine: threads are not asked one by one."""
        for thread in self._threads:
            with suppress(OSError):
                here = str(Path(f"/proc/{thread}/cwd").readlink()) not in self._apart
                if here and _is_process(thread):
                    os.kill(thread, number)


def _is_process(thread: int) -> bool:
    status = Path(f"/proc/{thread}/status").read_text()
    return f"\nTgid:\t{thread}\n" in status


def _changes() -> Iterator[tuple[int, int]]:
    """Give each change of a process or thread, until there are none left."""
    while True:
        try:
            yield os.waitpid(-1, 0x40000000)
        except ChildProcessError:
            return


def _be(
    command: Callable[[], int], environment: Mapping[str, str], go: int, out: int, err: int, *, looks: bool
) -> None:
    """Be the process that is watched."""
    code = 99
    try:
        os.setpgid(0, 0)
        os.read(go, 1)
        os.dup2(out, 1)
        os.dup2(err, 2)
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
        sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
        os.environ.update(environment)
        _filter(looks=looks)
        code = command()
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:  # noqa: BLE001
        os.write(2, traceback.format_exc().encode())
    finally:
        os._exit(code)


def _path(thread: int, how: str, arguments: Sequence[int]) -> str:
    if how == "fd":
        return str(Path(f"/proc/{thread}/fd/{arguments[0]}").readlink())
    if how == "path":
        return _resolved(f"/proc/{thread}/cwd", _text(thread, arguments[0]))
    folder = ctypes.c_int(arguments[0] & 0xFFFFFFFF).value
    return _resolved(f"/proc/{thread}/{'cwd' if folder == -100 else f'fd/{folder}'}", _text(thread, arguments[1]))


def _resolved(folder: str, path: str) -> str:
    return os.path.normpath(path if path.startswith("/") else f"{Path(folder).readlink()}/{path}")


def _text(thread: int, place: int) -> str:
    with open(f"/proc/{thread}/mem", "rb", buffering=0) as memory:  # noqa: PTH123
        found = b""
        while b"\0" not in found:
            memory.seek(place + len(found))
            found += memory.read(4096 - (place + len(found)) % 4096)
    return os.fsdecode(found.partition(b"\0")[0])


def _all_of(handle: int) -> str:
    os.lseek(handle, 0, os.SEEK_SET)
    with os.fdopen(handle, "rb") as stream:
        return stream.read().decode("utf-8", "backslashreplace")
