// The frame: who is signed in, where one is, and which view belongs to the address.

import { key, TOO_LONG, whoAmI } from "./api.js";
import { fill, h, select } from "./dom.js";
import { begin, change, language, LANGUAGES, t } from "./i18n.js";
import { icon } from "./icons.js";
import { empty } from "./parts.js";
import { showOffers } from "./offers.js";
import { showAccount } from "./view-account.js";
import { showDelivery } from "./view-delivery.js";
import { showHook } from "./view-hook.js";
import { showHookForm } from "./view-hookform.js";
import { showNewProject } from "./view-newproject.js";
import { showProject } from "./view-project.js";
import { showProjects } from "./view-projects.js";
import { showSignIn } from "./view-signin.js";
import { showSignUp } from "./view-signup.js";
import { showSubmission } from "./view-submission.js";

const VIEWS = [
  [/^$/, showProjects],
  [/^new$/, showNewProject],
  [/^account$/, showAccount],
  [/^offers$/, showOffers],
  [/^p\/([^/]+)(?:\/(hooks|data|form|exports|sharing|activity))?$/, showProject],
  [/^p\/([^/]+)\/data\/([^/]+)$/, showSubmission],
  [/^p\/([^/]+)\/hooks\/new$/, showHookForm],
  [/^p\/([^/]+)\/h\/([^/]+)(?:\/(overview|deliveries|resend|test))?$/, showHook],
  [/^p\/([^/]+)\/h\/([^/]+)\/edit$/, showHookForm],
  [/^p\/([^/]+)\/h\/([^/]+)\/d\/([^/]+)$/, showDelivery],
];
// Addresses of KoboToolbox's pages, in bookmarks and mails: where one looks for the same here.
const KNOWN = [
  [/^forms\/([^/]+)\/settings\/rest\/([^/]+)$/, "p/$1/h/$2"],
  [/^forms\/([^/]+)\/settings\/rest$/, "p/$1/hooks"],
  [/^forms\/([^/]+)\/settings\/(sharing|activity)$/, "p/$1/$2"],
  [/^forms\/([^/]+)\/data\/downloads$/, "p/$1/exports"],
  [/^forms\/([^/]+)\/data(?:\/.*)?$/, "p/$1/data"],
  [/^forms\/([^/]+)\/landing$/, "p/$1/form"],
  [/^forms\/([^/]+)(?:\/.*)?$/, "p/$1"],
  [/^(?:forms|projects(?:\/home)?|library)$/, ""],
  [/^account\/.*$/, "account"],
];

const main = document.getElementById("main");
const toast = document.getElementById("status");
const progress = document.getElementById("progress");
// Milliseconds before a view that is not there yet says that it is coming.
const PATIENCE = 150;
let leave = new AbortController();
let quiet;

function say(text, style = "") {
  clearTimeout(quiet);
  fill(toast, text && h("p", { class: style }, text));
  if (text && style !== "lost") quiet = setTimeout(() => fill(toast), style ? 12_000 : 6000);
}

function fail(error) {
  if (error.status === 401) problem(error);
  else say(reason(error), "bad");
}

function reason(error) {
  if (error.status === TOO_LONG) return t("tooLong");
  if (error.status >= 500) return t("serverFailed", { code: error.status });
  return error.status ? error.message : t("noConnection");
}

// What every view gets: ways to go elsewhere, to say something, and a signal for when the reader has left it.
function context(query) {
  leave.abort();
  leave = new AbortController();
  if (toast.querySelector(".lost")) fill(toast);
  const { signal } = leave;
  return {
    signal, query, say, fail,
    go: (place) => { location.hash = `#/${place}`; },
    again: () => render(false),
    // Keeps in the address what is looked at, so that one comes back to it.
    keep: (fields) => {
      const kept = String(new URLSearchParams(Object.entries(fields).filter(([, value]) => value)));
      history.replaceState(null, "", `${location.hash.split("?")[0] || "#/"}${kept && `?${kept}`}`);
    },
    every: (seconds, call) => repeat(signal, seconds, call),
  };
}

