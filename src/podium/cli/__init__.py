"""The command line: parse, call, render, exit."""

from __future__ import annotations

from podium.cli.main import main, process

__all__ = ["main", "process"]
