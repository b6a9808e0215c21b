// Rights on a project: what they imply, and who holds which.

export const ANYBODY = "AnonymousUser";
export const PARTIAL = "partial_submissions";
const VIEW = "view_submissions";
// Rights on submissions that can be held for some of them only.
export const ON_ROWS = [VIEW, "change_submissions", "delete_submissions", "validate_submissions"];
export const RIGHTS = ["view_asset", "change_asset", "add_submissions", ...ON_ROWS, "manage_asset"];
const IMPLIED = {
  change_submissions: [VIEW, "add_submissions"], delete_submissions: [VIEW], validate_submissions: [VIEW],
  manage_asset: RIGHTS.slice(0, -1),
};

// Rights with all that they imply; whoever holds any sees the form.
export const complete = (names) => new Set([...names, ...[...names].flatMap((name) => IMPLIED[name] || []), "view_asset"]);
// Those that no other one of them implies.
export const essential = (names) => [...names].filter((name) => name !== "view_asset" && ![...names].some((other) => IMPLIED[other]?.includes(name)));

// What the reader may do with a project, and what perhaps on some of its submissions, of which the server knows.
export const may = (project, name) => Boolean(project.effective_permissions?.some((one) => one.codename === name));
export const mayOnRows = (project, name) => may(project, name) || may(project, PARTIAL);

const last = (url) => decodeURIComponent(url.replace(/\/$/, "").split("/").pop());
export const userOf = (url) => last(url);

// Who holds which rights, by user name: {names: Map of right to the URL of its assignment, queries: {right: [query]}}.
export function holders(assignments) {
  const found = new Map();
  for (const one of assignments) {
    const user = last(one.user);
    if (!found.has(user)) found.set(user, { names: new Map(), queries: {} });
    const held = found.get(user);
    held.names.set(last(one.permission), one.url);
    for (const { url, filters } of one.partial_permissions || []) held.queries[last(url)] = filters;
  }
  return found;
}

// The queries of each right but for those that other rights bring along.
export function ownQueries(queries) {
  const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);
  const brought = ON_ROWS.slice(1).flatMap((name) => queries[name] || []);
  return { ...queries, [VIEW]: (queries[VIEW] || []).filter((query) => !brought.some((other) => same(query, other))) };
}
