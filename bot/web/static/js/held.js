/** What was held back: the newest alerts that no incident has, each with the reason. Nobody was called for them. */
import { fill, h, linkButton } from "./dom.js";
import { moment } from "./time.js";

const SHOWN = 40;

/** @typedef {import("./types.js").Alert} Alert */

/** @param {Alert} alert */
function entry(alert) {
  const place = [alert.service, alert.host].filter(Boolean).join(", ");
  return h(
    "li",
    { class: "evidence-item" },
    h(
      "p",
      { class: "evidence-head" },
      h("span", { class: "evidence-at" }, moment(alert.last_seen, true)),
      h("span", { class: "evidence-name", dir: "auto" }, h("bdi", {}, alert.name)),
      place ? h("span", { class: "muted" }, h("bdi", {}, place)) : null,
      alert.status === "firing" ? h("span", { class: "tag" }, "firing") : null,
      alert.count > 1 ? h("span", { class: "muted" }, `${alert.count} times`) : null,
    ),
    h("p", { class: "evidence-words", dir: "auto" }, h("bdi", { dir: "ltr" }, alert.held)),
  );
}

export class HeldList {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.print = "";
    this.all = false;
  }

  /** @param {Alert[]} alerts */
  draw(alerts) {
    const print = `${this.all} ${JSON.stringify(alerts)}`;
    if (print === this.print) return;
    this.print = print;
    if (!alerts.length) {
      fill(
        this.root,
        h(
          "p",
          { class: "nothing" },
          "Nothing was held back. Alerts that open no incident stand here, each with the reason: noise, a silence, " +
            "or waiting for others that belong to it.",
        ),
      );
      return;
    }
    const rank = (alert) => (alert.status === "firing" ? 0 : 1);
    const ordered = [...alerts].sort((a, b) => rank(a) - rank(b) || (a.last_seen < b.last_seen ? 1 : -1));
    const shown = this.all ? ordered : ordered.slice(0, SHOWN);
    const firing = alerts.filter((alert) => alert.status === "firing").length;
    const count = `Held back: ${alerts.length}${alerts.length === 100 ? " or more" : ""}`;
    fill(
      this.root,
      h("p", { class: "held-count" }, h("b", {}, count), `, ${firing || "none"} firing. Nobody was called for them. Typed: `, h("code", {}, "/incident alerts held")),
      h("ol", { class: "plain-list evidence" }, shown.map(entry)),
      alerts.length > shown.length
        ? linkButton(`Show all ${alerts.length}`, () => {
            this.all = true;
            this.draw(alerts);
          })
        : null,
    );
  }
}
