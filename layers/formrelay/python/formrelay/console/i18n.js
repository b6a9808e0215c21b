// Words in the reader's language; numbers and times as people write them there.

const KEPT = "formrelay-language";
export const LANGUAGES = { en: "English", fr: "Français", es: "Español", ar: "العربية" };

const state = { words: {}, language: "en", locale: "en" };
export const language = () => state.language;
export const mirrored = () => state.language === "ar";

const kept = () => {
  const tag = localStorage.getItem(KEPT);
  return tag in LANGUAGES ? tag : navigator.languages.map((one) => one.slice(0, 2)).find((one) => one in LANGUAGES) || "en";
};

export async function begin() {
  state.language = kept();
  state.words = (await import(`./words-${state.language}.js`)).default;
  // The reader's own country decides how days are written; figures are those of codes and ids, also in Arabic.
  const own = navigator.languages.find((tag) => tag.slice(0, 2) === state.language) || state.language;
  state.locale = `${own}-u-nu-latn`;
  document.documentElement.lang = state.language;
  document.documentElement.dir = mirrored() ? "rtl" : "ltr";
}

export async function change(tag) {
  localStorage.setItem(KEPT, tag);
  await begin();
}

// t("inDays", { n: 3 }) with "{n} in …" in the list of words.
export const t = (name, values = {}) => (state.words[name] ?? name).replace(/\{(\w+)\}/g, (_, part) => apart(values[part] ?? ""));
// Names of another direction keep what stands around them in its place.
const apart = (value) => (mirrored() && value !== "" ? `\u2068${value}\u2069` : value);
export const listed = (texts) => texts.join(mirrored() ? "، " : ", ");
// The word for one of the API's own names, or that name where there is none.
export const told = (group, name) => state.words[`${group}_${name}`] ?? name;

export const number = (value) => (value === null || value === undefined ? "–" : new Intl.NumberFormat(state.locale).format(value));
export const when = (time, options) => new Intl.DateTimeFormat(state.locale, options).format(time);
export const moment = (text) => (text ? when(new Date(text), { dateStyle: "medium", timeStyle: "medium" }) : "–");

const STEPS = [[60, "second"], [60, "minute"], [24, "hour"], [30, "day"]];
export function ago(text) {
  if (!text) return "–";
  let value = (new Date(text) - Date.now()) / 1000;
  for (const [size, unit] of STEPS) {
    if (Math.abs(value) < size) return new Intl.RelativeTimeFormat(state.locale, { numeric: "auto" }).format(Math.round(value), unit);
    value /= size;
  }
  return when(new Date(text), { dateStyle: "medium" });
}

const UNITS = [[1000, "millisecond", 1], [60_000, "second", 1000], [Infinity, "minute", 60_000]];
// In the unit that suits ``like``, so that the values of one axis have the same.
export function milliseconds(value, like = value) {
  if (value === null || value === undefined) return "–";
  const [, unit, scale] = UNITS.find(([most]) => like < most);
  return new Intl.NumberFormat(state.locale, { style: "unit", unit, unitDisplay: "narrow", maximumFractionDigits: scale > 1 ? 1 : 0 }).format(value / scale);
}

export function bytes(value) {
  const [scale, unit, unitDisplay] = value < 1000 ? [1, "byte", "long"] : value < 1_000_000 ? [1000, "kilobyte", "short"] : [1_000_000, "megabyte", "short"];
  return new Intl.NumberFormat(state.locale, { style: "unit", unit, unitDisplay, maximumFractionDigits: 1 }).format(value / scale);
}
