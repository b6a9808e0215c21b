// The projects of an account, page by page.

import { asset, get, whoAmI } from "./api.js";
import { spark } from "./chart.js";
import { field, fill, h, table } from "./dom.js";
import { number, t } from "./i18n.js";
import { fewAtATime } from "./lanes.js";
import { offersToMe } from "./offers.js";
import { badge, empty, head, link, pager, standing, time } from "./parts.js";

const PAGE = 25;
const DAYS = 30;

export async function showProjects(ctx) {
  const me = await whoAmI();
  let start = Number(ctx.query.get("start")) || 0;
  let query = ctx.query.get("q") || "";
  const list = h("div");
  const search = field("q", t("searchProjects"), h("input", { type: "search", value: query }));
  search.classList.add("grow");
  const form = h("form", { role: "search", class: "row bottom", onsubmit: (event) => {
    event.preventDefault();
    query = search.control.value.trim();
    start = 0;
    load().catch(ctx.fail);
  } }, search, h("button", { type: "submit" }, t("search")));

  async function load() {
    ctx.keep({ q: query, start: start || "" });
    const text = query ? `name__icontains:"${query.replaceAll('"', "")}"` : "";
    const q = text ? `asset_type:survey AND ${text}` : "asset_type:survey";
    const page = await get("/api/v2/assets/", { q, limit: PAGE, start, ordering: "-date_modified" }, { signal: ctx.signal });
    form.hidden = !query && page.count <= 5;
    const waiting = [];
    fill(list, page.results.length
      ? table(t("projects"), [t("name"), t("status"), t("submissions"), t("lastSubmission"), t("lastDays", { days: number(DAYS) }), t("tab_hooks")],
        page.results.map((one) => row(ctx, one, me, waiting)), [2])
      : query ? empty("inbox", t("noneFound"), t("noneFoundHint"))
        : empty("form", t("noProjects"), t("noProjectsHint"), link(t("newProject"), "new", "main", "plus")),
    pager(ctx, start, PAGE, page, async (next) => { start = next; await load(); }));
    fewAtATime(ctx.signal, waiting);
  }

  const [offers] = await Promise.all([offersToMe(ctx, async () => ctx.again()), load()]);
  return [head(t("projects"), link(t("newProject"), "new", "main", "plus")), offers, form, list];
}

function row(ctx, one, me, waiting) {
  const [chart, hooks] = [h("span"), h("span", { class: "quiet" })];
  const options = { signal: ctx.signal };
  if (one.deployment__submission_count)
    waiting.push(async () => fill(chart, spark((await get(`${asset(one.uid)}/counts/`, { days: DAYS }, options)).daily_submission_counts, DAYS)));
  if (one.has_deployment)
    waiting.push(async () => fill(hooks, summary((await get(`${asset(one.uid)}/hooks/`, { limit: 100 }, options)).results)));
  return [
    [h("a", { class: "name", href: `#/p/${one.uid}` }, h("bdi", {}, one.name || t("untitled"))),
      one.owner__username !== me.username && h("span", { class: "under" }, t("owner"), ": ", h("bdi", {}, one.owner__username))],
    standing(one), number(one.deployment__submission_count), time(one.deployment__last_submission_time), chart, hooks,
  ];
}

// How the hooks of a project do, in a word or two: what is wrong, or how many there are.
function summary(hooks) {
  const active = hooks.filter((hook) => hook.active);
  const [paused, failing] = [active.filter((hook) => hook.paused), active.filter((hook) => !hook.paused && hook.health.state === "failing")];
  if (paused.length) return badge("bad", `${t("paused")}: ${number(paused.length)}`);
  if (failing.length) return badge("wait", `${t("failingShort")}: ${number(failing.length)}`);
  return hooks.length ? badge(active.length ? "good" : "none", number(hooks.length)) : "–";
}
