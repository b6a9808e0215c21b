// The few pictures that stand beside words; they say nothing that the words do not.

import { h } from "./dom.js";

const PATHS = {
  plus: "M8 3v10M3 8h10",
  upload: "M8 11V3M4.5 6.5 8 3l3.5 3.5M3 13h10",
  download: "M8 3v8M4.5 7.5 8 11l3.5-3.5M3 13.5h10",
  copy: "M6 6V3h7v7h-3M3 6h7v7H3z",
  again: "M13 8a5 5 0 1 1-1.5-3.5M13 2.5V5h-2.5",
  globe: "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2M2 8h12M8 2c2 2 2.5 4 2.5 6S10 12 8 14c-2-2-2.5-4-2.5-6S6 4 8 2",
  user: "M8 8a2.75 2.75 0 1 0 0-5.5A2.75 2.75 0 0 0 8 8M2.75 13.5c.7-2.4 2.8-3.5 5.25-3.5s4.55 1.1 5.25 3.5",
  hook: "M3 8h7M7 4.5 10.5 8 7 11.5M13 3v10",
  inbox: "M2.5 9.5 4.5 3h7l2 6.5V13h-11zM2.5 9.5H6l.75 1.5h2.5L10 9.5h3.5",
  form: "M4 2h8v12H4zM6.5 5.5h3M6.5 8h3M6.5 10.5h2",
  sheet: "M2.5 3h11v10h-11zM2.5 6.5h11M2.5 9.75h11M6.5 6.5V13",
  clock: "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2M8 4.75V8l2.25 1.5",
  check: "M3 8.5 6.5 12 13 4.5",
  alert: "M8 2.5 14.5 13.5h-13zM8 6.5v3.25M8 11.6v.1",
  phone: "M5 2h6v12H5zM7.25 12h1.5",
  pause: "M5.5 3.5v9M10.5 3.5v9",
  close: "M4 4l8 8M12 4l-8 8",
};

export const icon = (name) => h("svg", { class: `icon icon-${name}`, viewBox: "0 0 16 16", "aria-hidden": "true" }, h("path", { d: PATHS[name] }));
