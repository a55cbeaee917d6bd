"""Commands typed in process, and what must hold of each whatever it was fed: an exit code of ours, and clean output."""

from __future__ import annotations

import io
import re
import sys
from contextlib import contextmanager
from pathlib import Path

from podium.cli.main import podium, run
from tests.acceptance.conftest import Said as Ended

STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""What steers a terminal, or a reader's eye: never on stdout or stderr."""
CODES = {0, 1, 2, 3}


class Said(Ended):
    """How a command ended and what it printed, and what a check found."""

    @property
    def errors(self):
        """Give rule and path of each error that a check found."""
        return [(one["rule"], one["path"]) for one in self.json["findings"] if one["severity"] == "error"]


def typed(*arguments: str | Path, codes=CODES) -> Said:
    """Type a command; asserts what holds of every command."""
    words = [str(word) for word in arguments]
    with _streams() as (out, err):
        code = run(lambda: podium.main(words, prog_name="podium", standalone_mode=False))
    said = Said(code, _text(out), _text(err))
    assert code != 4, _report(said.err)
    assert code in codes, f"{words}: {code}\n{said.out}\n{said.err}"
    assert "Traceback" not in said.err, said.err
    for text in (said.out, said.err):
        steering = STEERING.search(text)
        assert steering is None, f"{words} printed {steering[0]!a}: {text[max(0, steering.start() - 80) :][:200]!a}"
    if "json" in words and said.out:
        said.json  # noqa: B018 - one document
    return said


@contextmanager
def _streams():
    """Give the command a stdout and stderr that take UTF-8 only, as a pipe's would."""
    streams = [io.TextIOWrapper(io.BytesIO(), "utf-8", errors=errors) for errors in ("strict", "backslashreplace")]
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = streams
    try:
        yield streams
    finally:
        sys.stdout, sys.stderr = before


def _text(stream: io.TextIOWrapper) -> str:
    stream.flush()
    return stream.buffer.getvalue().decode()


def _report(err: str) -> str:
    place = re.search(r"report: (\S+)", err)
    return Path(place[1]).read_text() if place else err
