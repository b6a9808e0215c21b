// The form by which rights are given to somebody, on all submissions or on some, and changed.

import { base, post, remove } from "./api.js";
import { conditions } from "./conditions.js";
import { check, choice, field, fill, h, unique } from "./dom.js";
import { t, told } from "./i18n.js";
import { notice } from "./parts.js";
import { complete, essential, ON_ROWS, ownQueries, PARTIAL, RIGHTS } from "./rights.js";

// ``known`` is whose rights are changed, {username, held}; nobody for new ones. ``done`` follows, saved or not.
export function rightsForm(ctx, place, known, done) {
  const state = begun(known?.held);
  const name = field("username", t("username"), h("input", { value: known?.username || "", disabled: Boolean(known), autocapitalize: "none", spellcheck: "false", autocomplete: "off", required: true }), known ? undefined : t("shareWithHint"));
  const problem = h("div", { role: "alert" });
  const controls = rightsControls(place, state);
  const submit = h("button", { class: "main", type: "submit" }, known ? t("save") : t("share"));

  async function save(event) {
    event.preventDefault();
    fill(problem);
    name.fail("");
    submit.disabled = true;
    try {
      await written(place, name.control.value.trim(), wanted(state, controls), known?.held);
      ctx.say(t("saved"));
      await done();
    } catch (error) {
      if (error.data?.user) name.fail(Array.isArray(error.data.user) ? t("noSuchUser") : t("isOwner"));
      else if (error instanceof WordsError || error.status === 400) fill(problem, notice("bad", error.message));
      else ctx.fail(error);
      form.querySelector("[aria-invalid]")?.focus();
    } finally {
      submit.disabled = false;
    }
  }

  const title = unique("rights");
  const form = h("form", { onsubmit: save, novalidate: true, "aria-labelledby": title }, h("h2", { id: title }, known ? t("changeRights") : t("shareWith")), name, controls.node, problem,
    h("div", { class: "row end" }, known && h("button", { type: "button", onclick: done }, t("cancel")), submit));
  return form;
}

// What is wrong with the form, in words for people.
class WordsError extends Error {}

// What the form begins with: the rights that were chosen, whether they are for some submissions, and for which.
function begun(held) {
  const names = new Set([...(held?.names.keys() || ["view_asset"])]);
  const queries = held ? ownQueries(held.queries) : {};
  const some = names.delete(PARTIAL);
  if (some) for (const name of ON_ROWS) if (queries[name]?.length) names.add(name);
  return { names, some, queries };
}

function rightsControls(place, state) {
  const boxes = new Map(RIGHTS.map((name) => [name, check(name, told("give", name), false, told("give", `${name}_hint`))]));
  const rules = new Map(ON_ROWS.map((name) => [name, conditions(place.rows, state.queries[name] || [], told("give", name))]));
  const scope = choice("scope", t("whichSubmissions"), [["all", t("allSubmissions")], ["some", t("someSubmissions")]], state.some ? "some" : "all", (value) => {
    state.some = value === "some";
    show();
  });

  // What a chosen right implies is ticked as well, and stays so; on some submissions, each has its own conditions.
  function show() {
    const manages = state.names.has("manage_asset");
    for (const [name, box] of boxes) {
      const implied = !(state.some && ON_ROWS.includes(name)) && complete([...state.names].filter((other) => other !== name)).has(name);
      box.control.checked = implied || state.names.has(name);
      box.control.disabled = implied;
    }
    extent.hidden = manages || !ON_ROWS.some((name) => state.names.has(name));
    for (const [name, rule] of rules) {
      rule.hidden = !state.some || manages || !state.names.has(name);
      if (!rule.hidden && rule.isEmpty()) rule.add();
    }
    hint.hidden = !state.some;
  }

  for (const [name, box] of boxes)
    box.control.addEventListener("change", () => {
      if (box.control.checked) state.names.add(name);
      else state.names.delete(name);
      show();
    });
  const hint = h("p", { class: "hint" }, t("someHint"));
  const extent = h("div", { class: "extent" }, h("b", {}, t("whichSubmissions")), scope, hint);
  const node = h("div", {},
    h("fieldset", { class: "field" }, h("legend", {}, t("theForm")), boxes.get("view_asset"), boxes.get("change_asset")),
    h("fieldset", { class: "field" }, h("legend", {}, t("submissions")), boxes.get("add_submissions"),
      ON_ROWS.map((name) => [boxes.get(name), rules.get(name)]), extent),
    h("fieldset", { class: "field" }, h("legend", {}, t("everythingElse")), boxes.get("manage_asset")));
  show();
  return { node, rules };
}

// The rights that the form stands for: on all submissions by name, on some by queries.
function wanted(state, controls) {
  const names = complete(state.names);
  if (!state.some || names.has("manage_asset")) return { names, queries: undefined };
  const queries = {};
  for (const name of ON_ROWS) {
    if (state.names.has(name)) queries[name] = queriesOf(controls.rules.get(name), name);
    names.delete(name);
  }
  if (!Object.keys(queries).length) return { names, queries: undefined };
  return { names: names.add(PARTIAL), queries };
}

function queriesOf(rule, name) {
  let found;
  try {
    found = rule.value();
  } catch {
    throw new WordsError(t("badQuery"));
  }
  if (!found.length) throw new WordsError(t("whichOnes", { right: told("give", name) }));
  return found;
}

// Gives first and takes afterwards, so that nobody is without their rights meanwhile; what is broken off is gone on with
// by saving once more. A right that is gone with another one is 404 when it is taken.
async function written(place, username, { names, queries }, held) {
  const give = (name, more) => post(place.path, {
    user: `${base}/api/v2/users/${encodeURIComponent(username)}/`, permission: `${base}/api/v2/permissions/${name}/`, ...more });
  const before = held?.names || new Map();
  for (const name of names.size === 1 ? names : essential([...names].filter((one) => one !== PARTIAL))) if (!before.has(name)) await give(name);
  if (queries) {
    const entries = Object.entries(queries).map(([name, filters]) => ({ url: `${base}/api/v2/permissions/${name}/`, filters }));
    await give(PARTIAL, { partial_permissions: entries });
  }
  for (const [name, url] of before)
    if (!names.has(name)) await remove(url).catch((error) => { if (error.status !== 404) throw error; });
}
