// The API, as any other client would call it. The key lives in this tab only and never in a URL.

const KEY = "formrelay-key";
// The status of an answer that this page cannot have.
export const TOO_LONG = 302;

export class ApiError extends Error {
  constructor(status, data) {
    super(words(data) || `HTTP ${status}`);
    this.status = status;
    this.data = data;
  }
}

// What an error body says, whatever its shape.
function words(data) {
  if (typeof data === "string") return data.trimStart().startsWith("<") ? "" : data.slice(0, 2000);
  if (Array.isArray(data)) return data.map(words).filter(Boolean).join(" ");
  if (data && typeof data === "object")
    return Object.entries(data).map(([name, value]) =>
      ["detail", "error", "message", "non_field_errors"].includes(name) ? words(value) : `${name}: ${words(value)}`)
      .join(" ");
  return data === undefined || data === null ? "" : String(data);
}

// What the account that is signed in says of itself, asked for once.
let known;

export const key = {
  get: () => sessionStorage.getItem(KEY),
  set: (value) => { known = undefined; sessionStorage.setItem(KEY, value); },
  drop: () => { known = undefined; sessionStorage.removeItem(KEY); },
};

export const base = document.baseURI.replace(/\/$/, "");

async function send(method, path, { body, form, query, authorization, signal } = {}) {
  const url = new URL(path.startsWith("http") ? path : base + path);
  for (const [name, value] of Object.entries(query || {}))
    if (value !== "" && value !== undefined && value !== null) url.searchParams.set(name, value);
  const headers = { Accept: "application/json" };
  const held = authorization || (key.get() && `Token ${key.get()}`);
  if (held) headers.Authorization = held;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  // Without credentials of the browser's own: it would ask for a password in a window of its own at every 401.
  const answer = await fetch(url, {
    method, headers, signal, credentials: "omit", cache: "no-store", redirect: "manual",
    body: form || (body === undefined ? undefined : JSON.stringify(body)),
  });
  // Too long to be carried: it lies elsewhere, where this page may not read. What was to be done is done.
  if (answer.type === "opaqueredirect") {
    if (method === "GET") throw new ApiError(TOO_LONG, null);
    return null;
  }
  const text = await answer.text();
  let data = text;
  try {
    data = text ? JSON.parse(text) : null;
  } catch { /* not JSON: shown as it is */ }
  if (!answer.ok) throw new ApiError(answer.status, data);
  return data;
}

export const get = (path, query, options) => send("GET", path, { query, ...options });
export const post = (path, body, options) => send("POST", path, { body, ...options });
export const patch = (path, body, options) => send("PATCH", path, { body, ...options });
export const remove = (path, body) => send("DELETE", path, { body });
// Fields and files, as a form sends them.
export const upload = (path, form) => send("POST", path, { form });

// The key of an account, for its name and password.
export async function keyOf(name, password) {
  const bytes = new TextEncoder().encode(`${name}:${password}`);
  const encoded = btoa(String.fromCharCode(...bytes));
  return (await send("GET", "/token/", { query: { format: "json" }, authorization: `Basic ${encoded}` })).token;
}

// A file that only its owner may have: fetched with the key, handed to the browser as a file. A large one lies
// elsewhere, where this page may not read; the browser goes there itself.
export async function download(url, name) {
  const { answer, address } = await file(url);
  const link = document.createElement("a");
  const elsewhere = !answer.headers.has("Content-Disposition");
  link.href = elsewhere ? (await answer.json()).url : URL.createObjectURL(await answer.blob());
  if (!elsewhere) {
    link.download = name || decodeURIComponent(address.pathname.split("/").pop());
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  }
  link.click();
}

// A picture that only its owner may see, as an address within this page until the reader leaves the view; nothing of
// one that is too large for an answer.
export async function pictureAt(url, signal) {
  const { answer } = await file(url, signal);
  if (!answer.headers.has("Content-Disposition")) return undefined;
  const address = URL.createObjectURL(await answer.blob());
  signal.addEventListener("abort", () => URL.revokeObjectURL(address));
  return address;
}

async function file(url, signal) {
  const address = new URL(url.startsWith("http") ? url : base + url);
  address.searchParams.set("redirect", "false");
  const answer = await fetch(address, { headers: { Authorization: `Token ${key.get()}` }, credentials: "omit", signal });
  if (!answer.ok) throw new ApiError(answer.status, null);
  return { answer, address };
}

export function whoAmI() {
  known ??= get("/me/").catch((error) => { known = undefined; throw error; });
  return known;
}

export const asset = (uid) => `/api/v2/assets/${encodeURIComponent(uid)}`;
export const hookPath = (uid, hook) => `${asset(uid)}/hooks/${encodeURIComponent(hook)}`;

// Of a project, what no view shows and what can be long.
const UNUSED = ["permissions", "files", "export_settings", "embeds", "assignable_permissions", "report_styles", "report_custom", "map_styles", "map_custom", "downloads", "analysis_form_json"];
async function part(uid, signal, ...left) {
  const found = await get(`${asset(uid)}/`, { exclude: [...UNUSED, ...left].join(), redirect: "false" }, { signal });
  if (!found.uid) throw new ApiError(TOO_LONG, null);
  return found;
}

// A project without its form.
export const projectOf = (uid, signal) => part(uid, signal, "content");

// A project with its form; without its choices where these make it too long for an answer.
export const formOf = (uid, signal) => part(uid, signal).catch((error) => {
  if (error.status !== TOO_LONG) throw error;
  return part(uid, signal, "content.choices");
});
