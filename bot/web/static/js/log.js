/**
 * One room's conversation as a list: the room's messages in the server's order, and between them what only this reader
 * sees (their unsent words, the replies to their commands). No drawing here.
 */

/**
 * @typedef {import("./types.js").Message} Message @typedef {import("./types.js").Reply} Reply
 * @typedef {{key: string, kind: "message", at: number|string, message: Message}} MessageItem
 * @typedef {{key: string, kind: "reply", at: number, typed: string, reply: Reply, anchor: number}} ReplyItem
 * @typedef {{key: string, kind: "pending", at: number, text: string, id: number|null, failed: string, anchor: number}} PendingItem
 * @typedef {MessageItem|ReplyItem|PendingItem} Item
 */

const KEPT = 300;
const REPLIES_KEPT = 50;

export class Conversation {
  /** @param {string} room */
  constructor(room) {
    this.room = room;
    this.loaded = false;
    /** @type {Message[]} heard since the last page was asked for: they are newer than what it says */
    this.meanwhile = [];
    /** @type {any} cursor for older ones; null at the beginning of the room */
    this.older = null;
    /** @type {Map<number, Message>} */
    this.messages = new Map();
    /** @type {(ReplyItem|PendingItem)[]} */
    this.asides = [];
    /** @type {Message|null} */
    this.cardMessage = null;
    this.serial = 0;
    this.unreadFrom = Infinity;
  }

  get hasReplies() {
    return this.asides.length > 0;
  }

  get newest() {
    let newest = 0;
    for (const id of this.messages.keys()) newest = Math.max(newest, id);
    return newest;
  }

  /** The newest page, again or for the first time. @param {{items: Message[], next: any, pinned?: Message[]}} page */
  replace(page) {
    const first = page.items[0]?.id ?? 0;
    const touches = this.loaded && page.items.some((message) => this.messages.has(message.id));
    if (!touches || !page.next) {
      this.messages.clear();
      this.older = page.next;
      this.asides = this.asides.filter((aside) => aside.anchor >= first || !page.next);
    }
    for (const message of page.pinned ?? []) this.#note(message);
    for (const message of [...page.items, ...this.meanwhile]) this.put(message, "");
    this.loaded = true;
  }

  /** Something new, or what became of something. @param {Message} message @param {string} me */
  hear(message, me) {
    this.meanwhile.push(message);
    if (this.meanwhile.length > KEPT) this.meanwhile.shift();
    if (this.loaded) this.put(message, me);
  }

  /** An older page. @param {{items: Message[], next: any}} page */
  prepend(page) {
    for (const message of page.items) this.put(message, "");
    this.older = page.next;
  }

  /** @param {Message} message @param {string} me */
  put(message, me) {
    if (message.taken_back) {
      this.messages.delete(message.id);
      return;
    }
    this.#note(message);
    this.messages.set(message.id, message);
    this.asides = this.asides.filter(
      (aside) =>
        aside.kind !== "pending" ||
        !(
          aside.id === message.id ||
          (aside.id === null && me && message.author.id === me && message.text.trim() === aside.text.trim())
        ),
    );
  }

  /** @param {Message} message */
  #note(message) {
    if (message.view?.view !== "card") return;
    if (!this.cardMessage || message.id === this.cardMessage.id || (message.pinned && !this.cardMessage.pinned)) {
      this.cardMessage = message;
    }
  }

  /** Words on their way. @param {string} text @param {number} at ms @returns {PendingItem} */
  pend(text, at) {
    const item = /** @type {PendingItem} */ ({
      key: `p${++this.serial}`,
      kind: "pending",
      at: at / 1000,
      text,
      id: null,
      failed: "",
      anchor: this.newest,
    });
    this.asides.push(item);
    return item;
  }

  /** @param {PendingItem} item @param {number|null} id */
  sent(item, id) {
    item.id = id;
    if (id === null || this.messages.has(id)) this.drop(item);
  }

  /** @param {PendingItem} item */
  drop(item) {
    this.asides = this.asides.filter((aside) => aside !== item);
  }

  /** An answer only this reader sees. @param {string} typed @param {Reply} reply @param {number} at ms */
  reply(typed, reply, at) {
    this.asides.push({ key: `r${++this.serial}`, kind: "reply", at: at / 1000, typed, reply, anchor: this.newest });
    while (this.asides.length > REPLIES_KEPT) this.asides.shift();
  }

  /** Forget the oldest of a long conversation; scrolling up brings them back. @returns {boolean} */
  trim() {
    if (this.messages.size <= KEPT + 100) return false;
    const ids = [...this.messages.keys()].sort((a, b) => a - b);
    for (const id of ids.slice(0, ids.length - KEPT)) this.messages.delete(id);
    this.older = ids[ids.length - KEPT];
    this.asides = this.asides.filter((aside) => aside.anchor >= ids[0]);
    return true;
  }

  /** Everything in the order it is read. @returns {Item[]} */
  items() {
    const messages = [...this.messages.values()].sort((a, b) => a.id - b.id);
    const items = [];
    let next = 0;
    const asides = [...this.asides].sort((a, b) => a.anchor - b.anchor);
    const take = (below) => {
      while (next < asides.length && asides[next].anchor < below) items.push(asides[next++]);
    };
    for (const message of messages) {
      take(message.id);
      items.push({ key: `m${message.id}`, kind: "message", at: message.at, message });
    }
    take(Infinity);
    return items;
  }
}
