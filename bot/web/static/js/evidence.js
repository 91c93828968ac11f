/**
 * Why these alerts are one incident: each alert with its decision in words, the terms that made the score on request.
 */
import { fill, h, linkButton } from "./dom.js";
import { moment } from "./time.js";

const SHOWN = 40;

/** @typedef {import("./types.js").Evidence} Evidence */

/** A term and its share, as a bar and a figure. @param {{term: string, score: number, words: string}} term */
function termRow(term) {
  const score = Number(term.score) || 0;
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, h("bdi", {}, term.term)),
    h(
      "td",
      { class: "cell-bar" },
      h(
        "meter",
        { min: "0", max: "1", value: String(Math.max(0, Math.min(1, score))), title: String(score) },
        score.toFixed(2),
      ),
    ),
    h("td", { class: "cell-score" }, score.toFixed(2)),
    h("td", { dir: "auto" }, h("bdi", { dir: "ltr" }, term.words)),
  );
}

/** @param {Evidence} item */
function entry(item) {
  return h(
    "li",
    { class: "evidence-item", data: { decision: item.decision } },
    h(
      "p",
      { class: "evidence-head" },
      h("span", { class: "evidence-at" }, moment(item.at, true)),
      h("span", { class: "evidence-name", dir: "auto" }, h("bdi", {}, item.name)),
      item.service ? h("span", { class: "muted" }, h("bdi", {}, item.service)) : null,
      h("span", { class: "tag" }, item.decision),
    ),
    h("p", { class: "evidence-words", dir: "auto" }, h("bdi", { dir: "ltr" }, item.words)),
    item.terms?.length
      ? h(
          "details",
          {},
          h("summary", {}, `${item.terms.length} ${item.terms.length === 1 ? "term" : "terms"}`),
          h("table", { class: "table terms" }, h("tbody", {}, item.terms.map(termRow))),
        )
      : null,
  );
}

export class EvidenceList {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.print = "";
    this.all = false;
  }

  /** @param {Evidence[]} items */
  draw(items) {
    const print = `${this.all} ${JSON.stringify(items)}`;
    if (print === this.print) return;
    this.print = print;
    const open = new Set(
      [...this.root.querySelectorAll("details[open]")].map((node) => node.closest("li")?.getAttribute("data-alert")),
    );
    if (!items.length) {
      fill(
        this.root,
        h(
          "p",
          { class: "nothing" },
          "No evidence: a person declared this incident, or its first alert is alone. Why each alert joined appears here.",
        ),
      );
      return;
    }
    const shown = this.all ? items : items.slice(0, SHOWN);
    fill(
      this.root,
      h(
        "ol",
        { class: "plain-list evidence" },
        shown.map((item) => {
          const node = entry(item);
          node.setAttribute("data-alert", item.alert);
          if (open.has(String(item.alert))) node.querySelector("details")?.setAttribute("open", "");
          return node;
        }),
      ),
      items.length > shown.length
        ? linkButton(`Show all ${items.length} alerts`, () => {
            this.all = true;
            this.draw(items);
          })
        : null,
    );
  }
}
