/** The HTTP API, as calls. What goes wrong comes back as a Problem that says what, why and the way out. */

/** @typedef {import("./types.js").Reply} Reply @typedef {import("./types.js").Message} Message */

export class Problem extends Error {
  /** @param {string} message @param {number} [status] */
  constructor(message, status = 0) {
    super(message);
    this.status = status;
  }
}

/**
 * @param {string} method @param {string} path @param {Object<string, any>} [query] @param {any} [body]
 * @param {AbortSignal} [signal] @returns {Promise<any>}
 */
async function ask(method, path, query = {}, body = undefined, signal = undefined) {
  const url = new URL(`/api/v1/${path}`, location.origin);
  for (const [key, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== "") url.searchParams.set(key, String(value));
  }
  let response;
  try {
    response = await fetch(url, {
      method,
      signal,
      credentials: "same-origin",
      cache: "no-store",
      headers:
        body === undefined
          ? { accept: "application/json" }
          : { accept: "application/json", "content-type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Problem(
      "Muster cannot be reached from this browser, so nothing was sent. Try again when the connection is back.",
    );
  }
  if (response.status === 401) {
    location.assign("/login");
    throw new Problem("The session has ended. Sign in again.", 401);
  }
  const data = await response.json().catch(() => null);
  if (!response.ok)
    throw new Problem(data?.detail || data?.title || `Muster answered ${response.status}.`, response.status);
  return data;
}

/** All items of a list, up to `most`. */
async function all(path, query, signal, most = 1000) {
  const items = [];
  let cursor;
  do {
    const page = await ask("GET", path, { ...query, cursor }, undefined, signal);
    if (Array.isArray(page)) return page;
    items.push(...page.items);
    cursor = page.next;
  } while (cursor && items.length < most);
  return items;
}

const id = encodeURIComponent;

export const requestId = () =>
  crypto.randomUUID ? crypto.randomUUID() : `${Date.now()}-${Math.random().toString(36).slice(2)}`;

/** @returns {Promise<import("./types.js").Session>} */
export const session = () => ask("GET", "session");

/** @param {string} as @returns {Promise<import("./types.js").Room[]>} */
export const rooms = (as) => all("rooms", { as });

/**
 * @param {string} room @param {{before?: any, limit?: number, as: string}} query
 * @returns {Promise<{items: Message[], next: any, pinned?: Message[]}>}
 */
export const messages = (room, query, signal) =>
  ask("GET", `rooms/${id(room)}/messages`, { limit: 100, ...query }, undefined, signal);

/** @returns {Promise<{id: number|null, reply: Reply|null}>} */
export const say = (room, as, text) =>
  ask("POST", `rooms/${id(room)}/messages`, {}, { as, text, request_id: requestId() });

/** @returns {Promise<{id: number|null, reply: Reply|null}>} */
export const act = (room, as, command) =>
  ask("POST", `rooms/${id(room)}/actions`, {}, { as, command, request_id: requestId() });

/** @returns {Promise<{from: number, items: {value: string, label: string, hint: string}[]}>} */
export const complete = (room, as, text, signal) => ask("GET", "complete", { room, as, text }, undefined, signal);

/** @param {string|null} incident null for everything @returns {Promise<import("./types.js").Lanes>} */
export const lanes = (incident, signal) =>
  incident
    ? ask("GET", `incidents/${id(incident)}/lanes`, {}, undefined, signal)
    : ask("GET", "lanes", { minutes: 60 }, undefined, signal);

/** @param {string|null} incident @returns {Promise<import("./types.js").Graph>} */
export const graph = (incident, signal) =>
  ask("GET", incident ? `incidents/${id(incident)}/graph` : "graph", {}, undefined, signal);

/** @param {string} incident @returns {Promise<import("./types.js").Evidence[]>} */
export const evidence = (incident, signal) => all(`incidents/${id(incident)}/evidence`, {}, signal, 500);

/** What no incident has, the newest hundred. @returns {Promise<import("./types.js").Alert[]>} */
export const held = (_incident, signal) =>
  ask("GET", "alerts", { held: true, limit: 100 }, undefined, signal).then((page) => page.items);

/** @param {string} incident @returns {Promise<import("./types.js").TimelineEntry[]>} */
export const timeline = (incident, signal) => all(`incidents/${id(incident)}/timeline`, {}, signal, 1000);

/** The address of the stream of events. @param {string} as */
export const eventsUrl = (as) => `/api/v1/events${as ? `?as=${id(as)}` : ""}`;
