// Signing in: with the API key, or with name and password, which are only used to ask for it.

import { get, key, keyOf } from "./api.js";
import { field, h } from "./dom.js";
import { t } from "./i18n.js";

export function show(ctx, notice) {
  const name = field("username", t("username"), h("input", { autocomplete: "username", autocapitalize: "none" }));
  const password = field("password", t("password"), h("input", { type: "password", autocomplete: "current-password" }));
  const token = field("key", t("apiKey"), h("input", { autocomplete: "off", spellcheck: "false" }), t("apiKeyHint"));
  const error = h("p", { class: "notice bad", role: "alert", hidden: true });

  async function enter(event) {
    event.preventDefault();
    error.hidden = true;
    try {
      const given = token.control.value.trim();
      const found = given || (await keyOf(name.control.value.trim(), password.control.value));
      await get("/me/", {}, { authorization: `Token ${found}` });
      key.set(found);
      ctx.again();
    } catch (failure) {
      error.textContent = failure.status === 401 ? t("wrongCredentials") : failure.message;
      error.hidden = false;
    }
  }

  return h("div", { class: "sheet" }, h("h1", {}, t("signIn")), notice && h("p", { class: "notice" }, notice), error,
    h("form", { onsubmit: enter, class: "split" },
      h("fieldset", {}, h("legend", {}, t("byPassword")), name, password,
        h("button", { class: "main", type: "submit" }, t("signIn"))),
      h("fieldset", {}, h("legend", {}, t("byKey")), token, h("button", { type: "submit" }, t("signIn")))));
}
