"""
The JSON Schemas of the registry's documents, and their loader: is a document as the format says, and if not, why.

A fast validator says yes (microseconds); a slower one explains the no. Neither ever fetches anything.
"""

from __future__ import annotations

import json
from functools import cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from podium.schemas import beyond, thorough
from podium.schemas.explain import MOST, Problem, explained, from_python, plain

if TYPE_CHECKING:
    from jsonschema.protocols import Validator
    from jsonschema_rs import Draft202012Validator

__all__ = ["KINDS", "Kind", "Problem", "document", "is_valid", "problems", "reference", "text"]

Kind = Literal["registry", "model", "link", "alias", "artifact", "version"]
KINDS: tuple[Kind, ...] = ("registry", "model", "link", "alias", "artifact", "version")


@cache
def text(kind: Kind) -> bytes:
    """Give the schema of a kind of document as it is shipped."""
    return Path(__file__).with_name(f"{kind}.schema.json").read_bytes()


def document(kind: Kind) -> dict[str, Any]:
    """Give the schema of a kind of document, a fresh copy at each call."""
    schema: dict[str, Any] = json.loads(text(kind))
    return schema


def is_valid(kind: Kind, data: Any) -> bool:
    """Tell whether a document is as the format says; never raises, whatever the data."""
    try:
        if not _fast(kind).is_valid(data):
            return False
        return not (beyond.worth_asking(kind, data) and beyond.problems(kind, data))
    except (ValueError, TypeError, RecursionError):  # data that is no JSON: let the other validator look at it
        return not problems(kind, data)


def problems(kind: Kind, data: Any) -> list[Problem]:
    """Give what is wrong with a document, a sentence for each place; nothing where ``is_valid``."""
    clean, odd = plain(data)
    found = explained(odd, map(from_python, _thorough(kind).iter_errors(clean)))
    places = {problem.pointer for problem in found}
    return [*found, *islice((one for one in beyond.problems(kind, clean) if one.pointer not in places), MOST)]


def reference() -> str:
    """Give the reference page of the registry's files, as Markdown."""
    from podium.schemas import manual

    return manual.page({kind: document(kind) for kind in KINDS})


@cache
def _fast(kind: Kind) -> Draft202012Validator:
    import jsonschema_rs

    # Rust's $ never stands before a last line break; without (?!...) its linear engine, the faster one, can be used.
    schema = json.loads(text(kind).replace(rb'$(?!\\n)"', b'$"'))
    options = jsonschema_rs.RegexOptions()
    return jsonschema_rs.Draft202012Validator(schema, retriever=_fetch_nothing, pattern_options=options)


@cache
def _thorough(kind: Kind) -> Validator:
    return thorough.validator(document(kind))


def _fetch_nothing(uri: str) -> Any:
    raise LookupError(f"schemas are never fetched: {uri}")
