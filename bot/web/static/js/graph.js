/** The services around an incident, what depends on what, and how far the damage reaches. */
import { fit } from "./axis.js";
import { fill, h, s } from "./dom.js";
import { layered } from "./layers.js";
import { place } from "./places.js";
import { shape, shapeAt } from "./shapes.js";
import { Tooltip } from "./tooltip.js";

/** @typedef {import("./types.js").Graph} Graph @typedef {import("./types.js").Node} Node */

const STATES = ["cause", "affected", "exposed", "healthy"];
const WORDS = { cause: "probable cause", affected: "affected", exposed: "exposed", healthy: "healthy" };
const HOT = new Set(["cause", "affected"]);
const FONT = "500 12px system-ui, sans-serif";

export class ServiceGraph {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.frame = h("div", { class: "chart graph" });
    this.drawing = s("svg", {
      class: "drawing",
      role: "group",
      "aria-label": "Services; each depends on those below it",
    });
    this.frame.append(this.drawing);
    this.tip = new Tooltip(this.frame);
    this.legend = h("div", { class: "legend" });
    this.print = "";
    fill(root, this.frame, this.legend);
    new ResizeObserver(() => this.data && this.draw(this.data)).observe(this.frame);
  }

  /** @param {Graph} data */
  draw(data) {
    this.data = data;
    const width = this.frame.clientWidth;
    const print = `${width} ${JSON.stringify(data)}`;
    if (width < 80 || print === this.print) return;
    this.print = print;
    const nodes = new Map(data.nodes.map((node) => [node.service, node]));
    const { places, links, ways, size, height } = this.#lay(data, width);
    const focused = this.frame.contains(document.activeElement)
      ? document.activeElement?.getAttribute("data-service")
      : null;
    this.order = [...places.keys()];
    this.places = places;
    const heat = (edge) => {
      const states = [nodes.get(edge.from)?.state, nodes.get(edge.to)?.state];
      return states.every((state) => HOT.has(state))
        ? "hot"
        : states.includes("exposed") && states.some((state) => HOT.has(state))
          ? "warm"
          : "cold";
    };
    const rank = { cold: 0, warm: 1, hot: 2 };
    const lines = links
      .map((edge) => ({ edge, heat: heat(edge) }))
      .sort((a, b) => rank[a.heat] - rank[b.heat])
      .map((line) => this.#edge(line.edge, line.heat, ways.get(line.edge), size.high));
    fill(
      this.drawing,
      s(
        "defs",
        {},
        ["cold", "warm", "hot", "lit"].map((kind) =>
          s(
            "marker",
            {
              id: `tip-${kind}`,
              class: "tip",
              data: { heat: kind },
              viewBox: "0 0 8 8",
              refX: 7,
              refY: 4,
              markerWidth: 7,
              markerHeight: 7,
              markerUnits: "userSpaceOnUse",
              orient: "auto",
            },
            s("path", { d: "M0 0.5 8 4 0 7.5Z" }),
          ),
        ),
      ),
      lines,
      this.order.map((name, i) => this.#node(nodes.get(name), places.get(name), size, links, i)),
    );
    this.drawing.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.drawing.setAttribute("width", String(width));
    this.drawing.setAttribute("height", String(height));
    const present = STATES.filter((state) => data.nodes.some((node) => node.state === state));
    fill(
      this.legend,
      present.map((state) => h("span", { class: "legend-item" }, shape(state), WORDS[state])),
      h("span", { class: "legend-item muted" }, "each depends on those below it"),
    );
    if (focused) this.#at(focused)?.focus();
  }

  /**
   * Where everything stands. Alerts come and go, what depends on what rarely does: that is laid out once.
   * @param {Graph} data @param {number} width px
   */
  #lay(data, width) {
    const names = data.nodes.map((node) => node.service);
    const print = JSON.stringify([width, names, data.edges]);
    if (this.laid?.print === print) return this.laid;
    const crowded = names.length > 16;
    const most = width >= 364 ? Math.min(148, (width - 16) / 3) : (width - 8) / 2;
    const gap = 8;
    const drop = crowded ? 24 : 30;
    const size = { most, least: Math.min(most, 116), high: crowded ? 32 : 36, gap, drop, wrap: 18 };
    const { rows, ways } = layered(names, data.edges, Math.max(1, Math.floor((width + gap) / (most + gap))));
    const { wide, height } = place(rows, width, size);
    const boxes = rows.flatMap((row) => row.items).filter((item) => item.name);
    const places = new Map(boxes.map((item) => [item.name, item]));
    const links = data.edges.filter((edge) => ways.has(edge));
    this.laid = { print, places, links, ways, size: { wide, high: size.high }, height };
    return this.laid;
  }

  /**
   * Curves lie between the rows, where no box is; through a row the edge goes straight.
   * @param {{from: string, to: string}} edge @param {string} heat @param {import("./layers.js").Item[]} way
   * @param {number} high px
   */
  #edge(edge, heat, way, high) {
    const [a, b] = [this.places.get(edge.from), this.places.get(edge.to)];
    const out = (b.y >= a.y ? 1 : -1) * (high / 2); // from a row's middle to the side where the edge leaves it
    let d = `M${a.x} ${a.y + out}`;
    let [x, y] = [a.x, a.y + out];
    for (const stop of [...way, b]) {
      const end = stop === b ? b.y - out - Math.sign(out) * 2 : stop.y - out;
      const middle = (y + end) / 2;
      d += `C${x} ${middle} ${stop.x} ${middle} ${stop.x} ${end}`;
      if (stop !== b) d += `V${stop.y + out}`;
      [x, y] = [stop.x, stop.y + out];
    }
    return s("path", {
      class: "edge",
      data: { heat, from: edge.from, to: edge.to },
      "marker-end": `url(#tip-${heat})`,
      d,
    });
  }

  /** @param {Node} node */
  #node(node, at, size, links, i) {
    const { state } = node;
    const below = links.filter((link) => link.from === node.service).map((link) => link.to);
    const above = links.filter((link) => link.to === node.service).map((link) => link.from);
    const words =
      state === "healthy" ? "" : `${state === "cause" ? "cause" : state}${node.alerts ? `, ${node.alerts}` : ""}`;
    const lines = [
      [
        h("b", {}, WORDS[state]),
        `, ${node.alerts} ${node.alerts === 1 ? "alert" : "alerts"}${node.tier ? `, tier ${node.tier}` : ""}`,
      ],
      node.hops ? `${node.hops} ${node.hops === 1 ? "hop" : "hops"} from the cause` : null,
      below.length ? `Depends on ${below.join(", ")}` : "Depends on nothing known",
      above.length ? `Needed by ${above.join(", ")}` : null,
    ].filter(Boolean);
    const x = at.x - size.wide / 2;
    const y = at.y - size.high / 2;
    const show = (speak) => {
      this.#light(node.service, true);
      this.tip.show(at.x - 20, at.y + size.high / 2 - 4, node.service, lines, speak);
    };
    const hide = () => {
      this.#light(node.service, false);
      this.tip.hide();
    };
    return s(
      "g",
      {
        class: "node",
        tabindex: i === 0 ? "0" : "-1",
        role: "img",
        data: { state, service: node.service },
        "aria-label": `${node.service}: ${WORDS[state]}, ${node.alerts} alerts. ${lines.slice(1).join(". ")}`,
        on: {
          pointerenter: () => show(false),
          pointerleave: hide,
          focus: () => show(false),
          blur: hide,
          keydown: (event) => this.#key(event, node.service),
        },
      },
      s("rect", { class: "node-box", x: x + 0.5, y: y + 0.5, width: size.wide - 1, height: size.high - 1, rx: 6 }),
      shapeAt(state, x + 14, at.y, 12, state),
      this.#name(node.service, x + 27, at.y, size.wide - 32, !words),
      words ? s("text", { class: "node-words", x: x + 27, y: at.y + 11.5 }, words) : null,
    );
  }

  /** A name on one line, or on two where it is long and no words stand beneath. */
  #name(name, x, y, width, tall) {
    const line = (words, dy) => s("text", { class: "node-name", x, y: y + dy }, fit(words, width, FONT));
    const cut = name.lastIndexOf("-", Math.min(name.length - 2, 18)) + 1;
    if (!tall || cut < 2 || fit(name, width, FONT) === name) return line(name, tall ? 4 : -2);
    return [line(name.slice(0, cut), -2), line(name.slice(cut), 12)];
  }

  /** @param {string} name */
  #at(name) {
    return [...this.drawing.querySelectorAll(".node")].find((node) => node.getAttribute("data-service") === name);
  }

  /** @param {string} name @param {boolean} on */
  #light(name, on) {
    this.drawing.toggleAttribute("data-lit", on);
    for (const edge of this.drawing.querySelectorAll(".edge")) {
      const lit = on && (edge.getAttribute("data-from") === name || edge.getAttribute("data-to") === name);
      edge.toggleAttribute("data-on", lit);
      edge.setAttribute("marker-end", `url(#tip-${lit ? "lit" : edge.getAttribute("data-heat")})`);
    }
  }

  /** To the nearest node in the direction of the arrow. @param {KeyboardEvent} event @param {string} name */
  #key(event, name) {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!way) return;
    event.preventDefault();
    const here = this.places.get(name);
    let best = "";
    let least = Infinity;
    for (const [other, there] of this.places) {
      const along = (there.x - here.x) * way[0] + (there.y - here.y) * way[1];
      const aside = Math.abs((there.x - here.x) * way[1]) + Math.abs((there.y - here.y) * way[0]);
      if (other !== name && along > 4 && along + 2 * aside < least) {
        least = along + 2 * aside;
        best = other;
      }
    }
    const next = this.#at(best);
    if (!next) return;
    for (const node of this.drawing.querySelectorAll(".node"))
      node.setAttribute("tabindex", node === next ? "0" : "-1");
    next.focus();
  }
}
