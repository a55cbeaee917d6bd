// What every page has: values that data scripts hand over, links to where a page was built from, and the overview's filters.
"use strict";

window.podium = (() => {
  const taken = new Map();
  const waiting = new Map();

  /** Called by data scripts: pages that are opened from disk may load scripts, and nothing else. */
  function take(name, value) {
    taken.set(name, value);
    for (const done of waiting.get(name) ?? []) done(value);
    waiting.delete(name);
  }

  /** Give a value once its script has handed it over. */
  function given(name) {
    if (taken.has(name)) return Promise.resolve(taken.get(name));
    return new Promise((done) => waiting.set(name, [...(waiting.get(name) ?? []), done]));
  }

  const loading = new Map();

  /** Load a script of this site, once. */
  function load(path) {
    if (!loading.has(path)) {
      loading.set(path, new Promise((done, failed) => {
        const script = document.createElement("script");
        script.src = document.body.dataset.root + path;
        script.onload = () => done();
        script.onerror = () => failed(new Error(`${path} cannot be loaded`));
        document.head.append(script);
      }));
    }
    return loading.get(path);
  }

  /** Make an element with text and children in it; text stays text. */
  function make(tag, attributes = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children);
    return made;
  }

  return { take, given, load, make };
})();

podium.given("built").then(({ commit, date }) => {
  for (const place of document.querySelectorAll("[data-built]")) {
    place.textContent = ` as of commit ${commit.slice(0, 10)}, ${date.slice(0, 10)}`;
  }
});

(() => {
  const form = document.querySelector("[data-filters]");
  const body = document.querySelector("[data-rows]");
  if (!form || !body) return;

  const list = (value) => (value ? value.split("\n") : []);
  const rows = Array.from(body.rows, (row, place) => ({
    row,
    place,
    text: [row.cells[0].textContent, row.dataset.owners ?? ""].join("\n").toLowerCase(),
    tag: list(row.dataset.tags),
    owner: list(row.dataset.owners),
    alias: list(row.dataset.aliases),
    changed: Date.parse(row.querySelector(".changed time")?.dateTime ?? "") || 0,
  }));
  const fields = ["tag", "owner", "alias"].filter((name) => form.elements[name]);
  const count = form.querySelector("[data-count]");
  const nothing = document.querySelector("[data-nothing]");
  let order = "";

  function show() {
    const words = form.elements.q.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const one of rows) {
      const fits = words.every((word) => one.text.includes(word))
        && fields.every((name) => !form.elements[name].value || one[name].includes(form.elements[name].value));
      one.row.hidden = !fits;
      shown += fits;
    }
    if (form.elements.order.value !== order) {
      order = form.elements.order.value;
      const sorted = [...rows].sort((a, b) => (order ? b.changed - a.changed : 0) || a.place - b.place);
      body.append(...sorted.map((one) => one.row));
    }
    count.textContent = shown === rows.length ? `${rows.length} in all` : `${shown} of ${rows.length}`;
    body.parentElement.hidden = !shown;
    nothing.hidden = Boolean(shown);
  }

  function read() {
    const state = new URLSearchParams(location.search);
    for (const name of ["q", ...fields, "order"]) {
      const wanted = state.get(name) ?? "";
      const field = form.elements[name];
      // what no row has is asked for all the same: an empty answer is the true one
      if (field.options && ![...field.options].some((one) => one.value === wanted)) field.add(new Option(wanted));
      field.value = wanted;
    }
    show();
  }

  function write() {
    const state = new URLSearchParams();
    for (const name of ["q", ...fields, "order"]) {
      if (form.elements[name].value) state.set(name, form.elements[name].value);
    }
    const query = state.toString();
    history.replaceState(null, "", query ? `?${query}` : location.pathname);
  }

  form.addEventListener("input", () => { show(); write(); });
  form.addEventListener("submit", (event) => event.preventDefault());
  window.addEventListener("popstate", read);
  form.hidden = false;
  read();
})();
