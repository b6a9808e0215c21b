// What happened to a project, in words.

import { asset, get } from "./api.js";
import { field, fill, h, select, table } from "./dom.js";
import { moment, t, told } from "./i18n.js";
import { empty, pager, time } from "./parts.js";

const PAGE = 50;
// Characters of details that are shown.
const MOST = 300;

export async function showActivity(ctx, uid) {
  let start = Number(ctx.query.get("start")) || 0;
  let action = ctx.query.get("action") || "";
  const path = `${asset(uid)}/history/`;
  const list = h("div");
  const { actions } = await get(`${path}actions/`, {}, { signal: ctx.signal });
  const sorted = actions.map((one) => [one, told("action", one)]).sort((a, b) => a[1].localeCompare(b[1]));
  const chosen = field("action", t("what"), select("action", [["", t("all")], ...sorted], action, (event) => {
    action = event.target.value;
    start = 0;
    load().catch(ctx.fail);
  }));

  async function load() {
    ctx.keep({ start: start || "", action });
    const page = await get(path, { limit: PAGE, start, q: action && `action:${action}` }, { signal: ctx.signal });
    fill(list, page.results.length
      ? table(t("tab_activity"), [t("what"), t("who"), t("when"), t("details"), t("program")], page.results.map(entry))
      : empty("clock", t("noActivity"), t("noActivityHint")),
    pager(ctx, start, PAGE, page, async (next) => { start = next; await load(); }));
  }

  await load();
  return [actions.length > 1 && h("div", { class: "row bottom" }, chosen), list];
}

const entry = ({ action, username, date_created: date, metadata }) => [
  h("b", {}, told("action", action)), h("bdi", {}, username), h("span", { title: moment(date) }, time(date)),
  h("span", { class: "long" }, details(metadata)), h("span", { class: "quiet" }, h("bdi", {}, metadata.source)),
];

const right = (one) => told("right", one.code || one);

// The few facts that say what an entry is about; ids of versions and the like are for programs.
function details(metadata) {
  const { hook, name, settings, permissions, submission, username, cloned_from: source, "asset-file": file } = metadata;
  if (hook) return [h("bdi", {}, hook.endpoint), !hook.active && ` (${t("inactive")})`];
  if (file) return h("bdi", {}, file.filename);
  if (name) return [h("bdi", {}, name.old || "–"), " → ", h("bdi", {}, name.new || "–")];
  if (submission) return [h("bdi", {}, submission.submitted_by), submission.status !== undefined && [": ", h("bdi", {}, submission.status ?? "–")], " ", h("code", {}, submission.root_uuid)];
  if (permissions) return [h("bdi", {}, permissions.username), ": ",
    [...permissions.added.map((one) => `+ ${right(one)}`), ...permissions.removed.map((one) => `− ${right(one)}`)].join(", ")];
  if (settings) return Object.keys(settings).join(", ").slice(0, MOST);
  return h("bdi", {}, username || source || "");
}
