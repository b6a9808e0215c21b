// Which submissions a hook is sent, or sent again: all, those that meet one of some conditions, or a query of the API.

import { conditions, conditionText, partsOf } from "./conditions.js";
import { choice, h } from "./dom.js";
import { t } from "./i18n.js";

// The queries of which one is enough, where conditions can say them.
function queriesOf(filter) {
  const queries = Array.isArray(filter.$or) && Object.keys(filter).length === 1 ? filter.$or : [filter];
  return queries.every(partsOf) ? queries : undefined;
}

// A filter in words, as far as there are some.
export const filterText = (filter) => (queriesOf(filter) || [filter]).map((query, index) => [index > 0 && h("i", {}, ` ${t("or")} `), conditionText(query, [])]);

// ``value()`` is the filter: nothing, an object, or the text of one; ``isUnfinished()`` whether it says nothing yet.
export function filterPicker(rows, filter, { legend = t("filter"), hint = t("filterHint"), some: said = t("filterSomeHint"), changed } = {}) {
  const found = filter && queriesOf(filter);
  let mode = !filter ? "all" : found ? "some" : "query";
  const rules = conditions(rows, found || [], legend, changed);
  const query = h("textarea", { rows: 3, value: filter ? JSON.stringify(filter) : "", dir: "ltr", spellcheck: "false", placeholder: '{"region": "north"}', "aria-label": t("query") });
  const some = h("div", {}, rules, h("p", { class: "hint" }, said));
  const text = h("div", {}, query, h("p", { class: "hint" }, hint));
  const error = h("p", { class: "error", role: "alert" });
  const chosen = () => {
    const queries = rules.value();
    return queries.length > 1 ? { $or: queries } : queries[0];
  };
  const show = () => {
    [some.hidden, text.hidden] = [mode !== "some", mode !== "query"];
    if (mode === "some" && rules.isEmpty()) rules.add();
  };
  const modes = choice("filter", legend, [["all", t("allSubmissions")], ["some", t("someSubmissions")], ["query", t("query")]], mode, (value) => {
    if (mode === "some" && value === "query" && chosen()) query.value = JSON.stringify(chosen());
    mode = value;
    show();
  });
  show();
  const node = h("fieldset", { class: "field picked" }, h("legend", {}, legend), modes, some, text, error);
  node.value = () => (mode === "query" ? query.value.trim() || null : (mode === "some" && chosen()) || null);
  node.isUnfinished = () => mode === "some" && !chosen();
  node.fail = (said) => {
    error.textContent = said || "";
    for (const control of node.querySelectorAll("[aria-invalid]")) control.removeAttribute("aria-invalid");
    if (said) (mode === "query" ? query : node.querySelector("select, input")).setAttribute("aria-invalid", "true");
  };
  return node;
}
