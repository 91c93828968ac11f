/**
 * Alerts over time as swim lanes, one for each service; above them, on the same axis, what the incident went through
 * and what was changed. Pointing, or walking with the arrow keys, gives the exact values.
 */
import { fit, scale, ticks } from "./axis.js";
import { fill, h, s } from "./dom.js";
import { shapeAt } from "./shapes.js";
import { clock, ms, now } from "./time.js";
import { Tooltip } from "./tooltip.js";

/** @typedef {import("./types.js").Lanes} Lanes @typedef {{x: number, at: number, head: string, lines: any[]}} Stop
 * @typedef {{y: number, height: number, stops: Stop[], at?: (x: number) => Stop|null}} Row */

const ROW = 30;
const STRIP = 26;
const AXIS = 22;
const SHOWN = 8;
const SEVERITIES = ["critical", "error", "warning", "info"];
const FONT = "12px system-ui, sans-serif";

export class LaneChart {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.all = false;
    /** @type {Row[]} */
    this.rows = [];
    this.cursor = { row: 0, stop: 0 };
    this.frame = h("div", { class: "chart lanes", tabindex: "0", role: "application", "aria-roledescription": "chart",
      "aria-label": "Alerts over time by service. Arrow keys walk the lanes." });
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
    const right = width - 34;
    const from = ms(data.from);
    const to = Math.max(ms(data.to), from + 60_000);
    const x = scale(from, to, left, right);
    const shown = this.all ? data.lanes : data.lanes.slice(0, SHOWN);
    Object.assign(this, { rows: [], parts: [], left, right, x, from, to });
    let y = 2;
    y = this.#states(data, y);
    y = this.#changes(data, y);
    const most = Math.max(1, ...shown.flatMap((lane) => lane.counts));
    const top = y;
    for (const lane of shown) y = this.#lane(lane, data, y, most);
    this.#axis(y);
    for (const change of data.changes.filter((one) => one.rank === 1)) {
      const at = x(ms(change.at));
      if (at >= left && at <= right) this.parts.push(s("line", { class: "suspect-line", x1: at, x2: at, y1: top - STRIP / 2 + 6, y2: y }));
    }
    this.cross = s("line", { class: "cross", x1: 0, x2: 0, y1: 0, y2: y, visibility: "hidden" });
    const height = y + AXIS;
    fill(this.drawing, this.#patterns(), this.parts, this.cross);
    this.drawing.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.drawing.setAttribute("width", String(width));
    this.drawing.setAttribute("height", String(height));
    this.#legend(data, shown.length);
    if (this.walking) this.#walk(false);
  }

  #patterns() {
    return s("defs", {}, s("pattern", { id: "hatch", width: 4, height: 4, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
      s("rect", { class: "hatch-ground", width: 4, height: 4 }), s("rect", { class: "hatch-line", width: 1.6, height: 4 })));
  }

