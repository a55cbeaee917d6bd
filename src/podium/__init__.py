"""podium: a Git-backed, declarative model registry."""
