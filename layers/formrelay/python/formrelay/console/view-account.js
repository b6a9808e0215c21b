// The account: who it is, and its API key.

import { get, key, remove } from "./api.js";
import { facts, fill, h } from "./dom.js";
import { moment, t } from "./i18n.js";
import { button, copy } from "./parts.js";

export async function show(ctx) {
  const me = await get("/me/", {}, { signal: ctx.signal });
  const shown = h("code", {}, "•".repeat(40));
  return [h("h1", {}, t("account")),
    h("section", { class: "sheet" }, facts([
      [t("username"), me.username], [t("email"), h("bdi", {}, me.email || "–")], [t("since"), moment(me.date_joined)],
    ])),
    h("section", { class: "sheet" }, h("h2", {}, t("apiKey")), h("p", {}, t("apiKeyUse")), h("p", {}, shown),
      h("div", { class: "row" },
        button(ctx, t("showKey"), async () => { fill(shown, key.get()); }),
        button(ctx, t("copy"), () => copy(ctx, key.get())),
        button(ctx, t("regenerate"), async () => {
          if (!confirm(t("regenerateSure"))) return;
          await remove("/token/");
          // The old key is dead from here on; only name and password get the next one.
          key.drop();
          ctx.go("");
          ctx.again();
          ctx.say(t("regenerated"));
        }, "danger")))];
}
