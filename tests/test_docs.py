"""The documentation is current: generated pages, links, commands and examples that are shown."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

from podium import codec, schemas
from podium.cli.main import COMMANDS
from podium.cli.main import podium as program
from podium.render import registry as render
from podium.rules import by_id
from tests import example

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
WRITTEN = [page for page in PAGES if "Made by docs/generate.py" not in page.read_text(encoding="utf-8")]
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:)([^)\s]*)\)")
UNTOLD = re.compile(r"…|\S  +\S")
"""What is left open, or told in columns."""


def name(value):
    return str(value.relative_to(ROOT)) if isinstance(value, Path) else None


def fences(page, *languages):
    return [text for language, text in FENCE.findall(page.read_text(encoding="utf-8")) if language in languages]


def command_lines(page):
    """Give the podium commands that a page shows: each line of a script, what follows the prompt of a session."""
    for text in fences(page, "sh"):
        yield from (line for line in text.replace("\\\n", " ").splitlines() if "podium" in line.split(" ")[:2])
    for text in fences(page, "console"):
        yield from (line[2:] for line in text.replace("\\\n", " ").splitlines() if line.startswith("$ podium"))


def parse(line):
    """Let click read a command line as far as it can without running it."""
    ours = line.partition(" && ")[0]
    words = [word for word in shlex.split(ours, comments=True) if not word.startswith("PODIUM_")]
    with program.make_context("podium", words[1:]) as context:
        command, rest = program, [*context._protected_args, *context.args]
        while isinstance(command, click.Group):
            _, command, rest = command.resolve_command(context, rest)
        command.make_context(command.name, list(rest), parent=context)


def headings(page):
    found = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in found}


def test_the_generated_pages_are_current():
    ran = subprocess.run(
        [sys.executable, ROOT / "docs" / "generate.py", "--check"], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, f"{ran.stderr}run `python docs/generate.py`"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example_that_parses(command):
    text = program.get_command(click.Context(program), command).help
    examples = [line.strip() for line in text.split("\b\n")[1].splitlines() if line.strip()]
    assert [line for line in examples if not re.match(rf"podium (-R \S+ )?{command}\b", line)] == []
    for line in examples:
        parse(line)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_told_of_in_a_page_that_a_person_wrote(command):
    told = re.compile(rf"podium(?: -R \S+)? {command}\b")
    assert any(told.search(page.read_text(encoding="utf-8")) for page in WRITTEN)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_command_that_is_shown_parses(page):
    for line in command_lines(page):
        if not UNTOLD.search(line):
            parse(line)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_leads_somewhere(page):
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        path, _, section = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), target
        assert not section or section in headings(there), target


@pytest.mark.parametrize("page", WRITTEN, ids=name)
def test_every_python_example_compiles(page):
    for text in fences(page, "python"):
        compile(text, str(page), "exec")


@pytest.mark.parametrize("page", WRITTEN, ids=name)
def test_every_json_example_is_json(page):
    for text in fences(page, "json"):
        json.loads(text)


def test_the_policy_that_is_shown_is_valid():
    (policy,) = fences(ROOT / "docs/how-to/promote.md", "yaml")
    settings = codec.decode(b"apiVersion: podium/v1\nentity: acme\n" + policy.encode())
    assert schemas.problems("registry", settings) == []


def test_the_json_that_is_shown_has_the_keys_that_are_printed():
    shown = [json.loads(text) for text in fences(ROOT / "docs/reference/json.md", "json")]
    registry = example.registry()
    assert list(shown[0]) == list(render.version(registry.resolve("ImageClassifier:v0")))
    assert list(shown[1][0]) == list(render.row(registry.model("ImageClassifier").row))


def test_every_rule_that_is_named_exists():
    text = "".join(page.read_text(encoding="utf-8") for page in WRITTEN)
    named = re.findall(
        r"rules\.md#([a-z-]+)|podium rules ([a-z-]+)|: (?:error|warning): .*\[([a-z-]+)\]$", text, re.MULTILINE
    )
    assert {rule for found in named for rule in found if rule} <= set(by_id)


def test_the_layout_in_the_readme_is_that_of_the_code():
    text = (ROOT / "README.md").read_text(encoding="utf-8").partition("## How the code is laid out")[2]
    (layout,) = re.findall(r"^```text\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    for line in layout.splitlines():
        paths = line.partition("  ")[0].split()
        folder = Path(paths[0]).parent
        assert [path for path in paths if not ((ROOT / path).exists() or (ROOT / folder / path).exists())] == []


@pytest.mark.parametrize("page", sorted((ROOT / "docs/decisions").glob("*.md")), ids=name)
def test_a_decision_is_short_and_says_what_a_decision_says(page):
    lines = page.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 40
    assert [line for line in lines if line.startswith("## ")] == ["## Context", "## Decision", "## Consequences"]
    assert lines[2].startswith("Status: ")


def test_every_page_is_listed():
    index = (ROOT / "docs/README.md").read_text(encoding="utf-8")
    pages = [str(page.relative_to(ROOT / "docs")) for page in ROOT.glob("docs/*/*.md")]
    assert [page for page in pages if f"]({page})" not in index] == []


@pytest.mark.parametrize("mark", ["demo", "tests"])
def test_the_readme_sets_up_with_one_line_each(mark):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (script,) = re.findall(rf"^<!-- setup: {mark} -->\n```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert len(script.splitlines()) == 1
    assert script.startswith("python3 -m venv .venv && .venv/bin/pip install ")


@pytest.mark.parametrize("page", WRITTEN, ids=name)
def test_lines_are_not_longer_than_the_code_s(page):
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    assert [line for line in text.splitlines() if len(line) > 130 and not line.startswith("|")] == []
