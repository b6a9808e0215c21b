// One project: its hooks, exports and links for spreadsheets, and what happened to it.

import { asset, get, post, remove } from "./api.js";
import { field, fill, h, select, table } from "./dom.js";
import { ago, moment, number, t } from "./i18n.js";
import { button, copy, counts, crumbs, health, tabs } from "./parts.js";

const TABS = ["hooks", "exports", "activity"];

export async function show(ctx, uid, tab = "hooks") {
  const project = await get(`${asset(uid)}/`, {}, { signal: ctx.signal });
  const name = project.name || t("untitled");
  const content = await { hooks, exports: exporting, activity }[tab](ctx, uid, project);
  return [crumbs([name]), h("h1", { dir: "auto" }, name), tabs(`p/${uid}`, TABS, tab), content];
}

async function hooks(ctx, uid) {
  const list = h("div");
  async function load() {
    const page = await get(`${asset(uid)}/hooks/`, { limit: 100 }, { signal: ctx.signal });
    fill(list, page.results.length ? page.results.map((hook) => card(uid, hook)) : h("p", { class: "quiet" }, t("noHooks")));
  }
  await load();
  ctx.every(5, load);
  return [h("p", {}, h("a", { class: "button", href: `#/p/${uid}/hooks/new` }, t("newHook"))), list];
}

const card = (uid, hook) => h("section", { class: "sheet" },
  h("div", { class: "row spread" },
    h("h2", { dir: "auto" }, h("a", { href: `#/p/${uid}/h/${hook.uid}` }, hook.name)), health(hook)),
  h("p", { class: "quiet small" }, h("bdi", {}, hook.endpoint)), counts(hook),
  hook.health.failing_since && h("p", { class: "notice" }, t("failingSince", { time: moment(hook.health.failing_since) })),
  hook.report_error && h("p", { class: "notice bad" }, t("notMailed", { reason: hook.report_error.reason })));

async function exporting(ctx, uid, project) {
  const settings = { fields_from_all_versions: true, group_sep: "/", hierarchy_in_labels: false, multiple_select: "both" };
  const languages = (project.summary?.languages || []).filter(Boolean);
  const type = field("type", t("format"), select("type", [["xls", "XLSX"], ["csv", "CSV"], ["geojson", "GeoJSON"]], "xls"));
  const lang = field("lang", t("labels"), select("lang",
    [["_default", t("labelsDefault")], ["_xml", t("labelsNames")], ...languages.map((one) => [one, one])], "_default"));
  const chosen = () => ({ ...settings, type: type.control.value, lang: lang.control.value });
  const tasks = h("div", { "aria-live": "polite" });
  const links = h("div");

  async function load() {
    const found = await get(`${asset(uid)}/exports/`, { ordering: "-date_created" }, { signal: ctx.signal });
    fill(tasks, found.results.length ? table(t("exports"), [t("format"), t("labels"), t("when"), t("status"), ""],
      found.results.map((task) => [
        task.data.type === "xls" ? "XLSX" : task.data.type.toUpperCase(), task.data.lang, ago(task.date_created),
        task.status === "error" ? task.messages.error || t("error") : t(`export_${task.status}`),
        h("div", { class: "row" },
          task.result && button(ctx, t("download"), () => download(task.result)),
          button(ctx, t("delete"), async () => { await remove(new URL(task.url).pathname.replace(prefix(), "")); await load(); })),
      ])) : h("p", { class: "quiet" }, t("noExports")));
  }

  async function saved() {
    const found = await get(`${asset(uid)}/export-settings/`, {}, { signal: ctx.signal });
    fill(links, found.results.length ? table(t("links"), [t("name"), "CSV", "XLSX"], found.results.map((one) => [
      h("bdi", {}, one.name), button(ctx, t("copyLink"), () => copy(ctx, one.data_url_csv)),
      button(ctx, t("copyLink"), () => copy(ctx, one.data_url_xlsx)),
    ])) : h("p", { class: "quiet" }, t("noLinks")));
  }

  const name = field("name", t("linkName"), h("input", { maxlength: 255 }));
  await Promise.all([load(), saved()]);
  ctx.every(3, load);
  return h("div", { class: "split" },
    h("section", { class: "sheet" }, h("h2", {}, t("exports")), type, lang,
      button(ctx, t("export"), async () => { await post(`${asset(uid)}/exports/`, chosen()); await load(); }, "main"), tasks),
    h("section", { class: "sheet" }, h("h2", {}, t("links")), h("p", {}, t("linksHint")), name,
      button(ctx, t("makeLink"), async () => {
        await post(`${asset(uid)}/export-settings/`, { name: name.control.value, export_settings: chosen() });
        name.control.value = "";
        await saved();
      }), links));
}

const prefix = () => new URL(document.baseURI).pathname.replace(/\/$/, "");

// A file that only its owner may have: fetched with the key, handed to the browser as a file.
async function download(url) {
  const { key } = await import("./api.js");
  const answer = await fetch(url, { headers: { Authorization: `Token ${key.get()}` }, credentials: "omit" });
  if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
  const link = h("a", { href: URL.createObjectURL(await answer.blob()), download: decodeURIComponent(url.split("/").pop()) });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

async function activity(ctx, uid) {
  const page = await get(`${asset(uid)}/history/`, { limit: 50 }, { signal: ctx.signal });
  if (!page.results.length) return h("p", { class: "quiet" }, t("noActivity"));
  return [h("p", { class: "quiet" }, t("entries", { n: number(page.count) })),
    table(t("tab_activity"), [t("when"), t("who"), t("what"), t("details")], page.results.map((entry) => [
      moment(entry.date_created), h("bdi", {}, entry.username), h("code", {}, entry.action), h("bdi", {}, details(entry.metadata)),
    ]))];
}

const COMMON = new Set(["asset_uid", "log_subtype", "ip_address", "source", "project_owner", "latest_version_uid", "latest_deployed_version_uid"]);
const details = (metadata) => Object.entries(metadata).filter(([name]) => !COMMON.has(name))
  .map(([name, value]) => `${name}: ${typeof value === "object" ? JSON.stringify(value) : value}`).join(", ").slice(0, 300);
