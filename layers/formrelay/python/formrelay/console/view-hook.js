// One hook: how it does, what it was sent, sending again, trying it out.

import { asset, get, hookPath, patch, post, remove } from "./api.js";
import { latency, outcomes } from "./chart.js";
import { check, facts, field, fill, h, select, table, verbatim } from "./dom.js";
import { ago, moment, number, t } from "./i18n.js";
import { button, copy, counts, crumbs, health, status, tabs } from "./parts.js";

const TABS = ["overview", "deliveries", "resend", "test"];
const PAGE = 50;
const HOURS = 48;

export async function show(ctx, uid, hookUid, tab = "overview") {
  const path = hookPath(uid, hookUid);
  const [project, hook] = await Promise.all([
    get(`${asset(uid)}/`, {}, { signal: ctx.signal }), get(`${path}/`, {}, { signal: ctx.signal })]);
  const place = { uid, hookUid, path, url: `p/${uid}/h/${hookUid}` };
  const content = await { overview, deliveries, resend, test }[tab](ctx, place, hook);
  return [crumbs([project.name || t("untitled"), `p/${uid}`], [hook.name]),
    h("div", { class: "row spread" }, h("h1", {}, h("bdi", {}, hook.name)), health(hook)),
    tabs(place.url, TABS, tab), content];
}

async function overview(ctx, place, hook) {
  const change = (fields) => async () => { await patch(`${place.path}/`, fields); ctx.again(); };
  const live = h("div");
  const charts = h("div", { class: "split" });
  async function load() {
    const [now, stats] = await Promise.all([
      get(`${place.path}/`, {}, { signal: ctx.signal }), get(`${place.path}/stats/`, { hours: HOURS }, { signal: ctx.signal })]);
    fill(live, counts(now));
    fill(charts, outcomes(stats.hours), latency(stats.hours));
  }
  await load();
  ctx.every(5, load);
  const { health: state } = hook;
  return [live,
    hook.paused && h("p", { class: "notice bad" },
      t(state.paused_by === "owner" ? "pausedByYou" : "pausedSince", { time: moment(state.paused_at) }), " ",
      state.next_probe && t("nextProbe", { time: ago(state.next_probe) })),
    hook.report_error && h("p", { class: "notice bad" }, t("notMailed", { reason: hook.report_error.reason })),
    charts,
    h("div", { class: "split" },
      h("section", { class: "sheet" }, h("h2", {}, t("settings")), facts([
        [t("endpoint"), h("bdi", {}, hook.endpoint)],
        [t("format"), hook.export_type.toUpperCase()],
        [t("authentication"), hook.auth_level === "basic_auth" ? t("basicAuth") : t("none")],
        [t("fields"), hook.subset_fields.length ? hook.subset_fields.join(", ") : t("allFields")],
        [t("events"), hook.events.join(", ")],
        [t("concurrency"), hook.concurrency ? number(hook.concurrency) : t("noLimit")],
      ]), h("p", {}, h("a", { class: "button", href: `#/${place.url}/edit` }, t("edit")))),
      h("section", { class: "sheet" }, h("h2", {}, t("switches")),
        h("div", { class: "row" },
          hook.active ? button(ctx, t("switchOff"), change({ active: false })) : button(ctx, t("switchOn"), change({ active: true })),
          hook.paused ? button(ctx, t("resume"), change({ paused: false })) : button(ctx, t("pause"), change({ paused: true }))),
        mailSwitch(ctx, place, hook), secret(ctx, place, hook), deletion(ctx, place, hook)))];
}

function mailSwitch(ctx, place, hook) {
  const box = check("email_notification", t("mailMe"), hook.email_notification);
  box.control.addEventListener("change", async () => {
    await patch(`${place.path}/`, { email_notification: box.control.checked });
    ctx.say(t("saved"));
  });
  return box;
}

