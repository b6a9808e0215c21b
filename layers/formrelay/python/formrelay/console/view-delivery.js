// One delivery: how it stands, its attempts, and the body, made again to see whether it is what was sent.

import { get, hookPath, patch, projectOf } from "./api.js";
import { facts, fill, h, table, verbatim } from "./dom.js";
import { milliseconds, moment, number, t, told } from "./i18n.js";
import { button, copyable, crumbs, head, link, notice, outcome, status, time } from "./parts.js";
import { request } from "./request.js";

export async function showDelivery(ctx, uid, hookUid, logUid) {
  const path = hookPath(uid, hookUid);
  const place = `p/${uid}/h/${hookUid}`;
  const [project, hook] = await Promise.all([
    projectOf(uid, ctx.signal), get(`${path}/`, {}, { signal: ctx.signal })]);
  const [title, live, body] = [h("div", { "aria-live": "polite" }), h("div"), h("section", { class: "sheet" })];
  let stamp = "";
  async function load() {
    const log = await get(`${path}/logs/${logUid}/`, {}, { signal: ctx.signal });
    const seen = `${log.date_modified} ${log.status_str}`;
    if (seen === stamp) return;
    const page = await get(`${path}/logs/${logUid}/attempts/`, { limit: 100 }, { signal: ctx.signal });
    const made = await again(path, log, page.results, ctx.signal);
    stamp = seen;
    const doing = retrying(ctx, path, log, load);
    fill(title, head(`${t("submission")} ${log.submission_id}`, status(log.status_str), log.event !== "submission.deleted" && link(t("goToSubmission"), `p/${uid}/data/${log.submission_id}`, "", "form"), doing));
    fill(live, standing(ctx, log, page.results), attempts(page.results));
    fill(body, made);
  }
  await load();
  ctx.every(3, load);
  return [crumbs([project.name || t("untitled"), `p/${uid}`], [hook.name, place], [t("tab_deliveries"), `${place}/deliveries`], [t("delivery")]),
    title, live, body];
}

function retrying(ctx, path, log, load) {
  if (log.status_str === "processing") return null;
  const arrived = log.status_str === "success";
  return button(ctx, arrived ? t("sendAgain") : t("retry"), async () => {
    await retry(ctx, path, log.uid, arrived);
    await load();
  }, arrived ? "" : "main", log.uid, "again");
}

// Sends one delivery once more, and tells what was answered.
export async function retry(ctx, path, log, force) {
  try {
    const answer = await patch(`${path}/logs/${log}/retry/${force ? "?force=true" : ""}`);
    ctx.say(answer.status_code ? t("answered", { code: answer.status_code }) : t("queued"));
  } catch (error) {
    if (error.status === 401 || !error.status) throw error;
    ctx.say(error.data?.detail || error.message, "bad");
  }
}

const standing = (ctx, log, rows) => h("section", { class: "sheet" },
  rows.length > 0 && log.status_str !== "success" && notice(log.status_str === "failed" ? "bad" : "",
    h("p", {}, h("b", {}, log.status_code ? t("answered", { code: log.status_code }) : told("outcome", rows[0].outcome))),
    log.message && verbatim(t("lastAnswer"), log.message)),
  facts([
    [t("event"), told("event", log.event)], [t("tries"), number(log.tries)], [t("code"), log.status_code ?? "–"],
    [t("changed"), h("span", {}, time(log.date_modified), h("span", { class: "quiet" }, ` · ${moment(log.date_modified)}`))],
    [t("nextTry"), log.status_str === "pending" && rows[0]?.date_next ? time(rows[0].date_next) : undefined],
    ["uid", copyable(ctx, "uid", log.uid)],
  ]));

const attempts = (rows) => rows.length > 0 && [h("h2", {}, t("attempts")),
  table(t("attempts"), ["#", t("outcome"), t("code"), t("when"), t("took"), t("address"), t("answer"), t("nextTry")],
    rows.map((one) => [
      h("b", {}, number(one.number), one.manual && h("span", { class: "quiet" }, ` ${t("byHand")}`)), outcome(one.outcome), one.status_code ?? "–",
      h("time", { datetime: one.date_started }, moment(one.date_started)), milliseconds(one.duration_ms), h("bdi", {}, one.address || "–"),
      one.message ? h("details", {}, h("summary", {}, t("look")), verbatim(t("answer"), one.message)) : "–",
      one.date_next ? moment(one.date_next) : "–",
    ]), [4])];

// The hook as it is now makes the body anew; its hash says whether that is what was sent.
async function again(path, log, rows, signal) {
  const title = h("h2", {}, t("whatWasSent"));
  let made;
  try {
    made = await get(`${path}/preview/`, { log: log.uid }, { signal });
  } catch (error) {
    if (error.status !== 400 && error.status !== 404) throw error;
    return [title, notice("", t("notRendered"))];
  }
  const sent = rows.find((one) => one.body_sha256);
  const same = sent && sent.body_sha256 === made.sha256;
  return [title, sent && notice(same ? "good" : "", same ? t("sameBody") : t("otherBody")), request(made)];
}
