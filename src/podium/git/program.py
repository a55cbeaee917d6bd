"""The git binary: a fixed list of arguments, never a shell, no prompt, and its failures in words."""

from __future__ import annotations

import fcntl
import os
import re
import select
import selectors
import subprocess
import sys
import tempfile
import time
import weakref
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from podium.errors import Unavailable
from podium.git.bounds import Far, GivenUp, Guard, Started
from podium.visible import redacted

LOCAL = 120.0
"""Seconds that a command may take which touches this machine only."""
NETWORK = 900.0
"""Seconds that a command may take which does much, or waits for one that talks to a server."""

_LAST_WORDS = 5.0
"""Seconds in which git is to end that was asked to."""
_MOST_HEARD = 512 * 1024**2
"""Bytes that git may answer with; a tree of a few objects, made by hand, can stand for any number of files."""
_MOST_HEARD_FROM_AFAR = 64 * 1024**2
"""Bytes of which git may tell that came from a server: some 800,000 refs."""
_LOOK = 0.5
"""Seconds between two looks at what a git takes that talks to a server."""
_MOST_SAID = 64 * 1024
"""Bytes of messages that are shown; a server can send any number of them."""
_PIPE = 32 * 1024
_WIDE_PIPE = 1024 * 1024
"""Bytes that may wait in a pipe: what anybody may ask for, where nobody changed what Linux allows."""

_SETTINGS = (
    "--no-pager",
    "--literal-pathspecs",
    "--no-replace-objects",  # as pygit2 sees the objects: without what `git replace`, or a push, puts in their place
    *("-c", "core.quotePath=false"),
    *("-c", "protocol.ext.allow=never"),
    *("-c", "http.lowSpeedLimit=1"),
    *("-c", "http.lowSpeedTime=60"),
)
# Set while git runs a hook: they would turn our commands to another repository or index than the one we name.
_OF_ANOTHER_REPOSITORY = frozenset(
    f"GIT_{name}"
    for name in (
        *(
            "DIR",
            "WORK_TREE",
            "INDEX_FILE",
            "INDEX_VERSION",
            "PREFIX",
            "NAMESPACE",
            "COMMON_DIR",
            "GRAFT_FILE",
            "CONFIG",
        ),
        *("OBJECT_DIRECTORY", "ALTERNATE_OBJECT_DIRECTORIES", "QUARANTINE_PATH", "SHALLOW_FILE", "REPLACE_REF_BASE"),
        *("NO_REPLACE_OBJECTS", "INTERNAL_SUPER_PREFIX", "LITERAL_PATHSPECS", "GLOB_PATHSPECS", "NOGLOB_PATHSPECS"),
        "ICASE_PATHSPECS",
    )
)
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def cleaned(text: str) -> str:
    """Make what another program said fit to show: no terminal sequences, no control characters, no credentials."""
    return redacted(_CONTROLS.sub("", _ESCAPES.sub("", text))).strip()


@dataclass(frozen=True)
class Ran:
    """How a git command ended: its exit code, what it wrote to stdout, and its messages, fit to show."""

    code: int
    out: bytes
    messages: str

    @property
    def text(self) -> str:
        """What it wrote to stdout, as text."""
        return self.out.decode("utf-8", "surrogateescape").strip()


def run(
    folder: Path,
    *arguments: str,
    stdin: bytes = b"",
    bare: bool = False,
    timeout: float = LOCAL,
    hold: int | None = None,
    far: Far | None = None,
) -> Ran:
    """
    Run git in a folder and tell how it ended, well or not.

    ``bare``: the folder is the repository itself. ``timeout`` is in seconds. ``hold`` is an open file that the process
    keeps open, so that a lock on it outlives us if we are killed. ``far``: it talks to a server, which is bounded in
    more than time. Raises Unavailable where git is missing or too slow, GivenUp where a server is.
    """
    command = ["git", *_SETTINGS, *(["--git-dir=."] if bare else []), *arguments]
    limit = far.seconds if far is not None else timeout
    try:
        with _piped(folder, command, hold) as process:
            try:
                guard = Guard(process.pid, folder, far.moves) if far is not None else None
                out, messages = _heard(process, memoryview(stdin), limit, f"`git {_verb(arguments)}`", guard)
            except BaseException:
                _end(process)
                raise
    except subprocess.TimeoutExpired:
        if far is not None:
            why = "see whether it is well, and what is between; then try again"
            raise GivenUp(f"it did not come to an end within {limit:.0f} seconds", why) from None
        raise Unavailable(f"`git {_verb(arguments)}` took more than {limit:.0f} seconds", "try again") from None
    except OSError as error:
        raise _not_run(folder, error) from None
    return Ran(process.returncode, out, cleaned(messages[:_MOST_SAID].decode("utf-8", "replace")))


