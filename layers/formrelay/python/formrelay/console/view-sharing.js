// Who may do what with a project: people, everybody, and giving it away.

import { asset, base, get, post, remove, whoAmI } from "./api.js";
import { conditionText } from "./conditions.js";
import { check, fill, h, table } from "./dom.js";
import { listed, t, told } from "./i18n.js";
import { icon } from "./icons.js";
import { offering } from "./offers.js";
import { button, copyable, sure } from "./parts.js";
import { ANYBODY, holders, may, ON_ROWS, ownQueries, RIGHTS } from "./rights.js";
import { rightsForm } from "./rightsform.js";
import { rowsOf } from "./survey.js";

export async function showSharing(ctx, uid, project) {
  const me = await whoAmI();
  const path = `${asset(uid)}/permission-assignments/`;
  const rows = rowsOf(project.content);
  const mayManage = may(project, "manage_asset");
  const owns = project.owner__username === me.username;
  const [list, anybody, form] = [h("div"), h("div"), h("section", { class: "sheet" })];
  const place = { uid, path, rows, project, me, mayManage, form, load };

  async function load() {
    const held = holders(await get(path, {}, { signal: ctx.signal }));
    fill(list, people(ctx, place, held));
    fill(anybody, everybody(ctx, place, held.get(ANYBODY)?.names || new Map()));
  }

  await load();
  if (mayManage) newShare(ctx, place);
  return [list, h("div", { class: "split" }, mayManage && form,
    h("div", {}, h("section", { class: "sheet" }, anybody), owns && offering(ctx, uid, project)))];
}

function newShare(ctx, place) {
  fill(place.form, rightsForm(ctx, place, undefined, async () => { await place.load(); newShare(ctx, place); }));
}

function changeShare(ctx, place, username, held) {
  const back = async () => { await place.load(); newShare(ctx, place); };
  fill(place.form, rightsForm(ctx, place, { username, held }, back));
  place.form.scrollIntoView({ block: "nearest" });
  place.form.querySelector("input:not([disabled])").focus({ preventScroll: true });
}

function people(ctx, place, held) {
  const { project, me } = place;
  const owner = project.owner__username;
  const others = [...held].filter(([name]) => name !== owner && name !== ANYBODY);
  const rows = [[person(owner, me), t("ownerMay"), ""],
    ...others.map(([name, one]) => [person(name, me), rightsText(one, place.rows), doing(ctx, place, name, one)])];
  return [table(t("tab_sharing"), [t("who"), t("may"), ""], rows),
    place.mayManage ? !others.length && h("p", { class: "quiet" }, t("notShared")) : h("p", { class: "quiet" }, t("othersHidden"))];
}

const person = (name, me) => [h("b", {}, h("bdi", {}, name)), name === me.username && h("span", { class: "quiet" }, ` (${t("you")})`)];

// What somebody may do, in words; rights on some submissions each with which ones.
function rightsText({ names, queries }, rows) {
  const whole = names.has("manage_asset") ? [t("manageMay")]
    : RIGHTS.filter((name) => names.has(name)).map((name) => told("give", name));
  const own = ownQueries(queries);
  const some = ON_ROWS.filter((name) => own[name]?.length).map((name) => h("li", {}, `${told("give", name)} – ${t("ifIs")} `,
    own[name].map((query, index) => [index > 0 && h("i", {}, ` ${t("or")} `), conditionText(query, rows)])));
  return h("div", { class: "long" }, listed(whole), some.length > 0 && h("ul", { class: "rules" }, some));
}

function doing(ctx, place, name, held) {
  const own = name === place.me.username;
  if (!place.mayManage && !own) return "";
  return h("div", { class: "row tight" },
    place.mayManage && button(ctx, t("edit"), async () => changeShare(ctx, place, name, held), "", name),
    button(ctx, t(own ? "leaveProject" : "takeRights"), async () => {
      if (!await sure(t(own ? "leaveProject" : "takeRights"), t(own ? "leaveSure" : "takeSure", { name }), t(own ? "leaveProject" : "takeRights"))) return;
      await remove(`${place.path}bulk/`, { username: name });
      if (own) ctx.go("");
      else { await place.load(); newShare(ctx, place); }
    }, "plain", name));
}

// What needs no account; each switch is one right of everybody.
const OPEN = [
  ["view_asset", "anybodyForm", "anybodyFormHint", "anybodyFormSure"],
  ["view_submissions", "anybodyData", "anybodyDataHint", "anybodyDataSure"],
  ["add_submissions", "anybodySubmits", "anybodySubmitsHint", "anybodySubmitsSure"],
];

function everybody(ctx, place, names) {
  const switches = OPEN.map(([name, word, hint, warning]) => {
    const box = check(name, t(word), names.has(name), t(hint));
    box.control.disabled = !place.mayManage;
    box.control.addEventListener("change", async () => {
      box.control.disabled = true;
      try {
        await (box.control.checked ? open(ctx, place, name, t(word), t(warning)) : remove(names.get(name)));
      } catch (error) {
        ctx.fail(error);
      }
      await place.load().catch(ctx.fail);
    });
    return box;
  });
  return [h("h2", {}, icon("globe"), " ", t("anybody")), switches,
    names.has("add_submissions") && [h("p", { class: "quiet small" }, t("anybodyAddress")),
      copyable(ctx, t("serverUrl"), `${base}/${encodeURIComponent(place.project.owner__username)}`)]];
}

async function open(ctx, place, name, title, warning) {
  if (!await sure(title, warning, t("allow"), "main")) return;
  await post(place.path, { user: `${base}/api/v2/users/${ANYBODY}/`, permission: `${base}/api/v2/permissions/${name}/` });
  ctx.say(t("saved"));
}
