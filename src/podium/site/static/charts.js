// Plots, drawn with Vega-Lite when they come into view. Names from the registry are data or text here, never field names or
// expressions; expressions are interpreted, so that the page needs no right to evaluate code.
"use strict";

(() => {
  const VENDOR = ["vega.min.js", "vega-lite.min.js", "vega-interpreter.js"];
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const drawn = new Map();

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

  function theme() {
    const text = colour("muted");
    const font = getComputedStyle(document.body).fontFamily;
    const label = { labelColor: text, labelFont: font, labelFontSize: 11, titleColor: text };
    return {
      aria: false, // the plot's label speaks for it, and a table has the numbers
      mark: { aria: false },
      background: null,
      font,
      view: { stroke: null },
      axis: { ...label, aria: false, domainColor: colour("line"), tickColor: colour("line"), gridColor: colour("line"), labelPadding: 6 },
      text: { font, fontSize: 11 },
    };
  }

  const LINE = { type: "line", strokeWidth: 1.5 };

  function metric(points, width) {
    const last = points.length ? points[points.length - 1][0] : 0;
    let named = 0;
    const size = { plain: 30, named: 80, live: 110, withdrawn: 30 };
    const hue = { plain: colour("series"), named: colour("series"), live: colour("live"), withdrawn: colour("faint") };
    const state = (a, w) => (w ? "withdrawn" : a.split(", ").includes("production") ? "live" : a ? "named" : "plain");
    const values = points.map(([x, y, a, w]) => ({
      x, y, a, v: `v${x}`, s: state(a, w), z: size[state(a, w)], c: hue[state(a, w)],
      // labels of neighbours go above and below in turn, and inwards at the edges
      d: a ? named++ % 2 : 0, e: x > last * 0.6 ? "right" : x > last * 0.3 ? "center" : "left",
    }));
    const [low, high] = [Math.min(...values.map((p) => p.y)), Math.max(...values.map((p) => p.y))];
    const room = (high - low || Math.abs(high) || 1) * 0.1;
    // each name flies above the plot like a flag, with a line down to its point
    const flags = ["left", "center", "right"].flatMap((align) => [0, 1].map((d) => ({
      transform: [{ filter: `datum.a != '' && datum.e == '${align}' && datum.d == ${d}` }],
      mark: { type: "text", align, baseline: "bottom", fontWeight: 600, limit: width * 0.6, color: colour("text") },
      encoding: { text: { field: "a" }, y: { value: d ? -4 : -18 } },
    })));
    const lines = [0, 1].map((d) => ({
      transform: [{ filter: `datum.a != '' && datum.d == ${d}` }],
      mark: { type: "rule", strokeWidth: 1, color: colour("faint") },
      encoding: { y2: { value: d ? -2 : -16 } },
    }));
    return {
      width, height: 150,
      data: { values },
      encoding: {
        x: {
          field: "x", type: "quantitative", scale: { domain: [Math.min(0, last), Math.max(last, 1)], nice: false, padding: 8 },
          axis: { title: null, grid: false, tickMinStep: 1, tickCount: Math.min(8, last + 1), labelExpr: "'v' + format(datum.value, 'd')" },
        },
        y: {
          field: "y", type: "quantitative", scale: { domain: [low - room, high + room], zero: false, nice: false },
          axis: { title: null, tickCount: 4, domain: false, ticks: false },
        },
      },
      layer: [
        ...lines,
        { mark: { ...LINE, color: colour("series"), opacity: 0.7 } },
        {
          mark: { type: "point", filled: true, opacity: 1, tooltip: { content: "data" } },
          encoding: {
            size: { field: "z", type: "quantitative", legend: null, scale: null },
            color: { field: "c", type: "nominal", legend: null, scale: null },
          },
        },
        ...flags,
      ],
    };
  }

  function timeline({ aliases, bars }, width, now) {
    const room = 12 + 7 * Math.min(18, Math.max(...aliases.map((name) => name.length)));
    const inner = Math.max(120, width - room);
    const values = bars.map(([row, v, since, until], n) => {
      const x = Date.parse(since);
      return { n: aliases[row], v, x, y: Math.max(x, until === null ? Math.max(now, x) : Date.parse(until)), p: n };
    });
    const begin = Math.min(...values.map((bar) => bar.x));
    const end = Math.max(...values.map((bar) => bar.y), begin + 1000);
    const hues = { live: [colour("live"), colour("live-soft")], other: [colour("series"), colour("series-soft")] };
    const turn = new Map();
    for (const bar of values) {
      turn.set(bar.n, 1 - (turn.get(bar.n) ?? 1));
      bar.c = hues[bar.n === "production" ? "live" : "other"][turn.get(bar.n)];
      bar.t = ((bar.y - bar.x) / (end - begin)) * inner > 8 + 7 * bar.v.length ? bar.v : "";
    }
    return {
      width: inner, height: 36 * aliases.length,
      data: { values },
      encoding: {
        x: { field: "x", type: "temporal", scale: { type: "utc", nice: false }, axis: { title: null, tickCount: 6, grid: true } },
        y: { field: "n", type: "nominal", sort: aliases, axis: { title: null, ticks: false, domain: false, labelLimit: 130, labelFontSize: 12 }, scale: { paddingInner: 0.3 } },
      },
      layer: [
        {
          mark: { type: "bar", cornerRadius: 2, stroke: colour("surface"), strokeWidth: 1, tooltip: { content: "data" } },
          encoding: {
            x2: { field: "y" },
            color: { field: "c", type: "nominal", legend: null, scale: null },
          },
        },
        { mark: { type: "text", align: "left", dx: 6, color: colour("on-bar"), fontWeight: 600 }, encoding: { text: { field: "t" } } },
      ],
    };
  }

  function lineage({ left, right, lines }, width) {
    const row = 24;
    const high = row * Math.max(left.length, right.length);
    const place = (n, of) => ((n + 0.5) * high) / of;
    const from = Math.min(width * 0.46, 20 + 7 * Math.max(...left.map((text) => text.length)));
    const to = from + Math.min(width * 0.12, 120);
    const nodes = [
      ...left.map((text, n) => ({ x: from, y: place(n, left.length), t: text, e: "right", c: colour("series") })),
      ...right.map(([text, aliases], n) => ({
        x: to, y: place(n, right.length), t: aliases ? `${text}  ${aliases}` : text, e: "left",
        c: colour(aliases.split(", ").includes("production") ? "live" : aliases ? "series" : "faint"),
      })),
    ];
    const edges = lines.map(([l, r]) => ({
      x: from, y: place(l, left.length), u: to, w: place(r, right.length), c: nodes[left.length + r].c,
    }));
    const at = (field) => ({ field, type: "quantitative", scale: null, axis: null });
    const hue = { field: "c", type: "nominal", legend: null, scale: null };
    return {
      width, height: high, padding: 0,
      layer: [
        {
          data: { values: edges }, mark: { type: "rule", strokeWidth: 1.5 },
          encoding: { x: at("x"), y: at("y"), x2: { field: "u" }, y2: { field: "w" }, color: hue },
        },
        { data: { values: nodes }, mark: { type: "point", filled: true, size: 50, opacity: 1 }, encoding: { x: at("x"), y: at("y"), color: hue } },
        ...["left", "right"].map((e) => ({
          data: { values: nodes }, transform: [{ filter: `datum.e == '${e}'` }],
          mark: { type: "text", align: e, dx: e === "left" ? 10 : -10, fontSize: 12, color: colour("text"), limit: e === "left" ? width - to - 16 : from - 12 },
          encoding: { x: at("x"), y: at("y"), text: { field: "t" } },
        })),
      ],
    };
  }

  const tip = podium.make("div", { class: "tip", "aria-hidden": "true", hidden: "" });
  document.body.append(tip);

  function hint(_handler, event, item, value) {
    tip.hidden = !value;
    if (!value) return;
    const datum = item.datum;
    const day = (moment) => new Date(moment).toISOString().slice(0, 10);
    tip.textContent = datum.n === undefined
      ? [datum.v, String(datum.y), datum.a, datum.s === "withdrawn" ? "withdrawn" : ""].filter(Boolean).join(" · ")
      : `${datum.n} ${datum.v} · ${day(datum.x)} to ${day(datum.y)}`;
    const wide = document.documentElement.clientWidth;
    tip.style.left = `${Math.min(event.pageX + 12, wide - tip.offsetWidth - 8)}px`;
    tip.style.top = `${event.pageY + 14}px`;
  }

  async function draw(plot) {
    const data = JSON.parse(plot.nextElementSibling.textContent);
    for (const file of VENDOR) await podium.load(`assets/vendor/${file}`);
    const { date } = await podium.given("built");
    const width = Math.max(200, plot.clientWidth);
    const make = { metric, timeline, lineage }[plot.dataset.plot];
    // axes take room beside a plot of a metric
    const spec = make(data, plot.dataset.plot === "metric" ? width - 58 : width - 4, Date.parse(date));
    const compiled = vegaLite.compile({ ...spec, config: theme() }).spec;
    drawn.get(plot)?.finalize();
    plot.replaceChildren();
    const view = new vega.View(vega.parse(compiled, null, { ast: true }), {
      renderer: "svg", container: plot, hover: true, expr: vega.expressionInterpreter, tooltip: hint,
      loader: { load: () => Promise.reject(new Error("nothing is fetched")), sanitize: () => Promise.reject(new Error("no links")) },
    });
    drawn.set(plot, view);
    await view.runAsync();
    plot.dataset.drawn = "";
  }

  const seen = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      seen.unobserve(target);
      draw(target);
    }
  }, { rootMargin: "300px" });
  // Room for a plot before it is drawn: what lies below it would move under somebody's hand.
  const room = {
    metric: () => 211,
    timeline: ({ aliases }) => 36 * aliases.length + 32,
    lineage: ({ left, right }) => 24 * Math.max(left.length, right.length),
  };
  for (const plot of document.querySelectorAll("[data-plot]")) {
    plot.style.minHeight = `${room[plot.dataset.plot](JSON.parse(plot.nextElementSibling.textContent))}px`;
    seen.observe(plot);
  }

  let pause;
  let wide = document.documentElement.clientWidth;
  const again = () => { for (const plot of drawn.keys()) draw(plot); };
  dark.addEventListener("change", again);
  addEventListener("resize", () => {
    if (document.documentElement.clientWidth === wide) return;
    wide = document.documentElement.clientWidth;
    clearTimeout(pause);
    pause = setTimeout(again, 200);
  });
})();
