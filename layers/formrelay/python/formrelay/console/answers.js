// The answers of one submission, in the order and the words of its form; pictures as pictures.

import { download, pictureAt } from "./api.js";
import { facts, fill, h, unique } from "./dom.js";
import { t } from "./i18n.js";
import { icon } from "./icons.js";
import { fewAtATime } from "./lanes.js";
import { button } from "./parts.js";
import { isFile, worded } from "./survey.js";

const OWN = /^(_|meta\/|formhub\/|__version__$)/;

// Gives the elements; whatever the form has no question for comes last.
export function answersOf(ctx, rows, record, files) {
  const used = new Set();
  const place = { ctx, files: new Map(files.map((file) => [file.question_xpath, file])), used, pictures: [] };
  const shown = level(place, tree(rows), record, []);
  const rest = Object.keys(record).filter((path) => !used.has(path) && !OWN.test(path));
  const loose = [...place.files.values()];
  const others = [
    rest.length > 0 && [h("h3", {}, t("notInForm")), facts(rest.map((path) => [h("code", {}, path), h("bdi", {}, worded(undefined, record[path]))]))],
    loose.length > 0 && [h("h3", {}, t("otherFiles")), facts(loose.map((file) => [h("code", {}, file.question_xpath || "–"), fileOf(place, file)]))],
  ];
  fewAtATime(ctx.signal, place.pictures);
  return [shown, others].flat(9).filter(Boolean);
}

// Rows as groups and repeats with what stands in them.
function tree(rows) {
  const root = { children: [] };
  const open = [root];
  for (const row of rows) {
    if (row.closes) {
      if (open.length > 1) open.pop();
      continue;
    }
    const node = { row, children: [] };
    open.at(-1).children.push(node);
    if (row.opens) open.push(node);
  }
  return root.children;
}

// ``steps`` are the repeats that one is in: [path, path with numbers], by which files are named.
function level(place, nodes, values, steps) {
  const found = [];
  let pairs = [];
  const flush = () => { if (pairs.length) found.push(facts(pairs)); pairs = []; };
  for (const { row, children } of nodes) {
    if (!row.opens) {
      if (!(row.path in values)) continue;
      place.used.add(row.path);
      pairs.push([h("bdi", {}, row.label || row.name), answer(place, row, values[row.path], steps)]);
      continue;
    }
    const inner = row.opens === "repeat" ? turns(place, row, children, values, steps) : level(place, children, values, steps);
    if (!inner.length) continue;
    flush();
    found.push(h("section", { class: "answers" }, h("h3", {}, h("bdi", {}, row.label || row.name)), inner));
  }
  flush();
  return found;
}

function turns(place, row, children, values, steps) {
  const list = values[row.path];
  if (!Array.isArray(list)) return [];
  place.used.add(row.path);
  // How many turns there were to be.
  place.used.add(`${row.path}_count`);
  return list.map((one, index) => h("section", { class: "turn" }, h("h4", {}, `${index + 1}.`),
    level(place, children, one, [...steps, [row.path, `${numbered(row.path, steps)}[${index + 1}]`]])));
}

function numbered(path, steps) {
  const [repeat, exact] = steps.at(-1) || ["", ""];
  return repeat ? exact + path.slice(repeat.length) : path;
}

function answer(place, row, value, steps) {
  const name = numbered(row.path, steps);
  const file = isFile(row) && place.files.get(name);
  if (!file) return h("bdi", {}, worded(row, value));
  place.files.delete(name);
  return fileOf(place, file, row.label);
}

// A file to download; of a picture, a small one that opens larger.
function fileOf(place, file, label) {
  const { ctx } = place;
  const name = file.media_file_basename;
  const box = h("div", { class: "file" });
  const save = button(ctx, h("bdi", {}, name), () => download(file.download_url, name), "plain", file.uid, "download");
  fill(box, save);
  if (file.mimetype.startsWith("image/") && file.download_small_url)
    place.pictures.push(async () => {
      const source = await pictureAt(file.download_small_url, ctx.signal);
      if (source) fill(box, thumbnail(ctx, file, source, label || name), save);
    });
  return box;
}

const thumbnail = (ctx, file, source, label) => h("button", { type: "button", class: "thumbnail", "aria-label": `${t("enlarge")}: ${label}`, onclick: () => enlarge(ctx, file, label).catch(ctx.fail) },
  h("img", { src: source, alt: "" }));

async function enlarge(ctx, file, label) {
  const source = await pictureAt(file.download_large_url, ctx.signal);
  // One that could not be made smaller, and is too large for an answer.
  if (!source) { await download(file.download_url, file.media_file_basename); return; }
  const id = unique("picture");
  const node = h("dialog", { class: "picture", "aria-labelledby": id, onclose: () => node.remove() },
    h("div", { class: "row spread" }, h("h2", { id }, h("bdi", {}, label)),
      h("button", { type: "button", class: "plain", "aria-label": t("close"), onclick: () => node.close() }, icon("close"))),
    h("img", { src: source, alt: label }));
  document.body.append(node);
  node.showModal();
}
