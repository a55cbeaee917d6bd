"""Findings as text, JSON, and GitHub's annotations."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from podium.checks import Finding
from podium.render.plain import one_line


def text(findings: Iterable[Finding]) -> str:
    """List findings as compilers do: where, how bad, what, which rule, and how to mend it."""
    return "\n".join(_text(finding) for finding in findings)


def _text(finding: Finding) -> str:
    place = f"{finding.path}:{finding.line}:{finding.column}"
    head = f"{place}: {finding.severity}: {one_line(finding.message)} [{finding.rule}]"
    return f"{head}\n    fix: {one_line(finding.fix)}" if finding.fix else head


def github(findings: Iterable[Finding]) -> str:
    """
    Write findings as workflow commands, which GitHub shows at their lines.

    Source of the escapes: https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts
    """
    return "\n".join(
        f"::{finding.severity} file={_property(finding.path)},line={finding.line},col={finding.column},"
        f"title={_property(finding.rule)}::{_data(finding.message + (chr(10) + finding.fix if finding.fix else ''))}"
        for finding in findings
    )


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def values(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """Give findings as JSON values."""
    return [asdict(finding) for finding in findings]
