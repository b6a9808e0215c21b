// Controls of a hook's form that are more than one input: fields to choose, headers by name and value.

import { check, field, h } from "./dom.js";
import { t } from "./i18n.js";
import { icon } from "./icons.js";

// What every submission has beside its answers and people may want to have.
const OWN = ["_id", "_uuid", "_submission_time", "_submitted_by", "_attachments", "_geolocation", "_validation_status", "start", "end"];

// Which fields are sent: all, or those that are ticked. ``value()`` is the list, empty for all.
export function fieldPicker(project, chosen, changed) {
  const rows = (project.content?.survey || []).filter((row) => row.$xpath && !row.type.startsWith("end_"));
  const known = new Map(rows.map((row) => [row.$xpath, [row.label].flat().find(Boolean) || ""]));
  for (const name of [...OWN, ...chosen]) if (!known.has(name)) known.set(name, "");
  const boxes = new Map();
  const list = h("div", { class: "picks", role: "group", "aria-label": t("fields") });
  const add = (name, label, ticked) => {
    const box = check("", [label && [h("bdi", {}, label), " "], h("code", {}, name)], ticked);
    boxes.set(name, box.control);
    list.append(box);
  };
  for (const [name, label] of known) add(name, label, chosen.includes(name));
  const some = check("some", t("onlySome"), chosen.length > 0);
  const more = field("more", t("otherField"), h("input", { dir: "ltr", spellcheck: "false", onchange: () => {
    const name = more.control.value.trim();
    if (name && !boxes.has(name)) add(name, "", true);
    else if (name) boxes.get(name).checked = true;
    more.control.value = "";
    changed();
  } }), t("otherFieldHint"));
  const picks = h("div", { hidden: !some.control.checked }, list, more);
  some.control.addEventListener("change", () => { picks.hidden = !some.control.checked; });
  const node = faulty(h("fieldset", { class: "field" }, h("legend", {}, t("fields")), some, picks));
  node.value = () => (some.control.checked ? [...boxes].filter(([, box]) => box.checked).map(([name]) => name) : []);
  return node;
}

// Custom headers, each as a name and a value. ``value()`` is the object of them.
export function headerPairs(headers, changed) {
  const list = h("div");
  const add = (name = "", value = "") => {
    const pair = h("div", { class: "pair" },
      h("input", { value: name, dir: "ltr", spellcheck: "false", placeholder: "X-Name", "aria-label": t("headerName") }),
      h("input", { value, dir: "ltr", spellcheck: "false", "aria-label": t("headerValue") }),
      h("button", { type: "button", class: "plain", "aria-label": `${t("delete")}: ${name || t("headerName")}`, onclick: () => { pair.remove(); changed(); } }, icon("close")));
    list.append(pair);
    return pair;
  };
  for (const [name, value] of Object.entries(headers)) add(name, value);
  const node = faulty(h("fieldset", { class: "field" }, h("legend", {}, t("headers")), list,
    h("button", { type: "button", onclick: () => add().firstChild.focus() }, icon("plus"), t("addHeader"))));
  node.value = () => Object.fromEntries([...list.children].map((pair) => [...pair.querySelectorAll("input")].map((input) => input.value.trim()))
    .filter(([name, value]) => name || value));
  return node;
}

// Tells what the API says is wrong with a group of controls.
export function faulty(node) {
  const error = h("p", { class: "error", role: "alert" });
  node.append(error);
  node.fail = (text) => {
    error.textContent = text || "";
    const control = node.querySelector("input");
    if (text) control?.setAttribute("aria-invalid", "true");
    else control?.removeAttribute("aria-invalid");
  };
  return node;
}
