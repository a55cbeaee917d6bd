"""The checks where teams need them: the files that make a forge, a checkout or a server run podium, as templates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files as resources
from pathlib import Path

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


def github(version: str) -> Mapping[str, str]:
    """Give the workflows for GitHub, by path: the check, and the comment on pull requests; ``version`` is podium's."""
    return {WORKFLOW: text("github", version=version), COMMENT: text("github-comment")}


def gitlab(version: str) -> Mapping[str, str]:
    """Give the template for GitLab, by path; ``.gitlab-ci.yml`` has to include it."""
    return {GITLAB: text("gitlab", version=version)}


def github_pages(version: str) -> Mapping[str, str]:
    """Give the workflow that publishes the site on GitHub Pages, by path."""
    return {PAGES: text("github-pages", version=version)}


@dataclass(frozen=True)
class Written:
    """What was written, by path, and lines that somebody has to add by hand."""

    paths: tuple[str, ...]
    by_hand: str = ""


def write(root: Path, wanted: Mapping[str, str], *, force: bool = False) -> tuple[str, ...]:
    """
    Write files into a checkout and give the paths of those that were not there as they are; all of them or none.

    Raises Denied where one is there and says something else, unless ``force``.
    """
    changed = {path: new for path, new in wanted.items() if _there(root / path) != new}
    other = [path for path in changed if (root / path).exists() or (root / path).is_symlink()]
    if other and not force:
        raise Denied(f"{' and '.join(other)} is there and says something else", "--force writes it anew")
    for path, new in changed.items():
        files.put(root, path, new)
    return tuple(changed)


def write_gitlab(root: Path, version: str, *, force: bool = False) -> Written:
    """Write the template for GitLab, and a ``.gitlab-ci.yml`` that includes it where there is none."""
    return _write_included(root, gitlab(version), force=force)


def write_gitlab_pages(root: Path, version: str, *, force: bool = False) -> Written:
    """Write the job that publishes the site on GitLab Pages, and a ``.gitlab-ci.yml`` that includes it where there is none."""
    return _write_included(root, {GITLAB_PAGES: text("gitlab-pages", version=version)}, force=force)


def _write_included(root: Path, template: Mapping[str, str], *, force: bool) -> Written:
    (path,) = template
    include = f"include:\n  - local: {path}\n"
    main = _there(root / GITLAB_MAIN)
    alone = {GITLAB_MAIN: include} if main is None else {}
    written = write(root, {**template, **alone}, force=force)
    return Written(written, "" if main is None or path in main else include)


def write_pre_commit(root: Path) -> Written:
    """
    Add podium's hooks to ``.pre-commit-config.yaml``, which keeps its comments; twice is harmless.

    Raises Denied where that file cannot be read.
    """
    ours = text("pre-commit")
    there = _there(root / PRE_COMMIT)
    extended = ours if there is None else _extended(there, ours)
    return Written(write(root, {PRE_COMMIT: extended}, force=True))


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
