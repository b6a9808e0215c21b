// What was submitted, page by page, newest first: looked through by one question, validated and deleted by many.

import { asset, get, patch, remove } from "./api.js";
import { condition } from "./conditions.js";
import { field, fill, h, select, table } from "./dom.js";
import { number, t, told } from "./i18n.js";
import { icon } from "./icons.js";
import { button, empty, link, pager, sure, time } from "./parts.js";
import { mayOnRows } from "./rights.js";
import { asked, rowsOf, worded, zoned } from "./survey.js";
import { STATUSES, validity } from "./validation.js";

const PAGE = 25;
// Answers that fit beside what every submission has.
const COLUMNS = 4;
const LOOK = 10;
const NONE = "none";
// What the form makes of the answers to call a submission by, where it does.
const NAME = "meta/instanceName";

// The page that was looked at last, so that one goes from submission to submission in it.
const seen = { uid: "", ids: [] };
export const neighbours = (uid, id) => {
  const at = seen.uid === uid ? seen.ids.indexOf(Number(id)) : -1;
  return at < 0 ? [] : [seen.ids[at - 1], seen.ids[at + 1]];
};

export async function showData(ctx, uid, project) {
  if (!project.has_deployment) return empty("inbox", t("noSubmissions"), t("noSubmissionsHint"), link(t("goToForm"), `p/${uid}/form`));
  const rows = rowsOf(project.content);
  const kept = { status: "", where: "", start: "", ...Object.fromEntries(ctx.query) };
  const place = { uid, path: `${asset(uid)}/data/`, rows, columns: asked(rows).slice(0, COLUMNS), chosen: new Set(), rights: rightsOf(project), load };
  const [list, above] = [h("div"), h("div", { class: "row spread above", "aria-live": "polite" })];

  async function load() {
    ctx.keep(kept);
    const page = await get(place.path, question(place, kept), { signal: ctx.signal });
    Object.assign(seen, { uid, ids: page.results.map((one) => one._id) });
    place.chosen = new Set(seen.ids.filter((id) => place.chosen.has(id)));
    const head = () => fill(above, place.chosen.size ? doing(ctx, place) : [h("span", { class: "quiet" }, t("submissions"), ": ", h("b", {}, number(page.count))),
      page.results.length > 1 && changes(place) && h("button", { type: "button", class: "plain", onclick: () => { place.chosen = new Set(seen.ids); show(); } }, t("chooseAll"))]);
    const show = () => {
      head();
      fill(list, page.results.length ? rowsTable(place, page.results, head) : nothing(uid, kept),
        pager(ctx, Number(kept.start), PAGE, page, async (start) => { kept.start = start; place.chosen.clear(); await load(); }));
    };
    show();
  }

  await load();
  // A filter makes the server look at every submission, and nothing moves under the reader's hands.
  ctx.every(LOOK, async () => {
    if (!kept.status && !kept.where && !place.chosen.size && !list.contains(document.activeElement)) await load();
  });
  return [filters(ctx, place, kept), above, list];
}

function rightsOf(project) {
  return { validate: mayOnRows(project, "validate_submissions"), delete: mayOnRows(project, "delete_submissions") };
}

const changes = (place) => place.rights.validate || place.rights.delete;

function question(place, kept) {
  const wanted = [];
  if (kept.status) wanted.push({ "_validation_status.uid": kept.status === NONE ? null : kept.status });
  if (kept.where) wanted.push(JSON.parse(kept.where));
  return {
    limit: PAGE, start: kept.start, sort: '{"_id":-1}', query: wanted.length ? JSON.stringify({ $and: wanted }) : "",
    fields: JSON.stringify([NAME, "_submission_time", "_submitted_by", ...place.columns.map((row) => row.path)]),
  };
}

const nothing = (uid, kept) => (kept.status || kept.where ? empty("inbox", t("noneFound"), t("noneFoundHint"))
  : empty("inbox", t("noSubmissions"), t("noSubmissionsHint"), link(t("connectDevice"), `p/${uid}/form`, "", "phone")));

