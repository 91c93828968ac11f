/**
 * Who reads: chosen from the catalogue's people, or a typed name where there is no catalogue; remembered by the
 * browser. `?as=` in the page's address wins and is not remembered, so two tabs can be two people.
 */
import { fill, h } from "./dom.js";
import { keep } from "./store.js";

const KEY = "muster.me";
const GUEST = "guest:"; // how the API marks somebody whom the catalogue does not know

/** A typed name as the API wants it. @param {string} name */
const guest = (name) => name.trim() && `${GUEST}${name.trim().slice(0, 40)}`;

export class Identity {
  /**
   * @param {HTMLElement} foot the chooser's place @param {HTMLElement} gentle where a first visit is asked
   * @param {import("./store.js").Store} store @param {(me: string) => void} become
   */
  constructor(foot, gentle, store, become) {
    Object.assign(this, { foot, gentle, store, become });
    store.on("me session", () => this.draw());
  }

  /** Who it is at the start. @returns {string} */
  start() {
    const people = this.store.session?.people ?? [];
    const asked = new URLSearchParams(location.search).get("as");
    const kept = keep.get(KEY);
    const fits = (id) => id && (!people.length || people.some((person) => person.id === id));
    if (fits(asked)) return asked;
    if (fits(kept)) return kept;
    this.asking = true;
    return people[0]?.id ?? `${GUEST}guest`;
  }

  /** @param {string} id */
  #choose(id) {
    if (!id) return;
    keep.set(KEY, id);
    this.asking = false;
    const url = new URL(location.href);
    url.searchParams.delete("as");
    history.replaceState(history.state, "", url);
    if (id === this.store.me) this.draw();
    else this.become(id);
  }

  /** @param {string} label @param {string} kind */
  #chooser(label, kind) {
    const people = this.store.session?.people ?? [];
    if (people.length) {
      const select = h(
        "select",
        { class: "chooser", id: `me-${kind}`, on: { change: (event) => this.#choose(event.target.value) } },
        people.map((person) => h("option", { value: person.id, selected: person.id === this.store.me }, person.name)),
      );
      return [h("label", { for: `me-${kind}` }, label), select];
    }
    const input = h("input", {
      class: "chooser",
      id: `me-${kind}`,
      value: this.store.nameOf(this.store.me),
      maxlength: "40",
      dir: "auto",
      autocomplete: "nickname",
      on: { change: (event) => this.#choose(guest(event.target.value)) },
    });
    return [h("label", { for: `me-${kind}` }, label), input];
  }

  draw() {
    if (!this.store.session) return;
    fill(this.foot, this.#chooser("You are", "foot"));
    this.gentle.hidden = !this.asking;
    if (this.asking) {
      fill(
        this.gentle,
        h("span", { class: "gentle-words" }, "What you say and acknowledge here carries a name."),
        h(
          "span",
          { class: "gentle-choice" },
          this.#chooser("You are", "gentle"),
          h(
            "button",
            { class: "button", type: "button", on: { click: () => this.#choose(this.store.me) } },
            "That is me",
          ),
        ),
      );
    }
  }
}
