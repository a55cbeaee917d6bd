"""Which pages there are, what each is made from, and how: a group of pages is made again when its key is another."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files as resources
from itertools import chain, zip_longest
from typing import Any

from markupsafe import Markup

from podium import layout, refs
from podium.errors import Refused
from podium.model import Registry, Settings
from podium.site import cards, html, views
from podium.site.forge import Forge
from podium.site.memory import stamp
from podium.site.past import Happening, Past
from podium.site.survey import Outline, Survey, id_of
from podium.site.verdicts import Verdicts

STEPS = 100
"""Commits on one page of the activity."""
MOST_FINDINGS = 2000
"""Findings that are listed."""

Pages = dict[str, bytes]


@dataclass(frozen=True)
class Group:
    """Pages that are made from the same things, and how to make them: path to content."""

    name: str
    key: str
    make: Callable[[], Pages]


@dataclass(frozen=True, eq=False)
class Site:
    """All that pages are made from."""

    registry: Registry
    survey: Survey
    past: Past
    verdicts: Verdicts
    forge: Forge
    built: str

    @cached_property
    def settings(self) -> Settings | None:
        """What ``registry.yaml`` says; ``None`` where it cannot be read."""
        try:
            return self.registry.settings
        except Refused:
            return None

    @property
    def entity(self) -> str:
        """The registry's entity."""
        return self.settings.entity if self.settings is not None else "registry"

    @cached_property
    def rank(self) -> Mapping[str, int]:
        """The order of aliases."""
        return views.ranks(self.settings.policies if self.settings is not None else ())

    def in_order(self, aliases: Mapping[str, str]) -> list[tuple[str, str]]:
        """Give aliases and their versions, what matters most first."""
        return sorted(aliases.items(), key=lambda pair: views.order(pair[0], self.rank))

    def page(self, kind: str | None, name: str) -> str | None:
        """Give the page of a model or an artifact, from the top; ``None`` where it has none."""
        outline = self.survey.outline(kind, name)
        return outline.href if outline is not None and outline.page else None

    def href(self, root: str, kind: str, name: str, number: str | None = None) -> str | None:
        """Give a link to the page of a model or an artifact, and to one of its versions there."""
        page = self.page(kind, name)
        return f"{root}{page}{f'#{number}' if number else ''}" if page is not None else None

    def version_href(self, root: str, artifact: str, number: str) -> str | None:
        """Give a link to the page of a version of an artifact."""
        found = self.survey.artifacts.get(artifact)
        there = found is not None and found.page and number in self.registry.artifacts[artifact].records
        return f"{root}{layout.artifact_folder(artifact)}/{number}.html" if there else None

    def linking(self, artifact: str) -> list[str]:
        """Give the registered models that link an artifact."""
        return list(dict.fromkeys(model for model, _, _ in self.survey.linking.get(artifact, ())))

    def render(self, template: str, path: str, here: str, **values: Any) -> bytes:
        """Fill a page's template in."""
        depth = path.count("/")
        shared = {"root": "../" * depth, "entity": self.entity, "site": self, "nav": self._nav(depth, here)}
        return html.render(template, {**shared, **values})

    @cache  # noqa: B019 - lives as long as the build
    def _nav(self, depth: int, here: str) -> Markup:
        exact = depth == 0 or here == "activity"
        return html.part("nav.html", {"root": "../" * depth, "entity": self.entity, "here": here, "exact": exact})

    def key(self, *parts: Any) -> str:
        """Give what changes whenever one of these, or what every page has, changes."""
        common = [stamp(), self.forge.base, id_of(self.registry.tree, layout.REGISTRY)]
        return hashlib.sha256(json.dumps([common, *parts], default=list).encode()).hexdigest()[:32]


def groups(site: Site) -> Iterator[Group]:
    """Give every group of pages."""
    yield Group("assets", site.key(), _assets)
    yield Group("built", site.key(_built(site)), lambda: {"assets/built.js": html.script("built", _built(site))})
    yield from _overviews(site)
    yield from _activity(site)
    for outline in chain(site.survey.models.values(), site.survey.artifacts.values()):
        if outline.page:
            yield _entity(site, outline)


def _built(site: Site) -> dict[str, str]:
    return {"commit": site.registry.commit or "", "date": site.built}


# --- what every site has --------------------------------------------------------------------------------------------


