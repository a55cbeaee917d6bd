"""What a command loads before it works: nothing that another command needs."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from importlib.metadata import version

import pytest

from podium.version import VERSION
from tests import example

HEAVY = frozenset({"dvc", "dvc_data", "fsspec", "jinja2", "jsonschema", "referencing", "rich", "ruamel"})
FOR_CHECKS = frozenset(
    {"podium.checks", "podium.rules", "podium.edits", "podium.publish", "podium.review", "podium.diff"}
)


@pytest.fixture
def place(tmp_path):
    """Give a registry in a folder."""
    for path, content in example.files().items():
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return tmp_path


def loaded(program, *arguments, folder=None):
    """Give the modules that a program has loaded when it ends."""
    program += "\nprint(*sys.modules, file=sys.__stderr__)"
    ran = subprocess.run(
        [sys.executable, "-c", f"import sys\n{program}", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(ran.stderr.split())


def loaded_by(*arguments, folder=None):
    """Give the modules that a command loads."""
    return loaded("from podium.cli.main import main\ntry: main()\nexcept SystemExit: pass", *arguments, folder=folder)


@pytest.mark.parametrize("name", ["podium", "podium.codec", "podium.git"])
def test_what_a_package_offers_is_there(name):
    package = import_module(name)
    assert [offered for offered in package.__all__ if not hasattr(package, offered)] == []
    with pytest.raises(AttributeError, match="no_such_name"):
        package.no_such_name  # noqa: B018


def test_a_function_that_is_called_like_a_module_stays_the_function():
    program = "from podium import codec\ncodec.Source; codec.encode; codec.canonical\nassert callable(codec.read)"
    assert "podium.codec.keep" in loaded(program)


def test_importing_podium_loads_nothing_but_itself():
    assert {name for name in loaded("import podium") if name.startswith("podium")} == {"podium", "podium.deferred"}


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_a_command_that_does_nothing_loads_click_and_what_prints(option):
    modules = loaded_by(option)
    assert {name for name in modules if name.startswith("podium.")} == {
        "podium.cli", "podium.cli.main", "podium.cli.say", "podium.cli.start", "podium.deferred", "podium.version",
        "podium.visible",
    }  # fmt: skip
    assert not modules & {*HEAVY, "importlib.metadata", "json", "pathlib", "pygit2", "subprocess", "yaml"}


def test_the_version_is_what_pip_says():
    assert version("podium") == VERSION


@pytest.mark.parametrize("command", [["resolve", "ImageClassifier:production"], ["list"], ["show", "ImageClassifier"]])
def test_reading_a_checkout_loads_neither_git_nor_checks_nor_edits(command, place):
    modules = loaded_by(*command, folder=place)
    of_git = {name for name in modules if name.startswith("podium.git.")}
    assert of_git == {"podium.git.sources", "podium.git.worktree"}
    assert not modules & {*HEAVY, *FOR_CHECKS, "pygit2", "podium.codec.canon", "podium.codec.keep"}
    assert not modules & {"shutil", "subprocess", "tempfile"}


def ended(program):
    """Run the program in a process of its own, after some lines of Python, and give how it ended."""
    script = f"import sys; sys.argv[0] = 'podium'\n{program}\nfrom podium.cli import process\nprocess()"
    return subprocess.run([sys.executable, "-c", script, "--version"], capture_output=True, text=True, check=False)


def test_the_program_ends_at_once_and_does_what_waits_for_its_end():
    ran = ended(
        "import atexit, weakref\n"
        "class Left:\n    def __del__(self): print('taken apart')\n"
        "left = Left()\n"
        "atexit.register(sys.stdout.write, 'goodbye')\n"
        "weakref.finalize(left, sys.stderr.write, 'cleared away')"
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, f"podium {VERSION}\ngoodbye", "cleared away")


def test_the_program_waits_for_what_another_thread_does():
    ran = ended(
        "import threading\n"
        "def late():\n    threading.main_thread().join(); print('done', flush=True)\n"
        "threading.Thread(target=late).start()"
    )
    assert (ran.returncode, ran.stdout.splitlines()[1:], ran.stderr) == (0, ["done"], "")


def test_what_the_program_could_not_do_is_its_exit_code():
    ran = subprocess.run(
        [sys.executable, "-m", "podium", "no-such-command"], capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "no-such-command" in ran.stderr
