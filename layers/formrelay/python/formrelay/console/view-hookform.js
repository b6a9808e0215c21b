// Making and changing a hook, with what it would send beside the form.

import { asset, formOf, get, hookPath, patch, post } from "./api.js";
import { check, choice, field, fill, h } from "./dom.js";
import { faulty, fieldPicker, headerPairs } from "./hookfields.js";
import { filterPicker } from "./hookfilter.js";
import { t, told } from "./i18n.js";
import { button, crumbs, head, link, notice } from "./parts.js";
import { request } from "./request.js";
import { rowsOf } from "./survey.js";
import { testResult } from "./view-test.js";

const EVENTS = ["submission.created", "submission.edited", "submission.deleted", "submission.validated"];
const FRESH = {
  name: "", endpoint: "", export_type: "json", auth_level: "no_auth", subset_fields: [], payload_template: "",
  email_notification: true, events: EVENTS.slice(0, 1), filter: null, concurrency: null, settings: {},
};
// Milliseconds after the last key before the preview is asked for.
const PAUSE = 400;

export async function showHookForm(ctx, uid, hookUid) {
  const path = hookUid && hookPath(uid, hookUid);
  const [project, hook] = await Promise.all([
    formOf(uid, ctx.signal), path ? get(`${path}/`, {}, { signal: ctx.signal }) : FRESH]);
  let waiting;
  const changed = () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => preview.load().catch(() => {}), PAUSE);
  };
  const boxes = controls(project, hook, changed);
  const problem = h("div", { role: "alert" });
  const preview = previewOf(ctx, path, uid, boxes);

  async function save(event) {
    event.preventDefault();
    fill(problem);
    boxes.filter.fail(boxes.filter.isUnfinished() ? t("whichOnes", { right: t("filter") }) : "");
    if (boxes.filter.isUnfinished()) {
      form.querySelector("[aria-invalid]").focus();
      return;
    }
    submit.disabled = true;
    try {
      const saved = path ? await patch(`${path}/`, values(boxes)) : await post(`${asset(uid)}/hooks/`, values(boxes));
      ctx.say(t("saved"));
      ctx.go(`p/${uid}/h/${saved.uid}`);
    } catch (error) {
      if (error.status === 400) failed(boxes, problem, error);
      else ctx.fail(error);
      form.querySelector("[aria-invalid]")?.focus();
    } finally {
      submit.disabled = false;
    }
  }

  const submit = h("button", { class: "main", type: "submit" }, path ? t("save") : t("makeHook"));
  const form = h("form", { class: "sheet", onsubmit: save, novalidate: true, oninput: changed, onchange: changed }, layout(boxes), problem,
    h("div", { class: "row end" }, link(t("cancel"), path ? `p/${uid}/h/${hookUid}` : `p/${uid}`), submit));
  await preview.load();
  const title = path ? t("editHook") : t("newHook");
  return [crumbs([project.name || t("untitled"), `p/${uid}`], ...(path ? [[hook.name, `p/${uid}/h/${hookUid}`]] : []), [title]), head(title),
    h("div", { class: "split" }, form, h("section", { class: "sheet sticky" }, h("h2", {}, t("whatIsSent")), preview.node))];
}

function failed(boxes, problem, error) {
  const named = error.data && typeof error.data === "object" ? error.data : {};
  for (const [name, box] of Object.entries(boxes)) box.fail?.(named[name] && texts(named[name]));
  const rest = Object.keys(named).filter((name) => !boxes[name]?.fail);
  fill(problem, notice("bad", rest.length || !Object.keys(named).length ? error.message : t("seeFields")));
}

const texts = (found) => (typeof found === "object" ? Object.values(found).map(texts).join(" ") : String(found));

// What would be sent, made by the server for the form as it is; and, of a hook that there is, a test of it.
function previewOf(ctx, path, uid, boxes) {
  const [shown, tried] = [h("div"), h("div", { "aria-live": "polite" })];
  let newest = 0;
  async function load() {
    newest += 1;
    const mine = newest;
    const wanted = values(boxes);
    // What is not filled in yet is no mistake yet.
    for (const name of ["name", "endpoint"]) if (!wanted[name]) delete wanted[name];
    const content = await post(path ? `${path}/preview/` : `${asset(uid)}/hooks/preview/`, wanted, { signal: ctx.signal }).then(request, (error) => {
      if (error.status !== 400) throw error;
      return notice("", error.message);
    });
    if (mine === newest) fill(shown, content);
  }
  const test = path && button(ctx, t("sendTest"), async () => { fill(tried, testResult(await post(`${path}/test/`, values(boxes)))); });
  return { load, node: [shown, test, tried] };
}

