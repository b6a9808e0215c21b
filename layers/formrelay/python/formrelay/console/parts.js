// Pieces that several views show alike.

import { fill, h, unique, verbatim } from "./dom.js";
import { ago, moment, number, t, told } from "./i18n.js";
import { icon } from "./icons.js";

export const crumbs = (...steps) => h("nav", { class: "crumbs", "aria-label": t("where") },
  h("ol", {}, h("li", {}, h("a", { href: "#/" }, t("projects"))),
    steps.map(([name, place]) => h("li", {}, place ? h("a", { href: `#/${place}` }, h("bdi", {}, name)) : h("bdi", { "aria-current": "page" }, name)))));

// The head of a view: its name, how it stands, and what can be done with it.
export const head = (name, ...beside) => {
  const [standing, doing] = [beside.filter((one) => one?.matches?.(".badge")), beside.filter((one) => one && !one.matches?.(".badge"))];
  return h("div", { class: "head" }, h("h1", {}, h("bdi", {}, name)), standing, doing.length > 0 && h("div", { class: "doing" }, doing));
};

export const tabs = (place, names, current) => h("nav", { class: "tabs", "aria-label": t("views") },
  names.map((name) => h("a", { href: `#/${place}/${name}`, "aria-current": name === current && "page" }, t(`tab_${name}`))));

const STATUS = { success: "good", failed: "bad", pending: "wait", processing: "wait" };
export const badge = (colour, text) => h("span", { class: `badge ${colour}` }, text);
export const status = (name) => badge(STATUS[name], t(name));
export const outcome = (name) => badge(name === "success" ? "good" : "bad", told("outcome", name));
export const standing = (project) => badge(project.deployment_status === "deployed" ? "good" : "none", t(project.deployment_status));

export function health(hook) {
  if (!hook.active) return badge("none", t("inactive"));
  if (hook.paused) return badge("bad", t("paused"));
  return hook.health.state === "failing" ? badge("wait", t("failing", { n: number(hook.health.failures) })) : badge("good", t("healthy"));
}

export const time = (text) => (text ? h("time", { datetime: text, title: moment(text) }, ago(text)) : "–");

export const empty = (picture, title, text, ...actions) => h("div", { class: "empty" }, icon(picture), h("h2", {}, title),
  text && h("p", {}, text), actions.some(Boolean) && h("div", { class: "row" }, actions));

export const notice = (style, ...content) => h("div", { class: `notice ${style}` }, icon(style === "good" ? "check" : "alert"), h("div", {}, content));

// A button that is off while its work is under way, and says what went wrong; ``of`` tells it from others of its label.
export function button(ctx, label, work, style = "", of = undefined, picture = undefined) {
  const node = h("button", { type: "button", class: style, "data-of": of, onclick: async () => {
    node.disabled = true;
    node.setAttribute("aria-busy", "true");
    try {
      await work();
    } catch (error) {
      if (error.name !== "AbortError") ctx.fail(error);
    } finally {
      node.disabled = false;
      node.removeAttribute("aria-busy");
      // Being off took the keyboard away from it.
      if (document.activeElement === document.body && node.isConnected) node.focus({ preventScroll: true });
    }
  } }, picture && icon(picture), label);
  return node;
}

export const link = (label, place, style = "", picture = undefined) => h("a", { class: `button ${style}`, href: `#/${place}` }, picture && icon(picture), label);

export async function copy(ctx, text) {
  try {
    await navigator.clipboard.writeText(text);
    ctx.say(t("copied"));
  } catch { // refused, or not there over plain http
    await dialog(t("copy"), [h("p", {}, t("copyByHand")), verbatim(t("copy"), text)], [[t("close"), "main"]]);
  }
}

// A value that is for use elsewhere, with a button that copies it.
export const copyable = (ctx, name, value) => h("div", { class: "copyable" }, h("code", {}, value),
  button(ctx, h("span", { class: "hidden" }, `${t("copy")}: ${name}`), () => copy(ctx, value), "plain", name, "copy"));

// A question in a window of its own; gives the number of the answer, -1 for none.
export function dialog(title, content, answers) {
  const id = unique("dialog");
  return new Promise((resolve) => {
    let given = -1;
    const node = h("dialog", { "aria-labelledby": id, onclose: () => { node.remove(); resolve(given); } },
      h("h2", { id }, title), content, h("div", { class: "row end" },
        answers.map(([label, style], index) => h("button", { type: "button", class: style, onclick: () => { given = index; node.close(); } }, label))));
    document.body.append(node);
    node.showModal();
  });
}

export const sure = async (title, text, label, style = "danger") =>
  await dialog(title, h("p", {}, text), [[t("cancel"), ""], [label, style]]) === 1;

// Where one is in a long list, and the ways on.
export function pager(ctx, start, size, page, go) {
  if (!page.previous && !page.next) return null;
  const last = start + page.results.length;
  return h("nav", { class: "row pager", "aria-label": t("pages") },
    button(ctx, t("previous"), () => go(Math.max(0, start - size)), page.previous ? "" : "gone", "page"),
    h("span", { class: "quiet small" }, t("rows", { from: number(start + 1), to: number(last), n: number(page.count) })),
    button(ctx, t("next"), () => go(start + size), page.next ? "" : "gone", "page"));
}

// The same element, filled by what ``load`` gives, now and every few seconds; says so when that fails.
export async function live(ctx, seconds, load) {
  const node = h("div", { class: "live" });
  const refresh = async () => { fill(node, await load()); };
  await refresh();
  ctx.every(seconds, refresh);
  node.refresh = refresh;
  return node;
}
