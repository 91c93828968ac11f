/** The quiet line on top: a lost connection, a page that waits while another room is open, a newer version. */
import { fill, h } from "./dom.js";
import { shape } from "./shapes.js";
import { spans } from "./spans.js";
import { duration } from "./time.js";

const GRACE_MS = 1500;

export class Banner {
  /** @param {HTMLElement} root @param {import("./store.js").Store} store @param {(room: string) => void} open */
  constructor(root, store, open) {
    Object.assign(this, { root, store, open, lostAt: 0, newer: false, print: "" });
    store.on("pages room rooms me", () => this.draw());
    setInterval(() => this.lostAt && this.draw(), 1000);
  }

  /** @param {number} at ms */
  lost(at) {
    if (!this.lostAt) {
      this.lostAt = at;
      setTimeout(() => this.draw(), GRACE_MS);
    }
  }

  found() {
    this.lostAt = 0;
    this.draw();
  }

  upgraded() {
    this.newer = true;
    this.draw();
  }

  draw() {
    const lost = this.lostAt && Date.now() - this.lostAt >= GRACE_MS;
    const page = [...this.store.waiting.values()].pop();
    const away = page && this.store.room?.kind !== "private";
    const print = lost
      ? `lost${Math.floor((Date.now() - this.lostAt) / 1000)}`
      : away
        ? `page${page.id}`
        : this.newer
          ? "newer"
          : "";
    if (print === this.print) return;
    this.print = print;
    this.root.hidden = !print;
    this.root.setAttribute("data-kind", lost ? "lost" : away ? "page" : "newer");
    if (lost) {
      this.root.setAttribute("aria-live", "off");
      fill(
        this.root,
        shape("warning"),
        h(
          "span",
          {},
          `Connection lost ${duration(Date.now() - this.lostAt)} ago; trying again. What you see may be old.`,
        ),
      );
    } else if (away && page.view?.view === "page") {
      this.root.setAttribute("aria-live", "assertive");
      fill(
        this.root,
        shape("page", "open"),
        h("span", { class: "banner-words", dir: "auto" }, "Page for you: ", spans(page.view.headline)),
        h("button", { class: "button", type: "button", on: { click: () => this.open(page.room) } }, "Show"),
      );
    } else if (this.newer) {
      this.root.setAttribute("aria-live", "polite");
      fill(
        this.root,
        h("span", {}, "Muster was updated while this page was open."),
        h("button", { class: "button", type: "button", on: { click: () => location.reload() } }, "Reload"),
      );
    }
  }
}
