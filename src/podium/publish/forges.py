"""Where a repository is hosted: which forge that is, and how a pull or merge request is opened there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from podium.git import cleaned

Kind = Literal["github", "gitlab"]

PATIENCE = 60.0
"""Seconds that ``gh`` and ``glab`` have for an answer."""

_URL = re.compile(r"(?i)(https?|ssh|git|git\+ssh|ssh\+git)://(?:[^/@]*@)*([^/@:]+)(?::([0-9]+))?/(.+)")
_HOST_AND_PATH = re.compile(r"(?:[^/@:\s]+@)?([^/@:\s]{2,}):(?!//)(.+)")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")
_PATH = re.compile(r"[A-Za-z0-9_.~][A-Za-z0-9_.~-]*(?:/[A-Za-z0-9_.~][A-Za-z0-9_.~-]*)+")
_OVER_SSH = {"ssh.github.com": "github.com", "altssh.gitlab.com": "gitlab.com"}
_PROGRAMS: dict[Kind, str] = {"github": "gh", "gitlab": "glab"}
_QUIET = {"GH_PROMPT_DISABLED": "1", "GH_NO_UPDATE_NOTIFIER": "1", "NO_COLOR": "1", "GLAB_CHECK_UPDATE": "false"}


@dataclass(frozen=True)
class Forge:
    """A repository at a host: ``web`` is the host's address for browsers, ``path`` the owner and name."""

    kind: Kind | None
    web: str
    host: str
    path: str

    def page(self, branch: str, base: str) -> str | None:
        """Give the address at which a person opens the request; ``None`` where the forge is not known."""
        head, onto = quote(branch), quote(base)
        if self.kind == "github":
            return f"{self.web}/{self.path}/compare/{onto}...{head}?expand=1"
        if self.kind == "gitlab":
            pair = f"merge_request%5Bsource_branch%5D={head}&merge_request%5Btarget_branch%5D={onto}"
            return f"{self.web}/{self.path}/-/merge_requests/new?{pair}"
        return None

    def found_in(self, text: str) -> str | None:
        """Find the address of one of this repository's pages in what a program said; no other address is believed."""
        found = re.search(rf"{re.escape(f'{self.web}/{self.path}/')}[^\s<>\"'`]+", text)
        return found[0] if found is not None else None


@dataclass(frozen=True)
class Request:
    """A pull or merge request to be opened: from a branch that is there already, into a base."""

    branch: str
    base: str
    title: str
    body: str

    @property
    def push_options(self) -> tuple[str, ...]:
        """What makes GitLab open the request when the branch is pushed; a push option has one line."""
        return ("merge_request.create", f"merge_request.target={self.base}", f"merge_request.title={self.title}")


@dataclass(frozen=True)
class Answer:
    """What came of asking a program to open a request: the request's address, or why there is none."""

    url: str | None
    problem: str = ""


def forge_of(url: str) -> Forge | None:
    """Tell from a remote's URL where it is hosted; ``None`` for a path on disk, or what has no owner and name."""
    found = _URL.fullmatch(url)
    named = _HOST_AND_PATH.fullmatch(url) if found is None and "://" not in url else None
    if found is None and named is None:
        return None
    ssh = ("ssh", named[1] if named else "", None, named[2] if named else "")
    scheme, host, port, path = found.groups() if found is not None else ssh
    path = path.strip("/").removesuffix(".git")
    if not _HOST.fullmatch(host) or not _PATH.fullmatch(path) or ".." in path.split("/"):
        return None
    host = _OVER_SSH.get(host.lower(), host.lower())
    over_web = scheme.lower() in ("http", "https")
    if over_web and port:
        host = f"{host}:{port}"
    web = f"{scheme.lower() if over_web else 'https'}://{host}"
    return Forge(_kind(host), web, host, path)


def _kind(host: str) -> Kind | None:
    for kind in _PROGRAMS:
        if kind in host:
            return kind
    for kind, program in _PROGRAMS.items():
        if has_program(kind) and _run(program, "auth", "status", "--hostname", host).returncode == 0:
            return kind
    return None


def has_program(kind: Kind) -> bool:
    """Tell whether the forge's own command is installed."""
    return shutil.which(_PROGRAMS[kind]) is not None


def ask(forge: Forge, request: Request, folder: Path) -> Answer:
    """Have the forge's own command open a request, in a folder of the repository; one that is open already is found."""
    if forge.kind is None or not has_program(forge.kind):
        return Answer(None)
    program = _PROGRAMS[forge.kind]
    ran = (_ask_github if forge.kind == "github" else _ask_gitlab)(forge, request, folder)
    said = f"{ran.stdout}\n{ran.stderr}"
    url = forge.found_in(said)
    if url is not None and re.search(r"/(pull|-/merge_requests)/[0-9]+$", url):
        return Answer(url)
    reason = next((line for line in cleaned(ran.stderr).splitlines() if line.strip()), f"exit code {ran.returncode}")
    return Answer(None, f"{program} did not open it: {reason.strip()}")


def _ask_github(forge: Forge, request: Request, folder: Path) -> subprocess.CompletedProcess[str]:
    where = (f"--repo={forge.host}/{forge.path}", f"--base={request.base}", f"--head={request.branch}")
    return _run(
        "gh", "pr", "create", *where, f"--title={request.title}", "--body-file=-", stdin=request.body, folder=folder
    )


def _ask_gitlab(forge: Forge, request: Request, folder: Path) -> subprocess.CompletedProcess[str]:
    where = (
        f"--repo={forge.web}/{forge.path}",
        f"--target-branch={request.base}",
        f"--source-branch={request.branch}",
    )
    text = (f"--title={request.title}", f"--description={request.body}", "--yes")
    return _run("glab", "mr", "create", *where, *text, folder=folder)


def _run(
    program: str, *arguments: str, stdin: str = "", folder: Path | None = None
) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            [program, *arguments], input=stdin, cwd=folder, env={**os.environ, **_QUIET}, timeout=PATIENCE,
            capture_output=True, text=True, errors="replace", check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess([program], 1, "", f"no answer within {PATIENCE:.0f} seconds")
    except OSError as error:
        return subprocess.CompletedProcess([program], 1, "", str(error.strerror))
