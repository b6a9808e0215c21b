// One hook: how it does, its switches, its secret.

import { get, hookPath, patch, post, projectOf, remove } from "./api.js";
import { latency, outcomes } from "./chart.js";
import { filterText } from "./hookfilter.js";
import { check, facts, fill, h, verbatim } from "./dom.js";
import { ago, listed, moment, number, t, told } from "./i18n.js";
import { button, copy, crumbs, head, health, link, notice, sure, tabs, time } from "./parts.js";
import { showDeliveries } from "./view-deliveries.js";
import { showResend } from "./view-resend.js";
import { showTest } from "./view-test.js";

const HOURS = 48;
// Milliseconds between two looks at what the charts show: it makes the server read up to two thousand deliveries.
const REDRAW = 20_000;

export async function showHook(ctx, uid, hookUid, tab = "overview") {
  const path = hookPath(uid, hookUid);
  const [project, hook] = await Promise.all([
    projectOf(uid, ctx.signal), get(`${path}/`, {}, { signal: ctx.signal })]);
  const place = { uid, hookUid, path, url: `p/${uid}/h/${hookUid}` };
  const views = { overview: showOverview, deliveries: showDeliveries, resend: showResend, test: showTest };
  const content = await views[tab](ctx, place, hook);
  return [crumbs([project.name || t("untitled"), `p/${uid}`], [hook.name]),
    head(hook.name, health(hook), link(t("edit"), `${place.url}/edit`)),
    tabs(place.url, Object.keys(views), tab), content];
}

async function showOverview(ctx, place, hook) {
  const numbers = h("div");
  const trouble = h("div");
  const charts = h("div");
  let [seen, charted, when] = ["", "", 0];
  async function load() {
    const now = await get(`${place.path}/`, {}, { signal: ctx.signal });
    const counted = [now.success_count, now.pending_count, now.failed_count].join();
    if (counted !== charted && Date.now() - when > REDRAW) {
      fill(charts, drawn(await get(`${place.path}/stats/`, { hours: HOURS }, { signal: ctx.signal })));
      [charted, when] = [counted, Date.now()];
    }
    const stamp = JSON.stringify(now);
    if (stamp === seen) return;
    seen = stamp;
    fill(numbers, counts(now, place.url));
    fill(trouble, wrong(now, place.url));
  }
  await load();
  ctx.every(5, load);
  return [numbers, trouble, charts, h("div", { class: "split" }, settings(place, hook), switches(ctx, place, hook))];
}

// How many deliveries stand how; each leads to those.
const counts = (hook, url) => h("ul", { class: "numbers" },
  [["success", hook.success_count, 2, ""], ["pending", hook.pending_count, 1, "wait"], ["failed", hook.failed_count, 0, "bad"]]
    .map(([name, value, code, style]) => h("li", { class: value > 0 && style },
      h("a", { href: `#/${url}/deliveries?status=${code}` }, h("b", {}, number(value)), t(name)))),
  hook.health.parked_count > 0 && h("li", { class: "wait" }, h("span", {}, h("b", {}, number(hook.health.parked_count)), t("parked"))));

function wrong(hook, url) {
  const { health: state, last_error: error } = hook;
  return [
    hook.paused && notice("bad", t(state.paused_by === "owner" ? "pausedByYou" : "pausedSince", { time: moment(state.paused_at) }),
      state.next_probe && ` ${t("nextProbe", { time: ago(state.next_probe) })}`),
    state.unreadable && notice("bad", t("unreadable")),
    hook.report_error && notice("bad", t("notMailed", { reason: hook.report_error.reason })),
    error && notice("bad", h("a", { href: `#/${url}/d/${error.log}` }, t("lastError")), " ", time(error.date), ": ",
      error.status_code !== null && h("b", {}, `${error.status_code} `), h("bdi", {}, error.message)),
    state.slow && notice("", t("slow")),
  ];
}

