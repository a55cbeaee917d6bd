"""Which podium this is."""

VERSION = "0.1.0"
"""The one place that says it: ``pyproject.toml`` reads it here, and asking pip's records would outlast a command."""
