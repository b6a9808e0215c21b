// Words in the reader's language; numbers and times as people write them there.

const KEPT = "formrelay-language";
export const LANGUAGES = { en: "English", fr: "Français", es: "Español", ar: "العربية" };

let words = {};
let fallback = {};
export let language = "en";

function wanted() {
  const kept = localStorage.getItem(KEPT);
  if (kept in LANGUAGES) return kept;
  return navigator.languages.map((tag) => tag.slice(0, 2)).find((tag) => tag in LANGUAGES) || "en";
}

export async function begin() {
  language = wanted();
  fallback = (await import("./words-en.js")).default;
  words = (await import(`./words-${language}.js`)).default;
  document.documentElement.lang = language;
  document.documentElement.dir = language === "ar" ? "rtl" : "ltr";
}

export async function change(tag) {
  localStorage.setItem(KEPT, tag);
  await begin();
}

// t("entries", { n: 3 }) with "{n} entries" in the list of words.
export function t(name, values = {}) {
  const text = words[name] ?? fallback[name] ?? name;
  return text.replace(/\{(\w+)\}/g, (_, key) => values[key] ?? "");
}

export const number = (value) => (value === null || value === undefined ? "–" : new Intl.NumberFormat(language).format(value));

export function moment(text) {
  if (!text) return "–";
  const time = new Date(text);
  return new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "medium" }).format(time);
}

const STEPS = [[60, "second"], [60, "minute"], [24, "hour"], [Infinity, "day"]];
export function ago(text) {
  if (!text) return "–";
  let value = (new Date(text) - Date.now()) / 1000;
  for (const [size, unit] of STEPS) {
    if (Math.abs(value) < size) return new Intl.RelativeTimeFormat(language, { numeric: "auto" }).format(Math.round(value), unit);
    value /= size;
  }
  return moment(text);
}

export const milliseconds = (value) =>
  value === null || value === undefined ? "–" : value < 1000 ? `${number(value)} ms` : `${number(Math.round(value / 100) / 10)} s`;