def _assets() -> Pages:
    here = resources("podium.site")
    static = {f"assets/{each.name}": each.read_bytes() for each in (here / "static").iterdir()}
    vendor = {
        f"assets/vendor/{each.name}": each.read_bytes()
        for each in (here / "vendor").iterdir()
        if each.name != "README.md"
    }
    return {**static, **vendor, ".nojekyll": b""}


# --- overview, findings, comparison ---------------------------------------------------------------------------------


def _overviews(site: Site) -> Iterator[Group]:
    models = _rows(site, site.survey.models.values())
    artifacts = _rows(site, site.survey.artifacts.values())
    findings = site.verdicts.all
    facts = [[_digest(each), changed] for each, changed in chain(models, artifacts)]
    yield Group("overview", site.key(facts, site.survey.linking, len(findings), site.past.hidden),
                lambda: {"index.html": _models(site, models, len(findings)),
                         "artifacts.html": _artifacts(site, artifacts)})  # fmt: skip
    said = [[f.rule, f.severity, f.path, f.line, f.message, f.fix] for f in findings]
    yield Group("findings", site.key(said), lambda: {"findings.html": _findings(site)})
    names = [each.name for each, _ in chain(models, artifacts) if each.page]
    yield Group("compare", site.key(names), lambda: {
        "compare.html": site.render("compare.html", "compare.html", "compare"),
        "assets/names.js": html.script("names", names),
    })  # fmt: skip


def _digest(each: Outline) -> list[Any]:
    return [each.ids, each.problem, each.page, each.aliases]


def _rows(site: Site, outlines: Any) -> list[tuple[Outline, str | None]]:
    return [(each, _changed(site.past.of_entity.get((each.kind, each.name), ()))) for each in outlines]


def _changed(happenings: Sequence[Happening]) -> str | None:
    return happenings[-1].commit.date if happenings else None


def _models(site: Site, rows: Sequence[tuple[Outline, str | None]], findings: int) -> bytes:
    outlines = [each for each, _ in rows]
    counts = {
        "models": len(outlines),
        "live": sum("production" in each.aliases for each in outlines),
        "artifacts": len(site.survey.artifacts),
        "versions": sum(each.versions for each in site.survey.artifacts.values()),
        "findings": findings,
    }
    description = site.settings.description if site.settings is not None else ""
    return site.render("overview.html", "index.html", "models", artifacts=False, rows=rows, counts=counts,
                       description=description, problem=_problem(site), **_choices(site, outlines))  # fmt: skip


def _artifacts(site: Site, rows: Sequence[tuple[Outline, str | None]]) -> bytes:
    return site.render("overview.html", "artifacts.html", "artifacts", artifacts=True, rows=rows, counts={},
                       description="", problem="", **_choices(site, [each for each, _ in rows]))  # fmt: skip


def _choices(site: Site, outlines: Sequence[Outline]) -> dict[str, Any]:
    aliases = {alias for each in outlines for alias in each.aliases}
    return {
        "tags": sorted({tag for each in outlines for tag in each.tags}, key=str.casefold),
        "owners": sorted({owner for each in outlines for owner in each.owners}, key=str.casefold),
        "aliases": sorted(aliases, key=lambda alias: views.order(alias, site.rank)),
        "hidden": site.past.hidden,
    }


def _problem(site: Site) -> str:
    try:
        assert site.registry.settings
    except Refused as problem:
        return problem.sentence
    return ""


def _findings(site: Site) -> bytes:
    found = site.verdicts.all
    errors = sum(each.severity == "error" for each in found)
    return site.render("findings.html", "findings.html", "findings", found=found, errors=errors, most=MOST_FINDINGS)


# --- activity -------------------------------------------------------------------------------------------------------


def _activity(site: Site) -> Iterator[Group]:
    """Give the pages of the activity: full ones are counted from the oldest commit, so that they stay as they are."""
    steps = html.steps(site.past.happenings)
    full = [steps[at : at + STEPS] for at in range(0, len(steps) - STEPS + 1, STEPS)]
    for number, part in enumerate(full, 1):
        path = f"activity/page-{number}.html"
        yield _feed(site, path, part, number - 1, number + 1 if number < len(full) else None)
    begun = len(full) * STEPS < len(steps)
    yield _feed(site, "activity/index.html", steps[-STEPS:], len(full) if begun else len(full) - 1, None)


