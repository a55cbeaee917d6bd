"""Commands as they are typed, one after the other in one process."""

from __future__ import annotations

import contextlib
import io


def typed(commands):
    """Run commands, and give for each its exit code and what it printed to stdout and to stderr."""
    from podium.cli.main import podium, run

    said = []
    for arguments in commands:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run(lambda one=arguments: podium.main(list(one), prog_name="podium", standalone_mode=False))
        said.append((code, out.getvalue(), err.getvalue()))
    return said
