// Elements from code. Text is always text, so nothing that a receiver or a form says can become markup.

const SVG = "http://www.w3.org/2000/svg";
const SVG_TAGS = new Set(["svg", "g", "path", "rect", "line", "text", "polyline", "circle"]);

export function h(tag, properties = {}, ...children) {
  const node = SVG_TAGS.has(tag) ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "value") node.value = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...shown(children));
  return node;
}

const shown = (children) => children.flat(9).filter((child) => child !== null && child !== undefined && child !== false && child !== 0);

// Whoever stands on a link or button in it by keyboard stands on the same one afterwards, if it is still there.
export function fill(node, ...children) {
  const held = node.contains(document.activeElement) && control(document.activeElement);
  node.replaceChildren(...shown(children));
  if (held) [...node.querySelectorAll("a, button")].find((one) => control(one) === held)?.focus({ preventScroll: true });
  return node;
}

// What tells one control from the others: where it leads, or what it belongs to and what it says.
const control = (node) => node.getAttribute("href") || (node.dataset.of && `${node.dataset.of} ${node.textContent}`);

let numbered = 0;
export const unique = (name) => `${name}-${++numbered}`;

// A labelled control with room for a hint and for what the API says is wrong with it.
export function field(name, label, control, hint) {
  const id = unique(name);
  control.id = id;
  control.name = name;
  const error = h("p", { class: "error", id: `${id}-error`, role: "alert" });
  control.setAttribute("aria-describedby", hint ? `${id}-hint ${id}-error` : `${id}-error`);
  const box = h("div", { class: "field" }, h("label", { for: id }, label), control,
    hint && h("p", { class: "hint", id: `${id}-hint` }, hint), error);
  box.control = control;
  box.fail = (text) => {
    error.textContent = text || "";
    if (text) control.setAttribute("aria-invalid", "true");
    else control.removeAttribute("aria-invalid");
  };
  return box;
}

export function check(name, label, checked, hint) {
  const control = h("input", { type: "checkbox", name, checked });
  const box = h("div", { class: "field" }, h("label", { class: "check" }, control,
    h("span", {}, label, hint && h("span", { class: "hint" }, hint))));
  box.control = control;
  return box;
}

export function select(name, choices, chosen, onchange) {
  return h("select", { name, onchange },
    choices.map(([value, label]) => h("option", { value, selected: String(value) === String(chosen) }, label)));
}

// One of a few, side by side.
export function choice(name, label, choices, chosen, onchange) {
  const group = unique(name);
  return h("fieldset", { class: "choice", onchange: (event) => onchange?.(event.target.value) },
    h("legend", { class: "hidden" }, label),
    choices.map(([value, text]) => h("label", {},
      h("input", { type: "radio", name: group, value, checked: value === chosen }), h("span", {}, text))));
}

// Rows of cells under headings; on a phone each row becomes a card. A row may be {cells, fresh, href}.
export function table(caption, headings, rows, numbers = []) {
  const cell = (content, index) =>
    h("td", { "data-label": headings[index] || null, class: content === "–" ? "none" : numbers.includes(index) && "number" }, content);
  // What scrolls has to be reachable without a mouse.
  return h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": caption }, h("table", { class: "cards" },
    h("caption", { class: "hidden" }, caption),
    h("thead", {}, h("tr", {}, headings.map((name, index) =>
      h("th", { scope: "col", class: numbers.includes(index) && "number" }, name || h("span", { class: "hidden" }, "…"))))),
    h("tbody", {}, rows.map((row) => h("tr", { class: row.fresh && "fresh" }, (row.cells || row).map(cell))))));
}

// Text as it is, in a box that scrolls.
export const verbatim = (label, text, part) =>
  h("pre", { tabindex: 0, role: "region", "aria-label": label, "data-part": part }, text);

export const facts = (pairs) =>
  h("dl", { class: "facts" }, pairs.filter((pair) => pair[1] !== undefined)
    .map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
