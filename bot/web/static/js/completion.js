/**
 * The list of completions above the input line. What fits is the server's answer; taking one is the reader's choice.
 */
import * as api from "./api.js";
import { fill, h } from "./dom.js";

const PAUSE_MS = 60;
const WORD = "/incident";

export class Completion {
  /** @param {HTMLElement} root @param {HTMLTextAreaElement} input @param {import("./store.js").Store} store */
  constructor(root, input, store) {
    Object.assign(this, { root, input, store, items: [], from: 0, chosen: -1, text: "" });
  }

  get open() {
    return !this.root.hidden;
  }

  /** The text changed: ask what fits. */
  ask() {
    clearTimeout(this.timer);
    this.request?.abort();
    const text = this.input.value;
    if (!text.startsWith("/") || text.includes("\n") || this.input.selectionStart !== text.length) return this.close();
    if (WORD.startsWith(text))
      return this.#offer(text, 0, [{ value: WORD, label: WORD, hint: "every command begins with this" }]);
    this.timer = setTimeout(() => void this.#fetch(text), PAUSE_MS);
    return undefined;
  }

  /** @param {string} text */
  async #fetch(text) {
    const request = (this.request = new AbortController());
    try {
      const { from, items } = await api.complete(this.store.current, this.store.me, text, request.signal);
      if (this.input.value !== text || document.activeElement !== this.input) return;
      this.#offer(text, from, items.slice(0, 50));
    } catch {
      if (!request.signal.aborted) this.close(); // else somebody typed on, and the next question is on its way
    }
  }

  /** @param {string} text @param {number} from @param {{value: string, label: string, hint: string}[]} items */
  #offer(text, from, items) {
    Object.assign(this, { from, text, items, chosen: -1 });
    this.#draw();
  }

  close() {
    clearTimeout(this.timer);
    this.request?.abort();
    this.root.hidden = true;
    this.items = [];
    this.chosen = -1;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
  }

  #draw() {
    const already = this.items.length === 1 && this.text.slice(this.from).trim() === this.items[0].value.trim();
    if (!this.items.length || already) return this.close();
    fill(
      this.root,
      this.items.map((item, i) =>
        h(
          "li",
          {
            class: "option",
            id: `option-${i}`,
            role: "option",
            "aria-selected": String(i === this.chosen),
            on: {
              pointerdown: (event) => {
                event.preventDefault();
                this.take(i);
              },
            },
          },
          h("span", { class: "option-label" }, h("bdi", {}, item.label || item.value)),
          h("span", { class: "option-hint" }, h("bdi", {}, item.hint ?? "")),
        ),
      ),
    );
    this.root.hidden = false;
    this.input.setAttribute("aria-expanded", "true");
    return undefined;
  }

  /** @param {number} step */
  move(step) {
    const count = this.items.length;
    this.chosen = this.chosen < 0 ? (step > 0 ? 0 : count - 1) : (this.chosen + step + count) % count;
    [...this.root.children].forEach((node, i) => node.setAttribute("aria-selected", String(i === this.chosen)));
    this.root.children[this.chosen]?.scrollIntoView({ block: "nearest" });
    this.input.setAttribute("aria-activedescendant", `option-${this.chosen}`);
  }

  /** Put a completion on the line and ask for what follows. @param {number} [i] */
  take(i = Math.max(0, this.chosen)) {
    const item = this.items[i];
    if (!item) return;
    const value = this.text.slice(0, this.from) + item.value;
    this.input.value = /[\s=]$/.test(value) ? value : `${value} `;
    this.input.setSelectionRange(this.input.value.length, this.input.value.length);
    this.input.focus();
    this.close();
    this.input.dispatchEvent(new Event("input", { bubbles: true }));
  }
}
