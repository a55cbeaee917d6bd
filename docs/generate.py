"""
Makes the reference pages that can be made: commands, rules, files, the Python interface, the map of the code.

``python docs/generate.py`` writes what differs; with ``--check`` it writes nothing and ends with 1 where something
does.
"""  # noqa: INP001 - a script beside the pages, not part of the package

from __future__ import annotations

import dataclasses
import inspect
import sys
import tomllib
from collections.abc import Callable, Iterator
from functools import cached_property
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import click

import podium
from podium import rules, schemas
from podium.cli.main import podium as program

REFERENCE = Path(__file__).parent / "reference"
NOTICE = "<!-- Made by docs/generate.py: edit the source that it reads, then run it. -->\n\n"


def pages() -> dict[str, str]:
    """Give the text of every page that is made, by its file name."""
    return {
        "commands.md": NOTICE + "\n\n".join(_commands()) + "\n",
        "rules.md": NOTICE + "\n\n".join(_rules()).rstrip() + "\n",
        "files.md": NOTICE + schemas.reference().rstrip() + "\n",
        "python.md": NOTICE + "\n\n".join(_python()) + "\n",
        "modules.md": NOTICE + "\n\n".join(_modules()) + "\n",
    }


# --- commands ---------------------------------------------------------------------------------------------------------


def _commands() -> Iterator[str]:
    group = program
    context = click.Context(group, info_name="podium")
    names = group.list_commands(context)
    yield "# Commands"
    yield _EXIT_CODES
    yield " · ".join(f"[{name}](#podium-{name})" for name in names)
    yield "## podium"
    yield from _body(group, "podium")
    for name in names:
        command = group.get_command(context, name)
        assert command is not None
        yield from _command(command, f"podium {name}", "##")


def _command(command: click.Command, name: str, level: str) -> Iterator[str]:
    yield f"{level} {name}"
    yield from _body(command, name)
    if isinstance(command, click.Group):
        for sub in command.commands.values():
            if sub.hidden:
                continue
            yield from _command(sub, f"{name} {sub.name}", f"{level}#")


def _body(command: click.Command, name: str) -> Iterator[str]:
    arguments = [_argument(one) for one in command.params if isinstance(one, click.Argument)]
    rest = ["COMMAND ..."] if isinstance(command, click.Group) else []
    yield f"```text\n{' '.join([name, '[OPTIONS]', *arguments, *rest])}\n```"
    for paragraph in inspect.cleandoc(command.help or "").split("\n\n"):
        shown, _, text = paragraph.rpartition("\b\n")
        yield f"```sh\n{text}\n```" if shown or paragraph.startswith("\b") else " ".join(text.split())
    rows = [_option(one) for one in command.params if isinstance(one, click.Option)]
    if rows:
        yield "\n".join(["| option | meaning |", "| --- | --- |", *rows])


def _argument(argument: click.Argument) -> str:
    shown = argument.metavar or (argument.name or "").upper()
    optional = not argument.required and not shown.startswith("[")
    return (f"[{shown}]" if optional else shown) + ("..." if argument.nargs == -1 and "..." not in shown else "")


def _option(option: click.Option) -> str:
    names = ", ".join(option.opts)
    value = "" if option.is_flag else " " + _value(option)
    required = " Required." if option.required else ""
    several = " May be given several times." if option.multiple else ""
    cell = f"| `{names}{value}` | {option.help or ''}{required}{several} |"
    return cell.replace("PATH|URL", "PATH\\|URL")


def _value(option: click.Option) -> str:
    if isinstance(option.type, click.Choice):
        return "\\|".join(str(choice) for choice in option.type.choices)
    return option.metavar or option.type.name.upper()


_EXIT_CODES = """\
Every command also has `-h, --help`, with an example. Results go to stdout, everything else to stderr.

| exit code | meaning |
| --- | --- |
| 0 | done, or clean; warnings alone are clean |
| 1 | findings, or refused |
| 2 | usage: a malformed name, reference or option, or no registry here |
| 3 | could not tell: storage or network down, history missing; never taken for clean |
| 4 | a bug of podium's, with a report file |
| 130 | interrupted |"""


# --- rules ------------------------------------------------------------------------------------------------------------


