/** The drawing of one lane: steps as high as alerts were firing, told apart by severity in shade as well as colour. */
import { h, s } from "./dom.js";
import { shapeAt } from "./shapes.js";

export const SEVERITIES = ["critical", "error", "warning", "info"];

/** @param {string|null} worst */
const known = (worst) => (worst && SEVERITIES.includes(worst) ? worst : "info");

/** Hatched where the colour alone would be too pale. @param {string} severity */
const ground = (severity) => (severity === "warning" ? "url(#hatch)" : null);

export function patterns() {
  return s(
    "defs",
    {},
    s(
      "pattern",
      { id: "hatch", width: 4, height: 4, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
      s("rect", { class: "hatch-ground", width: 4, height: 4 }),
      s("rect", { class: "hatch-line", width: 1.2, height: 4 }),
    ),
  );
}

/**
 * Neighbouring buckets of one severity become one shape.
 * @param {import("./types.js").Lane} lane @param {(i: number) => number} x the left edge of bucket i
 * @param {number} floor px @param {(count: number) => number} height px
 */
export function steps(lane, x, floor, height) {
  const parts = [];
  for (let i = 0; i < lane.counts.length; i += 1) {
    if (!lane.counts[i]) continue;
    const severity = known(lane.worst[i]);
    let last = i;
    while (lane.counts[last + 1] && known(lane.worst[last + 1]) === severity) last += 1;
    let top = "";
    for (let k = i; k <= last; k += 1) {
      const y = floor - height(lane.counts[k]);
      top += `${k === i ? "M" : "L"}${x(k)} ${y}L${Math.max(x(k + 1), x(k) + 2)} ${y}`;
    }
    const end = Math.max(x(last + 1), x(last) + 2);
    parts.push(
      s("path", {
        class: "bar",
        data: { severity },
        fill: ground(severity),
        d: `${top}L${end} ${floor}L${x(i)} ${floor}Z`,
      }),
      s("path", { class: "bar-top", data: { severity }, d: top }),
    );
    i = last;
  }
  return parts;
}

/** What the shades mean. @param {import("./types.js").Lanes} data @returns {Node[]} */
export function legend(data) {
  const present = SEVERITIES.filter((severity) => data.lanes.some((lane) => lane.worst.includes(severity)));
  const items = present.map((severity) =>
    h(
      "span",
      { class: "legend-item" },
      s(
        "svg",
        { width: 12, height: 12, "aria-hidden": "true" },
        s("rect", { class: "bar", data: { severity }, fill: ground(severity), x: 1, y: 2, width: 10, height: 9 }),
        s("path", { class: "bar-top", data: { severity }, d: "M1 2h10" }),
      ),
      severity,
    ),
  );
  if (data.changes.some((change) => change.rank === 1)) {
    items.push(
      h(
        "span",
        { class: "legend-item" },
        s("svg", { width: 12, height: 12, "aria-hidden": "true" }, shapeAt("suspect", 6, 6, 12)),
        "suspect change",
      ),
    );
  }
  return items;
}
