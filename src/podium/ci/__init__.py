"""The checks where teams need them: the files that make a forge, a checkout or a server run podium, as templates."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.resources import files as resources
from pathlib import Path

from podium.ci import source
from podium.errors import Denied
from podium.publish import files

MARK = "Written by `podium ci "
"""What every file that podium writes whole says of itself."""

WORKFLOW = ".github/workflows/podium.yml"
COMMENT = ".github/workflows/podium-comment.yml"
PAGES = ".github/workflows/podium-pages.yml"
GITLAB = ".gitlab/podium.gitlab-ci.yml"
GITLAB_PAGES = ".gitlab/podium-pages.gitlab-ci.yml"
GITLAB_MAIN = ".gitlab-ci.yml"
PRE_COMMIT = ".pre-commit-config.yaml"

_SUFFIXES = {"pre-commit": "yaml", "pre-receive": "sh"}


def text(name: str, **values: str) -> str:
    """Give a template with its places (``@NAME@``) filled in."""
    written = (resources(__name__) / "templates" / f"{name}.{_SUFFIXES.get(name, 'yml')}").read_text(encoding="utf-8")
    for key, value in values.items():
        written = written.replace(f"@{key.upper()}@", value)
    return written


def github(install: str) -> Mapping[str, str]:
    """Give the workflows for GitHub, by path: the check, which installs a requirement, and the comment."""
    return {WORKFLOW: _job("github", install), COMMENT: text("github-comment")}


def github_pages(install: str) -> Mapping[str, str]:
    """Give the workflow that publishes the site on GitHub Pages, by path."""
    return {PAGES: _job("github-pages", install)}


def gitlab(install: str) -> Mapping[str, str]:
    """Give the template for GitLab, by path; ``.gitlab-ci.yml`` has to include it."""
    return {GITLAB: _job("gitlab", install)}


def gitlab_pages(install: str) -> Mapping[str, str]:
    """Give the template that publishes the site on GitLab Pages, by path; ``.gitlab-ci.yml`` has to include it."""
    return {GITLAB_PAGES: _job("gitlab-pages", install)}


def _job(name: str, install: str) -> str:
    return text(name, install=shlex.quote(install))


@dataclass(frozen=True)
class Written:
    """What was written, by path, what jobs install by it, and lines that somebody has to add by hand."""

    paths: tuple[str, ...]
    installs: str = ""
    by_hand: str = ""


def write(root: Path, wanted: Mapping[str, str], *, chosen: bool = True, force: bool = False) -> Written:
    """
    Write files into a checkout, all of them or none; ``paths`` are those that were not there as they are.

    Unless somebody has ``chosen`` what they install, a file that is there goes on installing what it does; ``force``
    takes a newer podium of the same source. Raises Denied where one is there and says something else, unless ``force``:
    other than in what it installs, where that was chosen.
    """
    there = {path: _there(root / path) for path in wanted}
    if not chosen:
        wanted = {path: source.kept(there[path], new, renew=force) for path, new in wanted.items()}
    changed = {path: new for path, new in wanted.items() if there[path] != new}
    other = [path for path in changed if (root / path).exists() or (root / path).is_symlink()]
    other = [path for path in other if not (chosen and source.alike(there[path], changed[path]))]
    if other and not force:
        raise Denied(f"{' and '.join(other)} is there and says something else", "--force writes it anew")
    for path, new in changed.items():
        files.put(root, path, new)
    return Written(tuple(changed), "".join(source.installed(new) for new in wanted.values()))


def write_included(root: Path, template: Mapping[str, str], *, chosen: bool = True, force: bool = False) -> Written:
    """Write a template for GitLab as ``write`` does, and a ``.gitlab-ci.yml`` that includes it where there is none."""
    (path,) = template
    include = f"include:\n  - local: {path}\n"
    main = _there(root / GITLAB_MAIN)
    alone = {GITLAB_MAIN: include} if main is None else {}
    written = write(root, {**template, **alone}, chosen=chosen, force=force)
    return written if main is None or path in main else replace(written, by_hand=include)


def write_pre_commit(root: Path) -> Written:
    """
    Add podium's hooks to ``.pre-commit-config.yaml``, which keeps its comments; twice is harmless.

    Raises Denied where that file cannot be read.
    """
    ours = text("pre-commit")
    there = _there(root / PRE_COMMIT)
    extended = ours if there is None else _extended(there, ours)
    return write(root, {PRE_COMMIT: extended}, force=True)


def _extended(there: str, ours: str) -> str:
    from io import StringIO

    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    try:
        known, new = yaml.load(there), YAML().load(ours)["repos"]
    except YAMLError as error:
        raise Denied(f"{PRE_COMMIT} cannot be read: {str(error).splitlines()[0]}", "mend it first") from None
    if not isinstance(known, dict) or not isinstance(known.get("repos"), list):
        raise Denied(f"{PRE_COMMIT} has no list `repos`", "mend it first")
    ids = {hook.get("id") for repo in known["repos"] for hook in repo.get("hooks", [])}
    if ids & {hook["id"] for repo in new for hook in repo["hooks"]}:
        return there
    first = next((line for line in there.splitlines() if line.lstrip().startswith("- repo")), "- repo")
    indent = len(first) - len(first.lstrip())
    yaml.indent(mapping=2, sequence=indent + 2, offset=indent)
    known["repos"].extend(new)
    out = StringIO()
    yaml.dump(known, out)
    return out.getvalue()


def _there(path: Path) -> str | None:
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        raise Denied(f"{path} is not UTF-8", "write it in UTF-8, or move it away: podium makes a new one") from None
