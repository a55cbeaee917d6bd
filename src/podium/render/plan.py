"""What merging a change means, as text and as JSON values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from podium import layout
from podium.diff import ALIAS_KINDS, Change, Comparison, Files, Pair
from podium.model import Policy, Version
from podium.render import comparison
from podium.render.plain import columns, counted, number, one_line, size
from podium.render.registry import fact

if TYPE_CHECKING:  # who tells of changes that were made needs no rules
    from podium.plan import Gate, Move, Plan

Mark = Callable[[str], str]
"""How a value from the registry is written: as it is in text, made safe in Markdown."""


# --- JSON -----------------------------------------------------------------------------------------------------------


def value(plan: Plan) -> dict[str, Any]:
    """Give what ``podium plan --format json`` prints."""
    from podium.render import findings

    moves = {id(move.change): move for move in plan.moves}
    return {
        "base": plan.base,
        "head": plan.head,
        "result": plan.result,
        "ok": plan.ok,
        "changes": [{**change(each), **_move(moves.get(id(each)))} for each in plan.changes],
        "latest": [{"name": each.name, "from": each.before, "to": each.after} for each in plan.latest],
        "reviewers": [{"who": each.who, "why": each.why, "paths": list(each.paths)} for each in plan.reviewers],
        "findings": findings.values(plan.findings),
        "conflicts": list(plan.conflicts),
        "undo": list(plan.undo),
        "elsewhere": plan.elsewhere,
        "note": plan.note,
    }


def _move(move: Move | None) -> dict[str, Any]:
    if move is None:
        return {}
    gates = [{"asks": gate.asks, "met": gate.met, "unmet": gate.unmet or None} for gate in move.gates]
    return {"rollback": move.rollback, "gates": gates}


def change(value: Change) -> dict[str, Any]:
    """Give one change, as ``podium plan`` and ``podium history`` print it."""
    found: dict[str, Any] = {"kind": value.kind, "name": value.name}
    if value.alias is not None:
        found["alias"] = value.alias
    if value.version is not None:
        found["version"] = value.version
    if value.artifact is not None:
        found["artifact"] = {"name": value.artifact[0], "version": value.artifact[1]}
    if value.kind in ALIAS_KINDS or value.kind.endswith("-changed"):
        found |= {"from": _side(value.before), "to": _side(value.after)}
    if value.kind in ALIAS_KINDS:
        found["generation"] = value.generation
    if value.kind in ("model-created", "artifact-created"):
        found["description"] = value.after
    if value.reason is not None:
        found["reason"] = value.reason
    if value.comparison is not None:
        said = comparison.value(value.comparison)
        found |= {key: said[key] for key in ("metrics", "params", "metadata", "files", "size")}
    found["path"] = value.path
    return found


def _side(side: Any) -> Any:
    return {"asks": _asks(side)} if isinstance(side, Policy) else side


def _asks(policy: Policy | None) -> list[str]:
    from podium import plan as planned

    return list(planned.asks(policy))


# --- sentences that text and Markdown share -------------------------------------------------------------------------


def effect(change: Change, mark: Mark = one_line) -> str:
    """Say on one line what a change does."""
    return _EFFECTS.get(change.kind, _edited)(change, mark)


def _moved(change: Change, mark: Mark) -> str:
    return f"{mark(change.name)} {mark(change.alias or '')}: {arrow(change.before, change.after, mark)}"


def arrow(before: str | None, after: str | None, mark: Mark = one_line) -> str:
    """Write where something comes from and goes to; ``none`` where it begins or ends."""
    return f"{mark(before) if before is not None else 'none'} → {mark(after) if after is not None else 'none'}"


def _created(change: Change, mark: Mark) -> str:
    what = "registered model" if change.kind == "model-created" else "model artifact"
    return f"new {what} {mark(change.name)}"


def _logged(change: Change, mark: Mark) -> str:
    version = change.comparison.after if change.comparison is not None else None
    facts = "" if version is None else f" ({size(version.size)}, {counted(version.record.nfiles, 'file')})"
    return f"{mark(f'{change.name}:{change.version}')} is logged{facts}"


def _linked(change: Change, mark: Mark) -> str:
    target = ":".join(change.artifact or ("?", "?"))
    return f"{mark(f'{change.name}:{change.version}')} is linked to {mark(target)}"


def _withdrawn(change: Change, mark: Mark) -> str:
    name = mark(f"{change.name}:{change.version}")
    if change.kind == "version-withdrawn":
        return f"{name} is withdrawn: {mark(change.reason or '')}"
    return f"{name} is usable again; it was withdrawn: {mark(change.reason or '')}"


def _lists(change: Change, mark: Mark) -> str:
    new = [f"+ {mark(each)}" for each in change.after if each not in change.before]
    lost = [f"- {mark(each)}" for each in change.before if each not in change.after]
    return f"{change.kind.partition('-')[0]} of {mark(change.name)}: {', '.join([*new, *lost]) or 'in another order'}"


def _described(change: Change, mark: Mark) -> str:
    return f"description of {mark(change.name)}: {mark(change.before or 'none')} → {mark(change.after or 'none')}"


def _policy(change: Change, mark: Mark) -> str:
    if change.alias is None:
        return f"team schema {mark(change.path)} changes"
    old, new = _asks(change.before), _asks(change.after)
    said = [
        *(f"no longer asks: {mark(each)}" for each in old if each not in new),
        *(f"now asks: {mark(each)}" for each in new if each not in old),
    ]
    return f"policy of {mark(change.alias)}: {'; '.join(said) or 'its description'}"


def _edited(change: Change, mark: Mark) -> str:
    if change.kind == "card-changed":
        return f"model card of {mark(change.name)} changes"
    why = layout.concern(change.path)
    return f"{mark(change.path)} {why}" if why is not None else mark(change.path)


_EFFECTS: dict[str, Callable[[Change, Mark], str]] = {
    "alias-moved": _moved,
    "alias-created": _moved,
    "alias-removed": _moved,
    "model-created": _created,
    "artifact-created": _created,
    "version-logged": _logged,
    "version-linked": _linked,
    "version-withdrawn": _withdrawn,
    "version-restored": _withdrawn,
    "tags-changed": _lists,
    "owners-changed": _lists,
    "description-changed": _described,
    "policy-changed": _policy,
}


def delta(pair: Pair) -> str:
    """Write by how much a metric changes, with its sign; empty where it does not, or is on one side only."""
    difference = pair.delta
    if not difference:
        return ""
    return f"{'+' if difference > 0 else '-'}{number(abs(difference))}"


def cell(value: Any) -> str:
    """Write one side of a pair."""
    return "-" if value is None else fact(value)


def file_lines(compared: Comparison, mark: Mark = one_line) -> Iterator[str]:
    """Say which files are added, removed and changed, with their sizes."""
    if compared.files is None:
        yield "files differ; a manifest lies on the remote"
        return
    yield from _file_lines(compared.files, _sizes(compared.before), _sizes(compared.after), mark)


def _file_lines(files: Files, old: dict[str, int], new: dict[str, int], mark: Mark) -> Iterator[str]:
    for path in files.changed:
        same = old[path] == new[path]
        yield f"changed: {mark(path)} ({size(old[path])}{'' if same else f' → {size(new[path])}'})"
    yield from (f"added: {mark(path)} ({size(new[path])})" for path in files.added)
    yield from (f"removed: {mark(path)} ({size(old[path])})" for path in files.removed)


def _sizes(version: Version | None) -> dict[str, int]:
    return {file.path: file.size for file in version.files or ()} if version is not None else {}


# --- text -----------------------------------------------------------------------------------------------------------


def text(plan: Plan) -> str:
    """Say what merging means: the effect first, then who must look, the findings, and the way back."""
    return "\n".join(_text(plan))


def _text(plan: Plan) -> Iterator[str]:
    from podium.render import findings

    if plan.note:
        yield plan.note
    elif plan.conflicts:
        yield f"cannot be merged as it is: {counted(len(plan.conflicts), 'file')} in conflict with the base"
    elif not (plan.changes or plan.latest):
        yield "merging changes nothing in the registry"
    for move in plan.moves:
        yield from _move_text(move)
    rest = [change for change in plan.changes if change.kind not in ALIAS_KINDS]
    also = [effect(change) for change in rest]
    also += [f"{each.name}:latest: {arrow(each.before, each.after)}" for each in plan.latest]
    if plan.elsewhere:
        also.append(f"{counted(plan.elsewhere, 'file')} outside the registry, which podium does not judge")
    yield from _part("also" if plan.moves else "merging this means", also)
    yield from _part("who must look", [one_line(f"{each.who}: {each.why}") for each in plan.reviewers])
    yield from _part("findings", findings.text(plan.findings).splitlines())
    yield from _part("to go back after merging", [one_line(command) for command in plan.undo])
    yield f"base {plan.base}\nhead {plan.head}\nresult {plan.result}"


def _part(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield f"{title}:"
        yield from (f"  {line}" for line in lines)
        yield ""


def _move_text(move: Move) -> Iterator[str]:
    yield f"{effect(move.change)}{'  ROLLBACK' if move.rollback else ''}"
    compared = move.change.comparison
    if compared is not None:
        lines = [*_fact_rows(compared), *(f"file {line}" for line in file_lines(compared))]
        yield from (f"  {line}" for line in lines)
    yield from (f"  {one_line(gate_text(gate))}" for gate in move.gates)
    yield ""


def _fact_rows(compared: Comparison) -> list[str]:
    rows = [
        (f"{title} {name}", cell(pair.before), cell(pair.after), delta(pair) if title == "metric" else "")
        for title, pairs in (("metric", compared.metrics), ("param", compared.params), ("metadata", compared.metadata))
        for name, pair in pairs.items()
        if title == "metric" or pair.differs
    ]
    rows.append(("size", _size(compared.before), _size(compared.after), ""))
    return columns(rows, ("", "now", "after", "")).splitlines()


def _size(version: Version | None) -> str:
    return size(version.size) if version is not None else "-"


def gate_text(gate: Gate) -> str:
    """Say whether a gate is met."""
    return f"met: {gate.asks}" if gate.met else f"NOT MET: {gate.asks} ({gate.unmet})"
