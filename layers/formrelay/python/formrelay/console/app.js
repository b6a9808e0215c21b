// The frame: who is signed in, where one is, and which view belongs to the address.

import { key } from "./api.js";
import { fill, h, select } from "./dom.js";
import * as i18n from "./i18n.js";
import { t } from "./i18n.js";
import * as account from "./view-account.js";
import * as delivery from "./view-delivery.js";
import * as hook from "./view-hook.js";
import * as form from "./view-hookform.js";
import * as project from "./view-project.js";
import * as projects from "./view-projects.js";
import * as signin from "./view-signin.js";

const VIEWS = [
  [/^$/, projects.show],
  [/^account$/, account.show],
  [/^p\/([^/]+)(?:\/(hooks|exports|activity))?$/, project.show],
  [/^p\/([^/]+)\/hooks\/new$/, form.show],
  [/^p\/([^/]+)\/h\/([^/]+)(?:\/(overview|deliveries|resend|test))?$/, hook.show],
  [/^p\/([^/]+)\/h\/([^/]+)\/edit$/, form.show],
  [/^p\/([^/]+)\/h\/([^/]+)\/d\/([^/]+)$/, delivery.show],
];

const main = document.getElementById("main");
const status = document.getElementById("status");
let leave = new AbortController();
let quiet;

// What every view gets: ways to go elsewhere, to say something, and a signal for when the reader has left it.
function context() {
  leave.abort();
  leave = new AbortController();
  const { signal } = leave;
  return {
    signal,
    go: (place) => { location.hash = `#/${place}`; },
    again: () => render(false),
    say: (text) => {
      clearTimeout(quiet);
      fill(status, h("p", {}, text));
      quiet = setTimeout(() => fill(status), 6000);
    },
    // Calls now and then until the reader leaves; not while nobody looks.
    every: (seconds, call) => {
      const timer = setInterval(() => { if (!document.hidden) call().catch(() => {}); }, seconds * 1000);
      signal.addEventListener("abort", () => clearInterval(timer));
    },
  };
}

function top() {
  const languages = select("language", Object.entries(i18n.LANGUAGES), i18n.language, async (event) => {
    await i18n.change(event.target.value);
    render(false);
  });
  languages.setAttribute("aria-label", t("language"));
  document.getElementById("skip").textContent = t("skip");
  fill(document.getElementById("top"), h("div", { class: "bar" },
    h("a", { class: "brand", href: "#/" }, h("img", { src: "console/icon.svg", alt: "" }), "formrelay"),
    key.get() && h("a", { href: "#/account" }, t("account")),
    h("span", {}, languages),
    key.get() && h("button", { type: "button", onclick: () => { key.drop(); location.hash = "#/"; render(); } }, t("signOut"))));
}

function problem(error) {
  if (error.name === "AbortError") return;
  if (error.status === 401) {
    key.drop();
    render(true, t("signedOut"));
    return;
  }
  const text = error.status ? error.message : t("noConnection");
  fill(main, h("h1", {}, error.status === 404 ? t("notFound") : t("problem")), h("p", { class: "notice bad" }, text),
    h("p", {}, h("a", { href: "#/" }, t("projects"))));
}

async function render(focus = true, notice = "") {
  const ctx = context();
  const { signal } = ctx;
  top();
  const place = decodeURI(location.hash.replace(/^#\/?/, ""));
  const found = VIEWS.map(([pattern, show]) => [place.match(pattern), show]).find(([match]) => match);
  try {
    const content = !key.get() ? signin.show(ctx, notice)
      : found ? await found[1](ctx, ...found[0].slice(1))
        : [h("h1", {}, t("notFound")), h("p", {}, h("a", { href: "#/" }, t("projects")))];
    if (signal.aborted) return;
    fill(main, content);
    document.title = `${main.querySelector("h1")?.textContent || ""} · formrelay`;
    if (focus) main.focus();
  } catch (error) {
    if (!signal.aborted) problem(error);
  }
}

window.addEventListener("hashchange", () => render());
window.addEventListener("unhandledrejection", (event) => problem(event.reason));
await i18n.begin();
render(false);