def _rules() -> Iterator[str]:
    yield "# Rules"
    yield "What `podium check` looks for. `podium rules ID` shows a page on the command line."
    table = [f"| [{rule.id}](#{rule.id}) | {rule.severity} | {rules.title(rule)} |" for rule in rules.ALL]
    yield "\n".join(["| rule | severity | what holds |", "| --- | --- | --- |", *table])
    yield from (rules.page(rule).rstrip() for rule in rules.ALL)


# --- Python -----------------------------------------------------------------------------------------------------------


def _python() -> Iterator[str]:
    yield "# The Python interface"
    yield (
        "What `import podium` gives. It is typed (`py.typed`), loads in well under a tenth of a second, and imports "
        "DVC only when bytes are asked for. Every error derives from `podium.Error`; `str(error)` says what is the "
        "case, `error.hint` what to do next, and `error.exit_code` is the exit code of the command line. "
        "[Use podium from Python](../how-to/use-from-python.md) has examples."
    )
    for name in podium.__all__:
        thing = getattr(podium, name)
        yield f"## podium.{name}"
        yield from _class(thing) if inspect.isclass(thing) else _function(thing, f"podium.{name}")


def _class(thing: type) -> Iterator[str]:
    yield _docstring(thing)
    if dataclasses.is_dataclass(thing):
        fields = [field for field in dataclasses.fields(thing) if not field.name.startswith(("_", "load_"))]
        yield "\n".join(f"- `{field.name}: {field.type}`" for field in fields)
    for name, member in sorted(_members(thing).items()):
        if inspect.isfunction(member) or isinstance(member, classmethod):
            yield f"### {thing.__name__}.{name}"
            yield from _function(getattr(thing, name), name)
        elif isinstance(member, (property, cached_property)):
            yield f"### {thing.__name__}.{name}"
            yield _docstring(member)


def _members(thing: type) -> dict[str, object]:
    """Give what podium itself put into a class, by its public names."""
    ours = [one for one in reversed(thing.__mro__) if one.__module__.startswith("podium.")]
    return {name: member for one in ours for name, member in vars(one).items() if not name.startswith("_")}


class _Bare(str):
    """Text that a signature shows without quotes."""

    __slots__ = ()
    __repr__ = str.__str__


def _function(function: Callable[..., object], name: str) -> Iterator[str]:
    signature = inspect.signature(function)
    shown = [_parameter(one) for one in signature.parameters.values() if one.name != "self"]
    text = str(signature.replace(parameters=shown, return_annotation=_Bare(signature.return_annotation)))
    yield f"```python\n{name}{text}\n```"
    yield _docstring(function)


def _parameter(parameter: inspect.Parameter) -> inspect.Parameter:
    default = parameter.default
    named = _Bare(default.__name__) if inspect.isfunction(default) else default
    return parameter.replace(annotation=_Bare(parameter.annotation), default=named)


def _docstring(thing: object) -> str:
    return (inspect.getdoc(thing) or "").replace("``", "`")


# --- modules ----------------------------------------------------------------------------------------------------------


def _modules() -> Iterator[str]:
    yield "# A map of the code"
    yield (
        "The modules from the faces down to the ground. "
        "Each imports from those below it only; import-linter sees to it."
    )
    for layer in _layers():
        yield "\n".join(f"- **{name.removeprefix('podium.')}**: {_caption(name)}" for name in layer)


def _layers() -> Iterator[list[str]]:
    settings = tomllib.loads((REFERENCE.parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
    for layer in settings["tool"]["importlinter"]["contracts"][0]["layers"]:
        names = [name.strip(" ()") for name in layer.split("|")]
        yield [name for name in names if find_spec(name) is not None]


def _caption(name: str) -> str:
    text = inspect.getdoc(import_module(name)) or ""
    return " ".join(text.split("\n\n", maxsplit=1)[0].split()).replace("``", "`")


def main(arguments: list[str]) -> int:
    """Write the pages, or look whether they are current; gives the exit code."""
    stale = {REFERENCE / name: text for name, text in pages().items() if _text(REFERENCE / name) != text}
    for path, text in stale.items():
        if arguments != ["--check"]:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="")
        sys.stderr.write(f"{'stale' if arguments == ['--check'] else 'wrote'}: docs/reference/{path.name}\n")
    return 1 if stale and arguments == ["--check"] else 0


def _text(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
