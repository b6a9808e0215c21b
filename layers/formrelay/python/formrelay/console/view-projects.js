// The projects of an account, page by page.

import { asset, get } from "./api.js";
import { spark } from "./chart.js";
import { field, fill, h, table } from "./dom.js";
import { ago, number, t } from "./i18n.js";
import { badge } from "./parts.js";

const PAGE = 25;
const DAYS = 30;

export async function show(ctx) {
  let start = 0;
  let query = "";
  const list = h("div", { "aria-live": "polite" });
  const search = field("q", t("search"), h("input", { type: "search" }));
  const form = h("form", { role: "search", class: "row", onsubmit: (event) => {
    event.preventDefault();
    query = search.control.value.trim();
    start = 0;
    load();
  } }, search, h("button", { type: "submit" }, t("search")));

  async function load() {
    const text = query ? `name__icontains:"${query.replaceAll('"', "")}"` : "";
    const q = text ? `asset_type:survey AND ${text}` : "asset_type:survey";
    const page = await get("/api/v2/assets/", { q, limit: PAGE, start, ordering: "-date_modified" }, { signal: ctx.signal });
    const rows = page.results.map((one) => row(ctx, one));
    fill(list,
      rows.length ? table(t("projects"), [t("name"), t("status"), t("submissions"), t("lastSubmission"), t("lastDays", { days: DAYS })], rows, [2])
        : h("p", { class: "quiet" }, t("noProjects")),
      h("div", { class: "row" },
        page.previous && h("button", { type: "button", onclick: () => { start = Math.max(0, start - PAGE); load(); } }, t("previous")),
        page.next && h("button", { type: "button", onclick: () => { start += PAGE; load(); } }, t("next"))));
  }

  await load();
  return [h("h1", {}, t("projects")), form, list];
}

function row(ctx, one) {
  const chart = h("span");
  if (one.has_deployment)
    get(`${asset(one.uid)}/counts/`, { days: DAYS }, { signal: ctx.signal })
      .then((found) => fill(chart, spark(found.daily_submission_counts, DAYS))).catch(() => {});
  return [
    h("bdi", {}, h("a", { href: `#/p/${one.uid}` }, one.name || t("untitled"))),
    badge(one),
    number(one.deployment__submission_count),
    h("span", { title: one.deployment__last_submission_time }, ago(one.deployment__last_submission_time)),
    chart,
  ];
}
