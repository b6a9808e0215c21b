// Trying a hook out: what it would be sent, and what its server says to it.

import { get, post } from "./api.js";
import { field, fill, h, verbatim } from "./dom.js";
import { milliseconds, t, told } from "./i18n.js";
import { button, notice } from "./parts.js";
import { request } from "./request.js";

export async function showTest(ctx, place) {
  const result = h("div", { "aria-live": "polite" });
  const wanted = field("submission", t("submission"), h("input", { placeholder: t("newest") }), t("submissionHint"));
  const query = () => (wanted.control.value.trim() ? `?submission=${encodeURIComponent(wanted.control.value.trim())}` : "");
  const shown = h("div");
  const preview = () => get(`${place.path}/preview/${query()}`, {}, { signal: ctx.signal })
    .then((found) => fill(shown, request(found)), (error) => {
      if (error.status !== 400 && error.status !== 404) throw error;
      fill(shown, notice("bad", error.message));
    });
  wanted.control.addEventListener("change", () => preview().catch(ctx.fail));
  await preview();
  return h("div", { class: "split" },
    h("section", { class: "sheet" }, h("h2", {}, t("tab_test")), h("p", { class: "quiet" }, t("testHint")), wanted,
      button(ctx, t("sendTest"), async () => { fill(result, testResult(await post(`${place.path}/test/${query()}`, {}))); }, "main"), result),
    h("section", { class: "sheet" }, h("h2", {}, t("whatIsSent")), shown));
}

// How a test went.
export const testResult = (found) => [h("h3", {}, t("answer")),
  notice(found.outcome === "success" ? "good" : "bad", h("b", {}, told("outcome", found.outcome)),
    ` · ${found.status_code ?? "–"} · ${milliseconds(found.duration_ms)}`),
  found.detail && verbatim(t("answer"), found.detail)];
