"""The report of a bug of ours: what is needed to find it, in a file that can be pasted into an issue."""

from __future__ import annotations

import platform
import sys
import tempfile
import traceback
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from podium.visible import inert, redacted


def write(bug: BaseException) -> Path:
    """Write the report; gives the file."""
    with tempfile.NamedTemporaryFile("w", prefix="podium-bug-", suffix=".txt", delete=False, encoding="utf-8") as file:
        file.write(report(bug))
    return Path(file.name)


def report(bug: BaseException) -> str:
    """Say what was run, on what, and where it broke; arguments are left out, since they may hold secrets."""
    packages = "\n".join(map(_release, ("podium", "dvc", "pygit2", "click", "jsonschema-rs")))
    command = next((argument for argument in sys.argv[1:] if argument.isalpha()), "")
    trace = "".join(traceback.format_exception(bug))
    return redacted(
        inert(f"podium {command}\nPython {platform.python_version()} on {platform.platform()}\n{packages}\n\n{trace}")
    )


def _release(package: str) -> str:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:  # run from its source, or from somebody's archive
        return f"{package}, not installed"