function filters(ctx, place, kept) {
  const again = () => { kept.start = ""; place.chosen.clear(); place.load().catch(ctx.fail); };
  const status = field("status", t("validation"), select("status", [["", t("all")], ...STATUSES.map(([code, word]) => [code, told("valid", word)]), [NONE, t("valid_none")]], kept.status, () => {
    kept.status = status.control.value;
    again();
  }));
  let query;
  try {
    query = kept.where ? JSON.parse(kept.where) : undefined;
  } catch {
    kept.where = "";
  }
  const where = condition(place.rows, query, { any: true, what: t("onlyWhere"), changed: () => {
    const found = where.value();
    const text = found ? JSON.stringify(found) : "";
    if (text !== kept.where) { kept.where = text; again(); }
  } });
  const id = h("input", { type: "search", dir: "auto", spellcheck: "false", placeholder: t("idOrUuid"), "aria-label": t("idOrUuid") });
  return h("div", { class: "row bottom" }, status, h("fieldset", { class: "field" }, h("legend", { class: "label" }, t("onlyWhere")), where),
    h("form", { class: "row end-of-row", role: "search", onsubmit: (event) => {
      event.preventDefault();
      if (id.value.trim()) ctx.go(`p/${place.uid}/data/${encodeURIComponent(id.value.trim())}`);
    } }, id, h("button", { type: "submit" }, t("open"))));
}

function rowsTable(place, records, changed) {
  const { chosen, columns, uid } = place;
  const tick = (record) => h("input", { type: "checkbox", checked: chosen.has(record._id), "aria-label": `${t("choose")}: ${record._id}`, onchange: (event) => {
    if (event.target.checked) chosen.add(record._id);
    else chosen.delete(record._id);
    changed();
  } });
  return table(t("submissions"), [t("submission"), t("sentBy"), t("validation"), ...columns.map((row) => row.label || row.name)],
    records.map((record) => [
      h("div", { class: "ticked" }, changes(place) && tick(record), h("span", {}, h("a", { class: "name", href: `#/p/${uid}/data/${record._id}` }, h("bdi", {}, record[NAME] || record._id)),
        h("span", { class: "under" }, record[NAME] && `${record._id} · `, time(zoned(record._submission_time))))),
      h("bdi", {}, record._submitted_by || "–"), validity(record._validation_status),
      ...columns.map((row) => brief(worded(row, record[row.path]))),
    ]));
}

const brief = (text) => (text ? h("span", { class: "brief" }, h("bdi", {}, text)) : "–");

// What can be done with those that are ticked.
function doing(ctx, place) {
  const ids = [...place.chosen];
  const n = number(ids.length);
  const after = async () => { place.chosen.clear(); await place.load(); };
  const status = select("validation", [["", t("setStatus")], ...STATUSES.map(([code, word]) => [code, told("valid", word)]), [NONE, t("valid_none")]], "", async () => {
    if (!status.value) return;
    const payload = { submission_ids: ids, "validation_status.uid": status.value === NONE ? null : status.value };
    const sent = status.value === NONE ? remove(`${place.path}validation_statuses/`, { payload }) : patch(`${place.path}validation_statuses/`, { payload });
    await sent.then(() => ctx.say(t("saved"))).then(after).catch(ctx.fail);
  });
  status.setAttribute("aria-label", t("setStatus"));
  return [h("span", {}, t("chosen", { n })), h("div", { class: "row" }, place.rights.validate && status,
    place.rights.delete && button(ctx, t("delete"), async () => {
      if (!await sure(t("deleteSubmissions"), t("deleteSubmissionsSure", { n }), t("delete"))) return;
      await remove(`${place.path}bulk/`, { payload: { submission_ids: ids } });
      await after();
    }, "danger", "chosen"),
    h("button", { type: "button", class: "plain", "aria-label": t("cancel"), onclick: () => after().catch(ctx.fail) }, icon("close")))];
}