def _piped(folder: Path, command: Sequence[str], hold: int | None) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        cwd=folder,
        env=_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        pass_fds=() if hold is None else (hold,),
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    """Let git take away its locks and unfinished files, as when it is asked to end; kill it where it does not."""
    started = Started.by(process.pid)
    process.terminate()
    try:
        process.wait(_LAST_WORDS)
    except subprocess.TimeoutExpired:
        pass
    finally:
        process.kill()
        started.end()


def _heard(
    process: subprocess.Popen[bytes], told: memoryview, timeout: float, what: str, guard: Guard | None
) -> tuple[bytes, bytes]:
    """Tell a process what it waits for, and give what it writes; raises Unavailable if it takes or says too much."""
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    end = time.monotonic() + timeout
    most = _MOST_HEARD if guard is None else _MOST_HEARD_FROM_AFAR
    talk = _Talk(told, {process.stdout: [], process.stderr: []}, most)
    look = time.monotonic() + _LOOK if guard is not None else end
    with selectors.DefaultSelector() as waiting:
        waiting.register(process.stdin, selectors.EVENT_WRITE)
        for stream in talk.heard:
            waiting.register(stream, selectors.EVENT_READ)
        while waiting.get_map():
            ready = waiting.select(max(0.0, min(look, end) - time.monotonic()))
            if guard is not None and time.monotonic() >= look:
                guard.look()
                look = time.monotonic() + _LOOK
            if time.monotonic() >= end:
                raise subprocess.TimeoutExpired(what, timeout)
            for key, _ in ready:
                if not talk.goes_on(key.fileobj, key.fd):
                    waiting.unregister(key.fileobj)
                    key.fileobj.close()  # type: ignore[union-attr]
                if talk.left < 0:
                    kind = Unavailable if guard is None else GivenUp
                    raise kind(f"{what} answers with more than {most // 1024**2} MiB", "look with git")
    process.wait(max(0.0, end - time.monotonic()))
    return b"".join(talk.heard[process.stdout]), b"".join(talk.heard[process.stderr])


@dataclass
class _Talk:
    """What a process is still to be told, what it has said on each of its streams, and how many more bytes it may."""

    told: memoryview
    heard: dict[Any, list[bytes]]
    left: int

    def goes_on(self, stream: Any, handle: int) -> bool:
        """Read what waits in a stream, or write what it has room for; tells whether there is more to come."""
        if stream in self.heard:
            chunk = os.read(handle, _PIPE)
            self.heard[stream].append(chunk)
            self.left -= len(chunk)
            return bool(chunk)
        self.told = self.told[_written(handle, self.told[: select.PIPE_BUF]) :]
        return bool(self.told)


def _written(handle: int, chunk: memoryview) -> int:
    """Write to a pipe that has room, and say how much; all of it where nobody listens any more."""
    try:
        return os.write(handle, chunk) if chunk else 0
    except BrokenPipeError:
        return sys.maxsize


