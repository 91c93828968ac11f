/**
 * The strips above the lanes, on the same axis: what the incident went through (each state a line that begins with its
 * shape, other events as dots) and what was changed (triangles; the suspect's is full).
 */
import { h, s } from "./dom.js";
import { shapeAt } from "./shapes.js";
import { clock, ms, now } from "./time.js";

/** @typedef {import("./types.js").Lanes} Lanes @typedef {import("./lanes.js").Stop} Stop
 * @typedef {{x: (at: number) => number, left: number, right: number, from: number, to: number}} Axis */

const SHAPE_PX = 6; // half of one
const COUNT_PX = 4; // between a shape and its count, and behind it
const DIGIT_PX = 6.5;

/** The state that an event of the timeline leads to; "" for one that changes none. @param {string} kind */
function stateOf(kind) {
  if (/resolv/.test(kind)) return "resolved";
  if (/mitigat/.test(kind)) return "mitigated";
  if (/^ack|acknowledg/.test(kind)) return "acknowledged";
  return /^(declar|open|reopen|unack)/.test(kind) ? "open" : "";
}

/**
 * Items that would stand on each other, together; one shape stands for several, with their count beside it.
 * @template T
 * @param {T[]} items from left to right
 * @param {(item: T) => number} x
 * @param {number} right px, where the axis ends and words begin: a count ends there
 * @returns {{x: number, items: T[], before: boolean, from: number, to: number}[]}
 */
function clusters(items, x, right) {
  const cluster = (x, items) => {
    const count = items.length > 1 ? COUNT_PX + DIGIT_PX * String(items.length).length : 0;
    const before = x + SHAPE_PX + count > right; // it stands before the shape
    return { x, items, before, from: x - SHAPE_PX - (before ? count : 0), to: x + SHAPE_PX + (before ? 0 : count) };
  };
  const found = [];
  for (const item of items) {
    found.push(cluster(x(item), [item]));
    // A longer count may reach what stood clear before.
    for (let [one, other] = found.slice(-2); other && other.from < one.to; [one, other] = found.slice(-2))
      found.splice(-2, 2, cluster(one.x, [...one.items, ...other.items]));
  }
  return found;
}

/** @param {{x: number, items: any[], before: boolean}} group @param {number} y */
const many = ({ x, items, before }, y) =>
  items.length > 1
    ? s(
        "text",
        { class: "mark-count", x: before ? x - 8 : x + 8, y: y + 4, "text-anchor": before ? "end" : null },
        String(items.length),
      )
    : null;

/**
 * @param {Lanes} data @param {Axis} axis @param {number} middle px
 * @returns {{label: string, parts: (Node|null)[], stops: Stop[]}|null}
 */
export function stateStrip(data, axis, middle) {
  const marks = data.marks.filter((mark) => Number.isFinite(ms(mark.at))).sort((a, b) => ms(a.at) - ms(b.at));
  if (!marks.length) return null;
  const place = (at) => Math.max(axis.left, Math.min(axis.right, axis.x(at)));
  const tell = (mark) => `${clock(ms(mark.at), true)} ${mark.text || mark.kind}`;
  const several = marks.filter((mark) => stateOf(mark.kind) === "open").length > 1;
  const stop = (group) => ({
    x: group.x,
    at: ms(group.items[0].at),
    head: several ? "Incidents" : "Incident",
    lines: [
      ...group.items.slice(0, 6).map(tell),
      group.items.length > 6 ? `and ${group.items.length - 6} more` : null,
    ].filter(Boolean),
  });
  const groups = clusters(marks, (mark) => place(ms(mark.at)), axis.right);
  if (several) {
    return {
      label: "Incidents",
      stops: groups.map(stop),
      parts: groups.flatMap((group) => {
        const state =
          group.items.map((mark) => stateOf(mark.kind)).find((one) => one === "open") ?? stateOf(group.items[0].kind);
        return [shapeAt(state || "dot", group.x, middle, 12, state), many(group, middle)];
      }),
    };
  }
  const states = marks.filter((mark) => stateOf(mark.kind));
  const lines = states.map((mark, i) => {
    const state = stateOf(mark.kind);
    const start = place(ms(mark.at));
    const end = states[i + 1] ? place(ms(states[i + 1].at)) : state === "resolved" ? start : place(now());
    return end > start
      ? s("line", { class: "state-line", x1: start, x2: end, y1: middle, y2: middle, data: { status: state } })
      : null;
  });
  const events = marks
    .filter((mark) => !stateOf(mark.kind))
    .map((mark) => s("circle", { class: "mark-event", cx: place(ms(mark.at)), cy: middle, r: 2.5 }));
  const shapes = states.flatMap((mark) => {
    const x = place(ms(mark.at));
    return [s("circle", { class: "mark-ground", cx: x, cy: middle, r: 8 }), shapeAt(stateOf(mark.kind), x, middle, 12)];
  });
  return { label: "Incident", parts: [...lines, ...events, ...shapes], stops: groups.map(stop) };
}

/** @param {import("./types.js").Change} change */
function tellChange(change) {
  return [
    h("b", {}, h("bdi", {}, change.service || "no service")),
    " ",
    h("bdi", {}, change.title),
    change.author ? " by " : null,
    change.author ? h("bdi", {}, change.author) : null,
    change.rank === 1 ? ", the suspect" : null,
    change.status !== "succeeded" ? `, ${change.status.replace("_", " ")}` : null,
  ].filter(Boolean);
}

/**
 * @param {Lanes} data @param {Axis} axis @param {number} middle px
 * @returns {{label: string, parts: (Node|null)[], stops: Stop[], suspects: number[]}|null}
 */
export function changeStrip(data, axis, middle) {
  const inside = data.changes
    .filter((change) => ms(change.at) >= axis.from && ms(change.at) <= axis.to)
    .sort((a, b) => ms(a.at) - ms(b.at));
  if (!inside.length) return null;
  const groups = clusters(inside, (change) => axis.x(ms(change.at)), axis.right);
  const stops = groups.map(({ x, items }) => ({
    x,
    at: ms(items[0].at),
    head: clock(ms(items[0].at), true),
    lines: [...items.slice(0, 6).map(tellChange), items.length > 6 ? [`and ${items.length - 6} more`] : null].filter(
      Boolean,
    ),
  }));
  const parts = groups.flatMap((group) => {
    const { x, items } = group;
    const suspect = items.some((change) => change.rank === 1);
    const failed = items.every((change) => change.status === "failed" || change.status === "rolled_back");
    return [
      shapeAt(suspect ? "suspect" : failed ? "failed" : "change", x, middle, 13, suspect ? "suspect" : "change"),
      many(group, middle),
    ];
  });
  const suspects = inside.filter((change) => change.rank === 1).map((change) => axis.x(ms(change.at)));
  return { label: "Changes", parts, stops, suspects };
}
