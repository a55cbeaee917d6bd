"""
The plan as one comment on a pull request: what merging does, whether it is safe, who must look, how to undo it.

It stays under what GitHub and GitLab accept, cuts the least important first, and says what it cut. The first line is a
comment in HTML by which the next run finds it again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain

from podium.checks import Finding
from podium.diff import ALIAS_KINDS, Change, Comparison
from podium.plan import MAINTAINER, Latest, Move, Plan
from podium.render import moves
from podium.render import plan as said
from podium.render.markdown import block, code, fitting, folded, inert, left_out, prose
from podium.render.moves import called
from podium.render.plain import counted

MARKER = "<!-- podium-plan -->"

_FEW = 3
_QUIET = (
    "model-created",
    "artifact-created",
    "version-logged",
    "version-linked",
    "tags-changed",
    "description-changed",
    "card-changed",
)

Part = Callable[[Plan, int], str]


def markdown(plan: Plan) -> str:
    """Give the comment, under 60,000 characters."""
    parts = [MARKER, f"### {_headline(plan)}", _verdict(plan)]
    room = 0
    for make, share in _PARTS:
        room += share
        part = make(plan, room)
        if part:
            room -= len(part) + 2
            parts.append(part)
    return "\n\n".join((*parts, _ids(plan))) + "\n"


def _ids(plan: Plan) -> str:
    return f"<sub>`podium plan` · base `{plan.base}` · head `{plan.head}` · result `{plan.result}`</sub>"


# --- the first two lines --------------------------------------------------------------------------------------------


def _headline(plan: Plan) -> str:
    if plan.moves:
        more = len(plan.moves) - 1
        return _moves(plan.moves[0]) + (
            f"; {more:,} more alias{'es move' if more > 1 else ' moves'} too" if more else ""
        )
    if len(plan.changes) == 1:
        return f"Merging means: {said.effect(plan.changes[0], called)}"
    if plan.changes:
        return f"Merging {_listed(_phrases(plan.changes))}; no alias moves"
    return "Merging changes nothing in the registry"


def _moves(move: Move) -> str:
    change = move.change
    name, alias = called(change.name), called(change.alias or "")
    if change.before is None:
        return f"Merging points {name} {alias} at {called(change.after)}"
    if change.after is None:
        return f"Merging takes {alias} away from {name}, which has it on {called(change.before)}"
    arrow = said.arrow(change.before, change.after, called)
    return f"Merging rolls {name} {alias} BACK: {arrow}" if move.rollback else f"Merging moves {name} {alias}: {arrow}"


_VERBS = {
    "version-logged": "logs {} version",
    "version-linked": "links {} version",
    "version-withdrawn": "withdraws {} version",
    "version-restored": "restores {} version",
    "policy-changed": "changes {} policy",
    "model-created": "creates {} registered model",
    "artifact-created": "creates {} model artifact",
}


def _phrases(changes: Iterable[Change]) -> Iterator[str]:
    counts = Counter(change.kind for change in changes)
    rest = sum(count for kind, count in counts.items() if kind not in _VERBS)
    for kind, verb in _VERBS.items():
        if counts[kind]:  # type: ignore[index]
            yield _plural(verb, counts[kind])  # type: ignore[index]
    if rest:
        yield _plural("changes {} other thing", rest)


def _plural(phrase: str, count: int) -> str:
    text = phrase.format(f"{count:,}")
    if count == 1:
        return text
    return f"{text[:-1]}ies" if text.endswith("y") else f"{text}s"


def _listed(phrases: Iterable[str]) -> str:
    *first, last = phrases
    return f"{', '.join(first)} and {last}" if first else last


def _verdict(plan: Plan) -> str:
    errors, warnings = _by_severity(plan, "error"), _by_severity(plan, "warning")
    if plan.conflicts:
        return f"❌ **Cannot be merged as it is:** {counted(len(plan.conflicts), 'file')} in conflict with the base."
    if errors:
        return f"❌ **Do not merge yet:** {counted(len(errors), 'error')} to mend, listed below."
    met = sum(len(move.gates) for move in plan.moves)
    policy = f", and {'it meets' if met == 1 else 'all'} {counted(met, 'policy requirement')}{' are met' * (met > 1)}"
    gates = policy if met else ""
    if warnings:
        return f"⚠️ **Can be merged, with care:** {counted(len(warnings), 'warning')}; no rule is broken{gates}."
    if plan.note:
        return inert(plan.note)
    return f"✅ **Safe to merge once reviewed:** no rule is broken{gates}."


def _by_severity(plan: Plan, severity: str) -> list[Finding]:
    return [finding for finding in plan.findings if finding.severity == severity]


# --- findings -------------------------------------------------------------------------------------------------------


def _errors(plan: Plan, room: int) -> str:
    found = _by_severity(plan, "error")
    return _list((_finding(each, "❌") for each in found), len(found), "errors", room)


def _warnings(plan: Plan, room: int) -> str:
    found = _by_severity(plan, "warning")
    body = _list((_finding(each, "⚠️") for each in found), len(found), "warnings", room - 120)
    return folded(counted(len(found), "warning"), body) if body else ""


def _finding(found: Finding, sign: str) -> str:
    where = code(f"{found.path}:{found.line}")
    fix = f"<br>**Fix:** {prose(found.fix)}" if found.fix else ""
    return f"- {sign} {where} {prose(found.message)} ({code(found.rule)}){fix}"


def _list(lines: Iterable[str], total: int, what: str, room: int) -> str:
    """Give a list of as many lines as fit."""
    kept = fitting(lines, room - 60)
    more = left_out(total, kept, what)
    return "\n".join([*kept, *([f"- {more}"] if more else [])])


# --- what moves -----------------------------------------------------------------------------------------------------


def _moved(plan: Plan, room: int) -> str:
    return moves.markdown(plan.moves, room) if plan.moves else _does(plan, room)


# --- who must look, how to undo -------------------------------------------------------------------------------------


def _reviewers(plan: Plan, room: int) -> str:
    if not plan.changes:
        return ""
    whys: dict[str, list[str]] = {}
    for each in plan.reviewers:
        whys.setdefault(each.who, []).append(each.why)
    lines = (f"- {_who(who)} {_reasons(why)}" for who, why in whys.items())
    if not whys:
        return "**Who must look:** nobody is named; no policy and no owner speaks of what changes."
    return f"**Who must look**\n{_list(lines, len(whys), 'reviewers', room - 30)}"


def _reasons(why: Sequence[str]) -> str:
    more = len(why) - 6
    return "; ".join([*(inert(each, 160) for each in why[:6]), *([f"… and {more:,} more"] if more > 0 else [])])


def _who(who: str) -> str:
    return f"{who}, because it" if who == MAINTAINER else code(who)


def _undo(plan: Plan, room: int) -> str:
    stay = any(change.kind in ("version-logged", "version-linked") for change in plan.changes)
    kept = fitting(plan.undo, room - 600)
    more = left_out(len(plan.undo), kept, "commands; `podium plan --format json` lists them")
    parts = []
    if kept:
        how = " Not the Revert button: a move back is a move, and counts." if plan.moves else ""
        parts.append(f"**To undo it after merging**, run this and open a pull request.{how}")
        parts.append(block(kept))
    if more:
        parts.append(more)
    if stay:
        lead = "" if plan.undo else "**To undo it after merging:** "
        parts.append(f"{lead}New versions stay; `podium withdraw NAME:VERSION --reason WHY` takes one out of use.")
    elif plan.changes and not plan.undo:
        parts.append("**To undo it after merging:** revert it.")
    return "\n\n".join(parts)


# --- the rest -------------------------------------------------------------------------------------------------------


def _also(plan: Plan, room: int) -> str:
    return _does(plan, room) if plan.moves else ""


def _does(plan: Plan, room: int) -> str:
    """List what the change does beside moving aliases: what may hurt, and, folded away if it is much, daily work."""
    rest = [change for change in plan.changes if change.kind not in ALIAS_KINDS]
    quiet = [change for change in rest if change.kind in _QUIET]
    shown = [] if len(quiet) <= 2 * _FEW else quiet
    open_ = [change for change in rest if change.kind not in _QUIET or not shown]
    lines = chain(map(_effect, open_), map(_newest, plan.latest), _elsewhere(plan))
    total = len(open_) + len(plan.latest) + bool(plan.elsewhere)
    title = "**What else it does**" if plan.moves else "**What it does**"
    parts = [f"{title}\n{_list(lines, total, 'changes', room // 2 - 50)}"] if total else []
    if shown:
        summary = f"{len(shown):,} new or newly described models and versions"
        parts.append(folded(summary, _list(map(_effect, shown), len(shown), "changes", room // 2 - 150)))
    return "\n\n".join(parts)


def _effect(change: Change) -> str:
    return f"- {said.effect(change, _value)}"


def _newest(latest: Latest) -> str:
    return f"- {code(f'{latest.name}:latest')} moves: {said.arrow(latest.before, latest.after, code)}"


def _elsewhere(plan: Plan) -> Iterator[str]:
    if plan.elsewhere:
        count = counted(plan.elsewhere, "file")
        yield f"- {count} outside the registry: podium does not judge {'it' if plan.elsewhere == 1 else 'them'}"


def _value(text: str) -> str:
    return code(text, 200)


def _details(plan: Plan, room: int) -> str:
    """Fold away which files, params and metadata differ, move by move."""
    found = [(move, many) for move in plan.moves if (many := _count(move.change.comparison))]
    if not found:
        return ""
    each = (room - 150) // min(len(found), 10)
    blocks = (_block(move, many, each - 20, alone=len(plan.moves) == 1) for move, many in found)
    kept = fitting(blocks, room - 200)
    more = left_out(len(found), kept, "aliases")
    return folded("Files, params and metadata that differ", "\n\n".join([*kept, *([more] if more else [])]))


def _count(compared: Comparison | None) -> int:
    """Count the lines that ``_detail`` makes."""
    if compared is None:
        return 0
    files = compared.files
    count = 1 if files is None else len(files.added) + len(files.removed) + len(files.changed)
    return count + sum(pair.differs for pairs in (compared.params, compared.metadata) for pair in pairs.values())


def _block(move: Move, total: int, room: int, *, alone: bool) -> str:
    assert move.change.comparison is not None
    head = "" if alone else f"**{said.effect(move.change, called)}**\n"
    return head + _list(_detail(move.change.comparison), total, "lines", room - len(head))


def _detail(compared: Comparison) -> Iterator[str]:
    yield from (f"- {line}" for line in said.file_lines(compared, _value))
    for title, pairs in (("param", compared.params), ("metadata", compared.metadata)):
        for name, pair in pairs.items():
            if pair.differs:
                before, after = (code(said.cell(side), 120) for side in (pair.before, pair.after))
                yield f"- {title} {code(name, 80)}: {before} → {after}"


# Each part with its share of characters; what one leaves goes to the next. Together with the headline, the verdict and
# the ids they stay under 60,000; GitHub refuses comments of more than 65,536.
_PARTS: Sequence[tuple[Part, int]] = (
    (_errors, 12_000),
    (_moved, 14_000),
    (_reviewers, 4_000),
    (_undo, 4_000),
    (_also, 8_000),
    (_details, 7_000),
    (_warnings, 4_000),
)
