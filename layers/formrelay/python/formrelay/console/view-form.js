// The form of a project: how devices get it, its questions, a new version of it, the archive.

import { asset, base, download, patch, remove, whoAmI } from "./api.js";
import { facts, fill, h, table } from "./dom.js";
import { deploy, dropZone } from "./forms.js";
import { moment, number, t } from "./i18n.js";
import { button, copyable, notice, sure } from "./parts.js";
import { qrCode } from "./qr.js";
import { may } from "./rights.js";

export async function showForm(ctx, uid, project) {
  const me = await whoAmI();
  const mayChange = may(project, "change_asset");
  return [
    project.deployment_status === "deployed" && collecting(ctx, project, me),
    h("div", { class: "split" }, about(ctx, uid, project, mayChange), mayChange && replacing(ctx, uid)),
    questions(project),
  ];
}

function collecting(ctx, project, me) {
  const code = h("div");
  settingsCode(me.username).then((node) => fill(code, node)).catch(() => {});
  const name = h("b", {}, h("bdi", {}, project.name || t("untitled")));
  return h("section", { class: "sheet" }, h("h2", {}, t("collect")), h("div", { class: "split" },
    h("ol", { class: "steps" },
      h("li", {}, t("collectInstall")),
      h("li", {}, t("collectAdd"), h("dl", { class: "facts" },
        [[t("serverUrl"), base], [t("username"), me.username]].map(([word, value]) =>
          h("div", {}, h("dt", {}, word), h("dd", {}, copyable(ctx, word, value)))),
        h("div", {}, h("dt", {}, t("password")), h("dd", {}, t("yourPassword"))))),
      h("li", {}, t("collectForm"), " ", name)),
    code),
  h("p", { class: "quiet small" }, t("collectOthers")));
}

// What ODK Collect scans: its settings as JSON, compressed, in base64. The password is for people to type.
async function settingsCode(username) {
  const settings = { general: { protocol: "odk_default", server_url: base, username }, admin: {}, project: { name: "formrelay" } };
  const packed = new Response(new Blob([JSON.stringify(settings)]).stream().pipeThrough(new CompressionStream("deflate")));
  const text = btoa(String.fromCharCode(...new Uint8Array(await packed.arrayBuffer())));
  return h("figure", {}, qrCode(text, t("qrName")), h("p", { class: "quiet small" }, t("qrHint")));
}

function about(ctx, uid, project, mayChange) {
  const { summary, deployment_status: standing } = project;
  const newer = project.has_deployment && project.version_id !== project.deployed_version_id;
  const languages = (summary.languages || []).filter(Boolean);
  return h("section", { class: "sheet" }, h("h2", {}, t("form")),
    newer && notice("", t("newerVersion")),
    facts([
      [t("name"), h("bdi", {}, project.name || t("untitled"))], [t("questions"), number(summary.row_count)],
      [t("languages"), languages.length ? languages.join(", ") : undefined],
      [t("version"), project.has_deployment ? `${number(project.deployed_versions.count)} · ${moment(project.date_deployed)}` : "–"],
      [t("owner"), h("bdi", {}, project.owner__username)],
    ]),
    h("div", { class: "row end" },
      button(ctx, t("downloadForm"), () => download(`${asset(uid)}.xls`, `${project.name || uid}.xlsx`), "", "xls", "download"),
      mayChange && (standing === "draft" || newer) && button(ctx, t("deploy"), async () => { await deploy(uid); ctx.again(); }, "main"),
      mayChange && standing !== "draft" && button(ctx, t(standing === "deployed" ? "archive" : "unarchive"), async () => {
        if (standing === "deployed" && !await sure(t("archive"), t("archiveSure"), t("archive"))) return;
        await patch(`${asset(uid)}/deployment/?redirect=false`, { active: standing !== "deployed" });
        ctx.again();
      }, "plain"),
      may(project, "delete_asset") && button(ctx, t("deleteProject"), async () => {
        if (!await sure(t("deleteProject"), t("deleteProjectSure", { name: project.name, n: number(project.deployment__submission_count) }), t("deleteProject"))) return;
        await remove(`${asset(uid)}/`);
        ctx.go("");
      }, "danger")));
}

const replacing = (ctx, uid) => h("section", { class: "sheet" }, h("h2", {}, t("newVersion")), h("p", { class: "quiet" }, t("newVersionHint")),
  dropZone(ctx, { title: t("dropForm"), hint: t("dropFormHint"), destination: uid, small: true, done: () => { ctx.say(t("formDeployed")); ctx.again(); } }));

function questions(project) {
  const label = (row) => [row.label].flat().find(Boolean) || "";
  const rows = (project.content?.survey || []).filter((row) => !row.type.startsWith("end_"));
  return rows.length > 0 && [h("h2", {}, t("questions")), table(t("questions"), [t("label"), t("name"), t("type")],
    rows.map((row) => [h("bdi", {}, label(row) || "–"), h("code", {}, row.$xpath || row.name || row.$autoname || ""), h("span", { class: "quiet" }, row.type.replaceAll("_", " "))]))];
}
