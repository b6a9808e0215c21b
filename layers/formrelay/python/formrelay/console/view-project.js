// One project: its hooks, exports and links for spreadsheets, and what happened to it.

import { asset, get, key, post, remove } from "./api.js";
import { field, fill, h, select, table } from "./dom.js";
import { ago, moment, number, t } from "./i18n.js";
import { badge, button, copy, counts, crumbs, health, tabs } from "./parts.js";

const TABS = ["hooks", "exports", "activity"];
const PAGE = 50;

export async function show(ctx, uid, tab = "hooks") {
  const project = await get(`${asset(uid)}/`, {}, { signal: ctx.signal });
  const name = project.name || t("untitled");
  const content = await { hooks, exports: exporting, activity }[tab](ctx, uid, project).catch(refused);
  return [crumbs([name]), h("div", { class: "row" }, h("h1", {}, h("bdi", {}, name)), badge(project)),
    tabs(`p/${uid}`, TABS, tab),
    project.deployment_status !== "deployed" && h("p", { class: "notice" }, t(`${project.deployment_status}Hint`)), content];
}

// A project that one may see has tabs that one may not.
function refused(error) {
  if (error.status !== 403 && error.status !== 404) throw error;
  return h("p", { class: "notice" }, t("noRight"));
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
  // Links are part of the project: who may not change it uses those that are there.
  const mayChange = project.effective_permissions?.some((one) => one.codename === "manage_asset");
  const languages = (project.summary?.languages || []).filter(Boolean);
  const labels = () => field("lang", t("labels"), select("lang", LABELS.map(([code, word]) => [code, t(word)])
    .concat(languages.map((one) => [one, one])), "_default"));
  const type = field("type", t("format"), select("type", [["xls", "XLSX"], ["csv", "CSV"], ["geojson", "GeoJSON"]], "xls"));
  const [lang, linkLang] = [labels(), labels()];
  const path = `${asset(uid)}/export-settings/`;
  const tasks = h("div", { "aria-live": "polite" });
  const links = h("div");

  async function load() {
    const found = await get(`${asset(uid)}/exports/`, { ordering: "-date_created" }, { signal: ctx.signal });
    fill(tasks, found.results.length ? table(t("exports"), [t("format"), t("labels"), t("when"), t("status"), ""],
      found.results.map((task) => [
        task.data.type === "xls" ? "XLSX" : task.data.type.toUpperCase(), labelsOf(task.data.lang), ago(task.date_created),
        task.status === "error" ? task.messages.error || t("error") : t(`export_${task.status}`),
        h("div", { class: "row" },
          task.result && button(ctx, t("download"), () => download(task.result), "", task.uid),
          button(ctx, t("delete"), async () => { await remove(`${asset(uid)}/exports/${task.uid}/`); await load(); }, "", task.uid)),
      ])) : h("p", { class: "quiet" }, t("noExports")));
  }

  async function saved() {
    const found = await get(path, { limit: 100 }, { signal: ctx.signal });
    fill(links, found.results.length ? table(t("links"), [t("name"), t("labels"), t("copyLink")], found.results.map((one) => [
      h("bdi", {}, one.name || t("untitled")), labelsOf(one.export_settings.lang),
      h("div", { class: "row" },
        button(ctx, "XLSX", () => copy(ctx, one.data_url_xlsx)), button(ctx, "CSV", () => copy(ctx, one.data_url_csv)),
        mayChange && button(ctx, t("delete"), async () => { await remove(`${path}${one.uid}/`); await saved(); })),
    ])) : h("p", { class: "quiet" }, t("noLinks")));
  }

  const name = field("name", t("linkName"), h("input", { maxlength: 255, placeholder: project.name }));
  await Promise.all([load(), saved()]);
  ctx.every(3, load);
  return h("div", { class: "split" },
    h("section", { class: "sheet" }, h("h2", {}, t("exports")), type, lang,
      button(ctx, t("export"), async () => { 
        await post(`${asset(uid)}/exports/`, { ...settings, type: type.control.value, lang: lang.control.value });
        await load();
      }, "main"), tasks),
    h("section", { class: "sheet" }, h("h2", {}, t("links")), h("p", {}, t("linksHint")),
      mayChange && [name, linkLang, button(ctx, t("makeLink"), async () => {
        const link = { name: name.control.value.trim() || project.name, export_settings: { ...settings, type: "csv", lang: linkLang.control.value } };
        await post(path, link);
        name.control.value = "";
        await saved();
      })], links));
}

const LABELS = [["_default", "labelsDefault"], ["_xml", "labelsNames"]];
const labelsOf = (lang) => { const found = LABELS.find(([code]) => code === lang); return found ? t(found[1]) : h("bdi", {}, lang); };

// A file that only its owner may have: fetched with the key, handed to the browser as a file. A large one lies elsewhere,
// where this page may not read; the browser goes there itself.
async function download(url) {
  const answer = await fetch(`${url}?redirect=false`, { headers: { Authorization: `Token ${key.get()}` }, credentials: "omit" });
  if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
  if (answer.headers.get("Content-Type").startsWith("application/json")) {
    h("a", { href: (await answer.json()).url }).click();
    return;
  }
  const link = h("a", { href: URL.createObjectURL(await answer.blob()), download: decodeURIComponent(url.split("/").pop()) });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

async function activity(ctx, uid) {
  let start = 0;
  const list = h("div");
  async function load() {
    const page = await get(`${asset(uid)}/history/`, { limit: PAGE, start }, { signal: ctx.signal });
    fill(list, page.results.length ? entries(page) : h("p", { class: "quiet" }, t("noActivity")),
      h("div", { class: "row" },
        page.previous && button(ctx, t("previous"), () => { start = Math.max(0, start - PAGE); return load(); }, "", "page"),
        page.next && button(ctx, t("next"), () => { start += PAGE; return load(); }, "", "page")));
  }
  await load();
  return list;
}

const entries = (page) => [h("p", { class: "quiet" }, t("entries", { n: number(page.count) })),
  table(t("tab_activity"), [t("when"), t("who"), t("what"), t("details")], page.results.map((entry) => [
    moment(entry.date_created), h("bdi", {}, entry.username), h("code", {}, entry.action), h("bdi", { class: "long" }, details(entry.metadata)),
  ]))];

const COMMON = new Set(["asset_uid", "log_subtype", "ip_address", "source", "project_owner", "latest_version_uid", "latest_deployed_version_uid"]);
const details = (metadata) => leaves(Object.entries(metadata).filter(([name]) => !COMMON.has(name))).join(", ").slice(0, 300);

// {hook: {uid: "h…", active: true}} as "uid: h…", "active: true".
const leaves = (pairs) => pairs.flatMap(([name, value]) => {
  if (Array.isArray(value)) return value.length ? [`${name}: ${value.map((one) => (typeof one === "object" ? JSON.stringify(one) : one)).join(" ")}`] : [];
  return value && typeof value === "object" ? leaves(Object.entries(value)) : [`${name}: ${value}`];
});
