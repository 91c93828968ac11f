/**
 * What the page knows: who reads, the rooms, the open room, the conversations read so far. It tells listeners what
 * changed; it draws nothing and asks the server nothing.
 */
import { Conversation } from "./log.js";
import { ms, now } from "./time.js";

/**
 * @typedef {import("./types.js").Room} Room @typedef {import("./types.js").Incident} Incident
 * @typedef {import("./types.js").Message} Message
 */

const STATUS_ORDER = { open: 0, acknowledged: 1, mitigated: 2, resolved: 3 };
const CONVERSATIONS_KEPT = 12;

/** localStorage, where the browser allows it. */
const keep = {
  get(key) {
    try {
      return localStorage.getItem(key);
    } catch {
      return null;
    }
  },
  set(key, value) {
    try {
      localStorage.setItem(key, value);
    } catch {
      /* private mode: forgotten on reload */
    }
  },
};
export { keep };

export class Store {
  constructor() {
    /** @type {Map<string, Set<(detail: any) => void>>} */
    this.handlers = new Map();
    /** @type {import("./types.js").Session|null} */
    this.session = null;
    this.me = "";
    /** @type {Map<string, Room>|null} null until the first answer */
    this.rooms = null;
    this.current = "";
    /** @type {Map<string, Conversation>} by room, most recently opened last */
    this.conversations = new Map();
    /** Ids of waiting pages in the private conversation. @type {Map<number, Message>} */
    this.waiting = new Map();
    /** @type {Map<string, number>} */
    this.read = new Map();
  }

  /** @param {string} names space-separated @param {(detail: any) => void} handler */
  on(names, handler) {
    for (const name of names.split(" ")) {
      if (!this.handlers.has(name)) this.handlers.set(name, new Set());
      this.handlers.get(name)?.add(handler);
    }
  }

  /** @param {string} name @param {any} [detail] */
  emit(name, detail) {
    for (const handler of this.handlers.get(name) ?? []) handler(detail);
  }

  /** @returns {Room|null} */
  get room() {
    return this.rooms?.get(this.current) ?? null;
  }

  /** @returns {Incident|null} */
  get incident() {
    return this.room?.incident ?? null;
  }

  /** The name of somebody. @param {string|null|undefined} id */
  nameOf(id) {
    return this.session?.people.find((person) => person.id === id)?.name ?? id?.replace(/^guest:/, "") ?? "";
  }

  /** @param {Room[]} rooms */
  setRooms(rooms) {
    this.rooms = new Map(rooms.map((room) => [room.id, room]));
    this.emit("rooms");
  }

  /** @param {Room} room */
  putRoom(room) {
    this.rooms ??= new Map();
    const known = this.rooms.get(room.id);
    this.rooms.set(room.id, { ...known, ...room, incident: room.incident ?? known?.incident ?? null });
    this.emit("rooms");
  }

  /** @param {Incident} incident */
  putIncident(incident) {
    for (const room of this.rooms?.values() ?? []) {
      if (room.incident?.id === incident.id || (incident.rooms?.console && room.id === incident.rooms.console)) {
        room.incident = { ...room.incident, ...incident };
      }
    }
    this.emit("rooms");
    this.emit("incident", incident.id);
  }

  /** Rooms as they stand in the list. @returns {{paged: Room[], open: Room[], places: Room[], over: Room[]}} */
  sections() {
    const rooms = [...(this.rooms?.values() ?? [])];
    const incidents = rooms.filter((room) => room.kind === "incident");
    const over = (room) => room.archived || room.incident?.status === "resolved";
    const open = incidents
      .filter((room) => !over(room))
      .sort(
        (a, b) =>
          (STATUS_ORDER[a.incident?.status] ?? 0) - (STATUS_ORDER[b.incident?.status] ?? 0) ||
          (a.incident?.severity ?? "").localeCompare(b.incident?.severity ?? "") ||
          ms(b.incident?.opened_at) - ms(a.incident?.opened_at),
      );
    const done = incidents
      .filter(over)
      .sort((a, b) => ms(b.incident?.resolved_at ?? b.last_at) - ms(a.incident?.resolved_at ?? a.last_at));
    const mine = rooms.filter((room) => room.kind === "private");
    const lobby = rooms.filter((room) => room.kind === "lobby");
    return {
      paged: this.waiting.size ? mine : [],
      open,
      places: this.waiting.size ? lobby : [...lobby, ...mine],
      over: done,
    };
  }

  /** @param {string} room @returns {Conversation} */
  conversation(room) {
    let found = this.conversations.get(room);
    if (!found) found = new Conversation(room);
    this.conversations.delete(room);
    this.conversations.set(room, found);
    for (const [name, old] of this.conversations) {
      if (this.conversations.size <= CONVERSATIONS_KEPT) break;
      if (!old.hasReplies) this.conversations.delete(name);
      else break;
    }
    return found;
  }

  /** A message came or changed. @param {Message} message @param {boolean} edited */
  putMessage(message, edited) {
    const room = this.rooms?.get(message.room);
    if (room && !edited) room.last_at = message.at;
    if (message.view?.view === "page") this.putPage(message);
    this.conversations.get(message.room)?.hear(message, this.me);
    if (message.room === this.current) this.emit("conversation");
    if (!edited) this.emit("rooms");
  }

  /** @param {Message} message */
  putPage(message) {
    const had = this.waiting.has(message.id);
    const waits = message.view?.view === "page" && (message.view.state ?? "waiting") === "waiting";
    if (waits) this.waiting.set(message.id, message);
    else this.waiting.delete(message.id);
    if (waits || had) this.emit("pages");
    if (waits !== had) this.emit("rooms");
  }

  /** Something was said in a room that this reader has not seen. @param {Room} room */
  isUnread(room) {
    const at = ms(room.last_at);
    return Number.isFinite(at) && at > (this.read.get(room.id) ?? this.since);
  }

  /** @param {string} room */
  markRead(room) {
    const at = Math.max(now(), ms(this.rooms?.get(room)?.last_at) || 0);
    this.read.set(room, at);
    clearTimeout(this.saving);
    this.saving = setTimeout(() => this.#saveRead(), 500);
  }

  #saveRead() {
    const recent = [...this.read].sort((a, b) => b[1] - a[1]).slice(0, 300);
    keep.set(`muster.read.${this.me}`, JSON.stringify({ since: this.since, rooms: Object.fromEntries(recent) }));
  }

  /** Become somebody: their marks of what was read, nobody else's private things. @param {string} me */
  become(me) {
    this.me = me;
    this.waiting.clear();
    this.conversations.clear();
    let saved = null;
    try {
      saved = JSON.parse(keep.get(`muster.read.${me}`) ?? "null");
    } catch {
      saved = null;
    }
    this.since = saved?.since ?? now();
    this.read = new Map(Object.entries(saved?.rooms ?? {}));
    this.emit("me");
  }
}
