/**
 * The small drawings that carry a state by shape, beside its word and colour: they must be told apart in black and
 * white. No text and no data enter here.
 */
import { h, s } from "./dom.js";

/** @type {Object<string, () => SVGElement[]>} drawn on a 16 x 16 field */
const DRAWINGS = {
  // Incidents: a diamond wants attention, a half disc is in hand, a ring is held, a tick is over.
  open: () => [s("path", { class: "solid", d: "M8 1 15 8 8 15 1 8Z" })],
  acknowledged: () => [
    s("circle", { class: "line", cx: 8, cy: 8, r: 6 }),
    s("path", { class: "solid", d: "M8 2a6 6 0 0 1 0 12Z" }),
  ],
  mitigated: () => [
    s("circle", { class: "line", cx: 8, cy: 8, r: 6 }),
    s("circle", { class: "solid", cx: 8, cy: 8, r: 2.5 }),
  ],
  resolved: () => [
    s("circle", { class: "line", cx: 8, cy: 8, r: 6.5 }),
    s("path", { class: "line", d: "m5 8.2 2.2 2.3L11.2 6" }),
  ],
  // Tones of a notice.
  info: () => [
    s("circle", { class: "line", cx: 8, cy: 8, r: 6 }),
    s("path", { class: "line", d: "M8 7.5v3.5M8 4.8v.4" }),
  ],
  good: () => [s("path", { class: "line", d: "m3 8.5 3.5 3.5L13 4.5" })],
  warning: () => [
    s("path", { class: "line", d: "M8 2 15 14H1Z" }),
    s("path", { class: "line", d: "M8 6.5v3.2M8 11.8v.3" }),
  ],
  bad: () => [
    s("path", { class: "solid", d: "M5.2 1h5.6L15 5.2v5.6L10.8 15H5.2L1 10.8V5.2Z" }),
    s("path", { class: "cut", d: "m5.5 5.5 5 5m0-5-5 5" }),
  ],
  // Services in the graph.
  cause: () => [s("path", { class: "solid", d: "M5.2 1h5.6L15 5.2v5.6L10.8 15H5.2L1 10.8V5.2Z" })],
  affected: () => [s("path", { class: "solid", d: "M8 1.5 15 14H1Z" })],
  exposed: () => [s("rect", { class: "line dashed", x: 2.5, y: 2.5, width: 11, height: 11, rx: 1 })],
  healthy: () => [s("circle", { class: "line", cx: 8, cy: 8, r: 4.5 })],
  // Things.
  page: () => [
    s("path", {
      class: "line",
      d: "M3.5 11.5h9c-1-1-1.3-2-1.3-4.3a3.2 3.2 0 0 0-6.4 0c0 2.3-.3 3.3-1.3 4.3ZM6.8 13.8h2.4",
    }),
  ],
  lobby: () => [s("path", { class: "line", d: "M2.5 13.5v-7L8 2.5l5.5 4v7ZM6.5 13.5v-4h3v4" })],
  private: () => [
    s("rect", { class: "line", x: 3.5, y: 7, width: 9, height: 6.5, rx: 1.5 }),
    s("path", { class: "line", d: "M5.5 7V5a2.5 2.5 0 0 1 5 0v2" }),
  ],
  change: () => [s("path", { class: "line", d: "M8 2.5 14 13H2Z" })],
  suspect: () => [s("path", { class: "solid", d: "M8 2.5 14 13H2Z" })],
  failed: () => [s("path", { class: "line", d: "m3.5 3.5 9 9m0-9-9 9" })],
  note: () => [s("path", { class: "line", d: "M3.5 4h9M3.5 8h9M3.5 12h5" })],
  person: () => [
    s("circle", { class: "line", cx: 8, cy: 5.5, r: 2.8 }),
    s("path", { class: "line", d: "M3 13.5c.6-2.8 2.5-4 5-4s4.4 1.2 5 4" }),
  ],
  dot: () => [s("circle", { class: "solid", cx: 8, cy: 8, r: 3 })],
  send: () => [s("path", { class: "line", d: "M8 13.5V3M3.5 7.5 8 3l4.5 4.5" })],
};

/**
 * A shape by its name; decoration only, the word stands beside it.
 * @param {string} name @param {string} [kind] its colour, when it differs from its name
 */
export function shape(name, kind = name) {
  const draw = DRAWINGS[name] ?? DRAWINGS.dot;
  return s(
    "svg",
    { class: "shape", viewBox: "0 0 16 16", width: 16, height: 16, "aria-hidden": "true", data: { shape: kind } },
    draw(),
  );
}

/**
 * The same drawing inside another SVG, centred on x, y.
 * @param {string} name
 * @param {number} x
 * @param {number} y
 * @param {number} size
 */
export function shapeAt(name, x, y, size, kind = name) {
  const draw = DRAWINGS[name] ?? DRAWINGS.dot;
  return s(
    "g",
    {
      class: "shape",
      data: { shape: kind },
      transform: `translate(${x - size / 2} ${y - size / 2}) scale(${size / 16})`,
    },
    draw(),
  );
}

/** A status: its shape and its word. @param {string} status */
export function status(status) {
  return h("span", { class: "status", data: { status } }, shape(status), h("span", {}, status));
}

/** A severity: four bars of which more are full the worse it is, and the word. @param {string} severity SEV1..SEV4 */
export function severity(severity) {
  const level = Number(/([1-4])$/.exec(severity)?.[1] ?? 4);
  return h(
    "span",
    { class: "severity", data: { level } },
    s(
      "svg",
      { class: "bars", viewBox: "0 0 16 16", width: 16, height: 16, "aria-hidden": "true" },
      [0, 1, 2, 3].map((i) =>
        s("rect", {
          class: i < 5 - level ? "full" : "empty",
          x: 1 + i * 4,
          y: 10.5 - i * 3,
          width: 2.6,
          height: 4 + i * 3,
          rx: 0.8,
        }),
      ),
    ),
    h("span", {}, severity),
  );
}
