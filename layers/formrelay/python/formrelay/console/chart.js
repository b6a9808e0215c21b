// Charts as SVG, drawn at the width that there is, each with the same numbers as a table for those who cannot see it.

import { fill, h, table } from "./dom.js";
import { milliseconds, mirrored, number, t, when } from "./i18n.js";

const HEIGHT = 132;
const EDGE = { top: 8, bottom: 20, start: 56, end: 4 };
// Pixels between the names of two times.
const APART = 62;

const hourName = (time) => when(time, { weekday: "short", hour: "2-digit", minute: "2-digit" });
const dayName = (time) => when(time, { day: "numeric", month: "short", timeZone: "UTC" });

// 1, 2 or 5 times a power of ten, not less than the value.
function round(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((one) => one * power).find((one) => one >= value);
}

// Where things are in a drawing of so many columns: time runs as the reader reads.
function scale(width, columns, top) {
  const step = (width - EDGE.start - EDGE.end) / columns;
  const along = (x) => (mirrored() ? width - x : x);
  return {
    width, step, top,
    middle: (index) => along(EDGE.start + (index + 0.5) * step),
    y: (value) => EDGE.top + (HEIGHT - EDGE.top - EDGE.bottom) * (1 - value / top),
    column: (x) => Math.floor((along(x) - EDGE.start) / step),
    along,
  };
}

function axes(at, times, ticks, nameOf) {
  const lines = ticks.map(([value, text]) => [
    h("line", { class: "axis", x1: at.along(EDGE.start), x2: at.along(at.width - EDGE.end), y1: at.y(value), y2: at.y(value) }),
    h("text", { x: at.along(EDGE.start - 8), y: at.y(value) + 4, "text-anchor": "end", direction: mirrored() ? "rtl" : "ltr" }, text)]);
  let last = -Infinity;
  const names = times.map((time, index) => {
    const name = nameOf(time, index);
    const x = EDGE.start + (index + 0.5) * at.step;
    if (!name || x - last < APART || x > at.width - APART / 2) return null;
    last = x;
    return h("text", { x: at.middle(index), y: HEIGHT - 4, "text-anchor": "middle" }, name);
  });
  return [lines, names];
}

// ``draw(width)`` gives {at, drawn}; ``said(index)`` what is told of the column under the pointer.
function figure(caption, draw, said, legend, hidden) {
  const readout = h("span", { class: "readout", "aria-hidden": "true" });
  const cursor = h("rect", { class: "cursor", y: EDGE.top, height: HEIGHT - EDGE.top - EDGE.bottom, width: 0 });
  const svg = h("svg", { class: "chart", height: HEIGHT, "aria-hidden": "true" });
  let now;
  const redraw = () => {
    const width = svg.clientWidth;
    if (!width || width === now?.at.width) return;
    now = draw(width);
    svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    fill(svg, cursor, now.drawn);
  };
  const point = (event) => {
    const index = now ? now.at.column(event.clientX - svg.getBoundingClientRect().left) : -1;
    const text = index >= 0 ? said(index) : "";
    readout.textContent = text || "";
    cursor.setAttribute("width", text ? now.at.step : 0);
    if (text) cursor.setAttribute("x", now.at.middle(index) - now.at.step / 2);
  };
  svg.addEventListener("pointermove", point);
  svg.addEventListener("pointerdown", point);
  svg.addEventListener("pointerleave", () => { readout.textContent = ""; cursor.setAttribute("width", 0); });
  new ResizeObserver(redraw).observe(svg);
  return h("figure", {}, h("figcaption", {}, h("span", {}, caption), readout), svg, legend, h("div", { class: "hidden" }, hidden));
}

// The table without the box that scrolls, which would be one more stop for the keyboard.
const hiddenTable = (caption, headings, rows) => table(caption, headings, rows).firstChild;

// Columns of parts on each other: ``entries`` are {time, values}, ``kinds`` [word, colour] of each value.
function columns(caption, entries, kinds, naming, legend) {
  const top = round(Math.max(2, ...entries.map((one) => one.values.reduce((sum, value) => sum + value, 0))));
  const parts = (one) => kinds.map(([word], kind) => one.values[kind] && `${kinds.length > 1 ? `${t(word)} ` : ""}${number(one.values[kind])}`)
    .filter(Boolean).join(" · ") || "0";
  const draw = (width) => {
    const at = scale(width, entries.length, top);
    const wide = Math.max(1, at.step - Math.min(3, at.step / 4));
    const bars = entries.map((one, index) => {
      let below = 0;
      return one.values.map((value, kind) => {
        below += value;
        return value > 0 && h("rect", {
          class: kinds[kind][1], x: at.middle(index) - wide / 2, width: wide, rx: 1.5,
          y: at.y(below), height: Math.max(1, at.y(0) - at.y(value) - (below > value ? 1 : 0)),
        });
      });
    });
    const ticks = [0, top / 2, top].filter(Number.isInteger).map((value) => [value, number(value)]);
    return { at, drawn: [axes(at, entries.map((one) => one.time), ticks, naming.axis), bars] };
  };
  const rows = entries.map((one) => [naming.full(one.time), ...one.values.map(number)]);
  return figure(caption, draw, (index) => entries[index] && `${naming.full(entries[index].time)}: ${parts(entries[index])}`, legend,
    hiddenTable(caption, [naming.word, ...kinds.map(([word]) => t(word))], rows));
}