def _feed(site: Site, path: str, steps: Sequence[Any], older: int, newer: int | None) -> Group:
    named = {(each.entity, each.name) for _, step in steps for each in step}
    there = sorted(page for kind, name in named if (page := site.page(kind, name)) is not None)
    hidden = site.past.hidden if not older or path.endswith("index.html") else ""
    ends = [steps[0][0].id, steps[-1][0].id] if steps else []

    def make() -> Pages:
        back = "index.html" if newer is None and not path.endswith("index.html") else f"page-{newer}.html"
        values = {
            "steps": list(reversed(steps)),
            "links": site.page,
            "hidden": hidden,
            "older": f"page-{older}.html" if older > 0 else None,
            "newer": None if path.endswith("index.html") else back,
        }
        return {path: site.render("activity.html", path, "activity", **values)}

    return Group(path, site.key(ends, there, older, newer, hidden), make)


# --- one registered model, one artifact -----------------------------------------------------------------------------


def _entity(site: Site, outline: Outline) -> Group:
    found = site.verdicts.of(outline.kind, outline.name)
    linking = _links(site, outline) if outline.kind == "artifact" else ()
    missing = [name for name, _ in outline.links.values() if site.page("artifact", name) is None]
    said = [[each.severity, each.path, each.line, each.message] for each in found]
    past = site.past.stamp(outline.kind, outline.name)
    key = site.key(outline.name, outline.ids, outline.problem, said, linking, missing, past)
    make = _model if outline.kind == "model" else _artifact
    return Group(f"{outline.kind} {outline.name}", key, lambda: make(site, outline))


def _shared(site: Site, found: views.View) -> dict[str, Any]:
    outline = found.outline
    happenings = site.past.of_entity.get((outline.kind, outline.name), ())
    return {
        "view": found,
        "findings": site.verdicts.of(outline.kind, outline.name),
        "plots": views.plots(found),
        "bars": views.bars(found.tenures, site.rank),
        "steps": html.steps(reversed(list(happenings))),
        "hidden": site.past.hidden,
        "no_links": lambda _kind, _name: None,
    }


def _model(site: Site, outline: Outline) -> Pages:
    found = views.view(site.registry, outline, site.past, site.rank)
    folder = layout.model_folder(outline.name)
    path = f"{folder}/index.html"
    links = [(f"{row.artifact}:{row.number_there}", row.number, row.aliases) for row in found.rows if row.artifact]
    values = {"card": _card(site, outline.name), "lineage": views.lineage(links), **_shared(site, found)}
    linked = [[row.number, row.artifact, row.number_there, list(row.aliases)] for row in found.rows if row.record]
    return {
        path: site.render("model.html", path, "models", **values),
        f"{folder}/versions.js": html.script(outline.name, {"links": linked}),
    }


def _card(site: Site, model: str) -> Any:
    card = site.registry.card(model)
    folder = layout.model_folder(model)
    return cards.render(card, lambda path: site.forge.file(folder, path)) if card and card.strip() else None


def _links(site: Site, outline: Outline) -> list[tuple[str, str, str, list[str]]]:
    """Give who links an artifact: its version, the model, the model's version, and the model's aliases for it."""
    found = []
    for model, number, version in site.survey.linking.get(outline.name, ()):
        aliases = [alias for alias, held in site.in_order(site.survey.models[model].aliases) if held == number]
        found.append((version, model, number, aliases))
    return sorted(found, key=lambda link: (-_number(link[0]), link[1], -_number(link[2])))


def _number(version: str) -> int:
    return refs.number(version) if refs.is_version(version) else -1


def _artifact(site: Site, outline: Outline) -> Pages:
    found = views.view(site.registry, outline, site.past, site.rank)
    folder = layout.artifact_folder(outline.name)
    links = _links(site, outline)
    lineage = views.lineage([(version, f"{model}:{number}", aliases) for version, model, number, aliases in links])
    path = f"{folder}/index.html"
    facts = views.compared(found)
    pages = {
        path: site.render("artifact.html", path, "artifacts", links=links, lineage=lineage, **_shared(site, found)),
        f"{folder}/versions.js": html.script(outline.name, facts),
    }
    by_version: dict[str, list[tuple[str, str, list[str]]]] = {}
    for version, model, number, aliases in links:
        by_version.setdefault(version, []).append((model, number, aliases))
    for row, before in zip_longest(found.rows, found.rows[1:]):
        path = f"{folder}/{row.number}.html"
        earlier = before.number if before is not None and before.record is not None else None
        linked = by_version.get(row.number, [])
        pages[path] = site.render(
            "version.html", path, "artifacts", name=outline.name, row=row, linked_by=linked, earlier=earlier
        )
    return pages