// Calls now and then until the reader leaves; not while nobody looks, and never twice at a time.
function repeat(signal, seconds, call) {
  let timer;
  let lost = false;
  const turn = async () => {
    try {
      if (!document.hidden) await call();
      if (lost) say(t("connected"));
      lost = false;
    } catch (error) {
      if (signal.aborted) return;
      // What was looked at is gone, or not for this reader any more.
      if ([401, 403, 404].includes(error.status)) { leave.abort(); problem(error); return; }
      lost = true;
      say(error.status ? t("unwell") : t("stale"), "lost");
    }
    if (!signal.aborted) timer = setTimeout(turn, seconds * 1000 * (lost ? 2 : 1));
  };
  timer = setTimeout(turn, seconds * 1000);
  const seen = () => { if (!document.hidden) { clearTimeout(timer); turn(); } };
  document.addEventListener("visibilitychange", seen, { signal });
  signal.addEventListener("abort", () => clearTimeout(timer));
}

function languages() {
  const control = select("language", Object.entries(LANGUAGES), language(), async (event) => {
    await change(event.target.value);
    render(false);
  });
  control.setAttribute("aria-label", t("language"));
  return h("span", { class: "language" }, icon("globe"), control);
}

function menu() {
  const name = h("bdi", {}, "…");
  whoAmI().then((me) => fill(name, me.username)).catch(() => {});
  const node = h("details", { class: "menu" }, h("summary", {}, icon("user"), h("span", { class: "hidden" }, t("account")), name),
    h("div", {}, h("a", { href: "#/account" }, t("account")), h("a", { href: "#/offers" }, t("offers")), h("a", { href: "api/v2/docs/" }, t("apiDocs")),
      h("button", { type: "button", onclick: () => { key.drop(); location.hash = "#/"; render(); } }, t("signOut"))));
  node.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    node.open = false;
    node.firstChild.focus();
  });
  node.addEventListener("focusout", (event) => { if (!node.contains(event.relatedTarget)) node.open = false; });
  return node;
}

function top() {
  document.getElementById("skip").textContent = t("skip");
  fill(document.getElementById("top"), h("div", { class: "bar" },
    h("a", { class: "brand", href: "#/" }, h("img", { src: document.querySelector("link[rel=icon]").href, alt: "" }), "formrelay"),
    languages(), key.get() && menu()));
}

function problem(error) {
  if (error.name === "AbortError") return;
  if (error.status === 401) {
    key.drop();
    render(true, t("signedOut"));
    return;
  }
  const missing = error.status === 404 || error.status === 403;
  const text = missing ? t("notFoundHint") : reason(error);
  fill(main, h("h1", { class: "hidden" }, missing ? t("notFound") : t("problem")),
    empty("alert", missing ? t("notFound") : t("problem"), text,
      !missing && h("button", { type: "button", class: "main", onclick: () => render() }, t("tryAgain")),
      h("a", { class: "button", href: "#/" }, t("projects"))));
}

// The place and what is looked at there: "#/p/a1/h/h2/deliveries?status=0".
function address() {
  const [given, query] = location.hash.replace(/^#\/?/, "").split("?");
  const place = decodeURI(given);
  const [pattern, ours] = KNOWN.find(([known]) => known.test(place)) || [];
  return [pattern ? place.replace(pattern, ours) : place, new URLSearchParams(query)];
}

function view(ctx, place, notice) {
  if (!key.get()) return place === "signup" ? showSignUp(ctx) : showSignIn(ctx, notice);
  for (const [pattern, show] of VIEWS) {
    const match = place.match(pattern);
    if (match) return show(ctx, ...match.slice(1));
  }
  throw Object.assign(new Error(), { status: 404 });
}

async function render(focus = true, notice = "") {
  const [place, query] = address();
  const ctx = context(query);
  const { signal } = ctx;
  top();
  const waiting = setTimeout(() => {
    progress.hidden = false;
    main.setAttribute("aria-busy", "true");
    if (!main.childElementCount) fill(main, h("p", { class: "quiet" }, t("loading")));
  }, PATIENCE);
  try {
    const content = await view(ctx, place, notice);
    if (signal.aborted) return;
    fill(main, content);
    main.querySelector("nav.tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
    document.title = `${main.querySelector("h1")?.textContent || ""} · formrelay`;
    if (focus) { main.focus({ preventScroll: true }); scrollTo(0, 0); }
  } catch (error) {
    if (!signal.aborted) problem(error);
  } finally {
    clearTimeout(waiting);
    if (!signal.aborted) { progress.hidden = true; main.removeAttribute("aria-busy"); }
  }
}

window.addEventListener("hashchange", () => render());
window.addEventListener("unhandledrejection", (event) => { if (event.reason?.name !== "AbortError") fail(event.reason); });
document.getElementById("skip").addEventListener("click", (event) => { event.preventDefault(); main.focus(); });
await begin();
render(false);
