// The API's own description (OpenAPI), laid out for people.

import { base } from "./api.js";
import { fill, h, table, verbatim } from "./dom.js";

const METHODS = ["get", "post", "put", "patch", "delete", "head"];
const NAMED = "#/components/schemas/";

// As much of Markdown as the description uses: paragraphs, **strong**, `code`.
function prose(text) {
  return (text || "").split("\n\n").filter(Boolean).map((paragraph) => h("p", {},
    paragraph.split(/(\*\*[^*]+\*\*|`[^`]+`)/).map((piece) =>
      piece.startsWith("**") ? h("strong", {}, piece.slice(2, -2))
        : piece.startsWith("`") ? h("code", {}, piece.slice(1, -1)) : piece)));
}

// What a value is, in a few words and links to named shapes.
function kind(schema = {}) {
  if (schema.$ref) {
    const name = schema.$ref.replace(NAMED, "");
    return h("a", { href: `${location.pathname}#shape-${name}` }, name);
  }
  const choice = schema.oneOf || schema.anyOf;
  if (choice) return choice.flatMap((one, index) => [index ? " or " : "", kind(one)]);
  if ("const" in schema) return h("code", {}, JSON.stringify(schema.const));
  if (schema.enum) return schema.enum.flatMap((one, index) => [index ? ", " : "", h("code", {}, JSON.stringify(one))]);
  if (schema.properties?.results) return ["page of ", kind(schema.properties.results.items)];
  if (schema.type === "array") return ["list of ", kind(schema.items)];
  const types = [schema.type || "anything"].flat().join(" or ");
  return schema.format ? `${types} (${schema.format})` : types;
}

function fieldsOf(schema) {
  const parts = schema.allOf ? schema.allOf.flatMap((one) => Object.entries(one.properties || {})) : Object.entries(schema.properties || {});
  const required = new Set([...(schema.required || []), ...(schema.allOf || []).flatMap((one) => one.required || [])]);
  return parts.map(([name, value]) => [h("code", {}, name), kind(value), required.has(name) ? "always" : "", prose(value.description)]);
}

function outline(name, schema) {
  const rows = fieldsOf(schema);
  return rows.length ? table(name, ["Key", "Value", "", ""], rows) : h("p", {}, kind(schema));
}

function curl(method, path, operation) {
  const json = operation.requestBody?.content["application/json"];
  const lines = [`curl -H "Authorization: Token $KEY" ${method === "get" ? "" : `-X ${method.toUpperCase()} `}"${base}${path}"`];
  if (json) lines.push(`  -H "Content-Type: application/json" -d '${JSON.stringify(json.example ?? {})}'`);
  return lines.join(" \\\n");
}

function operation(method, path, one) {
  const body = one.requestBody && Object.entries(one.requestBody.content);
  const answers = Object.entries(one.responses).map(([status, answer]) => [
    h("code", {}, status), answer.description,
    Object.entries(answer.content || {}).map(([type, content]) => h("div", {}, type, ": ", kind(content.schema))),
  ]);
  return h("details", { class: "sheet", id: one.operationId }, h("summary", {},
    h("span", { class: "badge none" }, method.toUpperCase()), " ", h("code", {}, path), " ", one.summary),
  prose(one.description),
  one.parameters?.length > 0 && table(`Parameters of ${one.operationId}`, ["Parameter", "In", "Value", ""],
    one.parameters.map((parameter) => [
      h("code", {}, parameter.name), parameter.in, kind(parameter.schema), prose(parameter.description)])),
  body && [h("h4", {}, "Body"), body.map(([type, content]) => h("p", {}, h("code", {}, type), ": ", kind(content.schema)))],
  h("h4", {}, "Answers"), table(`Answers of ${one.operationId}`, ["Status", "", "Body"], answers),
  verbatim(`curl of ${one.operationId}`, curl(method, path, one)));
}

function all(described) {
  const operations = Object.entries(described.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((method) => [method, path, item[method]]));
  return described.tags.map((tag) => {
    const mine = operations.filter(([, , one]) => one.tags.includes(tag.name));
    return h("section", { id: `tag-${tag.name.replaceAll(" ", "-")}` }, h("h2", {}, tag.name), prose(tag.description),
      mine.map(([method, path, one]) => operation(method, path, one)));
  });
}

function show(described) {
  const search = h("input", { type: "search", id: "search", oninput: () => {
    const wanted = search.value.toLowerCase();
    for (const one of document.querySelectorAll("details.sheet"))
      one.hidden = !one.querySelector("summary").textContent.toLowerCase().includes(wanted);
  } });
  fill(document.getElementById("main"),
    h("h1", {}, `${described.info.title} ${described.info.version}`), prose(described.info.description),
    h("nav", { class: "tabs", "aria-label": "Parts" }, described.tags.map((tag) =>
      h("a", { href: `${location.pathname}#tag-${tag.name.replaceAll(" ", "-")}` }, tag.name)),
    h("a", { href: `${location.pathname}#shapes` }, "Shapes")),
    h("div", { class: "field" }, h("label", { for: "search" }, "Search"), search),
    all(described),
    h("section", { id: "shapes" }, h("h2", {}, "Shapes"),
      Object.entries(described.components.schemas).map(([name, schema]) => h("section", { class: "sheet", id: `shape-${name}` },
        h("h3", {}, name), prose(schema.description), outline(name, schema)))));
  document.getElementById(location.hash.slice(1))?.scrollIntoView();
}

const answer = await fetch(`${base}/api/v2/schema/?format=json`, { credentials: "omit" });
if (answer.ok) show(await answer.json());
else fill(document.getElementById("main"), h("h1", {}, "The API"), h("p", { class: "notice bad" }, `HTTP ${answer.status}`));
