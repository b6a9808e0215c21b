// Small charts as SVG, each with the same numbers as a table for those who cannot see it.

import { h, table } from "./dom.js";
import { language, t } from "./i18n.js";

const WIDTH = 720;
const HEIGHT = 140;
const LEFT = 36;
const BOTTOM = 18;

const hourName = (time) => new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit" }).format(time);

function frame(caption, drawn, legend, rows, headings) {
  return h("figure", {}, h("figcaption", {}, caption),
    h("svg", { class: "chart", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, "aria-hidden": "true" }, drawn),
    legend, h("div", { class: "hidden" }, table(caption, headings, rows).firstChild));
}

function axes(top, hours) {
  const y = (value) => 8 + (HEIGHT - BOTTOM - 8) * (1 - value / top);
  const lines = [0, top].map((value) => [
    h("line", { class: "axis", x1: LEFT, x2: WIDTH, y1: y(value), y2: y(value) }),
    h("text", { x: LEFT - 4, y: y(value) + 4, "text-anchor": "end" }, String(Math.round(value))),
  ]);
  const step = (WIDTH - LEFT) / hours.length;
  const every = Math.ceil(hours.length / 8);
  const names = hours.filter((_, index) => index % every === 0)
    .map((hour, index) => h("text", { x: LEFT + index * every * step, y: HEIGHT - 4 }, hourName(new Date(hour.start))));
  return { y, step, drawn: [lines, names] };
}

// Deliveries of each hour, by what became of them.
export function outcomes(hours) {
  const kinds = [["success", "good"], ["pending", "wait"], ["failed", "bad"]];
  const top = Math.max(1, ...hours.map((hour) => hour.success + hour.pending + hour.failed));
  const { y, step, drawn } = axes(top, hours);
  const bars = hours.map((hour, index) => {
    let below = 0;
    return kinds.map(([kind, colour]) => {
      const value = hour[kind];
      below += value;
      return value && h("rect", {
        class: colour, x: LEFT + index * step + 1, width: Math.max(1, step - 2), y: y(below), height: y(0) - y(value),
      });
    });
  });
  const legend = h("ul", { class: "legend" }, kinds.map(([kind, colour]) => h("li", {}, h("i", { class: colour }), t(kind))));
  return frame(t("perHour"), [drawn, bars], legend,
    hours.map((hour) => [hourName(new Date(hour.start)), hour.success, hour.pending, hour.failed]),
    [t("hour"), ...kinds.map(([kind]) => t(kind))]);
}

// How long receivers took: the middle one and the slowest of twenty.
export function latency(hours) {
  const some = hours.filter((hour) => hour.p50_ms !== null);
  if (!some.length) return null;
  const top = Math.max(10, ...some.map((hour) => hour.p95_ms));
  const { y, step, drawn } = axes(top, hours);
  const place = (index) => LEFT + (index + 0.5) * step;
  const known = (name) => hours.map((hour, index) => [hour[name], index]).filter(([value]) => value !== null);
  // A dot for each hour, since one hour alone makes no line.
  const line = (name, style) => [
    h("polyline", { class: style, points: known(name).map(([value, index]) => `${place(index)},${y(value)}`).join(" ") }),
    known(name).map(([value, index]) => h("circle", { class: "dot", cx: place(index), cy: y(value), r: 2.5 })),
  ];
  return frame(t("latency"), [drawn, line("p50_ms", "line"), line("p95_ms", "line second")],
    h("p", { class: "legend" }, t("latencyLegend")),
    some.map((hour) => [hourName(new Date(hour.start)), hour.p50_ms, hour.p95_ms]),
    [t("hour"), "p50 ms", "p95 ms"]);
}

// Submissions of the last days as one small line of bars.
export function spark(counts, days) {
  const values = [];
  for (let back = days - 1; back >= 0; back -= 1) {
    const day = new Date(Date.now() - back * 86_400_000).toISOString().slice(0, 10);
    values.push(counts[day] || 0);
  }
  const top = Math.max(1, ...values);
  const total = values.reduce((sum, value) => sum + value, 0);
  return h("svg", { class: "spark", viewBox: `0 0 ${days * 4} 24`, role: "img", "aria-label": t("inDays", { n: total, days }) },
    values.map((value, index) => value && h("rect", {
      class: "plain", x: index * 4, width: 3, y: 24 - (24 * value) / top, height: (24 * value) / top,
    })));
}
