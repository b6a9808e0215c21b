// Pieces that several views show alike.

import { h } from "./dom.js";
import { number, t } from "./i18n.js";

export const crumbs = (...steps) => h("nav", { class: "crumbs", "aria-label": t("where") },
  h("ol", {}, h("li", {}, h("a", { href: "#/" }, t("projects"))),
    steps.map(([name, place]) => h("li", {}, h("bdi", {}, place ? h("a", { href: `#/${place}` }, name) : name)))));

export const tabs = (place, names, current) => h("nav", { class: "tabs", "aria-label": t("views") },
  names.map((name) => h("a", { href: `#/${place}/${name}`, "aria-current": name === current && "page" }, t(`tab_${name}`))));

const STATUS = { success: "good", failed: "bad", pending: "wait", processing: "wait" };
export const status = (name) => h("span", { class: `badge ${STATUS[name]}` }, t(name));

export function health(hook) {
  if (!hook.active) return h("span", { class: "badge none" }, t("inactive"));
  if (hook.paused) return h("span", { class: "badge bad" }, t("paused"));
  return hook.health.state === "failing"
    ? h("span", { class: "badge wait" }, t("failing", { n: number(hook.health.failures) }))
    : h("span", { class: "badge good" }, t("healthy"));
}

export const counts = (hook) => h("ul", { class: "numbers" },
  [["success", hook.success_count], ["pending", hook.pending_count], ["failed", hook.failed_count],
    ["parked", hook.health.parked_count]]
    .map(([name, value]) => h("li", {}, h("b", {}, number(value)), t(name))));

export function badge(project) {
  const colour = project.deployment_status === "deployed" ? "good" : "none";
  return h("span", { class: `badge ${colour}` }, t(project.deployment_status));
}

// A button that is off while its work is under way, and says what went wrong; ``of`` tells it from others of its label.
export function button(ctx, label, work, style = "", of = undefined) {
  const node = h("button", { type: "button", class: style, "data-of": of, onclick: async () => {
    node.disabled = true;
    try {
      await work();
    } catch (error) {
      if (error.name !== "AbortError") ctx.say(error.message);
      if (error.status === 401) throw error;
    } finally {
      node.disabled = false;
    }
  } }, label);
  return node;
}

export async function copy(ctx, text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch { // refused, or not there over plain http
    prompt(t("copy"), text);
    return;
  }
  ctx.say(t("copied"));
}
