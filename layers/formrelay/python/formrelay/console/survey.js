// What a form asks, and what answers to it mean, in the reader's language where the form has it.

import { language, moment, when } from "./i18n.js";

const PLACES = new Set(["geopoint", "geotrace", "geoshape"]);
const FILES = new Set(["image", "audio", "video", "file", "background-audio"]);
// What has no answer, or none that people gave.
const SILENT = new Set(["note", "start", "end", "today", "deviceid", "phonenumber", "username", "simserial", "subscriberid", "audit", "start-geopoint", "calculate", "hidden", "xml-external", "csv-external"]);

// The rows of a form in order, each {path, name, type, label, choices, opens, closes, repeated}: choices by name, where
// it has some; opens "group" or "repeat"; closes one; whether it stands in a repeat.
export function rowsOf(content) {
  const named = namer(content);
  const lists = new Map();
  for (const one of content?.choices || []) {
    if (!lists.has(one.list_name)) lists.set(one.list_name, new Map());
    lists.get(one.list_name).set(String(one.name ?? one.$autovalue), named(one));
  }
  const open = [];
  return (content?.survey || []).map((row) => {
    const [, step, kind] = row.type.match(/^(begin|end)_(.*)$/) || [];
    const opens = step === "begin" ? (kind === "repeat" ? "repeat" : "group") : undefined;
    if (step === "end") open.pop();
    const repeated = open.includes("repeat");
    if (opens) open.push(opens);
    return {
      path: row.$xpath || row.name || row.$autoname || "", name: row.name || row.$autoname || "", type: row.type,
      label: named(row), choices: lists.get(row.select_from_list_name), opens, closes: step === "end", repeated,
    };
  });
}

// Gives the label of a row, or its first one where there is none in the reader's language.
function namer(content) {
  const at = (content?.translations || []).findIndex((name) => name?.toLowerCase().endsWith(`(${language()})`));
  return (row) => {
    const labels = [row.label].flat();
    return String(labels[at] || labels.find(Boolean) || "");
  };
}

export const isFile = (row) => FILES.has(row.type);
export const isAnswer = (row) => !row.opens && !row.closes && !SILENT.has(row.type);
// Which questions can be looked through for an answer: those of whole submissions, with an answer of one piece.
export const asked = (rows) => rows.filter((row) => isAnswer(row) && !row.repeated && !isFile(row) && !PLACES.has(row.type) && row.type !== "select_multiple");

// An answer as people read it.
export function worded(row, value) {
  if (typeof value !== "string") return value === null || value === undefined ? "" : JSON.stringify(value);
  const choice = (name) => row?.choices?.get(name) || name;
  if (row?.type === "select_one") return choice(value);
  if (row?.type === "select_multiple" || row?.type === "rank") return value.split(" ").map(choice).join(", ");
  if (row?.type === "geopoint") return value.split(" ").slice(0, 2).join(", ");
  const time = new Date(row?.type === "date" ? `${value}T00:00` : value);
  if (Number.isNaN(time.valueOf())) return value;
  if (row?.type === "date") return when(time, { dateStyle: "medium" });
  return ["datetime", "dateTime", "start", "end"].includes(row?.type) ? moment(time) : value;
}

// Times of submissions are told without their zone, which is UTC.
export const zoned = (text) => (text && !/(Z|[+-]\d\d:\d\d)$/.test(text) ? `${text}Z` : text);