// A secret is told once, by the call that makes it.
function secret(ctx, place, hook) {
  const told = h("div", { "aria-live": "polite" });
  return h("div", {}, h("h3", {}, t("signatures")), h("p", { class: "small" }, hook.signed ? t("signed") : t("unsigned")),
    h("div", { class: "row" },
      button(ctx, hook.signed ? t("nextSecret") : t("makeSecret"), async () => {
        const made = await post(`${place.path}/secret/`, {});
        fill(told, h("p", { class: "notice" }, t("secretOnce")), verbatim(t("signatures"), made.secret),
          button(ctx, t("copy"), () => copy(ctx, made.secret)));
      }),
      hook.signed && button(ctx, t("stopSigning"), async () => { await remove(`${place.path}/secret/`); ctx.again(); })), told);
}

function deletion(ctx, place, hook) {
  return h("div", {}, h("h3", {}, t("delete")), button(ctx, t("deleteHook"), async () => {
    if (!confirm(t("deleteSure", { name: hook.name }))) return;
    await remove(`${place.path}/`);
    ctx.go(`p/${place.uid}/hooks`);
  }, "danger"));
}

async function deliveries(ctx, place) {
  let start = 0;
  const list = h("div");
  const chosen = field("status", t("status"), select("status",
    [["", t("all")], ["2", t("success")], ["1", t("pending")], ["3", t("processing")], ["0", t("failed")]], ""));
  const since = field("start_date", t("changedSince"), h("input", { type: "datetime-local" }));
  const until = field("end_date", t("changedUntil"), h("input", { type: "datetime-local" }));
  const utc = (text) => (text ? new Date(text).toISOString() : "");
  const restart = () => { start = 0; load(); };
  for (const box of [chosen, since, until]) box.control.addEventListener("change", restart);

  async function load() {
    const page = await get(`${place.path}/logs/`, {
      limit: PAGE, start, status: chosen.control.value, start_date: utc(since.control.value), end_date: utc(until.control.value),
    }, { signal: ctx.signal });
    fill(list, h("p", { class: "quiet" }, t("entries", { n: number(page.count) })),
      page.results.length > 0 && table(t("tab_deliveries"), [t("submission"), t("event"), t("status"), t("code"), t("tries"), t("changed"), ""],
        page.results.map((log) => [
          h("a", { href: `#/${place.url}/d/${log.uid}` }, String(log.submission_id)), h("code", {}, log.event), status(log.status_str),
          log.status_code ?? "–", number(log.tries), h("time", { datetime: log.date_modified, title: moment(log.date_modified) }, ago(log.date_modified)),
          log.status_str !== "processing" && log.status_str !== "success" && button(ctx, t("retry"), () => retry(ctx, place, log, load), "", log.uid),
        ]), [4]),
      h("div", { class: "row" },
        page.previous && h("button", { type: "button", onclick: () => { start = Math.max(0, start - PAGE); load(); } }, t("previous")),
        page.next && h("button", { type: "button", onclick: () => { start += PAGE; load(); } }, t("next"))));
  }

  await load();
  // The list lives, but not under the reader's hands.
  ctx.every(3, async () => { if (!list.contains(document.activeElement)) await load(); });
  return [h("div", { class: "row" }, chosen, since, until), list];
}

export async function retry(ctx, place, log, then, force = false) {
  try {
    const answer = await patch(`${place.path}/logs/${log.uid}/retry/${force ? "?force=true" : ""}`);
    ctx.say(answer.status_code ? t("answered", { code: answer.status_code }) : t("queued"));
  } catch (error) {
    ctx.say(error.data?.detail || error.message);
  }
  await then();
}

