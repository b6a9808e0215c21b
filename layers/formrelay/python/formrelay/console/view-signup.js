// An account of one's own, where the server lets people make one: asked for here, confirmed by a link in a mail.

import { get, post } from "./api.js";
import { field, fill, h } from "./dom.js";
import { language, t } from "./i18n.js";
import { notice } from "./parts.js";

export const isOpen = async (signal) => (await get("/api/v2/environment/", {}, { signal })).registration_open;

export async function showSignUp(ctx) {
  if (!await isOpen(ctx.signal)) throw Object.assign(new Error(), { status: 404 });
  const boxes = {
    username: field("username", t("username"), h("input", { autocomplete: "username", autocapitalize: "none", spellcheck: "false" })),
    email: field("email", t("email"), h("input", { type: "email", autocomplete: "email" })),
    password: field("password", t("password"), h("input", { type: "password", autocomplete: "new-password" }), t("passwordHint")),
  };
  const sheet = h("div", { class: "sheet" });
  const enter = h("button", { class: "main", type: "submit" }, t("signUp"));
  const problem = h("div", { role: "alert" });

  async function ask(event) {
    event.preventDefault();
    fill(problem);
    enter.disabled = true;
    for (const box of Object.values(boxes)) box.fail("");
    try {
      const { username, email, password } = boxes;
      await post("/api/v2/signup/", {
        username: username.control.value.trim(), email: email.control.value.trim(), password: password.control.value,
        extra_details: { language: language() },
      });
      fill(sheet, h("div", { class: "head" }, h("h1", {}, t("signUp"))), notice("good", t("signUpDone", { email: email.control.value.trim() })));
    } catch (error) {
      const named = Object.keys(boxes).filter((name) => error.data?.[name]);
      for (const name of named) boxes[name].fail([error.data[name]].flat().join(" "));
      if (!named.length) fill(problem, notice("bad", error.status ? error.message : t("noConnection")));
      sheet.querySelector("[aria-invalid]")?.focus();
      enter.disabled = false;
    }
  }

  fill(sheet, h("div", { class: "head" }, h("h1", {}, t("signUp"))), problem,
    h("form", { onsubmit: ask, novalidate: true }, Object.values(boxes), enter));
  return h("div", { class: "narrow" }, sheet, h("p", {}, h("a", { href: "#/" }, t("signIn"))));
}
