/** The list of rooms: a waiting page first, then open incidents, the lobby, and what is over. */
import { fill, framed, h, reconcile, skeleton } from "./dom.js";
import { severity, shape } from "./shapes.js";
import { duration, elapsed, ms } from "./time.js";

/** @typedef {import("./types.js").Room} Room @typedef {import("./store.js").Store} Store */

const OVER_SHOWN = 8;

export class RoomList {
  /** @param {HTMLElement} root @param {Store} store @param {(room: string) => void} open */
  constructor(root, store, open) {
    Object.assign(this, { root, store, open, all: false, list: null });
    this.later = framed(() => this.draw());
    store.on("rooms room me pages session", () => this.later());
    fill(root, skeleton(5, "skeleton-rooms"));
  }

  /** Ids in the order they stand. @returns {string[]} */
  order() {
    const { paged, open, places, over } = this.store.sections();
    return [...paged, ...open, ...places, ...(this.all ? over : over.slice(0, OVER_SHOWN))].map((room) => room.id);
  }

  draw() {
    if (!this.store.rooms) return;
    if (!this.list) {
      this.list = h("div", { class: "room-list" });
      fill(this.root, this.list);
    }
    const { paged, open, places, over } = this.store.sections();
    const shown = this.all ? over : over.slice(0, OVER_SHOWN);
    const entries = [];
    const section = (key, title, count, rooms) => {
      if (title) entries.push({ key: `s-${key}`, title, count });
      for (const room of rooms) entries.push({ key: room.id, room });
    };
    if (paged.length) section("paged", "", 0, paged);
    section("open", "Open", open.length, open);
    if (!open.length) entries.push({ key: "none", none: true });
    section("places", "Everywhere", 0, places);
    if (over.length) section("over", "Resolved", over.length, shown);
    if (over.length > shown.length) entries.push({ key: "more", more: over.length - shown.length });
    const focused = document.activeElement?.closest?.("[data-key]")?.getAttribute("data-key");
    const inside = this.list.contains(document.activeElement);
    reconcile(
      this.list,
      entries,
      (entry) => entry.key,
      (entry) => this.#print(entry),
      (entry) => this.#make(entry),
    );
    if (inside && focused && !this.list.contains(document.activeElement)) {
      [...this.list.children].find((node) => node.getAttribute("data-key") === focused)?.focus();
    }
  }

  #print(entry) {
    if (!entry.room) return JSON.stringify(entry);
    const { room } = entry;
    return JSON.stringify([
      room,
      room.id === this.store.current,
      this.#unread(room),
      room.kind === "private" ? this.store.waiting.size : 0,
    ]);
  }

  /** @param {Room} room */
  #unread(room) {
    return room.id !== this.store.current && this.store.isUnread(room);
  }

  #make(entry) {
    if (entry.none)
      return h(
        "p",
        { class: "rooms-none" },
        "No incidents. Alerts posted to ",
        h("code", {}, "/webhooks/alertmanager"),
        " appear here.",
      );
    if (entry.more) {
      return h(
        "button",
        {
          class: "link-button rooms-more",
          type: "button",
          on: {
            click: () => {
              this.all = true;
              this.draw();
            },
          },
        },
        `Show ${entry.more} more`,
      );
    }
    if (!entry.room)
      return h(
        "h2",
        { class: "rooms-title" },
        entry.title,
        entry.count ? h("span", { class: "rooms-count" }, String(entry.count)) : null,
      );
    return this.#room(entry.room);
  }

  /** @param {Room} room */
  #room(room) {
    const { incident } = room;
    const unread = this.#unread(room);
    const pages = room.kind === "private" ? this.store.waiting.size : 0;
    const icon = incident
      ? shape(incident.status)
      : pages
        ? shape("page", "open")
        : shape(room.kind === "private" ? "private" : "lobby", "quiet");
    const title = incident ? incident.title : room.kind === "private" ? "Pages for you" : "Lobby";
    return h(
      "a",
      {
        class: "room",
        href: `#/rooms/${encodeURIComponent(room.id)}`,
        "aria-current": room.id === this.store.current ? "page" : null,
        data: { kind: room.kind, status: incident?.status, unread: unread ? "yes" : null, paged: pages ? "yes" : null },
        on: {
          click: (event) => {
            event.preventDefault();
            this.open(room.id);
          },
        },
      },
      icon,
      h("span", { class: "room-title", title: incident ? `${incident.id} ${title}` : title }, h("bdi", {}, title)),
      h(
        "span",
        { class: "room-end" },
        unread ? h("span", { class: "unread" }, h("span", { class: "visually-hidden" }, "new messages")) : null,
        incident ? h("span", { class: "number" }, incident.id) : null,
      ),
      h(
        "span",
        { class: "room-meta" },
        incident
          ? this.#meta(incident)
          : h(
              "span",
              {},
              pages
                ? pages === 1
                  ? "A page waits"
                  : `${pages} pages wait`
                : room.kind === "private"
                  ? "Only you see them"
                  : "Everything at once",
            ),
      ),
    );
  }

  /** @param {import("./types.js").Incident} incident */
  #meta(incident) {
    const over = incident.status === "resolved";
    const took = ms(incident.resolved_at) - ms(incident.first_alert_at ?? incident.opened_at);
    return [
      severity(incident.severity),
      h("span", {}, incident.status),
      over ? h("span", {}, Number.isFinite(took) ? `after ${duration(took)}` : "") : elapsed(incident.opened_at),
    ];
  }
}
