/** What happened, in order: the incident's timeline as the retrospective will tell it. */
import { fill, h } from "./dom.js";
import { shape } from "./shapes.js";
import { dayKey, dayWords, hour, ms } from "./time.js";

/** @typedef {import("./types.js").TimelineEntry} TimelineEntry */

/** @type {[RegExp, string][]} which drawing stands for a kind */
const SHAPES = [
  [/resolv/, "resolved"],
  [/mitigat/, "mitigated"],
  [/^unack/, "open"],
  [/ack/, "acknowledged"],
  [/declar|open/, "open"],
  [/page|escalat/, "page"],
  [/change|deploy|suspect/, "change"],
  [/note|update/, "note"],
  [/fail/, "failed"],
  [/lead|role|invite|owner|responder|joined/, "person"],
];

/** @param {string} kind */
const shapeOf = (kind) => SHAPES.find(([pattern]) => pattern.test(kind))?.[1] ?? "dot";

export class TimelineList {
  /** @param {HTMLElement} root @param {(id: string) => string} nameOf */
  constructor(root, nameOf) {
    this.root = root;
    this.nameOf = nameOf;
    this.print = "";
  }

  /** @param {TimelineEntry[]} entries */
  draw(entries) {
    const print = JSON.stringify(entries);
    if (print === this.print) return;
    this.print = print;
    if (!entries.length) {
      fill(
        this.root,
        h(
          "p",
          { class: "nothing" },
          "Nothing yet. Acknowledgements, pages, notes and changes of state appear here; ",
          h("code", {}, "/incident note TEXT"),
          " adds one.",
        ),
      );
      return;
    }
    let day = "";
    const nodes = [];
    for (const item of entries) {
      const at = ms(item.at);
      if (dayKey(at) !== day) {
        day = dayKey(at);
        nodes.push(h("li", { class: "timeline-day" }, dayWords(at)));
      }
      const drawing = shapeOf(item.kind);
      const actor = item.actor && item.actor !== "muster" ? this.nameOf(item.actor) : "";
      nodes.push(
        h(
          "li",
          { class: "timeline-item", data: { kind: item.kind } },
          h("span", { class: "timeline-at" }, hour(item.at, true)),
          h("span", { class: "timeline-mark" }, shape(drawing)),
          h(
            "span",
            { class: "timeline-words", dir: "auto" },
            h("bdi", {}, item.text || item.kind.replaceAll("_", " ")),
            actor && !item.text.includes(actor) ? h("span", { class: "muted" }, " ", h("bdi", {}, actor)) : null,
          ),
        ),
      );
    }
    fill(this.root, h("ol", { class: "plain-list timeline" }, nodes));
  }
}
