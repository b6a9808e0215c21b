// Making and changing a hook, with what it would send beside the form.

import { asset, get, hookPath, patch, post } from "./api.js";
import { check, field, fill, h, select } from "./dom.js";
import { t } from "./i18n.js";
import { crumbs } from "./parts.js";
import { request } from "./view-hook.js";

const EVENTS = ["submission.created", "submission.edited", "submission.deleted", "submission.validated"];
const FRESH = {
  name: "", endpoint: "", export_type: "json", auth_level: "no_auth", subset_fields: [], payload_template: "", active: true,
  email_notification: true, events: EVENTS.slice(0, 1), concurrency: null, settings: {},
};

export async function show(ctx, uid, hookUid) {
  const path = hookUid && hookPath(uid, hookUid);
  const [project, hook] = await Promise.all([
    get(`${asset(uid)}/`, {}, { signal: ctx.signal }), path ? get(`${path}/`, {}, { signal: ctx.signal }) : FRESH]);
  const boxes = controls(hook);
  const problem = h("p", { class: "notice bad", role: "alert", hidden: true });
  const preview = h("div", { "aria-live": "polite" });

  function failed(error) {
    const named = error.data && typeof error.data === "object" ? error.data : {};
    for (const [name, box] of Object.entries(boxes)) box.fail?.(named[name] && [named[name]].flat().join(" "));
    const rest = Object.keys(named).filter((name) => !boxes[name]?.fail);
    problem.textContent = rest.length || !Object.keys(named).length ? error.message : t("seeFields");
    problem.hidden = false;
  }

  async function save(event) {
    event.preventDefault();
    problem.hidden = true;
    try {
      const saved = path ? await patch(`${path}/`, values(boxes)) : await post(`${asset(uid)}/hooks/`, values(boxes));
      ctx.go(`p/${uid}/h/${saved.uid}`);
    } catch (error) {
      if (error.status !== 400) throw error;
      failed(error);
      form.querySelector("[aria-invalid]")?.focus();
    }
  }

  // A hook that does not exist yet cannot be previewed; once it is saved, every change of the form is.
  let waiting;
  async function show_() {
    if (!path) return fill(preview, h("p", { class: "quiet" }, t("previewLater")));
    try {
      return fill(preview, request(await post(`${path}/preview/`, values(boxes), { signal: ctx.signal })));
    } catch (error) {
      if (error.status !== 400) throw error;
      return fill(preview, h("p", { class: "notice bad" }, error.message));
    }
  }

  const form = h("form", { onsubmit: save, novalidate: true, oninput: () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => show_().catch(() => {}), 500);
  } }, problem, layout(boxes),
  h("div", { class: "row" }, h("button", { class: "main", type: "submit" }, t("save")),
    h("a", { class: "button", href: path ? `#/p/${uid}/h/${hookUid}` : `#/p/${uid}` }, t("cancel"))));
  await show_();
  const title = path ? t("editHook") : t("newHook");
  return [crumbs([project.name || t("untitled"), `p/${uid}`], [hook.name || title]), h("h1", {}, title),
    h("div", { class: "split" }, h("section", { class: "sheet" }, form),
      h("section", { class: "sheet" }, h("h2", {}, t("whatIsSent")), preview))];
}

function controls(hook) {
  const headers = Object.entries(hook.settings.custom_headers || {}).map(([name, value]) => `${name}: ${value}`).join("\n");
  return {
    name: field("name", t("name"), h("input", { value: hook.name, maxlength: 255, required: true })),
    endpoint: field("endpoint", t("endpoint"), h("input", { type: "url", value: hook.endpoint, maxlength: 500, required: true, dir: "ltr" }), t("endpointHint")),
    export_type: field("export_type", t("format"), select("export_type", [["json", "JSON"], ["xml", "XML"]], hook.export_type)),
    subset_fields: field("subset_fields", t("fields"), h("textarea", { rows: 3, value: hook.subset_fields.join("\n"), dir: "ltr" }), t("fieldsHint")),
    payload_template: field("payload_template", t("wrapper"), h("textarea", { rows: 3, value: hook.payload_template || "", dir: "ltr" }), t("wrapperHint")),
    username: field("username", t("username"), h("input", { value: hook.settings.username || "", autocomplete: "off" })),
    password: field("password", t("password"), h("input", { type: "password", value: hook.settings.password || "", autocomplete: "new-password" })),
    settings: field("settings", t("headers"), h("textarea", { rows: 3, value: headers, dir: "ltr" }), t("headersHint")),
    concurrency: field("concurrency", t("concurrency"), h("input", { type: "number", min: 1, max: 50, value: hook.concurrency ?? "" }), t("concurrencyHint")),
    email_notification: check("email_notification", t("mailMe"), hook.email_notification),
    active: check("active", t("active"), hook.active),
    events: h("fieldset", {}, h("legend", {}, t("events")), EVENTS.map((name) => check(name, t(name), hook.events.includes(name)))),
  };
}

const layout = (boxes) => [
  boxes.name, boxes.endpoint, boxes.export_type, boxes.subset_fields, boxes.payload_template,
  h("fieldset", {}, h("legend", {}, t("authentication")), boxes.username, boxes.password, boxes.settings), boxes.events,
  boxes.concurrency, boxes.email_notification, boxes.active,
];

function values(boxes) {
  const text = (name) => boxes[name].control.value.trim();
  const lines = (name) => text(name).split("\n").map((line) => line.trim()).filter(Boolean);
  const headers = Object.fromEntries(lines("settings").map((line) => {
    const colon = line.indexOf(":");
    return colon < 0 ? [line, ""] : [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
  }));
  const username = text("username");
  const settings = { custom_headers: headers, ...(username && { username, password: boxes.password.control.value }) };
  return {
    name: text("name"), endpoint: text("endpoint"), export_type: text("export_type"), subset_fields: lines("subset_fields"),
    payload_template: text("payload_template"), auth_level: username ? "basic_auth" : "no_auth", settings,
    concurrency: text("concurrency") === "" ? null : Number(text("concurrency")),
    email_notification: boxes.email_notification.control.checked, active: boxes.active.control.checked,
    events: [...boxes.events.querySelectorAll("input:checked")].map((box) => box.name),
  };
}
