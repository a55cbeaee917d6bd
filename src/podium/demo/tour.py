"""The walk: each step says what it does, shows the command that a person would type, runs it, and shows its answer."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from shutil import which

from podium.demo import scripts
from podium.demo.terminal import Terminal, typed
from podium.errors import Denied, Unavailable

MODEL = "Digits"
LICENSE = "license=CC-BY-4.0"
POLICY = """\
aliases:
  staging:
    description: In shadow traffic
  production:
    description: Reads the digits of real customers
    approvers: ["@demo/ml-leads"]
    after: [staging]
    requires:
      metrics: {accuracy: {min: 0.95, max_drop: 0.01}}
      metadata: [license, dataset]
      files: {allow: ["*.safetensors", "*.json"]}
"""
BRANCH = "let-the-network-read"
ALIAS = f"models/{MODEL}/aliases/production.yaml"


@dataclass(frozen=True)
class Heading:
    """A step begins."""

    text: str


@dataclass(frozen=True)
class Said:
    """What the step is about, in prose."""

    text: str


@dataclass(frozen=True)
class Typed:
    """A command that is about to run."""

    text: str


@dataclass(frozen=True)
class Answered:
    """What a command printed."""

    text: str


@dataclass(frozen=True)
class Shown:
    """Lines of a file."""

    text: str


Event = Heading | Said | Typed | Answered | Shown
Step = Generator[Event, None, None]


def check_ready() -> None:
    """Make sure that the demo can run here; raises Denied or Unavailable with what to install."""
    if any(find_spec(name) is None for name in ("sklearn", "safetensors")):
        raise Denied(
            "the demo trains real models, and scikit-learn or safetensors is missing", "pip install 'podium[demo]'"
        )
    if which("git") is None:
        raise Unavailable("there is no git program", "install git 2.38 or newer")


def prepared(folder: Path | None) -> Path:
    """Give the folder for the demo: a new one, or the one named, made if need be; raises Denied if it holds files."""
    if folder is None:
        return Path(tempfile.mkdtemp(prefix="podium-demo-"))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        held = any(folder.iterdir())
    except OSError as error:
        raise Denied(f"{folder} cannot be the demo's folder: {error.strerror}", "name another one") from None
    if held:
        raise Denied(f"{folder} is not empty", "name a new or empty folder, or none")
    return folder.resolve()


def walk(folder: Path) -> Iterator[Event]:
    """Walk through podium in an empty folder; raises Denied where a command does not end as it should."""
    terminal = Terminal(folder)
    for step in (_found, _train, _log, _link, _policy, _promote, _review, _look, _break, _use):
        yield from step(terminal)


def _run(terminal: Terminal, *arguments: str, code: int = 0) -> Generator[Event, None, str]:
    """Show a command, run it, show its answer; gives what it wrote to stdout."""
    yield Typed(typed(arguments))
    ran = terminal.run(*arguments)
    if ran.out or ran.beside:
        yield Answered("\n".join(text for text in (ran.out, ran.beside) if text))
    terminal.expect(code, arguments, ran)
    return ran.out


def _found(terminal: Terminal) -> Step:
    yield Heading("A registry is a Git repository")
    yield Said("The bare repository stands in for GitHub or GitLab, the folder `store` for S3 or another DVC remote.")
    yield from _run(terminal, "git", "init", "--quiet", "--bare", "--initial-branch=main", "origin.git")
    yield from _run(terminal, "git", "clone", "--quiet", "origin.git", "models")
    yield Typed("cd models")
    terminal.go("models")
    yield from _run(terminal, "podium", "init", "--entity", "demo", "--remote", "../store")
    yield from _run(terminal, "git", "add", "--all")
    yield from _run(terminal, "git", "commit", "--quiet", "-m", "Start a model registry")
    yield from _run(terminal, "git", "push", "--quiet", "--set-upstream", "origin", "main")


def _train(terminal: Terminal) -> Step:
    yield Heading("Real models, saved without pickle")
    yield Said(
        "train.py fits three softmax regressions and one small network to 1,797 handwritten digits, the data set that "
        "scikit-learn ships. Each run is a folder with model.safetensors and config.json."
    )
    for name, text in (("train.py", scripts.TRAIN), ("measure.py", scripts.MEASURE)):
        script = terminal.place.parent / "training" / name
        script.parent.mkdir(exist_ok=True)
        script.write_text(text, encoding="utf-8", newline="")
    yield from _run(terminal, "python", "../training/train.py")


def _log(terminal: Terminal) -> Step:
    yield Heading("Log model versions")
    yield Said("The bytes go to DVC; what is known of them becomes one small file, which you commit like any other.")
    yield from _run(terminal, *_logging(terminal, "ocr/softmax", "1"))
    yield from _run(terminal, "git", "status", "--short", "--untracked-files=all")
    yield from _run(terminal, "git", "add", "--all")
    yield from _run(terminal, "git", "commit", "--quiet", "-m", "Log the first softmax regression")
    yield Said("With --commit, podium commits what it wrote, and nothing else.")
    yield from _run(terminal, *_logging(terminal, "ocr/softmax", "2"), "--commit")
    yield from _run(terminal, *_logging(terminal, "ocr/softmax", "3"), "--alias", "best", "--commit")
    yield Said("The same content again is the same version: a version is what its bytes are.")
    yield from _run(terminal, "podium", "log", "ocr/softmax", "../training/runs/2", "--commit")


def _logging(terminal: Terminal, artifact: str, run: str) -> tuple[str, ...]:
    """Put together how a run is logged, with the metrics that it really reached."""
    runs = json.loads((terminal.place.parent / "training" / "runs" / "runs.json").read_text(encoding="utf-8"))
    facts = [f"--metric={name}={value}" for name, value in runs[run]["metrics"].items()]
    facts += [f"--param={name}={value}" for name, value in runs[run]["params"].items()]
    spelled = [part for fact in facts for part in fact.split("=", 1)]
    metadata = ("--metadata", "dataset=digits", "--metadata", LICENSE)
    return "podium", "log", artifact, f"../training/runs/{run}", *spelled, *metadata


def _link(terminal: Terminal) -> Step:
    yield Heading("Bookmark the good ones in a registered model")
    yield Said("A registered model gathers the versions that matter, from any artifact, and numbers them by itself.")
    about = ("--desc", "Reads one handwritten digit", "--owner", "@demo/vision")
    yield from _run(terminal, "podium", "create", MODEL, *about, "--commit")
    yield from _run(terminal, "podium", "link", "ocr/softmax:v1", MODEL, "--commit")
    yield from _run(terminal, "podium", "link", "ocr/softmax:best", MODEL, "--commit")
    yield Said("Tags group models, and find them again.")
    yield from _run(terminal, "podium", "tag", "add", MODEL, "image-classification", "team-vision", "--commit")


def _policy(terminal: Terminal) -> Step:
    yield Heading("Say what production means")
    yield Said("You add this to registry.yaml in an editor. The approvers become lines of CODEOWNERS.")
    settings = terminal.place / "registry.yaml"
    settings.write_text(settings.read_text(encoding="utf-8") + POLICY, encoding="utf-8", newline="")
    yield Shown(POLICY)
    yield from _run(terminal, "podium", "codeowners")
    yield from _run(terminal, "podium", "check")
    yield from _run(terminal, "git", "commit", "--quiet", "--all", "-m", "Say what production means")


def _promote(terminal: Terminal) -> Step:
    yield Heading("Promote")
    yield Said("A promotion is a commit that changes one small file: a reviewer sees it, and Git remembers it.")
    yield from _run(terminal, "podium", "promote", f"{MODEL}:v1", "staging", "--commit")
    yield from _run(terminal, "podium", "promote", f"{MODEL}:staging", "production", "--commit")
    yield from _run(terminal, "git", "show", "--format=%an: %s", "--unified=0", "HEAD")
    yield from _run(terminal, "git", "push", "--quiet")
    yield Said(
        "The network is the better model. With --push, podium commits on top of the remote's main branch and pushes; "
        "the checkout need not be clean or current."
    )
    yield from _run(terminal, *_logging(terminal, "ocr/network", "4"), "--link", MODEL, "--push")
    yield from _run(terminal, "podium", "promote", f"{MODEL}:v2", "staging", "--push")
    yield from _run(terminal, "git", "pull", "--quiet", "--ff-only")


def _review(terminal: Terminal) -> Step:
    yield Heading("Promote by pull request")
    yield Said("What people rely on changes on a branch. `podium plan` tells the reviewer what merging it would mean.")
    yield from _run(terminal, "git", "switch", "--quiet", "--create", BRANCH)
    yield from _run(
        terminal, "podium", "promote", f"{MODEL}:v2", "production", "--commit", "-m", "Let the network read"
    )
    yield from _run(terminal, "podium", "plan", "main")
    yield Said("The check judges the merge as a step from main, by the policy: staging first, and an accuracy of 0.95.")
    yield from _run(terminal, "podium", "check", "--base", "main")
    yield Said("@demo/ml-leads approves, and the branch is merged: on a forge with its button, here by hand.")
    yield from _run(terminal, "git", "switch", "--quiet", "main")
    yield from _run(terminal, "git", "merge", "--quiet", "--no-ff", "-m", f"Merge {BRANCH}", BRANCH)
    yield from _run(terminal, "git", "push", "--quiet")


def _look(terminal: Terminal) -> Step:
    yield Heading("Look around")
    yield from _run(terminal, "podium", "list", "--tag", "team-vision")
    yield from _run(terminal, "podium", "list", "--artifacts")
    yield from _run(terminal, "podium", "show", MODEL)
    yield from _run(terminal, "podium", "compare", f"{MODEL}:v1", f"{MODEL}:production")
    yield Said("A name resolves without a checkout too: here from the bare repository, as it would from a Git URL.")
    reference = f"demo/model-registry/{MODEL}:production"
    yield from _run(terminal, "podium", "-R", "../origin.git", "resolve", reference)
    yield Said("Who moved production, and when, is in Git: the history of one file.")
    yield from _run(terminal, "podium", "history", MODEL, "production")


def _break(terminal: Terminal) -> Step:
    yield Heading("Break a rule on purpose")
    yield Said(f"Somebody edits {ALIAS} by hand, and mistypes the version.")
    alias = terminal.place / ALIAS
    alias.write_text(
        alias.read_text(encoding="utf-8").replace("version: v2", "version: v9"), encoding="utf-8", newline=""
    )
    yield from _run(terminal, "git", "diff", "--unified=0", "--", ALIAS)
    yield Said("The check says where, what and how to mend it, and exits with 1. In CI the pull request is red.")
    yield from _run(terminal, "podium", "check", code=1)
    yield Said("Git has the file as it was. This time the check also asks the remote whether it has every byte.")
    yield from _run(terminal, "git", "checkout", "--quiet", "--", ALIAS)
    yield from _run(terminal, "podium", "check", "--storage")


def _use(terminal: Terminal) -> Step:
    yield Heading("Use production")
    yield Said("podium fetches the files and compares every byte with the record before it says where they are.")
    path = yield from _run(terminal, "podium", "use", f"{MODEL}:production")
    yield Said("measure.py loads the safetensors from that folder and measures the model again.")
    yield from _run(terminal, "python", "../training/measure.py", path)
