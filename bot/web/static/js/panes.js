/** Which pane has the floor: all three stand side by side on a desk, one at a time on a phone. */

const NAMES = ["rooms", "room", "picture"];
const phone = matchMedia("(max-width: 899px)");

export class Panes {
  /** @param {HTMLElement} app @param {HTMLElement} tabs @param {import("./store.js").Store} store */
  constructor(app, tabs, store) {
    this.app = app;
    this.tabs = tabs;
    tabs.addEventListener("click", (event) => {
      const name = event.target.closest("button")?.getAttribute("data-pane");
      if (name) this.show(name);
    });
    const mark = tabs.querySelector("#switch-mark");
    const marked = () => {
      const news =
        store.waiting.size > 0 ||
        [...(store.rooms?.values() ?? [])].some((room) => room.id !== store.current && store.isUnread(room));
      if (mark) mark.hidden = !news;
    };
    store.on("rooms room pages", marked);
  }

  get current() {
    return this.app.getAttribute("data-pane") ?? "room";
  }

  get narrow() {
    return phone.matches;
  }

  /** @param {string} name @param {boolean} [focus] */
  show(name, focus = false) {
    this.app.setAttribute("data-pane", name);
    for (const tab of this.tabs.querySelectorAll("button")) {
      if (tab.getAttribute("data-pane") === name) tab.setAttribute("aria-current", "page");
      else tab.removeAttribute("aria-current");
    }
    window.dispatchEvent(new Event("panes"));
    if (focus) this.focus(name);
  }

  /** @param {string} name */
  focus(name) {
    const pane = document.getElementById(`pane-${name}`);
    const first =
      name === "rooms"
        ? (pane?.querySelector("[aria-current=page]") ?? pane?.querySelector("a.room"))
        : name === "room"
          ? document.getElementById("log")
          : pane?.querySelector("[role=tab][aria-selected=true]");
    (first ?? pane)?.focus();
  }

  /** One step towards the list. @returns {boolean} whether there was one */
  back() {
    const at = NAMES.indexOf(this.current);
    if (!this.narrow || at <= 0) return false;
    this.show(NAMES[at - 1], true);
    return true;
  }
}
