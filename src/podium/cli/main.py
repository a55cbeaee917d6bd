"""
The ``podium`` command: which commands there are, and the one place where errors become exit codes.

A command's module is imported when it is run or asked for help, so that ``podium --version`` stays as quick as click.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

import click

from podium.cli import say
from podium.version import VERSION

if TYPE_CHECKING:
    from podium.errors import Error

INTERRUPTED = 128 + signal.SIGINT
BUG = 4
_STDERR = 2
USAGE = 2
CANNOT_TELL = 3

COMMANDS: dict[str, str] = {
    "init": "Make a new registry, or complete the one that is here.",
    "log": "Record the next version of a model artifact.",
    "link": "Bookmark a model version in a registered model.",
    "promote": "Point an alias at a version.",
    "rollback": "Point an alias back at what it held before.",
    "unalias": "Take an alias away.",
    "withdraw": "Withdraw a version, with the reason.",
    "restore": "Bring a withdrawn version back.",
    "tag": "Add or remove tags of a registered model.",
    "create": "Make an empty registered model or model artifact.",
    "list": "List registered models, or model artifacts.",
    "show": "Show the card of a model or artifact, or one version.",
    "compare": "Lay two versions side by side.",
    "bisect": "Find the first bad version that an alias held.",
    "resolve": "Say what a name means, without fetching anything.",
    "use": "Fetch a version's files, verify them, print where they are.",
    "upload": "Send to the remote what it lacks.",
    "verify": "Prove that the remote has every byte.",
    "copy": "Copy the bytes of versions from one remote to another.",
    "bundle": "Carry a registry to a site without a network: create, verify, import.",
    "gc": "Find, and on request delete, what no version needs.",
    "check": "Check the registry against every rule.",
    "plan": "Say what a change means, before it is merged.",
    "history": "Say who moved what, when, in which commit.",
    "rules": "List the rules, or show one rule's page.",
    "fmt": "Rewrite YAML files in canonical form.",
    "codeowners": "Write CODEOWNERS from the policies.",
    "ci": "Install a check: github, gitlab, pre-commit, pre-receive.",
    "merge-driver": "Merge concurrent edits by re-numbering the later one.",
    "site": "Build static pages of the registry, or serve them here.",
    "demo": "Make a registry with real models and walk through podium.",
}

HIDDEN = frozenset({"hook"})
"""Commands that programs call, and nobody types."""


class Commands(click.Group):
    """The commands, each loaded when it is needed."""

    def list_commands(self, _context: click.Context) -> list[str]:
        """Give the names in the order of the table above."""
        return list(COMMANDS)

    def get_command(self, _context: click.Context, name: str) -> click.Command | None:
        """Load one command."""
        if name not in COMMANDS and name not in HIDDEN:
            return None
        command: click.Command = importlib.import_module(f"podium.cli.{name.replace('-', '_')}_command").command
        return command

    def format_commands(self, _context: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without loading them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, context: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; where there is none of that name, offer the nearest."""
        try:
            return super().resolve_command(context, args)
        except click.UsageError as error:
            raise click.UsageError(error.message + _nearest(args[0]), context) from None


def _nearest(name: str) -> str:
    import difflib

    close = difflib.get_close_matches(name, COMMANDS, n=1)
    return f" Did you mean {close[0]!r}?" if close else ""


@dataclass
class Invocation:
    """What stands before the command: which registry is meant."""

    where: str | None


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "-R",
    "--registry",
    "where",
    metavar="PATH|URL",
    envvar="PODIUM_REGISTRY",
    help="A checkout, a bare repository, a Git URL or a static index. "
    "Default: the checkout that the working folder is in.",
)
@click.version_option(VERSION, message="podium %(version)s")
@click.pass_context
def podium(context: click.Context, where: str | None) -> None:
    """
    Podium is a Git-backed model registry: promotion is a reviewed change, Git is the audit log.

    \b
    podium demo                                  a tour with real models, in under a minute
    podium init                                  a registry here
    podium log vision/resnet50 out/ --metric accuracy=0.93
    podium promote ImageClassifier:v5 production
    podium use ImageClassifier:production
    """
    context.obj = Invocation(where)


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit."""
    _hold_what_is_closed()
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115, PTH123 - a shell has closed it
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115, PTH123
    with suppress(AttributeError):  # an output of another encoding than UTF-8 takes escapes for what it does not have
        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    _heed_signals()
    sys.exit(run(lambda: podium.main(args, prog_name="podium", standalone_mode=False)))


def _hold_what_is_closed() -> None:
    """Let no file take the number of a stream that a shell has closed: a library's messages would land in that file."""
    while (handle := os.open(os.devnull, os.O_RDWR)) <= _STDERR:
        pass
    os.close(handle)


class Stopped(KeyboardInterrupt):
    """Another program asks this one to end: what is under way is taken back, as with Ctrl-C."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


def _heed_signals() -> None:
    """Let a request to end be one that is cleaned up after; nobody is asked where ``nohup`` or the like has said no."""

    def stop(number: int, _frame: Any) -> None:
        raise Stopped(number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, stop)


def run(command: Callable[[], object]) -> int:
    """Run a command and give its exit code; every way in which it can end passes here."""
    try:
        code = command()
        sys.stdout.flush()
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as misuse:
        return _misused(misuse)
    except (KeyboardInterrupt, click.Abort) as stop:
        with suppress(OSError):
            say.error("interrupted")
        asked = stop.__cause__ or stop  # click makes an Abort of it
        return 128 + asked.number if isinstance(asked, Stopped) else INTERRUPTED
    except (OSError, MemoryError) as lack:
        return _lacking(lack)
    except Exception as problem:  # noqa: BLE001 - the one place where a bug of ours becomes a report
        from podium.errors import Error

        return _refused(problem) if isinstance(problem, Error) else _bug(problem)
    return code if isinstance(code, int) else 0


def _lacking(lack: OSError | MemoryError) -> int:
    """Say what this machine would not give: room, a file, memory."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError, AttributeError):
        say.mute(sys.stdout)
    if isinstance(lack, BrokenPipeError):  # the reader of a pipe has seen enough
        return 1
    with suppress(OSError):
        say.error(*_lack_in_words(lack))
    return CANNOT_TELL


def _lack_in_words(lack: OSError | MemoryError) -> tuple[str, str]:
    if isinstance(lack, MemoryError):
        return "there is not enough memory", "see to this machine's limits, then try again"
    reason = lack.strerror or str(lack)
    if isinstance(lack, say.Unwritten):
        return f"the output cannot be written: {reason}", "see to where it goes; what the command was to do may be done"
    where = f"{lack.filename}: " if lack.filename else ""
    return f"{where}{reason}", "see to the disk, its permissions and this machine's limits, then try again"


def _misused(misuse: click.ClickException) -> int:
    if isinstance(misuse, click.exceptions.NoArgsIsHelpError):
        misuse.show()
        return USAGE
    context = getattr(misuse, "ctx", None)
    say.error(misuse.format_message(), f"`{context.command_path} --help` shows how" if context else "")
    return USAGE


def _refused(refusal: Error) -> int:
    say.error(refusal.sentence, refusal.hint)
    return refusal.exit_code


def _bug(bug: Exception) -> int:
    from podium.cli.report import write

    try:
        send = f"please send us the report: {write(bug)}"
    except OSError:
        send = "a report of it could not be written"
    say.error(f"a bug in podium: {type(bug).__name__}", send)
    return BUG
