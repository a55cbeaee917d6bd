"""Runs the very commands that the demo shows, away from the user's own Git and DVC settings."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from podium.errors import Denied, Unavailable

_IDENTITY = {"NAME": "Demo", "EMAIL": "demo@example.com"}
_FORGOTTEN = ("PODIUM_", "GIT_", "DVC_")
_PATIENCE = 300
"""Seconds that one command may take."""


@dataclass(frozen=True)
class Ran:
    """How a command ended: its exit code, what it wrote to stdout, and what beside it."""

    code: int
    out: str
    beside: str


class Terminal:
    """A folder, and the environment in which its commands run."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.place = folder

    def go(self, folder: str) -> None:
        """Change the working folder, as ``cd`` does."""
        self.place = self.place / folder

    def run(self, *arguments: str) -> Ran:
        """Run a command and wait; raises Unavailable where its program is missing or it takes too long."""
        try:
            ended = subprocess.run(
                [*_program(arguments[0]), *arguments[1:]],
                cwd=self.place,
                env=self._environment(),
                capture_output=True,
                stdin=subprocess.DEVNULL,
                text=True,
                encoding="utf-8",
                errors="replace",
                timeout=_PATIENCE,
                check=False,
            )
        except FileNotFoundError:
            raise Unavailable(f"there is no program {arguments[0]!r}", f"install {arguments[0]}") from None
        except subprocess.TimeoutExpired:
            raise Unavailable(f"`{typed(arguments)}` took more than {_PATIENCE} seconds", "try again") from None
        return Ran(ended.returncode, ended.stdout.rstrip(), ended.stderr.rstrip())

    def expect(self, code: int, arguments: tuple[str, ...], ran: Ran) -> None:
        """Stop where a command did not end as it should; raises Denied."""
        if ran.code != code:
            raise Denied(
                f"`{typed(arguments)}` ended with exit code {ran.code}, not {code}: the demo stops here",
                f"what it made so far is in {self._folder}",
            )

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_FORGOTTEN)}
        caches = self._folder / ".cache"
        return {
            **kept,
            "COLUMNS": "96",
            "NO_COLOR": "1",
            "PYTHONUTF8": "1",
            "DVC_NO_ANALYTICS": "1",
            "DVC_SITE_CACHE_DIR": str(caches / "dvc"),
            "DVC_GLOBAL_CONFIG_DIR": str(caches / "dvc-settings"),
            "DVC_SYSTEM_CONFIG_DIR": str(caches / "dvc-settings"),
            "XDG_CACHE_HOME": str(caches),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            **{f"GIT_{role}_{what}": value for role in ("AUTHOR", "COMMITTER") for what, value in _IDENTITY.items()},
        }


def _program(name: str) -> list[str]:
    """Give what runs under a name: this very podium, in this very Python, whatever the PATH holds."""
    # -P: what lies in the working folder is never imported
    return {"podium": [sys.executable, "-P", "-m", "podium"], "python": [sys.executable, "-P"]}.get(name, [name])


def typed(arguments: tuple[str, ...]) -> str:
    """Write a command as a person types it."""
    return shlex.join(arguments)