  /** @param {string} words @param {number} y the middle */
  #label(words, y, kind = "") {
    this.parts.push(s("text", { class: `lane-label ${kind}`, x: 0, y: y + 4 }, s("title", {}, words), fit(words, this.left - 12, FONT)));
  }

  /** What the incident went through, each state a line that begins with its shape. @param {Lanes} data @param {number} y */
  #states(data, y) {
    const marks = data.marks.filter((mark) => Number.isFinite(ms(mark.at)));
    if (!marks.length) return y;
    const middle = y + STRIP / 2;
    const single = marks.filter((mark) => stateOf(mark.kind) === "open").length <= 1;
    this.#label(single ? "Incident" : "Incidents", middle, "muted");
    const stops = marks.map((mark) => ({ x: clamp(this.x(ms(mark.at)), this.left, this.right), at: ms(mark.at),
      head: clock(ms(mark.at), true), lines: [mark.text || mark.kind] }));
    marks.forEach((mark, i) => {
      const state = stateOf(mark.kind);
      const start = stops[i].x;
      const end = stops[i + 1]?.x ?? (state === "resolved" ? start : clamp(this.x(now()), start, this.right));
      if (single && end > start) this.parts.push(s("line", { class: "state-line", x1: start, x2: end, y1: middle, y2: middle, data: { status: state } }));
    });
    marks.forEach((mark, i) => {
      const state = stateOf(mark.kind);
      this.parts.push(s("circle", { class: "mark-ground", cx: stops[i].x, cy: middle, r: 8 }), shapeAt(state, stops[i].x, middle, 12, state));
    });
    this.rows.push({ y, height: STRIP, stops });
    return y + STRIP;
  }

  /** @param {Lanes} data @param {number} y */
  #changes(data, y) {
    const inside = data.changes.filter((change) => ms(change.at) >= this.from && ms(change.at) <= this.to)
      .sort((a, b) => ms(a.at) - ms(b.at));
    if (!inside.length) return y;
    const middle = y + STRIP / 2;
    this.#label("Changes", middle, "muted");
    /** @type {(Stop & {changes: import("./types.js").Change[]})[]} */
    const stops = [];
    for (const change of inside) {
      const at = this.x(ms(change.at));
      const near = stops[stops.length - 1];
      if (near && at - near.x < 12) near.changes.push(change);
      else stops.push({ x: at, at: ms(change.at), head: "", lines: [], changes: [change] });
    }
    for (const stop of stops) {
      const suspect = stop.changes.some((change) => change.rank === 1);
      const failed = stop.changes.every((change) => change.status === "failed" || change.status === "rolled_back");
      stop.head = clock(stop.at, true);
      stop.lines = stop.changes.slice(0, 6).map((change) => [h("b", {}, h("bdi", {}, change.service || "?")), " ", h("bdi", {}, change.title),
        change.author ? [" by ", h("bdi", {}, change.author)] : null, change.rank === 1 ? ", the suspect" : "", change.status !== "succeeded" ? `, ${change.status.replace("_", " ")}` : ""].flat());
      if (stop.changes.length > 6) stop.lines.push(`and ${stop.changes.length - 6} more`);
      this.parts.push(shapeAt(suspect ? "suspect" : failed ? "failed" : "change", stop.x, middle, 13, suspect ? "suspect" : "change"));
      if (stop.changes.length > 1) this.parts.push(s("text", { class: "mark-count", x: stop.x + 8, y: middle + 4 }, String(stop.changes.length)));
    }
    this.rows.push({ y, height: STRIP, stops });
    return y + STRIP;
  }

  /** @param {import("./types.js").Lane} lane @param {Lanes} data @param {number} y @param {number} most */
  #lane(lane, data, y, most) {
    const ground = y + ROW - 3;
    const step = data.bucket_s * 1000;
    const wide = Math.max(2, this.x(this.from + step) - this.x(this.from) - 1);
    this.#label(lane.service || "no service", ground - 8);
    this.parts.push(s("line", { class: "ground", x1: this.left, x2: this.right, y1: ground + 0.5, y2: ground + 0.5 }));
    const stops = [];
    lane.counts.forEach((count, i) => {
      if (!count) return;
      const start = this.x(this.from + i * step);
      const high = 4 + (ROW - 9) * Math.sqrt(count / most);
      const severity = SEVERITIES.includes(lane.worst[i]) ? lane.worst[i] : "info";
      this.parts.push(s("rect", { class: "bar", data: { severity }, fill: severity === "warning" ? "url(#hatch)" : null, x: start, y: ground - high, width: wide, height: high }));
      if (severity === "critical") this.parts.push(s("rect", { class: "bar-cap", x: start, y: ground - high, width: wide, height: 2 }));
      stops.push(this.#bucket(lane, i, step));
    });
    this.parts.push(s("text", { class: lane.firing ? "lane-firing" : "lane-firing muted", x: this.right + 34, y: ground - 4 }, String(lane.firing)));
    const at = (x) => {
      const i = Math.floor(((x - this.left) / (this.right - this.left)) * (this.to - this.from) / step);
      return i >= 0 && i < lane.counts.length ? this.#bucket(lane, i, step) : null;
    };
    this.rows.push({ y, height: ROW, stops, at });
    return y + ROW;
  }

  /** @param {import("./types.js").Lane} lane @param {number} i @param {number} step ms @returns {Stop} */
  #bucket(lane, i, step) {
    const start = this.from + i * step;
    const count = lane.counts[i];
    return { x: this.x(start + step / 2), at: start, head: `${clock(start, true)} to ${clock(start + step, true)}`,
      lines: [[h("b", {}, h("bdi", {}, lane.service)), ` ${count} ${count === 1 ? "alert" : "alerts"}${count && lane.worst[i] ? `, worst ${lane.worst[i]}` : ""}`],
        `${lane.firing} firing now`] };
  }

  /** @param {number} y */
  #axis(y) {
    for (const tick of ticks(this.from, this.to, this.right - this.left)) {
      const at = this.x(tick.at);
      this.parts.unshift(s("line", { class: "grid", x1: at, x2: at, y1: 0, y2: y }));
      this.parts.push(s("text", { class: "tick", x: clamp(at, this.left + 14, this.right - 8), y: y + 16 }, tick.label));
    }
    const present = this.x(now());
    if (present > this.left && present < this.right + 1) this.parts.push(s("line", { class: "now", x1: present, x2: present, y1: 0, y2: y + 4 }));
    this.parts.push(s("text", { class: "tick tick-firing", x: this.right + 34, y: y + 16 }, "firing"));
  }

  /** @param {Lanes} data @param {number} shown */
  #legend(data, shown) {
    const present = SEVERITIES.filter((severity) => data.lanes.some((lane) => lane.worst.includes(severity)));
    const key = `${present} ${data.lanes.length} ${shown} ${data.changes.some((change) => change.rank === 1)}`;
    if (key === this.legendKey) return;
    this.legendKey = key;
    fill(this.legend, present.map((severity) => h("span", { class: "legend-item" },
      s("svg", { width: 12, height: 12, "aria-hidden": "true" }, s("rect", { class: "bar", data: { severity }, fill: severity === "warning" ? "url(#hatch)" : null, x: 1, y: 1, width: 10, height: 10 }),
        severity === "critical" ? s("rect", { class: "bar-cap", x: 1, y: 1, width: 10, height: 2 }) : null), severity)),
    data.changes.some((change) => change.rank === 1) ? h("span", { class: "legend-item" },
      s("svg", { width: 12, height: 12, "aria-hidden": "true" }, shapeAt("suspect", 6, 6, 12)), "suspect change") : null,
    data.lanes.length > SHOWN ? h("button", { class: "link-button", type: "button", on: { click: () => { this.all = !this.all; this.draw(this.data); } } },
      this.all ? `Show the first ${SHOWN}` : `Show all ${data.lanes.length} services`) : null);
  }

  /** @param {PointerEvent} event */
  #point(event) {
    const box = this.frame.getBoundingClientRect();
    const [px, py] = [event.clientX - box.left, event.clientY - box.top];
    const row = this.rows.find((one) => py >= one.y && py < one.y + one.height);
    const near = row?.at ? row.at(px) : row?.stops.filter((stop) => Math.abs(stop.x - px) < 12).sort((a, b) => Math.abs(a.x - px) - Math.abs(b.x - px))[0];
    if (px < this.left || !near) return this.#leave();
    this.#tell(near, row.y, false);
    return undefined;
  }

  /** @param {Stop} stop @param {number} y @param {boolean} speak */
  #tell(stop, y, speak) {
    this.cross.setAttribute("visibility", "visible");
    this.cross.setAttribute("x1", String(stop.x));
    this.cross.setAttribute("x2", String(stop.x));
    this.tip.show(stop.x, y + 8, stop.head, stop.lines, speak);
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
    this.#tell(row.stops[cursor.stop], row.y, speak);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0], Home: [0, -1e6], End: [0, 1e6] };
    const move = moves[event.key];
    if (!move || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const walkable = this.rows.filter((row) => row.stops.length);
    const at = walkable[this.cursor.row]?.stops[this.cursor.stop]?.at;
    this.cursor.row = clamp(this.cursor.row + move[0], 0, walkable.length - 1);
    if (move[0] && at !== undefined) {
      const { stops } = walkable[this.cursor.row];
      this.cursor.stop = stops.reduce((best, stop, i) => Math.abs(stop.at - at) < Math.abs(stops[best].at - at) ? i : best, 0);
    } else this.cursor.stop += move[1];
    this.#walk(true);
  }
}

/** @param {number} value @param {number} low @param {number} high */
function clamp(value, low, high) {
  return Math.max(low, Math.min(high, value));
}

/** The state an event of the timeline leads to. @param {string} kind */
function stateOf(kind) {
  if (/resolv/.test(kind)) return "resolved";
  if (/mitigat/.test(kind)) return "mitigated";
  return /^ack|acknowledg/.test(kind) ? "acknowledged" : "open";
}
