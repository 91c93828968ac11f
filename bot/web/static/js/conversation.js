/**
 * The conversation of the open room: newest at the bottom and kept there while the reader is there, older ones on
 * scrolling up, days divided. How one message looks is not decided here.
 */
import * as api from "./api.js";
import { emptyRoom } from "./empty.js";
import { fill, framed, h, reconcile, skeleton } from "./dom.js";
import { drawItem } from "./messages.js";
import { dayKey, dayWords, ms } from "./time.js";

const NEAR_PX = 48;
const SAME_BREATH_MS = 5 * 60_000;

/** @typedef {import("./store.js").Store} Store @typedef {import("./log.js").Item} Item */

export class ConversationPane {
  /**
   * @param {HTMLElement} root
   * @param {HTMLElement} newest the button that leads down
   * @param {Store} store
   * @param {(item: any) => void} again
   */
  constructor(root, newest, store, again) {
    Object.assign(this, { root, newest, store, again, pinnedDown: true, shown: "", busy: false });
    this.later = framed(() => this.draw());
    this.list = h("div", { class: "items" });
    store.on("room", () => this.open());
    store.on("conversation", () => this.later());
    root.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    newest.addEventListener("click", () => this.down());
    const resized = new ResizeObserver(() => this.pinnedDown && this.down());
    resized.observe(root);
    resized.observe(this.list); // items off screen are measured only when they come near it
  }

  /** Show the current room. */
  open() {
    const { room } = this.store;
    this.shown = this.store.current;
    this.pinnedDown = true;
    this.newest.hidden = true;
    if (!room) return fill(this.root, skeleton(6, "skeleton-log"));
    const conversation = this.store.conversation(room.id);
    if (this.store.isUnread(room)) conversation.unreadFrom = this.store.read.get(room.id) ?? this.store.since;
    else conversation.unreadFrom = Infinity;
    if (conversation.loaded) this.draw();
    else fill(this.root, skeleton(6, "skeleton-log"));
    return void this.load();
  }

  /** Fetch the newest page of the current room, again or for the first time. */
  async load() {
    const room = this.store.current;
    if (!room || !this.store.rooms?.has(room)) return;
    const conversation = this.store.conversation(room);
    conversation.meanwhile = [];
    try {
      conversation.replace(await api.messages(room, { as: this.store.me }));
    } catch (error) {
      if (room === this.store.current && !this.store.conversation(room).loaded) {
        fill(
          this.root,
          h(
            "div",
            { class: "empty" },
            h("p", {}, error.message),
            h("button", { class: "button", type: "button", on: { click: () => this.open() } }, "Try again"),
          ),
        );
      }
      return;
    }
    if (room === this.store.current) this.store.emit("conversation");
  }

  draw() {
    const { room, me } = this.store;
    if (!room || room.id !== this.shown) return;
    const conversation = this.store.conversation(room.id);
    if (!conversation.loaded) return;
    if (this.pinnedDown) conversation.trim();
    const entries = this.#entries(
      conversation.items().filter((item) => !this.#isPinnedCard(item, room)),
      conversation,
    );
    if (!entries.length) return fill(this.root, emptyRoom(this.store));
    if (this.list.parentElement !== this.root) fill(this.root, this.list);
    const before = this.root.scrollHeight - this.root.scrollTop;
    const last = this.list.lastElementChild?.getAttribute("data-key");
    reconcile(
      this.list,
      entries,
      (entry) => entry.key,
      (entry) => entry.print,
      (entry) =>
        entry.item
          ? drawItem(entry.item, {
              continued: entry.continued,
              me,
              myName: this.store.nameOf(me),
              room: room.id,
              again: this.again,
            })
          : h("div", { class: entry.kind, role: "separator" }, h("span", {}, entry.words)),
    );
    if (this.pinnedDown) this.down();
    else {
      if (this.keepBottom) this.root.scrollTop = this.root.scrollHeight - before;
      if (last && last !== this.list.lastElementChild?.getAttribute("data-key") && !this.keepBottom)
        this.newest.hidden = false;
    }
    this.keepBottom = false;
    if (!document.hidden && this.pinnedDown) this.store.markRead(room.id);
    return undefined;
  }

  /** @param {Item} item @param {import("./types.js").Room} room */
  #isPinnedCard(item, room) {
    return room.kind === "incident" && item.kind === "message" && item.message.view?.view === "card";
  }

  /**
   * Items with what stands between them: days, and where the unread begins.
   * @param {Item[]} items
   * @param {import("./log.js").Conversation} conversation
   */
  #entries(items, conversation) {
    const entries = [];
    let day = "";
    let unread = false;
    /** @type {Item|null} */
    let previous = null;
    for (const item of items) {
      const at = ms(item.at);
      if (dayKey(at) !== day) {
        day = dayKey(at);
        entries.push({ key: `d${day}`, kind: "day", words: dayWords(at), print: dayWords(at) });
        previous = null;
      }
      if (
        !unread &&
        item.kind === "message" &&
        at > conversation.unreadFrom &&
        item.message.author.id !== this.store.me
      ) {
        unread = true;
        if (entries.length > 1) entries.push({ key: "new", kind: "unread-line", words: "New", print: "" });
        previous = null;
      }
      const continued = this.#continues(previous, item);
      entries.push({ key: item.key, item, continued, print: this.#print(item, continued) });
      previous = item;
    }
    return entries;
  }

  /** @param {Item|null} previous @param {Item} item */
  #continues(previous, item) {
    const speaker = (one) =>
      one.kind === "pending"
        ? `console ${this.store.me}`
        : one.kind === "message" && !one.message.view
          ? `${one.message.platform} ${one.message.author.id}`
          : null;
    return Boolean(
      previous &&
      speaker(item) &&
      speaker(item) === speaker(previous) &&
      ms(item.at) - ms(previous.at) < SAME_BREATH_MS,
    );
  }

  /** @param {Item} item @param {boolean} continued */
  #print(item, continued) {
    if (item.kind === "pending") return `${continued} ${item.failed}`;
    return item.kind === "reply"
      ? ""
      : `${continued} ${item.message.edited_at ?? ""} ${JSON.stringify(item.message.view) ?? ""}`;
  }

  /** To the newest; where that is a long answer, to its beginning. */
  down() {
    const last = this.list.lastElementChild;
    const long = last?.classList.contains("reply") && last.clientHeight > this.root.clientHeight;
    this.root.scrollTop = long ? last.offsetTop - this.root.offsetTop - 12 : this.root.scrollHeight;
    this.pinnedDown = true;
    this.newest.hidden = true;
  }

  #scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.root;
    this.pinnedDown = scrollHeight - scrollTop - clientHeight < NEAR_PX;
    if (this.pinnedDown && !this.newest.hidden) {
      this.newest.hidden = true;
      this.store.markRead(this.store.current);
      this.store.emit("rooms");
    }
    if (scrollTop < 200) void this.#older();
  }

  async #older() {
    const room = this.store.current;
    const conversation = this.store.conversation(room);
    if (this.busy || !conversation.loaded || conversation.older === null || conversation.older === undefined) return;
    this.busy = true;
    try {
      const page = await api.messages(room, { before: conversation.older, as: this.store.me });
      conversation.prepend(page);
      if (room === this.store.current) {
        this.keepBottom = !this.pinnedDown;
        this.draw();
      }
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 2000));
    } finally {
      this.busy = false;
    }
  }

  /** Remember that what is shown was read. */
  seen() {
    if (this.store.room && this.pinnedDown) {
      this.store.markRead(this.store.current);
      this.store.emit("rooms");
    }
  }
}
