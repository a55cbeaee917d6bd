"""
How the ``podium`` program starts and ends: what can be left out of both is.

Loading click and reading the command line take as long as all else that ``podium use NAME`` does where it was answered
before.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn, TextIO

_STDOUT = 1
_INTERRUPTED = 130
_PLAIN = frozenset("/._-+ abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
"""A path of these is printed as it is; ``cli.say`` looks for what steers a terminal, and for credentials."""


def process() -> NoReturn:
    """Be the ``podium`` program: run the command line, then end without taking apart what was loaded."""
    try:
        try:
            if not _said_again(sys.argv[1:]):
                from podium import collector
                from podium.cli.main import main

                collector.look_seldom()
                main()
        except SystemExit as end:
            _leave(end)
        _leave(SystemExit(0))
    except KeyboardInterrupt:  # before there was a command that could tell of it, or after it
        os._exit(_INTERRUPTED)


def _said_again(words: Sequence[str]) -> bool:
    """
    Say what ``use`` answered before, if that is all that is asked for, and it still holds.

    Where anything is in doubt nothing is said: then the command line is read, and what is wrong is told there.
    """
    match words:
        case ["use", reference]:
            where = os.environ.get("PODIUM_REGISTRY") or None
        case ["-R" | "--registry", where, "use", reference]:
            pass
        case _:
            return False
    if reference.startswith("-") or "_PODIUM_COMPLETE" in os.environ or sys.stdout is None:
        return False
    from podium import answers

    question = answers.question(where, reference)
    known = question.answered() if question is not None else None
    if known is None or not _PLAIN.issuperset(known.path):
        return False
    line = f"{known.path}\n".encode("ascii")
    try:
        return os.write(_STDOUT, line) == len(line)
    except OSError:
        return False


def _leave(end: SystemExit) -> NoReturn:
    """
    End this process as it would end by itself, only sooner: its memory goes back whole, and not object by object.

    What waits to be done at the end is done; where another thread is at work, Python waits for it. mypy ends in the
    same way.
    """
    import atexit

    threads = sys.modules.get("threading")  # without which there is one
    if (threads is not None and threads.active_count() > 1) or not isinstance(end.code, int):
        raise end
    atexit._run_exitfuncs()  # noqa: SLF001 - what Python itself calls here; there is no public name
    for stream in (sys.stdout, sys.stderr):
        _flush(stream)
    os._exit(end.code)


def _flush(stream: TextIO | None) -> None:
    try:
        if stream is not None:  # which a shell has closed
            stream.flush()
    except (OSError, ValueError):
        return
