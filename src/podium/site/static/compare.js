// Any two versions side by side. What is compared is in the query: compare.html?a=Model:v1&b=project/artifact:v7
"use strict";

(() => {
  const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}(?:\/[A-Za-z0-9][A-Za-z0-9._-]{0,127})?$/;
  const form = document.querySelector("[data-compare]");
  const said = document.querySelector("[data-said]");
  const result = document.querySelector("[data-result]");
  const { make } = podium;
  const SIDES = ["from", "to"];

  const folder = (name) => (name.includes("/") ? `artifacts/${name}` : `models/${name}`);

  async function versions(name) {
    if (!NAME.test(name) || name.includes("..")) throw new Error(`${name} is no name`);
    const known = await podium.given("names");
    if (!known.includes(name)) throw new Error(`there is no ${name} here`);
    await podium.load(`${folder(name)}/versions.js`);
    return podium.given(name);
  }

  /** Give a version of a model or an artifact, with its facts, and the hashes of its files. */
  async function version(name, number) {
    const own = await versions(name);
    const link = own.links?.find(([each]) => each === number);
    const [artifact, there] = link ? [link[1], link[2]] : [name, number];
    const { versions: all, contents } = link ? await versions(artifact) : own;
    const found = all?.find(([each]) => each === there);
    if (!found) throw new Error(`${name} has no version ${number}`);
    const [, facts, files] = found;
    return { name: `${name}:${number}`, artifact: `${artifact}:${there}`, facts, files: files?.map(([path, size, n]) => [path, size, contents[n]]) };
  }

  function choices(own) {
    return own.links
      ? own.links.map(([number, , , aliases]) => [number, aliases.length ? `${number} (${aliases.join(", ")})` : number])
      : own.versions.map(([number]) => [number, number]);
  }

  async function fill(side, wanted) {
    const name = form.elements[side].value.trim();
    const select = form.elements[`${side}-version`];
    select.replaceChildren();
    if (!name) return;
    const own = await versions(name);
    select.replaceChildren(...choices(own).map(([value, text]) => new Option(text, value)));
    if (wanted) select.value = wanted;
  }

  function bytes(count) {
    let [amount, unit] = [count, 0];
    while (amount >= 1000 && unit < 4) [amount, unit] = [amount / 1000, unit + 1];
    return `${unit ? amount.toFixed(1) : amount} ${["B", "kB", "MB", "GB", "TB"][unit]}`;
  }

  const shown = (value) => (Array.isArray(value) ? value.join(", ") : value === undefined ? "–" : String(value));

  function difference(before, after) {
    if (typeof before === "number" && typeof after === "number") {
      const delta = Number((after - before).toPrecision(12));
      return delta === 0 ? "" : `${delta > 0 ? "+" : "−"}${Math.abs(delta)}`;
    }
    if (before === undefined) return "added";
    if (after === undefined) return "gone";
    return shown(before) === shown(after) ? "" : "differs";
  }

  function table(title, before, after) {
    const [one, other] = [new Map(before), new Map(after)];
    const names = [...new Set([...one.keys(), ...other.keys()])];
    if (!names.length) return [];
    const rows = names.map((name) => {
      const change = difference(one.get(name), other.get(name));
      return make("tr", change ? { class: "differs" } : {}, make("th", { scope: "row" }, name),
        make("td", {}, shown(one.get(name))), make("td", {}, shown(other.get(name))), make("td", { class: "delta" }, change));
    });
    return [make("h2", {}, title), laid(title, ["", "From", "To", "Difference"], rows)];
  }

  function laid(title, head, rows) {
    const cells = head.map((text) => make(text ? "th" : "td", text ? { scope: "col" } : {}, text));
    return make("div", { class: "scroll", role: "group", "aria-label": title, tabindex: "0" },
      make("table", { class: "compared" }, make("thead", {}, make("tr", {}, ...cells)), make("tbody", {}, ...rows)));
  }

  function files(one, other) {
    if (one.facts.md5 === other.facts.md5) return [make("h2", {}, "Files"), make("p", {}, "The same, byte for byte.")];
    if (!one.files || !other.files) {
      return [make("h2", {}, "Files"), make("p", {}, "They differ; the lists are too long for this page: see the versions' own pages, or podium compare.")];
    }
    const [before, after] = [one, other].map((side) => new Map(side.files.map(([path, size, hash]) => [path, { size, hash }])));
    const rows = [...new Set([...before.keys(), ...after.keys()])].map((path) => {
      const [was, is] = [before.get(path), after.get(path)];
      const change = !was ? "added" : !is ? "gone" : was.hash === is.hash ? "" : "changed";
      return make("tr", change ? { class: "differs" } : {}, make("th", { scope: "row" }, path),
        make("td", {}, was ? bytes(was.size) : "–"), make("td", {}, is ? bytes(is.size) : "–"), make("td", { class: "delta" }, change));
    });
    return [make("h2", {}, "Files"), laid("Files", ["", "From", "To", "Difference"], rows)];
  }

  function about(side) {
    const [name, number] = [side.name.slice(0, side.name.lastIndexOf(":")), side.name.slice(side.name.lastIndexOf(":") + 1)];
    const link = make("a", { href: `${folder(name)}/index.html#${number}` }, side.name);
    const lines = [make("p", { class: "side" }, link)];
    if (side.artifact !== side.name) lines.push(make("p", { class: "hint" }, side.artifact));
    if (side.facts.desc) lines.push(make("p", {}, side.facts.desc));
    lines.push(make("p", { class: "hint" }, `${side.facts.created.slice(0, 10)} · ${bytes(side.facts.size)}`));
    return make("div", {}, ...lines);
  }

  let asked = 0;

  async function compare() {
    const mine = ++asked;
    const [a, b] = SIDES.map((side) => [form.elements[side].value.trim(), form.elements[`${side}-version`].value]);
    if (!a[0] || !a[1] || !b[0] || !b[1]) {
      result.replaceChildren();
      said.textContent = "Choose two versions.";
      return;
    }
    const [one, other] = await Promise.all([version(...a), version(...b)]);
    if (mine !== asked) return;
    const parts = [["Metrics", "metrics"], ["Parameters", "params"], ["Metadata", "metadata"], ["Source", "source"]];
    result.replaceChildren(
      make("div", { class: "heads" }, about(one), about(other)),
      ...parts.flatMap(([title, key]) => table(title, one.facts[key], other.facts[key])),
      ...files(one, other),
    );
    said.textContent = `${one.name} and ${other.name}`;
    document.title = `${one.name} … ${other.name}`;
    history.replaceState(null, "", `?${new URLSearchParams({ a: one.name, b: other.name })}`);
  }

  /** Do something that may fail for what somebody typed, and say so. */
  async function trying(work) {
    try {
      await work();
    } catch (problem) {
      result.replaceChildren();
      said.textContent = `${problem.message}.`;
    }
  }

  async function start() {
    const names = await podium.given("names");
    document.getElementById("names").replaceChildren(...names.map((name) => new Option("", name)));
    form.hidden = false;
    const query = new URLSearchParams(location.search);
    await trying(async () => {
      for (const [side, key] of [["from", "a"], ["to", "b"]]) {
        const [, name, number] = /^(.*?)(?::([^:]*))?$/.exec(query.get(key) ?? "");
        form.elements[side].value = name;
        await fill(side, number);
        if (number && form.elements[`${side}-version`].value !== number) throw new Error(`${name} has no version ${number}`);
      }
      await compare();
    });
  }

  for (const side of SIDES) {
    form.elements[side].addEventListener("change", () => trying(async () => { await fill(side); await compare(); }));
    form.elements[`${side}-version`].addEventListener("change", () => trying(compare));
  }
  form.addEventListener("submit", (event) => event.preventDefault());
  form.querySelector("[data-swap]").addEventListener("click", () => trying(async () => {
    const was = SIDES.map((side) => [form.elements[side].value, form.elements[`${side}-version`].value]).reverse();
    for (const [n, side] of SIDES.entries()) {
      form.elements[side].value = was[n][0];
      await fill(side, was[n][1]);
    }
    await compare();
  }));
  start();
})();
