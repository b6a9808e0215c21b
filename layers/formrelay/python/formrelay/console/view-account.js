// The account: who it is, its API key, and in which language it is mailed.

import { get, key, patch, remove } from "./api.js";
import { facts, field, fill, h, select, table } from "./dom.js";
import { LANGUAGES, moment, number, t, told } from "./i18n.js";
import { button, copy, head, sure, time } from "./parts.js";

const SIGN_INS = 10;

export async function showAccount(ctx) {
  const [me, access] = await Promise.all([
    get("/me/", {}, { signal: ctx.signal }), get("/api/v2/access-logs/me/", { limit: SIGN_INS }, { signal: ctx.signal })]);
  const mails = field("language", t("mailLanguage"), select("language", Object.entries(LANGUAGES), me.extra_details.language || "en", async (event) => {
    await patch("/me/", { extra_details: { language: event.target.value } }).then(() => ctx.say(t("saved")), ctx.fail);
  }));
  return [head(t("account")),
    h("div", { class: "split" },
      h("section", { class: "sheet" }, h("h2", {}, t("aboutYou")), facts([
        [t("username"), h("bdi", {}, me.username)], [t("email"), h("bdi", {}, me.email || "–")], [t("since"), moment(me.date_joined)],
      ]), mails),
      h("div", {}, apiKey(ctx), password(ctx))),
    h("h2", {}, t("signIns")), access.results.length > 0 && table(t("signIns"), [t("when"), t("how"), t("program"), t("address"), t("times")],
      access.results.map((one) => [
        time(one.date_created), told("auth", one.metadata.auth_type), h("bdi", {}, one.metadata.source), h("bdi", {}, one.metadata.ip_address), number(one.count ?? 1),
      ]), [4])];
}

// A new password leaves the key as it is: programs that have it go on.
function password(ctx) {
  const secret = (name, word, complete, hint) => field(name, t(word), h("input", { type: "password", autocomplete: complete }), hint);
  const boxes = { current_password: secret("current_password", "currentPassword", "current-password"), new_password: secret("new_password", "newPassword", "new-password", t("passwordHint")) };
  const change = async () => {
    for (const box of Object.values(boxes)) box.fail("");
    await patch("/me/", { current_password: boxes.current_password.control.value, new_password: boxes.new_password.control.value }).then(() => {
      for (const box of Object.values(boxes)) box.control.value = "";
      ctx.say(t("passwordChanged"));
    }, (error) => {
      const named = Object.keys(boxes).filter((name) => error.data?.[name]);
      if (!named.length) throw error;
      for (const name of named) boxes[name].fail([error.data[name]].flat().join(" "));
    });
  };
  return h("section", { class: "sheet" }, h("h2", {}, t("changePassword")), boxes.current_password, boxes.new_password,
    button(ctx, t("changePassword"), change));
}

function apiKey(ctx) {
  const hidden = "•".repeat(40);
  const shown = h("code", {}, hidden);
  const show = button(ctx, t("showKey"), async () => {
    const open = shown.textContent === hidden;
    fill(shown, open ? key.get() : hidden);
    show.textContent = open ? t("hideKey") : t("showKey");
  });
  return h("section", { class: "sheet" }, h("h2", {}, t("apiKey")), h("p", { class: "quiet" }, t("apiKeyUse")),
    h("p", { class: "copyable" }, shown),
    h("div", { class: "row" }, button(ctx, t("copy"), () => copy(ctx, key.get()), "", "key", "copy"), show,
      button(ctx, t("regenerate"), async () => {
        if (!await sure(t("regenerate"), t("regenerateSure"), t("regenerate"))) return;
        await remove("/token/");
        // The old key is dead from here on; only name and password get the next one.
        key.drop();
        ctx.go("");
        ctx.again();
        ctx.say(t("regenerated"));
      }, "danger")));
}
