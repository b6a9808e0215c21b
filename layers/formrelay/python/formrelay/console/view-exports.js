// Files of a project's data, and links that programs read the data by.

import { asset, download, get, post, remove } from "./api.js";
import { field, fill, h, select, table } from "./dom.js";
import { t, told } from "./i18n.js";
import { badge, button, copy, live, sure, time } from "./parts.js";
import { may } from "./rights.js";

const SETTINGS = { fields_from_all_versions: true, group_sep: "/", hierarchy_in_labels: false, multiple_select: "both" };
const FORMATS = [["xls", "Excel (XLSX)"], ["csv", "CSV"], ["geojson", "GeoJSON"]];
const LABELS = [["_default", "labelsDefault"], ["_xml", "labelsNames"]];

export async function showExports(ctx, uid, project) {
  const [tasks, links] = await Promise.all([exportTasks(ctx, uid, project), savedLinks(ctx, uid, project)]);
  return h("div", { class: "split" }, tasks, links);
}

const labels = (project) => field("lang", t("labels"), select("lang", LABELS.map(([code, word]) => [code, t(word)])
  .concat((project.summary?.languages || []).filter(Boolean).map((one) => [one, one])), "_default"));

function labelsOf(lang) {
  const found = LABELS.find(([code]) => code === lang);
  return found ? t(found[1]) : h("bdi", {}, lang);
}

const COLOURS = { complete: "good", error: "bad" };

async function exportTasks(ctx, uid, project) {
  const path = `${asset(uid)}/exports/`;
  const type = field("type", t("format"), select("type", FORMATS, "xls"));
  const lang = labels(project);
  const tasks = await live(ctx, 3, async () => {
    const found = await get(path, { ordering: "-date_created" }, { signal: ctx.signal });
    return found.results.length ? table(t("exports"), [t("format"), t("labels"), t("when"), t("status"), ""], found.results.map((task) => [
      h("b", {}, task.data.type === "xls" ? "XLSX" : task.data.type.toUpperCase()), labelsOf(task.data.lang), time(task.date_created),
      [badge(COLOURS[task.status] || "wait", told("export", task.status)), task.status === "error" && h("span", { class: "under" }, task.messages.error)],
      h("div", { class: "row" },
        task.result && button(ctx, t("download"), () => download(task.result), "", task.uid, "download"),
        button(ctx, t("delete"), async () => { await remove(`${path}${task.uid}/`); await tasks.refresh(); }, "plain", task.uid)),
    ])) : h("p", { class: "quiet" }, t("noExports"));
  });
  return h("section", { class: "sheet" }, h("h2", {}, t("exports")), h("p", { class: "quiet" }, t("exportsHint")), type, lang,
    button(ctx, t("export"), async () => {
      await post(path, { ...SETTINGS, type: type.control.value, lang: lang.control.value });
      await tasks.refresh();
    }, "main"), tasks);
}

async function savedLinks(ctx, uid, project) {
  const path = `${asset(uid)}/export-settings/`;
  // Links are part of the project: who may not change it uses those that are there.
  const mayChange = may(project, "manage_asset");
  const name = field("name", t("linkName"), h("input", { maxlength: 255, placeholder: project.name }));
  const lang = labels(project);
  const list = h("div");

  async function load() {
    const found = await get(path, { limit: 100 }, { signal: ctx.signal });
    fill(list, found.results.length ? table(t("links"), [t("name"), t("labels"), t("copyLink"), ""], found.results.map((one) => [
      h("b", {}, h("bdi", {}, one.name || t("untitled"))), labelsOf(one.export_settings.lang),
      h("div", { class: "row" }, [["XLSX", one.data_url_xlsx], ["CSV", one.data_url_csv]]
        .map(([word, url]) => button(ctx, word, () => copy(ctx, url), "", one.uid, "copy"))),
      mayChange && button(ctx, t("delete"), async () => {
        if (!await sure(t("delete"), t("deleteLinkSure", { name: one.name || t("untitled") }), t("delete"))) return;
        await remove(`${path}${one.uid}/`);
        await load();
      }, "plain", one.uid),
    ])) : h("p", { class: "quiet" }, t("noLinks")));
  }

  await load();
  return h("section", { class: "sheet" }, h("h2", {}, t("links")), h("p", { class: "quiet" }, t("linksHint")),
    mayChange && [name, lang, button(ctx, t("makeLink"), async () => {
      const settings = { ...SETTINGS, type: "csv", lang: lang.control.value };
      await post(path, { name: name.control.value.trim() || project.name, export_settings: settings });
      name.control.value = "";
      await load();
    })], list,
    h("details", { class: "more" }, h("summary", {}, t("howToUseLinks")), h("ul", {},
      h("li", {}, h("b", {}, "Excel"), ": ", t("linkExcel")), h("li", {}, h("b", {}, "Power BI"), ": ", t("linkPowerBi")))));
}
