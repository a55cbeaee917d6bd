"""What ``.gitattributes`` says about the registry's files: only podium's own lines may change how Git keeps them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from podium import layout
from podium.patterns import Shape, may_mean

OWN_ATTRIBUTES: Mapping[str, Sequence[str]] = {
    layout.REGISTRY: ("-text", "merge"),
    f"{layout.SCHEMAS}/**": ("-text", "merge"),
    f"{layout.MODELS}/**": ("-text", "merge=podium"),
    f"{layout.ARTIFACTS}/**": ("-text", "merge=podium"),
}
"""
The lines podium writes, pattern by pattern: bytes stay as they are, and entities merge with podium's driver.

Git falls back to its own three-way merge where that driver is not installed.
"""

_OWN = {value for values in OWN_ATTRIBUTES.values() for value in values}
_SETTLED_BY_OWN = {"text", "merge", "eol", "crlf"}
"""What podium's own lines decide for every file of the registry, so that a line above them changes nothing."""
_RISKY = {"merge", "filter", "text", "ident", "working-tree-encoding", "eol", "crlf", "diff"}
_MACROS = {"binary": ("-diff", "-merge", "-text")}
_SHAPES: Sequence[Shape] = (
    ("registry.yaml",),
    ("models", "*", "model.yaml"),
    ("models", "*", "readme.md"),
    ("models", "*", "versions", "v*.yaml"),
    ("models", "*", "aliases", "*.yaml"),
    ("artifacts", "*", "*", "artifact.yaml"),
    ("artifacts", "*", "*", "versions", "v*.dvc"),
    ("artifacts", "*", "*", "aliases", "*.yaml"),
    ("schemas", "*.schema.json"),
    ("schemas", "team", "*.schema.json"),
)


def own_lines() -> str:
    """Give podium's lines as they stand in ``.gitattributes``."""
    return "".join(f"{pattern} {' '.join(values)}\n" for pattern, values in OWN_ATTRIBUTES.items())


def foreign(text: str, folder: Sequence[str] = ()) -> Iterator[tuple[int, str, Sequence[str]]]:
    """Give each line, from 1, that changes how Git keeps or merges files of the registry: pattern and attributes."""
    rows = [_split(line) for line in text.split("\n")]
    settled = _last_own(rows)
    macros = _macros(rows)
    for number, row in enumerate(rows, 1):
        if row and not row[0].startswith("[attr]") and _reaches(row[0], folder):
            harmless = _SETTLED_BY_OWN if number <= settled else set()
            names = [
                value for value in _expanded(row[1:], macros) if value not in _OWN and _name(value) in _RISKY - harmless
            ]
            if names:
                yield number, row[0], names


def _split(line: str) -> list[str]:
    line = line.strip()
    if line.startswith("#"):
        return []
    if line.startswith('"') and '"' in line[1:]:
        pattern, _, rest = line[1:].partition('"')
        return [pattern, *rest.split()]
    return line.split()


def _last_own(rows: Sequence[Sequence[str]]) -> int:
    """Give the line after which podium's own lines no longer follow, all of them; 0 where one is missing."""
    found = {
        row[0]: number for number, row in enumerate(rows, 1) if row and tuple(row[1:]) == OWN_ATTRIBUTES.get(row[0])
    }
    return min(found.values()) if len(found) == len(OWN_ATTRIBUTES) else 0


def _reaches(pattern: str, folder: Sequence[str]) -> bool:
    shapes = [shape[len(folder) :] for shape in _SHAPES if tuple(shape[: len(folder)]) == tuple(folder)]
    return any(may_mean(pattern, shape) for shape in shapes)


def _macros(rows: Sequence[Sequence[str]]) -> Mapping[str, Sequence[str]]:
    """Give what each macro sets that is risky, one value of a kind; a macro in a macro is followed once."""
    stated = dict(_MACROS) | {row[0][6:]: tuple(row[1:]) for row in rows if row and row[0].startswith("[attr]")}
    own = {macro: _risky(values) for macro, values in stated.items()}
    return {
        macro: _risky([*own[macro], *(inner for value in dict.fromkeys(values) for inner in own.get(value, ()))])
        for macro, values in stated.items()
    }


def _risky(values: Iterable[str]) -> Sequence[str]:
    found = {_name(value): value for value in values if value not in _OWN}
    return [value for name, value in found.items() if name in _RISKY]


def _expanded(values: Sequence[str], macros: Mapping[str, Sequence[str]]) -> Iterable[str]:
    """Put what a macro stands for in its place."""
    return dict.fromkeys(inner for value in values for inner in macros.get(value, (value,)))


def _name(value: str) -> str:
    return value.lstrip("-!").partition("=")[0]
