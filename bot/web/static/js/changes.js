/** Changes as a table under the lanes: the same facts as the marks on the axis, readable and linked. */
import { fill, h, linkButton, outside } from "./dom.js";
import { shape } from "./shapes.js";
import { moment, ms } from "./time.js";

const SHOWN = 5;

/** @typedef {import("./types.js").Change} Change */

export class ChangeTable {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.all = false;
    this.print = "";
  }

  /** @param {Change[]} changes */
  draw(changes) {
    const print = JSON.stringify([changes, this.all]);
    if (print === this.print) return;
    this.print = print;
    if (!changes.length) {
      fill(
        this.root,
        h(
          "p",
          { class: "nothing" },
          "No changes near this. Deploys posted to ",
          h("code", {}, "/webhooks/change"),
          " or ",
          h("code", {}, "/webhooks/github"),
          " appear here and on the axis.",
        ),
      );
      return;
    }
    const sorted = [...changes].sort((a, b) => ms(b.at) - ms(a.at));
    const shown = this.all ? sorted : sorted.slice(0, SHOWN);
    fill(
      this.root,
      h(
        "table",
        { class: "table changes" },
        h("caption", { class: "visually-hidden" }, "Changes, newest first"),
        h(
          "thead",
          { class: "visually-hidden" },
          h(
            "tr",
            {},
            ["At", "Kind", "Service and change"].map((name) => h("th", { scope: "col" }, name)),
          ),
        ),
        h(
          "tbody",
          {},
          shown.map((change) => this.#row(change)),
        ),
      ),
      sorted.length > shown.length
        ? linkButton(`Show all ${sorted.length} changes`, () => {
            this.all = true;
            this.draw(changes);
          })
        : null,
    );
  }

  /** @param {Change} change */
  #row(change) {
    const odd = change.status !== "succeeded";
    const failed = change.status === "failed" || change.status === "rolled_back";
    return h(
      "tr",
      { data: { rank: change.rank } },
      h("td", { class: "cell-time" }, moment(change.at)),
      h(
        "td",
        { class: "cell-mark" },
        shape(change.rank === 1 ? "suspect" : failed ? "failed" : "change", change.rank === 1 ? "suspect" : "change"),
      ),
      h(
        "td",
        {},
        h("div", {}, h("b", {}, h("bdi", {}, change.service || "no service")), " ", outside(change.title, change.url)),
        h(
          "div",
          { class: "change-about" },
          change.rank
            ? h(
                "span",
                { class: change.rank === 1 ? "suspect-word" : "" },
                change.rank === 1 ? "suspect" : `suspect ${change.rank}`,
              )
            : null,
          h("span", {}, change.kind),
          odd ? h("span", {}, change.status.replace("_", " ")) : null,
          change.author ? h("bdi", {}, change.author) : null,
        ),
      ),
    );
  }
}
