// From a spreadsheet to a form that devices find: upload, reading, deployment, and what stands in the way.

import { asset, get, patch, post, projectOf, upload } from "./api.js";
import { fill, h, verbatim } from "./dom.js";
import { t } from "./i18n.js";
import { icon } from "./icons.js";
import { notice } from "./parts.js";

// What one request carries.
const MOST = 4_400_000;
const TRIES = 60;
const wait = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

// What is wrong with a form, in the words of what reads it; ``project`` is the one that was made of it nevertheless.
class FormError extends Error {
  constructor(text, project) {
    super(text);
    this.project = project;
  }
}

// Makes a project of a file, or gives a project (its URL) that form; the project's uid.
async function read(file, destination) {
  const form = new FormData();
  form.set("library", "false");
  form.set("name", file.name);
  if (destination) form.set("destination", destination);
  form.set("file", file);
  const { uid } = await upload("/api/v2/imports/", form);
  for (let tries = 0; tries < TRIES; tries += 1) {
    const task = await get(`/api/v2/imports/${uid}/`);
    if (task.status === "error") throw new FormError(task.messages.error);
    if (task.status === "complete") return (task.messages.created || task.messages.updated)[0].uid;
    await wait(1000);
  }
  throw new FormError(t("noConnection"));
}

// Deploys the newest version of a project, for the first time or not.
export async function deploy(uid) {
  const project = await projectOf(uid);
  try {
    if (project.has_deployment) await patch(`${asset(uid)}/deployment/?redirect=false`, { active: true, version_id: project.version_id });
    else await post(`${asset(uid)}/deployment/?redirect=false`, { active: true });
  } catch (error) {
    throw error.status === 400 ? new FormError(error.message, uid) : error;
  }
}

// A place for a file: dropped, or chosen. ``done(uid)`` is called once its form is deployed. After a failure the next
// file goes to the same project, so that no try leaves one behind.
export function dropZone(ctx, { title, hint, destination, small, done }) {
  const said = h("div", { "aria-live": "polite" });
  const input = h("input", { type: "file", accept: ".xlsx,.xls", onchange: () => take(input.files[0]) });
  const zone = h("label", { class: `drop ${small ? "small" : ""}` }, icon("upload"), h("strong", {}, title), h("span", {}, hint), input);
  let project = destination;

  async function take(file) {
    if (!file) return;
    zone.hidden = true;
    fill(said, h("p", { class: "drop", "aria-busy": "true" }, icon("form"), h("strong", {}, h("bdi", {}, file.name)), t("readingForm")));
    try {
      if (file.size > MOST) throw new FormError(t("formTooLarge"));
      const uid = await read(file, project && `${asset(project)}/`);
      project = uid;
      await deploy(uid);
      fill(said);
      done(uid);
    } catch (error) {
      if (error.status === 401) ctx.fail(error);
      const reasons = error instanceof FormError || error.status ? error.message : t("noConnection");
      fill(said, notice("bad", h("p", {}, h("b", {}, t("formRefused", { name: file.name }))), verbatim(t("reasons"), reasons), h("p", {}, t("formRefusedHint"))));
    }
    zone.hidden = false;
    input.value = "";
  }

  for (const name of ["dragover", "dragleave", "drop"])
    zone.addEventListener(name, (event) => {
      event.preventDefault();
      zone.classList.toggle("over", name === "dragover");
      if (name === "drop") take(event.dataTransfer.files[0]);
    });
  return h("div", {}, said, zone);
}
