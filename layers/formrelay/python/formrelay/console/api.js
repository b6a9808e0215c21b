// The API, as any other client would call it. The key lives in this tab only and never in a URL.

const KEY = "formrelay-key";

export class ApiError extends Error {
  constructor(status, data) {
    super(words(data) || `HTTP ${status}`);
    this.status = status;
    this.data = data;
  }
}

// What an error body says, whatever its shape.
function words(data) {
  if (typeof data === "string") return data.slice(0, 500);
  if (Array.isArray(data)) return data.map(words).filter(Boolean).join(" ");
  if (data && typeof data === "object")
    return Object.entries(data).map(([name, value]) =>
      name === "detail" || name === "error" || name === "non_field_errors" ? words(value) : `${name}: ${words(value)}`)
      .join(" ");
  return data === undefined || data === null ? "" : String(data);
}

export const key = {
  get: () => sessionStorage.getItem(KEY),
  set: (value) => sessionStorage.setItem(KEY, value),
  drop: () => sessionStorage.removeItem(KEY),
};

export const base = document.baseURI.replace(/\/$/, "");

async function send(method, path, { body, query, authorization, signal } = {}) {
  const url = new URL(path.startsWith("http") ? path : base + path);
  for (const [name, value] of Object.entries(query || {}))
    if (value !== "" && value !== undefined && value !== null) url.searchParams.set(name, value);
  const headers = { Accept: "application/json" };
  const held = authorization || (key.get() && `Token ${key.get()}`);
  if (held) headers.Authorization = held;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  // Without credentials of the browser's own: it would ask for a password in a window of its own at every 401.
  const answer = await fetch(url, {
    method, headers, signal, credentials: "omit", cache: "no-store",
    body: body === undefined ? undefined : JSON.stringify(body),
  });
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
export const remove = (path) => send("DELETE", path);

// The key of an account, for its name and password.
export async function keyOf(name, password) {
  const bytes = new TextEncoder().encode(`${name}:${password}`);
  const encoded = btoa(String.fromCharCode(...bytes));
  return (await send("GET", "/token/", { query: { format: "json" }, authorization: `Basic ${encoded}` })).token;
}

export const asset = (uid) => `/api/v2/assets/${encodeURIComponent(uid)}`;
export const hookPath = (uid, hook) => `${asset(uid)}/hooks/${encodeURIComponent(hook)}`;
