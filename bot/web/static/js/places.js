/**
 * Where the rows of a service graph stand in pixels: boxes as near to what they belong to as their row allows, edges
 * that pass as straight as can be, none nearer to a box than there is room for. Pure numbers.
 */

/**
 * @typedef {import("./layers.js").Item} Item @typedef {import("./layers.js").Row} Row
 * @typedef {{most: number, least: number, high: number, gap: number, drop: number, wrap: number}} Size in px: how wide a
 *   box is at most and at least, how high; between boxes, between layers, between the rows of one
 */

const AIR = 8; // px beside an edge that passes, where there is room
const SWEEPS = 3; // each down and up
const STRAIGHT = 8; // how much more an edge that passes wants to go on straight than a box wants to stand below another

/**
 * Sets the `x` of each item, the middle of a box or the line of an edge, and the `y` of its row's middle.
 * @param {Row[]} rows @param {number} width px @param {Size} size
 * @returns {{wide: number, height: number}} how wide each box is, how high the drawing
 */
export function place(rows, width, size) {
  const wide = Math.max(size.least, Math.min(size.most, ...rows.map((row) => widest(row.items, width, size))));
  const spaces = rows.map((row) => apart(row.items, width, wide, size));
  rows.forEach((row, i) => {
    const middle = (width - spaces[i].offsets[row.items.length - 1]) / 2;
    row.items.forEach((item, k) => (item.x = middle + spaces[i].offsets[k]));
  });
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    for (let i = 1; i < rows.length; i += 1) settle(rows[i].items, spaces[i], "above");
    for (let i = rows.length - 2; i >= 0; i -= 1) settle(rows[i].items, spaces[i], "below");
  }
  let y = size.high / 2 + 2;
  rows.forEach((row, i) => {
    const near = row.items.some((item) => item.above.length) ? size.wrap : size.gap;
    if (i) y += size.high + (row.first ? size.drop : near);
    for (const item of row.items) item.y = y;
  });
  return { wide, height: y + size.high / 2 + 4 };
}

/** How many of a row's spaces stand between boxes, and how many beside edges that pass. @param {Item[]} items */
function count(items) {
  const boxes = items.filter((item) => item.name).length;
  const plain = items.filter((item, i) => i && item.name && items[i - 1].name).length;
  const ends = [items[0], items[items.length - 1]].filter((item) => !item.name).length;
  return { boxes, plain, beside: items.length - 1 - plain + ends };
}

/** How wide the boxes of a row may be. @param {Item[]} items @param {number} width @param {Size} size */
function widest(items, width, size) {
  const { boxes, plain, beside } = count(items);
  return boxes ? Math.floor((width - plain * size.gap - beside * AIR) / boxes) : width;
}

/**
 * How far each item stands from the first at least, and between what the first may stand.
 * @param {Item[]} items @param {number} width @param {number} wide @param {Size} size
 */
function apart(items, width, wide, size) {
  const { boxes, plain, beside } = count(items);
  const air = Math.min(AIR, (width - boxes * wide - plain * size.gap) / Math.max(1, beside));
  const half = (item) => (item.name ? wide / 2 : 0);
  const edge = (item) => (item.name ? wide / 2 : air);
  let offset = 0;
  const offsets = items.map((item, i) => {
    if (!i) return 0;
    const before = items[i - 1];
    offset += half(before) + half(item) + (item.name && before.name ? size.gap : air);
    return offset;
  });
  return { offsets, low: edge(items[0]), high: width - edge(items[items.length - 1]) - offset };
}

/**
 * Moves the items of a row as near to their neighbours as they can stand, in their order: least squares, by pooling
 * those that would overlap.
 * @param {Item[]} items @param {{offsets: number[], low: number, high: number}} spaces @param {"above"|"below"} side
 */
function settle(items, { offsets, low, high }, side) {
  const pools = [];
  items.forEach((item, i) => {
    let sum = 0;
    let weight = 0;
    for (const other of item[side]) {
      const pull = item.name || other.name ? 1 : STRAIGHT;
      sum += pull * other.x;
      weight += pull;
    }
    if (!weight) [sum, weight] = [item.x, 1];
    const pool = { sum: sum - weight * offsets[i], weight, count: 1 };
    for (let last = pools.at(-1); last && last.sum / last.weight >= pool.sum / pool.weight; last = pools.at(-1)) {
      pools.pop();
      pool.sum += last.sum;
      pool.weight += last.weight;
      pool.count += last.count;
    }
    pools.push(pool);
  });
  let i = 0;
  for (const { sum, weight, count } of pools) {
    const at = Math.max(low, Math.min(high, sum / weight));
    for (let k = 0; k < count; k += 1, i += 1) items[i].x = at + offsets[i];
  }
}
