/** The input line: speak, or type a command; completion, history, and a draft for each room. */
import { Completion } from "./completion.js";
import { fill } from "./dom.js";
import { shape } from "./shapes.js";
import { keep } from "./store.js";

const HISTORY = "muster.history";
const HISTORY_KEPT = 50;
const LINES_PX = 160;

export class Composer {
  /**
   * @param {{form: HTMLElement, input: HTMLTextAreaElement, send: HTMLElement, completion: HTMLElement}} parts
   * @param {import("./store.js").Store} store @param {(text: string) => void} say
   */
  constructor(parts, store, say) {
    Object.assign(this, parts, { store, say, drafts: new Map(), room: "", at: -1, draft: "" });
    this.completion = new Completion(parts.completion, parts.input, store);
    fill(parts.send, shape("send"));
    try {
      this.history = JSON.parse(keep.get(HISTORY) ?? "[]");
    } catch {
      this.history = [];
    }
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.input.addEventListener("input", () => {
      this.at = -1;
      this.#fit();
      this.completion.ask();
    });
    this.input.addEventListener("keydown", (event) => this.#key(event));
    this.input.addEventListener("blur", () => this.completion.close());
    document.addEventListener("compose", (event) => this.write(event.detail));
    window.addEventListener("panes", () => this.#fit());
    store.on("room", () => this.#follow());
    store.on("room rooms", () => this.#hint());
  }

  /** Put something on the line and go there. @param {string} text */
  write(text) {
    this.input.value = text;
    this.input.focus();
    this.input.setSelectionRange(text.length, text.length);
    this.input.dispatchEvent(new Event("input", { bubbles: true }));
  }

  #follow() {
    if (this.store.current === this.room) return;
    this.drafts.set(this.room, this.input.value);
    this.room = this.store.current;
    this.input.value = this.drafts.get(this.room) ?? "";
    this.completion.close();
    this.#fit();
  }

  #hint() {
    const { room, incident } = this.store;
    const where = incident ? ` in ${incident.id}` : room?.kind === "lobby" ? " in the lobby" : "";
    const hint = matchMedia("(max-width: 899px)").matches
      ? "Message, or / for commands"
      : `Say something${where}, or type / for commands`;
    if (this.input.placeholder !== hint) this.input.placeholder = hint;
  }

  #fit() {
    this.input.style.height = "auto";
    const high = this.input.scrollHeight; // 0 while another pane has the floor
    this.input.style.height = high ? `${Math.min(high, LINES_PX)}px` : "";
    this.input.classList.toggle("command", this.input.value.startsWith("/"));
    this.form.toggleAttribute("data-filled", this.input.value.trim() !== "");
  }

  #submit() {
    const text = this.input.value.trim();
    if (!text || !this.store.room) return;
    this.history = [...this.history.filter((old) => old !== text), text].slice(-HISTORY_KEPT);
    keep.set(HISTORY, JSON.stringify(this.history));
    this.input.value = "";
    this.at = -1;
    this.completion.close();
    this.#fit();
    this.say(text);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.isComposing) return;
    const { completion } = this;
    if (completion.open && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      completion.move(event.key === "ArrowDown" ? 1 : -1);
    } else if (completion.open && event.key === "Tab" && !event.shiftKey) {
      event.preventDefault();
      completion.take();
    } else if (completion.open && event.key === "Enter" && completion.chosen >= 0) {
      event.preventDefault();
      completion.take();
    } else if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      if (completion.open) completion.close();
      else this.input.blur();
    } else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.#submit();
    } else if (event.key === "ArrowUp" || event.key === "ArrowDown") this.#recall(event);
  }

  /** Walk what was typed before. @param {KeyboardEvent} event */
  #recall(event) {
    const up = event.key === "ArrowUp";
    if (this.at < 0 && (!up || this.input.value !== "")) return;
    event.preventDefault();
    if (this.at < 0) this.draft = this.input.value;
    const at = this.at < 0 ? this.history.length - 1 : this.at + (up ? -1 : 1);
    if (at < 0 || !this.history.length) return;
    this.at = at >= this.history.length ? -1 : at;
    this.input.value = this.at < 0 ? this.draft : this.history[this.at];
    this.input.setSelectionRange(this.input.value.length, this.input.value.length);
    this.#fit();
  }
}
