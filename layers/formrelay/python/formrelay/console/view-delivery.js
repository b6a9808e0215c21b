// One delivery: how it stands, its attempts, and the body, made again to see whether it is what was sent.

import { asset, get, hookPath } from "./api.js";
import { facts, fill, h, table, verbatim } from "./dom.js";
import { milliseconds, moment, number, t } from "./i18n.js";
import { button, crumbs, status } from "./parts.js";
import { request, retry } from "./view-hook.js";

export async function show(ctx, uid, hookUid, logUid) {
  const path = hookPath(uid, hookUid);
  const place = { uid, hookUid, path, url: `p/${uid}/h/${hookUid}` };
  const [project, hook] = await Promise.all([
    get(`${asset(uid)}/`, {}, { signal: ctx.signal }), get(`${path}/`, {}, { signal: ctx.signal })]);
  const live = h("div", { "aria-live": "polite" });
  let stamp = "";
  async function load() {
    const log = await get(`${path}/logs/${logUid}/`, {}, { signal: ctx.signal });
    if (log.date_modified === stamp) return;
    stamp = log.date_modified;
    const page = await get(`${path}/logs/${logUid}/attempts/`, { limit: 100 }, { signal: ctx.signal });
    fill(live, standing(ctx, place, log, load), attempts(page.results));
    fill(body, await again(path, log, page.results, ctx.signal));
  }
  const body = h("section", { class: "sheet" });
  await load();
  ctx.every(3, load);
  return [crumbs([project.name || t("untitled"), `p/${uid}`], [hook.name, place.url], [t("delivery")]), h("h1", {}, t("delivery")), live, body];
}

const standing = (ctx, place, log, load) => h("section", { class: "sheet" },
  h("div", { class: "row spread" }, status(log.status_str),
    log.status_str === "success"
      ? button(ctx, t("sendAgain"), () => retry(ctx, place, log, load, true))
      : log.status_str !== "processing" && button(ctx, t("retry"), () => retry(ctx, place, log, load), "main")),
  facts([
    [t("submission"), String(log.submission_id)], [t("event"), h("code", {}, log.event)], [t("tries"), number(log.tries)],
    [t("code"), log.status_code ?? "–"], [t("changed"), moment(log.date_modified)], ["uid", h("code", {}, log.uid)],
  ]),
  log.message && [h("h3", {}, t("lastAnswer")), verbatim(t("lastAnswer"), log.message)]);

const attempts = (rows) => rows.length > 0 && [h("h2", {}, t("attempts")),
  table(t("attempts"), ["#", t("when"), t("took"), t("outcome"), t("code"), t("address"), t("answer"), t("nextTry")],
    rows.map((one) => [
      String(one.number) + (one.manual ? ` ${t("byHand")}` : ""), moment(one.date_started), milliseconds(one.duration_ms),
      h("span", { class: `badge ${one.outcome === "success" ? "good" : "bad"}` }, one.outcome), one.status_code ?? "–",
      h("bdi", {}, one.address || "–"), one.message ? h("details", {}, h("summary", {}, t("look")), verbatim(t("answer"), one.message)) : "–",
      one.date_next ? moment(one.date_next) : "–",
    ]), [2])];

// The hook as it is now makes the body anew; its hash says whether that is what was sent.
async function again(path, log, rows, signal) {
  const title = h("h2", {}, t("whatIsSent"));
  let made;
  try {
    made = await get(`${path}/preview/`, { submission: log.submission_id }, { signal });
  } catch (error) {
    if (error.status !== 400 && error.status !== 404) throw error;
    return [title, h("p", { class: "notice" }, t("notRendered"))];
  }
  const sent = rows.find((one) => one.body_sha256);
  const same = sent && sent.body_sha256 === made.sha256;
  return [title, sent && h("p", { class: same ? "notice good" : "notice" }, same ? t("sameBody") : t("otherBody")), request(made)];
}