def _environment() -> dict[str, str]:
    environment = {name: value for name, value in os.environ.items() if name not in _OF_ANOTHER_REPOSITORY}
    return environment | {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C", "GIT_EDITOR": ":"}


def output(folder: Path, *arguments: str, stdin: bytes = b"", bare: bool = False) -> bytes:
    """Run git in a folder and give what it wrote; raises Unavailable where it failed."""
    ran = run(folder, *arguments, stdin=stdin, bare=bare)
    if ran.code != 0:
        raise unavailable(f"`git {_verb(arguments)}` failed in {folder}", ran.messages)
    return ran.out


def _verb(arguments: Sequence[str]) -> str:
    """Give what git was asked to do."""
    return next((word for word in arguments if not word.startswith("-")), "")


def stream(folder: Path, *arguments: str) -> Iterator[bytes]:
    """
    Run git in a bare repository, and give what it writes as it comes, cut anywhere.

    Who has read enough may stop: git is stopped then. Raises Unavailable where git is missing, or where it failed.
    """
    yield from Begun(folder, *arguments).answer()


class Begun:
    """
    Git at work in a bare repository, whose answer is still to be read; once nobody wants it any more, git is stopped.

    Raises Unavailable where git is missing.
    """

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.question = folder, arguments
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        try:
            self._process = _started(folder, arguments, self._said)
        except BaseException:
            self._said.close()
            raise
        self.stop = weakref.finalize(self, _stopped, self._process, self._said)
        """Stops git, if it is still at work."""

    def answer(self) -> Iterator[bytes]:
        """Give what it writes as it comes, cut anywhere; raises Unavailable where it failed."""
        folder, arguments = self.question
        try:
            yield from _chunks(self._process)
            if self._process.wait() != 0:
                self._said.seek(0)
                messages = cleaned(self._said.read().decode("utf-8", "replace"))
                raise unavailable(f"`git {_verb(arguments)}` failed in {folder}", messages)
        finally:
            self.stop()


def _stopped(process: subprocess.Popen[bytes], said: IO[bytes]) -> None:
    process.kill()
    with process:
        said.close()


def _started(folder: Path, arguments: Sequence[str], said: IO[bytes]) -> subprocess.Popen[bytes]:
    command = ["git", *_SETTINGS, "--git-dir=.", *arguments]
    try:
        return subprocess.Popen(
            command, cwd=folder, env=_environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said
        )
    except OSError as error:
        raise _not_run(folder, error) from None


def _chunks(process: subprocess.Popen[bytes]) -> Iterator[bytes]:
    assert process.stdout is not None
    with suppress(OSError, AttributeError):  # so that git need not wait for us; Linux alone knows of sizes
        fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, _WIDE_PIPE)
    while some := process.stdout.read1(1 << 16):  # type: ignore[attr-defined]  # Popen's pipes are buffered readers
        yield some


def _not_run(folder: Path, error: OSError) -> Unavailable:
    if not isinstance(error, FileNotFoundError):
        do = "see to the folder and to this machine's limits"
        return Unavailable(f"git cannot be run in {folder}: {error.strerror}", do)
    if not folder.is_dir():
        return Unavailable(f"{folder} is not there", "see to it, then try again")
    return Unavailable("the git program is not installed, or not on the PATH", "install git 2.38 or newer")


_REMEDIES = (
    (
        "certificate|does not match target host",
        (
            "look at the address and this machine's clock; "
            "an authority of your own: `git config --global http.sslCAInfo FILE`"
        ),
    ),
    ("tls packet|wrong version number|tls_process|ssl_error", "is it http rather than https, or another port?"),
    (
        "dubious ownership|not owned by current user",
        "if you trust it: `git config --global --add safe.directory {where}`",
    ),
    ("host key verification failed", "compare the server's key, then add it: `ssh-keyscan HOST >> ~/.ssh/known_hosts`"),
    (
        (
            r"authentication failed|could not read (username|password)|permission denied|prompts disabled"
            r"|error: 40[13]|access denied"
        ),
        "give git credentials for it (a credential helper, or an ssh key that the server knows)",
    ),
    (
        (
            "could not resolve|(couldn't|failed to) connect|connection (refused|reset|closed)|unreachable|timed out"
            "|too slow|hung up"
        ),
        "check the network and the address, then try again",
    ),
    ("does not appear to be a git repository|not found|does not exist|no such file", "check the address"),
    (r"\.lock'?: file exists|cannot lock", "another git process is at work there; try again when it has ended"),
    ("no space left", "make room on the disk"),
)


def unavailable(what: str, messages: str, where: str = "") -> Unavailable:
    """Make the error for a git command that failed: what was tried, git's own words, and the remedy if it is known."""
    said = _last_words(messages)
    for pattern, remedy in _REMEDIES:
        if re.search(pattern, messages, re.IGNORECASE):
            named = re.search(r"(?:repository|path) (?:at )?'([^']+)'", messages)
            return Unavailable(f"{what}: {said}", remedy.format(where=named[1] if named else where or "FOLDER"))
    return Unavailable(f"{what}: {said}" if said else what, "try the same with git itself")


_TELLING = re.compile(
    r"(remote: )?(fatal|error|err|ssh)\b|.*(permission denied|verification failed|connection (closed|reset|timed out))",
    re.IGNORECASE,
)
"""What git and ssh begin a line with that says why; ssh says it before git, which only says that it came to nothing."""


def _last_words(messages: str) -> str:
    lines = [line.strip() for line in messages.splitlines() if line.strip()]
    telling = [line for line in lines if _TELLING.match(line)]
    return "; ".join(dict.fromkeys((telling or lines)[-2:]))
