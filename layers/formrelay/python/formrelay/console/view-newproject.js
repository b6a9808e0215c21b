// The first thing that every owner does: a spreadsheet becomes a project that devices find.

import { post } from "./api.js";
import { h } from "./dom.js";
import { deploy, dropZone } from "./forms.js";
import { t } from "./i18n.js";
import { button, crumbs, head } from "./parts.js";

export function showNewProject(ctx) {
  const done = (uid) => { ctx.say(t("formDeployed")); ctx.go(`p/${uid}/form`); };
  return [crumbs([t("newProject")]), head(t("newProject")),
    h("div", { class: "split" },
      h("section", { class: "sheet" }, h("h2", {}, t("fromXlsForm")), h("p", { class: "quiet" }, t("fromXlsFormHint")),
        dropZone(ctx, { title: t("dropForm"), hint: t("dropFormHint"), done })),
      h("section", { class: "sheet" }, h("h2", {}, t("fromExample")), h("p", { class: "quiet" }, t("fromExampleHint")),
        button(ctx, t("makeExample"), async () => {
          const made = await post("/api/v2/assets/", { name: t("exampleName"), asset_type: "survey", content: example() });
          await deploy(made.uid);
          done(made.uid);
        }, "", undefined, "form")))];
}

// A small form with one question of the kinds that most have, in the reader's language.
const example = () => ({
  survey: [
    { type: "start", name: "start" }, { type: "end", name: "end" },
    { type: "text", name: "name", label: t("exampleWho"), required: true },
    { type: "integer", name: "people", label: t("examplePeople"), constraint: ". >= 0 and . <= 50" },
    { type: "select_one yes_no", name: "water", label: t("exampleWater") },
    { type: "geopoint", name: "place", label: t("examplePlace") },
    { type: "image", name: "photo", label: t("examplePhoto") },
  ],
  choices: [{ list_name: "yes_no", name: "yes", label: t("yes") }, { list_name: "yes_no", name: "no", label: t("no") }],
});