async function resend(ctx, place) {
  const jobs = h("div", { "aria-live": "polite" });
  async function load() {
    const page = await get(`${place.path}/jobs/`, { limit: 20 }, { signal: ctx.signal });
    fill(jobs, page.results.length ? table(t("jobs"), [t("what"), t("when"), t("selected"), t("arrived"), t("notArrived"), t("status")],
      page.results.map((job) => [
        t(`job_${job.kind}`), ago(job.date_created), number(job.total) + (job.selecting ? " …" : ""), number(job.done), number(job.failed),
        job.date_finished ? t("finished") : t("underWay"),
      ]), [2, 3, 4]) : h("p", { class: "quiet" }, t("noJobs")));
  }
  const since = field("since", t("changedSince"), h("input", { type: "datetime-local" }));
  const code = field("status_code", t("code"), h("input", { inputmode: "numeric", maxlength: 4 }), t("codeHint"));
  const from = field("from", t("receivedSince"), h("input", { type: "datetime-local" }), t("replaySinceHint"));
  const utc = (text) => (text ? new Date(text).toISOString() : undefined);
  await load();
  ctx.every(3, load);
  return [h("div", { class: "split" },
    h("section", { class: "sheet" }, h("h2", {}, t("retryMany")), h("p", {}, t("retryManyHint")), since, code,
      button(ctx, t("retryAll"), async () => {
        const answer = await patch(`${place.path}/retry/`, { since: utc(since.control.value), status_code: code.control.value || undefined });
        ctx.say(t("scheduled", { n: number(answer.pending_uids.length) }));
        await load();
      }, "main")),
    h("section", { class: "sheet" }, h("h2", {}, t("replay")), h("p", {}, t("replayHint")), from,
      button(ctx, t("replayNow"), async () => {
        if (!confirm(t("replaySure"))) return;
        const since_ = utc(from.control.value);
        const job = await post(`${place.path}/replay/`, since_ ? { since: since_ } : { all: true });
        ctx.say(t("scheduled", { n: number(job.total) }));
        await load();
      }))),
  h("h2", {}, t("jobs")), jobs];
}

async function test(ctx, place) {
  const outcome = h("div", { "aria-live": "polite" });
  const wanted = field("submission", t("submission"), h("input", {}), t("submissionHint"));
  const query = () => (wanted.control.value.trim() ? `?submission=${encodeURIComponent(wanted.control.value.trim())}` : "");
  const shown = h("div");
  async function preview() {
    const found = await get(`${place.path}/preview/${query()}`, {}, { signal: ctx.signal });
    fill(shown, request(found));
  }
  await preview().catch((error) => { if (error.status !== 400) throw error; fill(shown, h("p", { class: "notice bad" }, error.message)); });
  return h("div", { class: "split" },
    h("section", { class: "sheet" }, h("h2", {}, t("tab_test")), h("p", {}, t("testHint")), wanted,
      h("div", { class: "row" }, button(ctx, t("preview"), preview),
        button(ctx, t("sendTest"), async () => {
          const found = await post(`${place.path}/test/${query()}`, {});
          fill(outcome, h("p", { class: found.outcome === "success" ? "notice good" : "notice bad" },
            `${found.outcome} · ${found.status_code ?? "–"} · ${number(found.duration_ms)} ms`), verbatim(t("answer"), found.detail || ""));
        }, "main")), outcome),
    h("section", { class: "sheet" }, h("h2", {}, t("whatIsSent")), shown));
}

// A request as it goes out.
export const request = (found) => [
  found.sample && h("p", { class: "notice" }, t("sample")),
  verbatim(t("headers"), `${found.method} ${found.url}\n${found.headers.map((one) => `${one.name}: ${one.value}`).join("\n")}`),
  h("h3", {}, t("body"), " ", h("span", { class: "quiet small" }, `${number(found.size)} B`)),
  verbatim(t("body"), pretty(found), "body"),
  found.body_cut && h("p", { class: "quiet small" }, t("cut")),
];

function pretty(found) {
  if (!found.content_type.includes("json")) return found.body;
  try {
    return JSON.stringify(JSON.parse(found.body), null, 2);
  } catch {
    return found.body;
  }
}
