// A request as it goes out.

import { h, verbatim } from "./dom.js";
import { bytes, t } from "./i18n.js";
import { notice } from "./parts.js";

export const request = (found) => [
  found.sample && notice("", t("sample")),
  found.matches === false && notice("", t("notMatched")),
  h("p", { class: "row spread small quiet" }, h("span", {}, found.content_type), h("span", {}, bytes(found.size))),
  verbatim(t("body"), pretty(found), "body"),
  found.body_cut && h("p", { class: "quiet small" }, t("cut")),
  h("details", { class: "more" }, h("summary", {}, t("requestHeaders")),
    verbatim(t("requestHeaders"), `${found.method} ${found.url}\n${found.headers.map((one) => `${one.name}: ${one.value}`).join("\n")}`, "headers")),
];

function pretty(found) {
  if (!found.content_type.includes("json")) return found.body;
  try {
    JSON.parse(found.body);
  } catch {
    return found.body;
  }
  return indented(found.body);
}

// Layout only: numbers of any length stay as they are written, which parsing would not leave them.
function indented(text) {
  let depth = 0;
  const line = (by) => { depth += by; return `\n${"  ".repeat(depth)}`; };
  return text.replace(/"(?:[^"\\]|\\.)*"|[[{]\s*[\]}]|\s+|./g, (token) => {
    if (!token.trim()) return "";
    if (token.length > 1) return token.replace(/^([[{])\s+/, "$1");
    if (token === "{" || token === "[") return token + line(1);
    if (token === "}" || token === "]") return line(-1) + token;
    if (token === ",") return token + line(0);
    return token === ":" ? ": " : token;
  });
}