const drawn = (stats) => (stats.hours.some((hour) => hour.success + hour.pending + hour.failed)
  ? [h("div", { class: "split" }, [outcomes(stats.hours), latency(stats.hours)].filter(Boolean).map((one) => h("section", { class: "sheet" }, one))),
    !stats.complete && h("p", { class: "quiet small" }, t("notAllCharted"))]
  : h("p", { class: "sheet quiet" }, t("nothingCharted", { hours: number(HOURS) })));

const settings = (place, hook) => h("section", { class: "sheet" }, h("h2", {}, t("settings")), facts([
  [t("endpoint"), h("bdi", {}, hook.endpoint)],
  [t("format"), hook.export_type.toUpperCase()],
  [t("authentication"), hook.auth_level === "basic_auth" ? t("basicAuth") : t("none")],
  [t("headers"), Object.keys(hook.settings.custom_headers || {}).join(", ") || undefined],
  [t("fields"), hook.subset_fields.length ? hook.subset_fields.join(", ") : t("allFields")],
  [t("wrapper"), hook.payload_template ? h("code", {}, hook.payload_template) : undefined],
  [t("events"), listed(hook.events.map((name) => told("event", name)))],
  [t("filter"), hook.filter ? filterText(hook.filter) : undefined],
  [t("concurrency"), hook.concurrency ? number(hook.concurrency) : t("noLimit")],
]));

function switches(ctx, place, hook) {
  const change = (fields) => async () => { await patch(`${place.path}/`, fields); ctx.again(); };
  return h("section", { class: "sheet stack" }, h("div", {}, h("h2", {}, t("switches")), mailSwitch(ctx, place, hook),
    h("div", { class: "row" },
      hook.paused ? button(ctx, t("resume"), change({ paused: false }), "main") : button(ctx, t("pause"), change({ paused: true }), "", "pause", "pause"),
      hook.active ? button(ctx, t("switchOff"), change({ active: false })) : button(ctx, t("switchOn"), change({ active: true }), "main")),
    h("p", { class: "hint" }, t("pauseHint"))),
  signatures(ctx, place, hook),
  h("div", {}, button(ctx, t("deleteHook"), async () => {
    if (!await sure(t("deleteHook"), t("deleteSure", { name: hook.name }), t("deleteHook"))) return;
    await remove(`${place.path}/`);
    ctx.go(`p/${place.uid}/hooks`);
  }, "danger")));
}

function mailSwitch(ctx, place, hook) {
  const box = check("email_notification", t("mailMe"), hook.email_notification, t("mailMeHint"));
  box.control.addEventListener("change", async () => {
    await patch(`${place.path}/`, { email_notification: box.control.checked }).then(() => ctx.say(t("saved")), (error) => {
      box.control.checked = !box.control.checked;
      ctx.fail(error);
    });
  });
  return box;
}

// A secret is told once, by the call that makes it.
function signatures(ctx, place, hook) {
  const secret = h("div", { "aria-live": "polite" });
  const make = button(ctx, hook.signed ? t("nextSecret") : t("makeSecret"), async () => {
    if (hook.signed && !await sure(t("nextSecret"), t("nextSecretSure"), t("nextSecret"))) return;
    const made = await post(`${place.path}/secret/`, {});
    fill(secret, notice("", h("p", {}, t("secretOnce")), verbatim(t("signatures"), made.secret),
      button(ctx, t("copy"), () => copy(ctx, made.secret), "", "secret", "copy")));
  });
  return h("div", {}, h("h2", {}, t("signatures")), h("p", { class: "quiet" }, hook.signed ? t("signed") : t("unsigned")), secret,
    h("div", { class: "row" }, make, hook.signed && button(ctx, t("stopSigning"), async () => {
      if (!await sure(t("stopSigning"), t("stopSigningSure"), t("stopSigning"))) return;
      await remove(`${place.path}/secret/`);
      ctx.again();
    })));
}
