/**
 * Alerts over time as swim lanes, one for each service, under what the incident went through and what was changed.
 * Pointing, or walking with the arrow keys, gives the exact values.
 */
import { fit, scale, ticks } from "./axis.js";
import { legend, patterns, steps } from "./bars.js";
import { fill, h, s } from "./dom.js";
import { changeStrip, stateStrip } from "./strips.js";
import { clock, ms, now } from "./time.js";
import { Tooltip } from "./tooltip.js";

/**
 * @typedef {import("./types.js").Lanes} Lanes @typedef {{x: number, at: number, head: string, lines: any[]}} Stop
 * @typedef {{y: number, height: number, stops: Stop[], at?: (x: number) => Stop|null}} Row
 */

const ROW = 30;
const STRIP = 26;
const AXIS = 22;
const MARGIN = 34; // for the number firing now
const SHOWN = 8;
const FONT = "12px system-ui, sans-serif";
const MOVES = {
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  Home: [0, -1e6],
  End: [0, 1e6],
};

/** @param {number} value @param {number} low @param {number} high */
const clamp = (value, low, high) => Math.max(low, Math.min(high, value));

export class LaneChart {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.all = false;
    /** @type {Row[]} */
    this.rows = [];
    this.cursor = { row: 0, stop: 0 };
    this.frame = h("div", {
      class: "chart lanes",
      tabindex: "0",
      role: "application",
      "aria-roledescription": "chart",
      "aria-label": "Alerts over time by service. Arrow keys walk the lanes.",
    });
    this.tip = new Tooltip(this.frame);
    this.drawing = s("svg", { class: "drawing", "aria-hidden": "true" });
    this.frame.prepend(this.drawing);
    this.legend = h("div", { class: "legend" });
    fill(root, this.frame, this.legend);
    this.frame.addEventListener("pointermove", (event) => this.#point(event));
    this.frame.addEventListener("pointerleave", () => this.#leave());
    this.frame.addEventListener("keydown", (event) => this.#key(event));
    this.frame.addEventListener("focus", () => this.frame.matches(":focus-visible") && this.#walk(true));
    this.frame.addEventListener("blur", () => this.#leave());
    new ResizeObserver(() => this.data && this.draw(this.data)).observe(this.frame);
  }

  /** @param {Lanes} data */
  draw(data) {
    this.data = data;
    const width = this.frame.clientWidth;
    if (width < 80) return;
    const left = Math.round(Math.min(128, width * 0.29));
    const right = width - MARGIN;
    const from = ms(data.from);
    const to = Math.max(ms(data.to), from + 60_000);
    const axis = { x: scale(from, to, left, right), left, right, from, to };
    const shown = this.all ? data.lanes : data.lanes.slice(0, SHOWN);
    Object.assign(this, { axis, rows: [], parts: [] });
    let y = 2;
    let suspects = [];
    for (const make of [stateStrip, changeStrip]) {
      const strip = make(data, axis, y + STRIP / 2);
      if (!strip) continue;
      this.#label(strip.label, y + STRIP / 2, "muted");
      this.parts.push(...strip.parts.filter(Boolean));
      this.rows.push({ y, height: STRIP, stops: strip.stops });
      suspects = strip.suspects ?? suspects;
      y += STRIP;
    }
    const head = this.rows.length ? y - STRIP / 2 + 4 : 0;
    const most = Math.max(1, ...shown.flatMap((lane) => lane.counts));
    const top = y - STRIP / 2 + 6;
    for (const lane of shown) y = this.#lane(lane, data, y, most);
    this.#axis(y, head || y + 16);
    this.parts.push(...suspects.map((at) => s("line", { class: "suspect-line", x1: at, x2: at, y1: top, y2: y })));
    this.cross = s("line", { class: "cross", x1: 0, x2: 0, y1: 0, y2: y, visibility: "hidden" });
    fill(this.drawing, patterns(), this.parts, this.cross);
    this.drawing.setAttribute("viewBox", `0 0 ${width} ${y + AXIS}`);
    this.drawing.setAttribute("width", String(width));
    this.drawing.setAttribute("height", String(y + AXIS));
    this.#legend(data, shown.length);
    if (this.walking) this.#walk(false);
  }

  /** @param {string} words @param {number} y the middle @param {string} [kind] */
  #label(words, y, kind = "") {
    this.parts.push(
      s(
        "text",
        { class: `lane-label ${kind}`, x: 0, y: y + 4 },
        s("title", {}, words),
        fit(words, this.axis.left - 12, FONT),
      ),
    );
  }

  /** @param {import("./types.js").Lane} lane @param {Lanes} data @param {number} y @param {number} most */
  #lane(lane, data, y, most) {
    const { left, right, from, x } = this.axis;
    const floor = y + ROW - 3;
    const step = data.bucket_s * 1000;
    this.#label(lane.service || "no service", floor - 8);
    this.parts.push(
      s("line", { class: "ground", x1: left, x2: right, y1: floor + 0.5, y2: floor + 0.5 }),
      ...steps(
        lane,
        (i) => clamp(x(from + i * step), left, right),
        floor,
        (count) => 4 + (ROW - 9) * Math.sqrt(count / most),
      ),
      s(
        "text",
        { class: lane.firing ? "lane-firing" : "lane-firing muted", x: right + MARGIN, y: floor - 4 },
        String(lane.firing),
      ),
    );
    const at = (px) => {
      const i = Math.floor((((px - left) / (right - left)) * (this.axis.to - from)) / step);
      return i >= 0 && i < lane.counts.length ? this.#bucket(lane, i, step) : null;
    };
    const stops = lane.counts.flatMap((count, i) => (count ? [this.#bucket(lane, i, step)] : []));
    this.rows.push({ y, height: ROW, stops, at });
    return y + ROW;
  }

  /** @param {import("./types.js").Lane} lane @param {number} i @param {number} step ms @returns {Stop} */
  #bucket(lane, i, step) {
    const start = this.axis.from + i * step;
    const worst = lane.counts[i] && lane.worst[i] ? `, worst ${lane.worst[i]}` : "";
    return {
      x: clamp(this.axis.x(start + step / 2), this.axis.left, this.axis.right),
      at: start,
      head: `${clock(start, true)} to ${clock(start + step, true)}`,
      lines: [
        [h("b", {}, h("bdi", {}, lane.service)), ` ${lane.counts[i]} firing${worst}`],
        `${lane.firing} firing now`,
      ],
    };
  }

  /** @param {number} y @param {number} head where the word over the numbers stands */
  #axis(y, head) {
    const { x, left, right, from, to } = this.axis;
    for (const tick of ticks(from, to, right - left)) {
      const at = x(tick.at);
      this.parts.unshift(s("line", { class: "grid", x1: at, x2: at, y1: 0, y2: y }));
      this.parts.push(s("text", { class: "tick", x: clamp(at, left + 14, right + 10), y: y + 16 }, tick.label));
    }
    const present = x(now());
    if (present > left && present < right + 1)
      this.parts.push(s("line", { class: "now", x1: present, x2: present, y1: 0, y2: y + 4 }));
    this.parts.push(s("text", { class: "tick tick-firing", x: right + MARGIN, y: head }, "firing"));
  }

  /** @param {Lanes} data @param {number} shown */
  #legend(data, shown) {
    const items = legend(data);
    const key = `${items.map((item) => item.textContent)} ${data.lanes.length} ${shown}`;
    if (key === this.legendKey) return;
    this.legendKey = key;
    fill(
      this.legend,
      items,
      data.lanes.length > SHOWN
        ? h(
            "button",
            {
              class: "link-button",
              type: "button",
              on: {
                click: () => {
                  this.all = !this.all;
                  this.draw(this.data);
                },
              },
            },
            this.all ? `Show the first ${SHOWN}` : `Show all ${data.lanes.length} services`,
          )
        : null,
    );
  }

  /** @param {PointerEvent} event */
  #point(event) {
    const box = this.frame.getBoundingClientRect();
    const [px, py] = [event.clientX - box.left, event.clientY - box.top];
    const row = this.rows.find((one) => py >= one.y && py < one.y + one.height);
    const near = row?.at
      ? row.at(px)
      : row?.stops
          .filter((stop) => Math.abs(stop.x - px) < 12)
          .sort((a, b) => Math.abs(a.x - px) - Math.abs(b.x - px))[0];
    if (!row || !near || px < this.axis.left) this.#leave();
    else this.#tell(near, row, false);
  }

  /** @param {Stop} stop @param {Row} row @param {boolean} speak */
  #tell(stop, row, speak) {
    this.cross.setAttribute("visibility", "visible");
    this.cross.setAttribute("x1", String(stop.x));
    this.cross.setAttribute("x2", String(stop.x));
    this.tip.show(stop.x, row.y + row.height - 10, stop.head, stop.lines, speak);
  }

  #leave() {
    this.walking = false;
    this.tip.hide();
    this.cross?.setAttribute("visibility", "hidden");
  }

  /** @param {boolean} speak */
  #walk(speak) {
    const walkable = this.rows.filter((row) => row.stops.length);
    if (!walkable.length) return;
    this.walking = true;
    const { cursor } = this;
    cursor.row = clamp(cursor.row, 0, walkable.length - 1);
    const row = walkable[cursor.row];
    cursor.stop = clamp(cursor.stop, 0, row.stops.length - 1);
    this.#tell(row.stops[cursor.stop], row, speak);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const move = MOVES[event.key];
    if (!move || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const walkable = this.rows.filter((row) => row.stops.length);
    if (!walkable.length) return;
    const at = walkable[this.cursor.row]?.stops[this.cursor.stop]?.at;
    this.cursor.row = clamp(this.cursor.row + move[0], 0, walkable.length - 1);
    if (move[0] && at !== undefined) {
      const { stops } = walkable[this.cursor.row];
      this.cursor.stop = stops.reduce(
        (best, stop, i) => (Math.abs(stop.at - at) < Math.abs(stops[best].at - at) ? i : best),
        0,
      );
    } else this.cursor.stop += move[1];
    this.#walk(true);
  }
}
