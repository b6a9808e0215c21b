// One submission: its answers and files, its validation status, and what became of it at the hooks.

import { answersOf } from "./answers.js";
import { asset, formOf, get, patch, remove } from "./api.js";
import { facts, fill, h, table, verbatim } from "./dom.js";
import { moment, number, t, told } from "./i18n.js";
import { fewAtATime } from "./lanes.js";
import { button, copyable, crumbs, head, status, sure, time } from "./parts.js";
import { may, mayOnRows } from "./rights.js";
import { rowsOf, zoned } from "./survey.js";
import { statusChoice, validity } from "./validation.js";
import { neighbours } from "./view-data.js";

const MOST_HOOKS = 100;

export async function showSubmission(ctx, uid, id) {
  const path = `${asset(uid)}/data/${encodeURIComponent(id)}/`;
  const [project, record] = await Promise.all([formOf(uid, ctx.signal), get(path, {}, { signal: ctx.signal })]);
  const files = (record._attachments || []).filter((file) => !file.is_deleted);
  const name = record["meta/instanceName"];
  const answers = answersOf(ctx, rowsOf(await contentOf(ctx, uid, project, record)), record, files);
  return [
    crumbs([project.name || t("untitled"), `p/${uid}`], [t("tab_data"), `p/${uid}/data`], [String(record._id)]),
    head(name || `${t("submission")} ${record._id}`, beside(uid, record._id)),
    h("div", { class: "split wide" },
      h("section", { class: "sheet" }, h("h2", {}, t("answers")), answers.length ? answers : h("p", { class: "quiet" }, t("noAnswers"))),
      h("div", {}, about(ctx, path, record, mayOnRows(project, "validate_submissions"), mayOnRows(project, "delete_submissions") && deleting(ctx, uid, path, record)),
        may(project, "change_asset") && await deliveries(ctx, uid, record._id))),
    h("details", { class: "more" }, h("summary", {}, t("asJson")), verbatim(t("asJson"), JSON.stringify(record, null, 2))),
  ];
}

// The form that was filled in; as it is now where that one cannot be had.
async function contentOf(ctx, uid, project, record) {
  const version = record.__version__;
  if (!version || version === project.version_id) return project.content;
  return get(`${asset(uid)}/versions/${encodeURIComponent(version)}/`, {}, { signal: ctx.signal }).then((found) => found.content, () => project.content);
}

function beside(uid, id) {
  const [newer, older] = neighbours(uid, id);
  const to = (word, other) => other && h("a", { class: "button", href: `#/p/${uid}/data/${other}` }, t(word));
  return (newer || older) && h("div", { class: "row" }, to("newer", newer), to("older", older));
}

function about(ctx, path, record, validates, doing) {
  const { _validation_status: given, _submitted_by: by, _submission_time: at } = record;
  const validate = (uid) => (uid ? patch(`${path}validation_status/`, { "validation_status.uid": uid }) : remove(`${path}validation_status/`))
    .then(() => { ctx.say(t("saved")); ctx.again(); });
  return h("section", { class: "sheet" }, h("h2", {}, t("details")), facts([
    [t("validation"), validates ? statusChoice(ctx, given, validate) : validity(given)],
    [t("validatedBy"), given?.by_whom ? [h("bdi", {}, given.by_whom), h("span", { class: "quiet" }, ` · ${moment(given.timestamp * 1000)}`)] : undefined],
    [t("sentBy"), by ? h("bdi", {}, by) : t("withoutAccount")],
    [t("received"), [time(zoned(at)), h("span", { class: "quiet" }, ` · ${moment(zoned(at))}`)]],
    ["id", copyable(ctx, "id", String(record._id))], ["UUID", copyable(ctx, "UUID", record._uuid)],
  ]), doing);
}

const deleting = (ctx, uid, path, record) => h("div", { class: "row end" }, button(ctx, t("deleteSubmission"), async () => {
  if (!await sure(t("deleteSubmission"), t("deleteSubmissionSure", { id: record._id }), t("deleteSubmission"))) return;
  await remove(path);
  ctx.go(`p/${uid}/data`);
}, "danger"));

// To which hooks it was sent, and how that went; filled in as it is found.
async function deliveries(ctx, uid, id) {
  const all = await get(`${asset(uid)}/hooks/`, { limit: MOST_HOOKS }, { signal: ctx.signal }).then((page) => page.results, (error) => {
    if (error.status !== 404 && error.status !== 403) throw error;
    return [];
  });
  if (!all.length) return null;
  // Those that were never sent anything cannot have been sent this.
  const hooks = all.filter((hook) => hook.success_count + hook.pending_count + hook.failed_count + hook.health.parked_count > 0);
  const list = h("div");
  const found = new Map();
  const show = () => {
    const rows = hooks.flatMap((hook) => (found.get(hook) || []).map((log) => [
      [h("a", { class: "name", href: `#/p/${uid}/h/${hook.uid}/d/${log.uid}` }, h("bdi", {}, hook.name)), h("span", { class: "under" }, told("event", log.event))],
      [status(log.status_str), log.status_code !== null && h("span", { class: "quiet" }, ` ${log.status_code}`)], time(log.date_modified)]));
    fill(list, rows.length ? table(t("tab_deliveries"), [t("tab_hooks"), t("status"), t("changed")], rows)
      : h("p", { class: "quiet" }, found.size < hooks.length ? "…" : t("notDelivered")),
    found.size < hooks.length && h("p", { class: "quiet small" }, `${number(found.size)} / ${number(hooks.length)}`));
  };
  show();
  fewAtATime(ctx.signal, hooks.map((hook) => async () => {
    const page = await get(`${asset(uid)}/hooks/${hook.uid}/logs/`, { submission_id: id, limit: 20 }, { signal: ctx.signal });
    found.set(hook, page.results);
    show();
  }));
  return h("section", { class: "sheet" }, h("h2", {}, t("tab_deliveries")), list);
}
