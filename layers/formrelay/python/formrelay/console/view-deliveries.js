// The deliveries of a hook as they happen, by status and time.

import { get, patch } from "./api.js";
import { choice, field, fill, h, table } from "./dom.js";
import { moment, number, t, told } from "./i18n.js";
import { button, empty, link, pager, status, sure, time } from "./parts.js";
import { retry } from "./view-delivery.js";

const PAGE = 50;
const STATUSES = [["", "all"], ["2", "success"], ["1", "pending"], ["3", "processing"], ["0", "failed"]];
// Seconds between two looks. A filter makes the server look at every delivery, so then only when something changed.
const LOOK = 3;

export async function showDeliveries(ctx, place) {
  const kept = { status: "", submission: "", since: "", until: "", start: "", ...Object.fromEntries(ctx.query) };
  const known = new Set();
  const [list, above] = [h("div"), h("div", { class: "row spread above" })];
  const utc = (text) => (text ? new Date(text).toISOString() : "");
  const filtered = () => kept.status || kept.submission || kept.since || kept.until;

  async function load(fresh = false) {
    ctx.keep(kept);
    const page = await get(`${place.path}/logs/`, {
      limit: PAGE, start: kept.start, status: kept.status, submission_id: kept.submission, start_date: utc(kept.since), end_date: utc(kept.until),
    }, { signal: ctx.signal });
    const rows = page.results.map((log) => ({ fresh: fresh && !known.has(log.uid), cells: row(ctx, place, log, load) }));
    for (const log of page.results) known.add(log.uid);
    fill(above, h("span", { class: "quiet" }, t("tab_deliveries"), ": ", h("b", {}, number(page.count))),
      kept.status === "0" && page.count > 0 && retryAll(ctx, place, page.count));
    fill(list, rows.length ? table(t("tab_deliveries"), [t("submission"), t("status"), t("code"), t("tries"), t("event"), t("changed"), ""], rows, [3])
      : filtered() ? empty("inbox", t("noneFound"), t("noneFoundHint")) : empty("inbox", t("noDeliveries"), t("noDeliveriesHint"), link(t("tab_test"), `${place.url}/test`)),
    pager(ctx, Number(kept.start), PAGE, page, async (start) => { kept.start = start; await load(); }));
  }

  const change = (name) => (value) => { kept[name] = value; kept.start = ""; load().catch(ctx.fail); };
  const day = (name, word) => field(name, t(word), h("input", { type: "datetime-local", value: kept[name], onchange: (event) => change(name)(event.target.value) }));
  const wanted = field("submission", t("submission"), h("input", { type: "search", value: kept.submission, dir: "auto", spellcheck: "false", placeholder: t("idOrUuid"), onchange: (event) => change("submission")(event.target.value.trim()) }));
  const filters = h("div", { class: "row bottom" },
    choice("status", t("status"), STATUSES.map(([code, word]) => [code, t(word)]), kept.status, change("status")), wanted,
    h("details", { class: "more", open: Boolean(kept.since || kept.until) }, h("summary", {}, t("byTime")), h("div", { class: "row" }, day("since", "changedSince"), day("until", "changedUntil"))));
  await load();
  ctx.every(LOOK, watcher(ctx, place, list, filtered, load));
  return [filters, above, list];
}

// The list lives, but not under the reader's hands.
function watcher(ctx, place, list, filtered, load) {
  let seen;
  return async () => {
    if (list.contains(document.activeElement) && document.activeElement !== document.body) return;
    if (filtered()) {
      const now = await get(`${place.path}/`, {}, { signal: ctx.signal });
      const stamp = [now.success_count, now.pending_count, now.failed_count].join();
      if (stamp === seen) return;
      seen = stamp;
    }
    await load(true);
  };
}

function row(ctx, place, log, load) {
  const open = log.status_str === "failed" || log.status_str === "pending";
  return [
    [h("a", { class: "name", href: `#/${place.url}/d/${log.uid}` }, String(log.submission_id)),
      log.message && log.status_str !== "success" && h("span", { class: "under" }, h("bdi", {}, log.message))],
    status(log.status_str), log.status_code ?? "–", number(log.tries), h("span", { class: "quiet" }, told("event", log.event)),
    h("span", { title: moment(log.date_modified) }, time(log.date_modified)),
    open && button(ctx, t("retry"), async () => { await retry(ctx, place.path, log.uid); await load(); }, "", log.uid),
  ];
}

const retryAll = (ctx, place, count) => button(ctx, t("retryAllFailed"), async () => {
  if (!await sure(t("retryAllFailed"), t("retryAllSure", { n: number(count) }), t("retry"))) return;
  const answer = await patch(`${place.path}/retry/`, {});
  ctx.say(t("scheduled", { n: number(answer.pending_uids.length) }));
  ctx.go(`${place.url}/resend`);
}, "", "all", "again");