// Midnights bear the day, noons the hour.
const hourly = () => ({
  word: t("hour"), full: hourName,
  axis: (time) => (time.getHours() === 0 ? when(time, { weekday: "short", day: "numeric" })
    : time.getHours() % 12 === 0 && when(time, { hour: "2-digit", minute: "2-digit" })),
});

// Deliveries of each hour, by what became of them.
export function outcomes(hours) {
  const kinds = [["success", "good"], ["pending", "wait"], ["failed", "bad"]];
  const entries = hours.map((hour) => ({ time: new Date(hour.start), values: [hour.success, hour.pending, hour.failed] }));
  const legend = h("ul", { class: "legend" }, kinds.map(([kind, colour]) => h("li", { class: colour }, t(kind))));
  return columns(t("perHour"), entries, kinds, hourly(), legend);
}

// How long receivers took: the middle one and the slowest of twenty.
export function latency(hours) {
  const slowest = Math.max(0, ...hours.map((hour) => hour.p95_ms ?? 0));
  if (hours.every((hour) => hour.p50_ms === null)) return null;
  const top = round(Math.max(20, slowest));
  const draw = (width) => {
    const at = scale(width, hours.length, top);
    // A line ends where an hour has no delivery; a dot for each hour, since one alone makes no line.
    const line = (name, style) => {
      const runs = [[]];
      hours.forEach((hour, index) => (hour[name] === null ? runs.push([]) : runs.at(-1).push([at.middle(index), at.y(hour[name])])));
      return runs.filter((run) => run.length).map((run) => [
        h("polyline", { class: `line ${style}`, points: run.map((point) => point.join(",")).join(" ") }),
        run.map(([x, y]) => h("circle", { class: `dot ${style}`, cx: x, cy: y, r: 2 }))]);
    };
    const ticks = [0, top / 2, top].map((value) => [value, milliseconds(value, top)]);
    return { at, drawn: [axes(at, hours.map((hour) => new Date(hour.start)), ticks, hourly().axis), line("p95_ms", "second"), line("p50_ms", "first")] };
  };
  const said = (index) => hours[index]?.p50_ms !== null && hours[index]
    && `${hourName(new Date(hours[index].start))}: ${milliseconds(hours[index].p50_ms)} · ${milliseconds(hours[index].p95_ms)}`;
  const legend = h("ul", { class: "legend" }, h("li", { class: "first" }, t("halfFaster")), h("li", { class: "second" }, t("mostFaster")));
  const rows = hours.filter((hour) => hour.p50_ms !== null)
    .map((hour) => [hourName(new Date(hour.start)), milliseconds(hour.p50_ms), milliseconds(hour.p95_ms)]);
  return figure(t("latency"), draw, said, legend, hiddenTable(t("latency"), [t("hour"), t("halfFaster"), t("mostFaster")], rows));
}

// The last days in UTC, as the API counts them.
const lastDays = (counts, days) => Array.from({ length: days }, (_, index) => {
  const time = new Date(Date.now() - (days - 1 - index) * 86_400_000);
  return { time, values: [counts[time.toISOString().slice(0, 10)] || 0] };
});

// Submissions of each of the last days.
export function daily(counts, days) {
  const naming = { word: t("day"), full: dayName, axis: (time, index) => (days - 1 - index) % 7 === 0 && dayName(time) };
  return columns(t("perDay", { days: number(days) }), lastDays(counts, days), [["submissions", "plain"]], naming, null);
}

// The same as one small line of bars.
export function spark(counts, days) {
  const values = lastDays(counts, days).map((one) => one.values[0]);
  const top = Math.max(1, ...values);
  const total = values.reduce((sum, value) => sum + value, 0);
  const name = t("inDays", { n: number(total), days: number(days) });
  const x = (index) => 4 * (mirrored() ? days - 1 - index : index);
  return h("svg", { class: "spark", viewBox: `0 0 ${days * 4} 24`, role: "img", "aria-label": name },
    h("line", { class: "axis", x1: 0, x2: days * 4, y1: 23.5, y2: 23.5 }),
    values.map((value, index) => value > 0 && h("rect", { class: "plain", x: x(index), width: 3, y: 23 - (22 * value) / top, height: (22 * value) / top })));
}
