"""What moves in a plan: each alias with its versions, the metrics that change, and what its policy says of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from podium.diff import Comparison, Pair
from podium.model import Version
from podium.plan import Gate, Move
from podium.render import plan as said
from podium.render.markdown import code, fitting, inert, left_out, row, table
from podium.render.plain import size

_FEW = 3
"""Moves that are told one by one; more are rows of a table."""
_METRICS = 2
"""Metrics have one of so many parts of the room that a move has, and so has its policy."""


def markdown(moves: Sequence[Move], room: int) -> str:
    """Tell of some moves in at most so many characters."""
    if len(moves) <= _FEW:
        return "\n\n".join(_one(move, room // len(moves) - 2, alone=len(moves) == 1) for move in moves)
    kept = fitting((_summary(move) for move in moves), room - 200)
    more = left_out(len(moves), kept, "aliases")
    return table(("Alias", "now", "after merging", "its policy"), kept) + (f"\n\n{more}" if more else "")


def called(text: str) -> str:
    """Give what somebody called something, as code and not too long."""
    return code(text, 130)


def _summary(move: Move) -> str:
    change = move.change
    before, after = (code(side) if side is not None else "none" for side in (change.before, change.after))
    unmet = sum(not gate.met for gate in move.gates)
    policy = f"❌ {unmet} not met" if unmet else "✅ met" if move.gates else "asks nothing"
    name = f"{code(change.name)} {code(change.alias or '')}"
    return row((name, before, after + (" **ROLLBACK**" if move.rollback else ""), policy))


def _one(move: Move, room: int, *, alone: bool) -> str:
    """Say of one alias what it means, which metrics change, and what its policy says of that."""
    parts = [_lead(move, alone=alone)]
    compared = move.change.comparison
    if compared is not None and move.change.after is not None:
        parts.append(_metrics(move, compared, room // _METRICS))
    gates = [gate for gate in move.gates if gate.metric is None or not _has_row(gate, compared)]
    kept = fitting(map(_gate, gates), room // _METRICS - 1500)
    if kept:
        more = left_out(len(gates), kept, "requirements")
        parts.append(f"Policy of {code(move.change.alias or '')}: {' · '.join([*kept, *([more] if more else [])])}")
    return "\n\n".join(part for part in parts if part)


def _lead(move: Move, *, alone: bool) -> str:
    change, compared = move.change, move.change.comparison
    asked = code(f"{change.name}:{change.alias}")
    meaning = f" — {inert(move.meaning, 120)}" if move.meaning else ""
    before, after = (_version(side) for side in (compared.before, compared.after)) if compared else ("", "")
    head = "" if alone else f"**{said.effect(change, called)}**<br>"
    if change.after is None:
        then = f"Whoever asks for it gets an error from then on; so far it is {code(change.before)}{before}."
        return f"{head}{asked}{meaning}. {then}"
    instead = f" instead of {code(change.before)}{before}" if change.before is not None else ""
    back = " This is a **ROLLBACK**: the alias held that version before." if move.rollback else ""
    return f"{head}{asked}{meaning}. Whoever asks for it gets {code(change.after)}{after}{instead}.{back}"


def _version(version: Version | None) -> str:
    if version is None or version.model is None:
        return ""
    return f" ({code(f'{version.artifact.name}:{version.artifact.version}')})"


def _metrics(move: Move, compared: Comparison, room: int) -> str:
    """Lay the metrics out: those that a gate speaks of first, then those that change."""
    gates: dict[str, list[Gate]] = {}
    for gate in move.gates:
        if gate.metric is not None:
            gates.setdefault(gate.metric, []).append(gate)
    names = sorted(compared.metrics, key=lambda name: (name not in gates, not compared.metrics[name].differs))
    rows = (_metric(name, compared.metrics[name], gates.get(name, ()), bool(gates)) for name in names)
    kept = fitting(rows, room - 400)
    more = left_out(len(names), kept, "metrics")
    kept.append(row(["size", _size(compared.before), _size(compared.after), _growth(compared), *[""] * bool(gates)]))
    before, after = (code(side, 20) if side is not None else "" for side in (move.change.before, move.change.after))
    head = ["", f"now {before}", f"after {after}", "change", *(["the policy asks"] if gates else [])]
    return table(head, kept, numbers=3) + (f"\n\n{more}" if more else "")


def _metric(name: str, pair: Pair, gates: Iterable[Gate], with_policy: bool) -> str:
    before, after = inert(said.cell(pair.before)), inert(said.cell(pair.after))
    asks = [", ".join(_gate(gate, of=name) for gate in gates)] if with_policy else []
    return row([code(name, 60), before, f"**{after}**", said.delta(pair), *asks])


def _gate(gate: Gate, of: str = "") -> str:
    asks = inert(gate.asks.removeprefix(of).strip(), 160)
    return f"✅ {asks}" if gate.met else f"❌ {asks}{'' if of else f' ({inert(gate.unmet, 160)})'}"


def _has_row(gate: Gate, compared: Comparison | None) -> bool:
    return compared is not None and gate.metric in compared.metrics


def _size(version: Version | None) -> str:
    return _unbroken(size(version.size)) if version is not None else "-"


def _unbroken(text: str) -> str:
    """Keep a number and its unit on one line."""
    return text.replace(" ", "\u00a0")


def _growth(compared: Comparison) -> str:
    if compared.before is None or compared.after is None:
        return ""
    grown = compared.after.size - compared.before.size
    return f"{'+' if grown > 0 else '-'}{_unbroken(size(abs(grown)))}" if grown else ""
