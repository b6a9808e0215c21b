// Signing in: with the API key, or with name and password, which are only used to ask for it.

import { get, key, keyOf } from "./api.js";
import { choice, field, fill, h } from "./dom.js";
import { t } from "./i18n.js";
import { notice } from "./parts.js";
import { isOpen } from "./view-signup.js";

export function showSignIn(ctx, said) {
  const name = field("username", t("username"), h("input", { autocomplete: "username", autocapitalize: "none", spellcheck: "false", required: true }));
  const password = field("password", t("password"), h("input", { type: "password", autocomplete: "current-password", required: true }));
  const token = field("key", t("apiKey"), h("input", { autocomplete: "off", spellcheck: "false", dir: "ltr", required: true }), t("apiKeyHint"));
  const error = h("div", { role: "alert" });
  const enter = h("button", { class: "main", type: "submit" }, t("signIn"));
  const fields = h("div", {}, name, password);
  let by = "password";

  async function signIn(event) {
    event.preventDefault();
    fill(error);
    enter.disabled = true;
    try {
      const found = by === "key" ? token.control.value.trim() : await keyOf(name.control.value.trim(), password.control.value);
      await get("/me/", {}, { authorization: `Token ${found}` });
      key.set(found);
      ctx.again();
    } catch (failure) {
      fill(error, notice("bad", failure.status === 401 ? t("wrongCredentials") : failure.status ? failure.message : t("noConnection")));
      enter.disabled = false;
    }
  }

  const other = h("p");
  isOpen(ctx.signal).then((open) => { if (open) fill(other, h("a", { href: "#/signup" }, t("signUp"))); }).catch(() => {});
  return h("div", { class: "narrow" }, h("div", { class: "sheet" },
    h("div", { class: "head" }, h("h1", {}, t("signIn"))), said && notice("", said), error,
    choice("by", t("signIn"), [["password", t("byPassword")], ["key", t("byKey")]], by, (value) => {
      by = value;
      fill(error);
      fill(fields, by === "key" ? token : [name, password]);
    }),
    h("form", { onsubmit: signIn }, fields, enter)),
  h("p", { class: "quiet small" }, t("signInHint")), other);
}