function controls(project, hook, changed) {
  const auth = { value: hook.auth_level };
  const secrets = h("div", { hidden: auth.value !== "basic_auth" });
  const username = field("username", t("username"), h("input", { value: hook.settings.username || "", autocomplete: "off" }));
  const password = field("password", t("password"), h("input", { type: "password", value: hook.settings.password || "", autocomplete: "new-password" }));
  secrets.append(username, password);
  const settings = faulty(h("fieldset", { class: "field" }, h("legend", {}, t("authentication")),
    choice("auth_level", t("authentication"), [["no_auth", t("none")], ["basic_auth", t("basicAuth")]], auth.value, (value) => {
      auth.value = value;
      secrets.hidden = value !== "basic_auth";
    }), secrets));
  settings.value = () => ({ auth_level: auth.value, username: username.control.value.trim(), password: password.control.value });
  const format = { value: hook.export_type };
  const wrapper = field("payload_template", t("wrapper"), h("textarea", { rows: 3, value: hook.payload_template || "", dir: "ltr", placeholder: '{"record": %SUBMISSION%}' }), t("wrapperHint"));
  wrapper.hidden = format.value !== "json";
  return {
    name: field("name", t("name"), h("input", { value: hook.name, maxlength: 255, required: true, placeholder: t("namePlaceholder") })),
    endpoint: field("endpoint", t("endpoint"), h("input", { type: "url", value: hook.endpoint, maxlength: 500, required: true, dir: "ltr", placeholder: "https://…" }), t("endpointHint")),
    export_type: Object.assign(h("fieldset", { class: "field" }, h("legend", {}, t("format")),
      choice("export_type", t("format"), [["json", "JSON"], ["xml", "XML"]], format.value, (value) => { format.value = value; wrapper.hidden = value !== "json"; })), { value: () => format.value }),
    subset_fields: fieldPicker(project, hook.subset_fields, changed),
    settings,
    headers: headerPairs(hook.settings.custom_headers || {}, changed),
    events: faulty(h("fieldset", { class: "field" }, h("legend", {}, t("events")), EVENTS.map((name) => check(name, told("event", name), hook.events.includes(name))))),
    filter: filterPicker(rowsOf(project.content), hook.filter, { changed }),
    payload_template: wrapper,
    concurrency: field("concurrency", t("concurrency"), h("input", { type: "number", min: 1, max: 50, value: hook.concurrency ?? "" }), t("concurrencyHint")),
    email_notification: check("email_notification", t("mailMe"), hook.email_notification, t("mailMeHint")),
  };
}

const layout = (boxes) => [
  boxes.name, boxes.endpoint, boxes.export_type, boxes.subset_fields, boxes.events, boxes.filter, boxes.settings, boxes.headers, boxes.email_notification,
  h("details", { class: "more field", open: Boolean(boxes.payload_template.control.value || boxes.concurrency.control.value) },
    h("summary", {}, t("advanced")), boxes.payload_template, boxes.concurrency),
];

function values(boxes) {
  const text = (name) => boxes[name].control.value.trim();
  const { auth_level: level, username, password } = boxes.settings.value();
  return {
    name: text("name"), endpoint: text("endpoint"), export_type: boxes.export_type.value(), subset_fields: boxes.subset_fields.value(),
    payload_template: boxes.export_type.value() === "json" ? text("payload_template") : "", auth_level: level,
    settings: { custom_headers: boxes.headers.value(), ...(level === "basic_auth" && { username, password }) },
    filter: boxes.filter.value(),
    concurrency: text("concurrency") === "" ? null : Number(text("concurrency")),
    email_notification: boxes.email_notification.control.checked,
    events: [...boxes.events.querySelectorAll("input:checked")].map((box) => box.name),
  };
}
