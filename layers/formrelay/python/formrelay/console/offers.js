// Projects that are given away: offered, taken over, declined, or taken back.

import { base, get, patch, post, whoAmI } from "./api.js";
import { field, fill, h, table } from "./dom.js";
import { t, told } from "./i18n.js";
import { badge, button, crumbs, empty, head, link, notice, pager, sure, time } from "./parts.js";
import { userOf } from "./rights.js";

const INVITES = "/api/v2/project-ownership/invites/";
const PAGE = 25;
const COLOURS = { pending: "wait", in_progress: "wait", complete: "good" };
// Both can be accepted: one that broke off goes on.
const waits = (status) => status === "pending" || status === "in_progress";

const named = (offer) => offer.transfers.map((one) => one.asset__name || t("untitled")).join(", ");

async function answer(ctx, url, status) {
  await patch(url, { status });
  ctx.say(told("offer", `${status}_done`));
}

const cancelling = (ctx, url, after) => button(ctx, t("cancelOffer"), async () => { await answer(ctx, url, "cancelled"); await after(); }, "", url);

function answering(ctx, offer, after) {
  const accept = button(ctx, t("accept"), async () => {
    if (!await sure(t("accept"), t("acceptSure", { name: named(offer) }), t("accept"), "main")) return;
    await answer(ctx, offer.url, "accepted");
    await after();
  }, "main", offer.url);
  const decline = offer.status === "pending" && button(ctx, t("decline"), async () => { await answer(ctx, offer.url, "declined"); await after(); }, "", offer.url);
  return h("div", { class: "row" }, accept, decline);
}

// What is offered to the reader and waits for an answer, to stand above their projects.
export async function offersToMe(ctx, after) {
  const { results } = await get(INVITES, { mode: "recipient", limit: 100 }, { signal: ctx.signal });
  return results.filter((offer) => waits(offer.status)).map((offer) => notice("",
    h("p", {}, t("offeredToYou", { user: userOf(offer.sender), name: named(offer) })), answering(ctx, offer, after)));
}

// All offers that the reader made or got.
export async function showOffers(ctx) {
  const me = await whoAmI();
  const list = h("div");
  let start = Number(ctx.query.get("start")) || 0;
  async function load() {
    ctx.keep({ start: start || "" });
    const page = await get(INVITES, { limit: PAGE, start }, { signal: ctx.signal });
    fill(list, page.results.length ? table(t("offers"), [t("projects"), t("from"), t("to"), t("status"), t("when"), ""], page.results.map((offer) => row(ctx, me, offer, load)))
      : empty("inbox", t("noOffers"), t("noOffersHint"), link(t("projects"), "")),
    pager(ctx, start, PAGE, page, async (next) => { start = next; await load(); }));
  }
  await load();
  return [crumbs([t("offers")]), head(t("offers")), list];
}

function row(ctx, me, offer, load) {
  const mine = userOf(offer.sender) === me.username;
  return [
    h("b", {}, h("bdi", {}, named(offer))), h("bdi", {}, userOf(offer.sender)), h("bdi", {}, userOf(offer.recipient)), standing(offer.status), time(offer.date_modified),
    mine ? offer.status === "pending" && cancelling(ctx, offer.url, load) : waits(offer.status) && answering(ctx, offer, load),
  ];
}

const standing = (status) => badge(COLOURS[status] || "none", told("offer", status));

// Giving one project away, as its owner.
export function offering(ctx, uid, project) {
  const last = project.project_ownership;
  const title = h("h2", {}, t("giveAway"));
  if (last && waits(last.status))
    return h("section", { class: "sheet" }, title, h("p", {}, t("offeredTo", { user: userOf(last.recipient) }), " ", standing(last.status)),
      h("p", { class: "quiet" }, t("offerWaits")), last.status === "pending" && cancelling(ctx, last.invite, async () => ctx.again()));
  const name = field("recipient", t("recipient"), h("input", { autocapitalize: "none", spellcheck: "false", autocomplete: "off" }), t("recipientHint"));
  return h("section", { class: "sheet" }, title, h("p", { class: "quiet" }, t("giveAwayHint")),
    last && h("p", {}, t("offeredTo", { user: userOf(last.recipient) }), " ", standing(last.status)), name,
    button(ctx, t("offer"), async () => {
      const user = name.control.value.trim();
      name.fail(user ? "" : t("noSuchUser"));
      if (!user || !await sure(t("giveAway"), t("offerSure", { name: project.name || t("untitled"), user }), t("offer"), "main")) return;
      await post(INVITES, { recipient: `${base}/api/v2/users/${encodeURIComponent(user)}/`, assets: [uid] }).then(() => {
        ctx.say(t("offer_made"));
        ctx.again();
      }, (error) => {
        if (!error.data?.recipient) throw error;
        name.fail(t("noSuchUser"));
      });
    }));
}
