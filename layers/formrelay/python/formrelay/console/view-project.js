// One project: what came in, and its hooks; its data, form, exports, sharing and activity are views of their own.

import { asset, formOf, get, projectOf } from "./api.js";
import { daily } from "./chart.js";
import { fill, h } from "./dom.js";
import { moment, number, t } from "./i18n.js";
import { crumbs, empty, head, health, link, notice, standing, tabs, time } from "./parts.js";
import { showActivity } from "./view-activity.js";
import { showData } from "./view-data.js";
import { showExports } from "./view-exports.js";
import { showForm } from "./view-form.js";
import { showSharing } from "./view-sharing.js";

// Of these views, what they show is told by the form.
const WITH_FORM = new Set(["data", "form", "sharing"]);
const DAYS = 30;
const MAX_HOOKS = 100;
// More hooks than that are looked through by name, and asked for less often.
const MANY = 8;

export async function showProject(ctx, uid, tab = "hooks") {
  const project = await (WITH_FORM.has(tab) ? formOf : projectOf)(uid, ctx.signal);
  const views = { hooks: showHooks, data: showData, form: showForm, exports: showExports, sharing: showSharing, activity: showActivity };
  const content = await views[tab](ctx, uid, project).catch(refused);
  return [crumbs([project.name || t("untitled")]), head(project.name || t("untitled"), standing(project)),
    tabs(`p/${uid}`, Object.keys(views), tab),
    tab !== "form" && project.deployment_status !== "deployed" && notice("", h("p", {}, t(`${project.deployment_status}Hint`)),
      h("p", {}, h("a", { href: `#/p/${uid}/form` }, t("goToForm")))),
    content];
}

// A project that one may see has tabs that one may not.
function refused(error) {
  if (error.status !== 403 && error.status !== 404) throw error;
  return empty("user", t("noRightTitle"), t("noRight"));
}

async function showHooks(ctx, uid, project) {
  const list = h("div");
  const wanted = h("input", { type: "search", "aria-label": t("findHook"), placeholder: t("findHook"), oninput: () => narrow() });
  const narrow = () => { for (const one of list.children) one.hidden = !one.textContent.toLowerCase().includes(wanted.value.trim().toLowerCase()); };
  const make = () => link(t("newHook"), `p/${uid}/hooks/new`, "main", "plus");
  async function load() {
    const { results } = await get(`${asset(uid)}/hooks/`, { limit: MAX_HOOKS }, { signal: ctx.signal });
    fill(list, results.length ? [...results].sort((one, other) => calm(one) - calm(other)).map((hook) => card(uid, hook))
      : empty("hook", t("noHooks"), t("noHooksHint"), make()));
    if (results.length) narrow();
    return results.length;
  }
  const [count, above] = await Promise.all([load(), submissions(ctx, uid, project)]);
  ctx.every(count > MANY ? 20 : 5, load);
  return [above,
    h("div", { class: "head" }, h("h2", {}, t("tab_hooks")), h("div", { class: "doing" }, count > MANY && wanted, count > 0 && make())), list];
}

// What needs its owner comes first, what is switched off last.
function calm(hook) {
  if (!hook.active) return 4;
  return hook.paused ? 0 : hook.health.state === "failing" ? 1 : hook.last_error ? 2 : 3;
}

// What came in, by day; nothing of a project that never took anything, or whose data is for others.
async function submissions(ctx, uid, project) {
  if (!project.has_deployment) return null;
  const node = h("section", { class: "sheet" });
  let total;
  async function load() {
    const found = await get(`${asset(uid)}/counts/`, { days: DAYS }, { signal: ctx.signal });
    if (found.total_submission_count === total) return;
    total = found.total_submission_count;
    const now = total && await projectOf(uid, ctx.signal);
    fill(node, total ? [h("p", { class: "row spread" },
      h("span", {}, h("b", {}, number(total)), " ", h("span", { class: "quiet" }, t("submissions"))),
      h("span", { class: "quiet small" }, t("lastSubmission"), ": ", time(now.deployment__last_submission_time))),
    daily(found.daily_submission_counts, DAYS)]
      : empty("inbox", t("noSubmissions"), t("noSubmissionsHint"), link(t("connectDevice"), `p/${uid}/form`, "", "phone")));
  }
  try {
    await load();
  } catch (error) {
    if (error.status !== 403 && error.status !== 404) throw error;
    return null;
  }
  ctx.every(10, load);
  return node;
}

const COUNTS = [["success", "success_count", ""], ["pending", "pending_count", "wait"], ["failed", "failed_count", "bad"]];

function card(uid, hook) {
  const place = `p/${uid}/h/${hook.uid}`;
  const { health: state, last_error: error } = hook;
  return h("section", { class: "sheet hook" },
    h("h2", { dir: "auto" }, h("a", { href: `#/${place}` }, hook.name)), health(hook),
    h("div", { class: "where" }, h("bdi", {}, hook.endpoint)),
    h("ul", { class: "counts" },
      COUNTS.map(([word, name, style]) => h("li", { class: hook[name] > 0 && style }, h("b", {}, number(hook[name])), t(word))),
      state.parked_count > 0 && h("li", { class: "wait" }, h("b", {}, number(state.parked_count)), t("parked"))),
    state.failing_since && h("p", { class: "wrong calm" }, t("failingSince", { time: moment(state.failing_since) })),
    state.unreadable && h("p", { class: "wrong" }, t("unreadable")),
    hook.report_error && h("p", { class: "wrong" }, t("notMailed", { reason: hook.report_error.reason })),
    error && h("p", { class: "wrong" }, h("a", { href: `#/${place}/d/${error.log}` }, t("lastError")), " ", time(error.date), ": ",
      error.status_code !== null && h("b", {}, `${error.status_code} `), h("bdi", {}, error.message)));
}
