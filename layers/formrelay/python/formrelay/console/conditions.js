// Conditions on submissions as people choose them: who sent it, or what a question was answered with. They stand for
// queries of the API; queries that say more are shown and kept as they are.

import { h, select, unique } from "./dom.js";
import { t } from "./i18n.js";
import { icon } from "./icons.js";
import { asked, worded } from "./survey.js";

const SENDER = "_submitted_by";
// Longer lists of choices are typed.
const MOST = 300;

// The two parts of a query that is a condition of this kind: the path, and the answer; names of senders joined by commas.
export function partsOf(query) {
  const entries = Object.entries(query);
  if (entries.length !== 1) return undefined;
  const [[path, value]] = entries;
  if (path.startsWith("$")) return undefined;
  if (typeof value === "string") return [path, value];
  const names = value?.$in;
  const senders = path === SENDER && Array.isArray(names) && Object.keys(value).length === 1 && names.every((one) => typeof one === "string");
  return senders ? [path, names.join(", ")] : undefined;
}

function queryOf(path, value) {
  const text = value.trim();
  if (!text) return undefined;
  const names = path === SENDER ? text.split(",").map((one) => one.trim()).filter(Boolean) : [text];
  return { [path]: names.length > 1 ? { $in: names } : names[0] };
}

// A condition in words: "Region: North".
export function conditionText(query, rows) {
  const found = partsOf(query);
  if (!found) return h("code", {}, JSON.stringify(query));
  const [path, value] = found;
  const row = rows.find((one) => one.path === path);
  return h("bdi", {}, path === SENDER ? t("sentBy") : row?.label || path, ": ", h("bdi", {}, worded(row, value)));
}

// Controls for one condition. ``value()`` is its query, undefined while it says nothing.
export function condition(rows, query, { what, changed, any } = {}) {
  const questions = asked(rows);
  const [path, answer] = partsOf(query || {}) || [any ? "" : SENDER, ""];
  const known = [...(any ? [["", t("all")]] : []), [SENDER, t("sentBy")], ...questions.map((row) => [row.path, row.label || row.path])];
  if (!known.some(([name]) => name === path)) known.push([path, path]);
  const field = select(unique("question"), known, path, () => { show(""); changed?.(); });
  field.setAttribute("aria-label", what || t("question"));
  const box = h("span", { class: "answer" });
  let control;
  const show = (value) => {
    control = answering(questions.find((row) => row.path === field.value), value, field.value === SENDER);
    control.addEventListener("change", () => changed?.());
    box.hidden = !field.value;
    box.replaceChildren(control);
  };
  show(answer);
  const node = h("div", { class: "condition" }, field, box);
  node.value = () => (field.value ? queryOf(field.value, control.value) : undefined);
  return node;
}

function answering(row, value, names) {
  const choices = [...(row?.choices || [])];
  const label = row?.label || t(names ? "username" : "answer");
  if (!choices.length || choices.length > MOST)
    return h("input", { value, "aria-label": label, placeholder: names ? "ann, bob" : "", autocapitalize: "none", spellcheck: "false", dir: "auto" });
  if (value && !row.choices.has(value)) choices.push([value, value]);
  const control = select(unique("answer"), [["", "–"], ...choices.map(([name, text]) => [name, text || name])], value);
  control.setAttribute("aria-label", label);
  return control;
}

// A query that the controls have no words for, as it is.
function verbatimQuery(query) {
  const control = h("textarea", { rows: 2, dir: "ltr", spellcheck: "false", value: JSON.stringify(query), "aria-label": t("query") });
  const node = h("div", { class: "condition" }, control);
  node.value = () => (control.value.trim() ? JSON.parse(control.value) : undefined);
  return node;
}

// Several conditions of which one is enough. ``value()`` is the list of their queries.
export function conditions(rows, queries, of, changed) {
  const list = h("div");
  const add = (query) => {
    const one = query && !partsOf(query) ? verbatimQuery(query) : condition(rows, query, { what: of });
    const line = h("div", { class: "line" }, one,
      h("button", { type: "button", class: "plain", "aria-label": `${t("delete")}: ${of}`, onclick: () => { line.remove(); changed?.(); } }, icon("close")));
    line.value = one.value;
    list.append(line);
    return line;
  };
  for (const query of queries) add(query);
  const node = h("div", { class: "conditions" }, list,
    h("button", { type: "button", class: "plain", onclick: () => add().querySelector("select").focus() }, icon("plus"), t("addCondition"), h("span", { class: "hidden" }, `: ${of}`)));
  node.value = () => [...list.children].map((line) => line.value()).filter(Boolean);
  node.add = add;
  node.isEmpty = () => !list.children.length;
  return node;
}
