// Sending again: what failed, or what there is already; and how such work goes on.

import { formOf, get, patch, post } from "./api.js";
import { field, h, table } from "./dom.js";
import { filterPicker } from "./hookfilter.js";
import { number, t, told } from "./i18n.js";
import { badge, button, empty, live, sure, time } from "./parts.js";
import { rowsOf } from "./survey.js";

export async function showResend(ctx, place) {
  const { content } = await formOf(place.uid, ctx.signal);
  const jobs = await live(ctx, 3, async () => {
    const page = await get(`${place.path}/jobs/`, { limit: 20 }, { signal: ctx.signal });
    return page.results.length
      ? table(t("jobs"), [t("what"), t("when"), t("status"), t("selected"), t("arrived"), t("notArrived")], page.results.map((job) => [
        [h("b", {}, told("job", job.kind)), job.left_out > 0 && h("div", { class: "quiet small" }, t("leftOut", { n: number(job.left_out) }))], time(job.date_created), job.date_finished ? badge("good", t("finished")) : badge("wait", t("underWay")),
        number(job.total) + (job.selecting ? " …" : ""), number(job.done), number(job.failed),
      ]), [3, 4, 5])
      : empty("again", t("noJobs"), t("noJobsHint"));
  });
  return [h("div", { class: "split" }, retrying(ctx, place, jobs), replaying(ctx, place, rowsOf(content), jobs)), h("h2", {}, t("jobs")), jobs];
}

const utc = (box) => (box.control.value ? new Date(box.control.value).toISOString() : undefined);
// What the API says of a field stands beside it.
async function sending(boxes, work) {
  for (const box of Object.values(boxes)) box.fail("");
  try {
    await work();
  } catch (error) {
    const named = Object.keys(boxes).filter((name) => error.status === 400 && error.data?.[name]);
    if (!named.length) throw error;
    for (const name of named) boxes[name].fail([error.data[name]].flat().join(" "));
  }
}

const moment_ = (name, label, hint) => field(name, label, h("input", { type: "datetime-local" }), hint);

function retrying(ctx, place, jobs) {
  const since = moment_("since", t("changedSince"), t("sinceHint"));
  const code = field("status_code", t("code"), h("input", { inputmode: "numeric", maxlength: 4, placeholder: "503" }), t("codeHint"));
  return h("section", { class: "sheet" }, h("h2", {}, t("retryMany")), h("p", { class: "quiet" }, t("retryManyHint")), since, code,
    button(ctx, t("retryAll"), () => sending({ since, status_code: code }, async () => {
      const answer = await patch(`${place.path}/retry/`, { since: utc(since), status_code: code.control.value.trim() || undefined });
      ctx.say(t("scheduled", { n: number(answer.pending_uids.length) }));
      await jobs.refresh();
    }), "main"));
}

function replaying(ctx, place, rows, jobs) {
  const from = moment_("from", t("receivedSince"), t("replaySinceHint"));
  const query = filterPicker(rows, null, { legend: t("replayQuery"), hint: t("replayQueryHint"), some: t("conditionsHint") });
  return h("section", { class: "sheet" }, h("h2", {}, t("replay")), h("p", { class: "quiet" }, t("replayHint")), from, query,
    button(ctx, t("replayNow"), () => sending({ since: from, query }, async () => {
      const [since, wanted] = [utc(from), query.value()];
      if (query.isUnfinished()) { query.fail(t("whichOnes", { right: t("replayQuery") })); return; }
      if (since && wanted) { query.fail(t("replayEither")); return; }
      if (!await sure(t("replay"), t("replaySure"), t("replayNow"))) return;
      const job = await post(`${place.path}/replay/`, wanted ? { query: wanted } : since ? { since } : { all: true });
      ctx.say(t("scheduled", { n: number(job.total) }));
      await jobs.refresh();
    })));
}
