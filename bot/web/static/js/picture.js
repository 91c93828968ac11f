/**
 * The right side: what words are poor at. It decides what to fetch and when (a storm of events costs one request a
 * second), and shows what was known until the new is there.
 */
import * as api from "./api.js";
import { ChangeTable } from "./changes.js";
import { fill, h, linkButton, skeleton } from "./dom.js";
import { EvidenceList } from "./evidence.js";
import { ServiceGraph } from "./graph.js";
import { HeldList } from "./held.js";
import { LaneChart } from "./lanes.js";
import { pace } from "./pace.js";
import { TimelineList } from "./timeline.js";

const LANES_MS = 1000;
const REST_MS = 2000;
const IDLE_MS = 15_000;
const TABS = [
  ["picture", "Picture"],
  ["why", "Why grouped"],
  ["timeline", "Timeline"],
];
const EVERYWHERE = [
  ["picture", "All services, last hour"],
  ["held", "Held back"],
];

export class Picture {
  /** @param {HTMLElement} tabs @param {HTMLElement} root @param {import("./store.js").Store} store */
  constructor(tabs, root, store) {
    Object.assign(this, { tabs, root, store, tab: "picture", shown: "" });
    this.refreshLanes = pace(() => this.#load("lanes"), LANES_MS);
    this.refreshGraph = pace(() => this.#load("graph"), REST_MS);
    this.refreshList = pace(() => this.tab !== "picture" && this.#load(this.#parts()[0]), REST_MS);
    this.#drawTabs();
    store.on("room rooms", () => this.#follow());
    store.on("incident", (id) => id === store.incident?.id && this.refresh());
    setInterval(() => this.#visible() && this.tab === "picture" && this.refreshLanes(), IDLE_MS);
    for (const type of ["visibilitychange", "panes"]) {
      (type === "panes" ? window : document).addEventListener(type, () => this.stale && this.refresh());
    }
  }

  /** Something new about an incident, or about everything (null). @param {string|null} incident */
  touched(incident) {
    const here = this.store.incident?.id ?? null;
    if (here === null || incident === null || incident === here) this.refresh();
  }

  refresh() {
    if (!this.#visible()) {
      this.stale = true;
      return;
    }
    this.stale = false;
    if (this.tab === "picture") {
      this.refreshLanes();
      this.refreshGraph();
    } else this.refreshList();
  }

  #visible() {
    return !document.hidden && this.root.getClientRects().length > 0;
  }

  /** Another room: everything anew. */
  #follow() {
    const { room } = this.store;
    if (!room || room.id === this.shown) return;
    this.shown = room.id;
    if (!this.#tabs().some(([id]) => id === this.tab)) this.tab = "picture";
    this.#drawTabs();
    this.#frame();
  }

  #tabs() {
    return this.store.incident ? TABS : EVERYWHERE;
  }

  #drawTabs() {
    const tabs = this.#tabs();
    fill(
      this.tabs,
      tabs.map(([id, words]) =>
        h(
          "button",
          {
            class: "tab",
            type: "button",
            role: "tab",
            id: `tab-${id}`,
            "aria-controls": "picture",
            "aria-selected": String(id === this.tab),
            tabindex: id === this.tab ? "0" : "-1",
            on: { click: () => this.show(id), keydown: (event) => this.#key(event) },
          },
          words,
        ),
      ),
    );
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const tabs = this.#tabs();
    const at = tabs.findIndex(([id]) => id === this.tab);
    this.show(tabs[(at + step + tabs.length) % tabs.length][0]);
    document.getElementById(`tab-${this.tab}`)?.focus();
  }

  /** @param {string} tab */
  show(tab) {
    this.tab = tab;
    this.#drawTabs();
    this.#frame();
  }

  /** The empty frame of the chosen tab, with skeletons until the first answer. */
  #frame() {
    this.abort?.abort();
    this.abort = new AbortController();
    this.charts = null;
    this.root.setAttribute("role", "tabpanel");
    this.root.setAttribute("aria-labelledby", `tab-${this.tab}`);
    this.root.scrollTop = 0;
    if (this.tab === "picture") {
      this.lanesBox = h("div", {}, skeleton(4, "skeleton-lanes"));
      this.changesBox = h("div", {});
      this.graphBox = h("div", {}, skeleton(4, "skeleton-graph"));
      fill(
        this.root,
        h("section", { class: "figure" }, h("h2", {}, "Alerts over time"), this.lanesBox),
        h("section", { class: "figure" }, h("h2", {}, "Services"), this.graphBox),
        h("section", { class: "figure" }, h("h2", {}, "Changes"), this.changesBox),
      );
    } else {
      this.listBox = h("div", {}, skeleton(6, "skeleton-log"));
      fill(this.root, h("section", { class: "figure figure-list" }, this.listBox));
    }
    this.drawn = {};
    if (!this.#visible()) this.stale = true;
    else for (const what of this.#parts()) void this.#load(what);
  }

  /** @returns {("lanes"|"graph"|"evidence"|"held"|"timeline")[]} what the chosen tab shows */
  #parts() {
    if (this.tab === "picture") return ["lanes", "graph"];
    return [this.tab === "why" ? "evidence" : this.tab === "held" ? "held" : "timeline"];
  }

  /** @param {"lanes"|"graph"|"evidence"|"held"|"timeline"} what */
  async #load(what) {
    const { room, incident } = this.store;
    const signal = this.abort?.signal;
    if (!room || !signal) return;
    try {
      const data = await api[what](incident?.id ?? null, signal);
      if (!signal.aborted) this.#draw(what, data);
    } catch (error) {
      if (!signal.aborted && !this.drawn[what]) this.#failed(what, error);
    }
  }

  /** @param {string} what @param {any} data */
  #draw(what, data) {
    const first = (box, make) => (this.drawn[what] ??= (fill(box), make()));
    if (what === "lanes") {
      if (data.lanes.length || data.changes.length || data.marks.length)
        first(this.lanesBox, () => new LaneChart(this.lanesBox)).draw(data);
      else {
        this.drawn.lanes = undefined;
        fill(
          this.lanesBox,
          h("p", { class: "nothing" }, "No alerts in this hour. Each service that raises one gets a lane here."),
        );
      }
      (this.drawn.changes ??= new ChangeTable(this.changesBox)).draw(data.changes);
    } else if (what === "graph") {
      if (data.nodes.length) first(this.graphBox, () => new ServiceGraph(this.graphBox)).draw(data);
      else {
        this.drawn.graph = undefined;
        fill(
          this.graphBox,
          h(
            "p",
            { class: "nothing" },
            "No services known yet. They appear with their first alert; name what they depend on in the catalogue (",
            h("code", {}, "services: checkout: depends_on"),
            ") to see the links.",
          ),
        );
      }
    } else if (what === "evidence" && this.tab === "why") {
      first(this.listBox, () => new EvidenceList(this.listBox)).draw(data);
    } else if (what === "held" && this.tab === "held") {
      first(this.listBox, () => new HeldList(this.listBox)).draw(data);
    } else if (what === "timeline" && this.tab === "timeline") {
      first(this.listBox, () => new TimelineList(this.listBox, (id) => this.store.nameOf(id))).draw(data);
    }
  }

  /** @param {string} what @param {Error} error */
  #failed(what, error) {
    const box = { lanes: this.lanesBox, graph: this.graphBox }[what] ?? this.listBox;
    fill(
      box,
      h(
        "p",
        { class: "nothing" },
        `${error.message} `,
        linkButton("Try again", () => this.refresh()),
      ),
    );
  }
}
