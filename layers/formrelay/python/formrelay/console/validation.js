// Validation statuses of submissions.

import { h, select } from "./dom.js";
import { t, told } from "./i18n.js";
import { badge } from "./parts.js";

const NAMES = ["approved", "not_approved", "on_hold"];
const COLOURS = { approved: "good", not_approved: "bad", on_hold: "wait" };
const uid = (name) => `validation_status_${name}`;
const nameOf = (status) => status?.uid?.replace("validation_status_", "");

export const STATUSES = NAMES.map((name) => [uid(name), name]);

export function validity(status) {
  const name = nameOf(status);
  return name ? badge(COLOURS[name] || "none", told("valid", name)) : "–";
}

// A choice of statuses that is used at once: ``use(uid)``, with nothing for none.
export function statusChoice(ctx, status, use) {
  const given = status?.uid || "";
  const control = select("validation", [["", t("valid_none")], ...STATUSES.map(([code, word]) => [code, told("valid", word)])], given, async () => {
    control.disabled = true;
    await use(control.value).catch((error) => { control.value = given; ctx.fail(error); });
    control.disabled = false;
  });
  control.setAttribute("aria-label", t("validation"));
  return h("span", { class: "validation" }, control);
}
