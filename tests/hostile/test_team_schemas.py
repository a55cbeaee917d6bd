"""A team's schema from a stranger: refused if it leads elsewhere or takes long, without effect before it is merged."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from podium.schemas import team

LOOP = {"pattern": "(a+)+$"}
REFUSED = {
    "a file": {"$ref": "file:///etc/passwd"},
    "a server": {"$ref": "http://127.0.0.1:9/x.json"},
    "a neighbour": {"$ref": "../model.schema.json"},
    "a server by way of its own name": {"$id": "http://127.0.0.1:9/s", "$ref": "http://127.0.0.1:9/s#/$defs/a"},
    "a name that is no text": {"$id": 5},
    "a name with a fragment": {"$id": "#a"},
    "another name inside": {"properties": {"a": {"$id": "http://127.0.0.1:9/", "$ref": "x"}}},
    "a reference that is no text": {"$ref": ["#"]},
    "itself": {"$ref": "#"},
    "itself by way of another": {
        "$ref": "#/$defs/a",
        "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}},
    },
    "itself, looked up when it runs": {"$dynamicAnchor": "n", "allOf": [{"$dynamicRef": "#n"}]},
    "a server, looked up when it runs": {"$dynamicRef": "http://127.0.0.1:9/x#a"},
    "another draft": {"$schema": "http://json-schema.org/draft-07/schema#"},
    "a vocabulary of its own": {"$schema": "http://127.0.0.1:9/meta"},
    "a loop in a condition": {"if": LOOP},
    "a loop for keys": {"propertyNames": LOOP},
    "a loop as a key": {"patternProperties": {LOOP["pattern"]: {}}},
    "a loop in what nothing names": {"$defs": {"x": LOOP}},
    "a loop where no schema stands": {"foo": LOOP, "$ref": "#/foo"},
    "a loop in an example": {"enum": [LOOP], "properties": {"x": {"$ref": "#/enum/0"}}},
    "a loop behind percent signs": {"$ref": "#/%24defs/%61", "$defs": {"a": LOOP}},
    "a loop behind a number with a nought": {"allOf": [LOOP], "not": {"$ref": "#/allOf/00"}},
    "one of two anchors of a name": {"$defs": {"a": {"$anchor": "x"}, "b": {"$anchor": "x", **LOOP}}, "$ref": "#x"},
    "repetitions of repetitions": {"pattern": "((a{1,1000}){1,1000}){1,1000}"},
    "groups without end": {"pattern": "(" * 5000 + "a" + ")" * 5000},
    "many patterns": {"properties": {f"p{i}": {"pattern": f"^[a-z]{{1,{i % 120 + 1}}}$"} for i in range(490)}},
    "references that double": {
        "$ref": "#/$defs/d0",
        "$defs": {**{f"d{i}": {"allOf": [{"$ref": f"#/$defs/d{i + 1}"}] * 2} for i in range(30)}, "d30": {}},
    },
    "many schemas that come back": {
        "items": {"$ref": "#"},
        "$defs": {f"p{i}": {"items": {"$ref": "#"}} for i in range(6000)},
    },
    "a long list of what is no text": {"enum": [{"a": i} for i in range(10_000)]},
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_leads_elsewhere_or_takes_long_is_a_flaw_of_the_schema(name):
    flaws = team.load(json.dumps(REFUSED[name]).encode())
    assert isinstance(flaws, list)
    assert all(flaw.message and flaw.line >= 1 and flaw.column >= 1 for flaw in flaws)


WHOLE = {"numbers": list(range(30_000)), "texts": [f"s{i}" for i in range(30_000)], "long": "ab" * 500_000}
HEAVY = {
    "a long row of conditions": {"allOf": [{"type": "null"}] * 2500},
    "a long row of alternatives": {"anyOf": [{"type": "null"}] * 2500},
    "a long list of numbers": {"enum": [i + 0.5 for i in range(8_000)]},
    "a long list of texts": {"enum": [f"t{i}" for i in range(15_000)]},
    "a large table": {"not": {"properties": {f"p{i}": {} for i in range(2500)}}},
    "many patterns": {"allOf": [{"not": {"pattern": f"[ab]z{i}"}} for i in range(400)]},
    "short texts only": {"type": "string", "maxLength": 2},
    "short texts or nothing": {"anyOf": [{"type": "string", "maxLength": 2}, {"type": "null"}]},
}
_JUDGE = """
import json, resource, sys
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
from podium.schemas import team
for schema, data in json.load(sys.stdin):
    found = team.load(json.dumps(schema).encode())
    print(len(found.problems(data)))
"""


def test_a_large_file_under_a_heavy_schema_is_refused_in_little_memory():
    each = {"additionalProperties": {"$ref": "#/$defs/it", "items": {"$ref": "#/$defs/it"}}}
    everywhere = [{**each, "$defs": {"it": schema}} for schema in HEAVY.values()]
    cases = [(schema, {key: value}) for schema in everywhere for key, value in WHOLE.items()]
    command = [sys.executable, "-c", _JUDGE]
    judged = subprocess.run(command, input=json.dumps(cases), capture_output=True, text=True, check=False)
    counts = judged.stdout.split()
    assert (judged.returncode, len(counts)) == (0, len(cases)), judged.stderr
    assert all(int(count) <= 500 for count in counts)
    assert sum(int(count) >= 1 for count in counts) > len(cases) / 2


def test_of_a_large_file_the_first_place_is_still_named():
    schema = team.load(b'{"additionalProperties": {"items": {"maxLength": 5}}}')
    assert isinstance(schema, team.TeamSchema)
    (found,) = schema.problems({"a": [*(f"s{i:04}" for i in range(60_000)), "longer"]})[:1]
    assert found.pointer == ("a", 10_000)
