"""The command line: parse, call, render, exit."""

from __future__ import annotations

from podium.cli.start import process

__all__ = ["process"]
