"""
Commands in processes of their own that need not import anything: forked from one that has DVC and its remotes loaded.

A command takes as long as what it does, where a new interpreter takes a second of processor time to import S3 alone.
"""

from __future__ import annotations

import faulthandler
import gc
import json
import multiprocessing
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload([
    "podium.cli.main", "podium.api", "podium.editing", "podium.resolve", "podium.storage.versions", "podium.publish",
    "dvc.cli", "dvc.commands.data_sync", "dvc.repo", "dvc_s3", "s3fs", "aiobotocore.session", "dvc_ssh", "sshfs",
    "asyncssh",
    "dvc_webdav", "webdav4.fsspec", "dvc_http", "aiohttp", "aiohttp_retry",
])  # fmt: skip


_PATIENCE = 500
"""Seconds a command may take on a busy machine; it tells where it hangs a little before."""


@dataclass(frozen=True)
class Said:
    """How a command ended and what it printed; the code is negative where a signal ended it."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


class Running:
    """A command that is running."""

    def __init__(self, program: str, arguments: list[str], cwd: Path, env: dict[str, str]) -> None:
        self._folder = tempfile.TemporaryDirectory()
        files = [str(Path(self._folder.name) / name) for name in ("out", "err")]
        given = (program, arguments, str(cwd), {**os.environ, **env}, files)
        self.process = _FORKS.Process(target=_run, args=given)
        self.process.start()

    def end(self) -> Said:
        """Wait for its end."""
        self.process.join(_PATIENCE)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
            raise AssertionError(f"it hangs; its stacks:\n{Path(self._folder.name, 'err').read_text()}")
        code = self.process.exitcode
        self.process.close()
        files = [Path(self._folder.name, name) for name in ("out", "err")]
        assert files[0].exists(), f"it ended with {code} before it began"
        out, err = (file.read_text() for file in files)
        self._folder.cleanup()
        assert "Traceback" not in err, err
        return Said(code, out, err)


def _run(program: str, arguments: list[str], cwd: str, env: dict[str, str], files: list[str]) -> None:
    gc.freeze()  # a collector that looks through all that was loaded would copy it, page by page
    for descriptor, path in enumerate(files, 1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), descriptor)
    faulthandler.dump_traceback_later(_PATIENCE - 10)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    sys.argv = [program, *arguments]
    if program == "podium":
        from podium.cli.main import main as ended
        from podium.storage.servers import patience

        patience._LONGEST = 0.05  # seconds between two tries: a server that a test has stopped stays away
    else:
        from dvc.cli import main as ended
    sys.exit(ended(arguments))
