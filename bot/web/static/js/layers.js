/**
 * Places the nodes of a service graph: callers above, what they depend on below, rows wrapped to the width, crossings
 * kept low by the median rule (Sugiyama's second phase, two sweeps). Pure numbers.
 */

/**
 * @param {string[]} names @param {{from: string, to: string}[]} edges `from` depends on `to`
 * @returns {string[][]} layers from the top; services without any edge come last
 */
export function layer(names, edges) {
  const known = new Set(names);
  const links = edges.filter((edge) => known.has(edge.from) && known.has(edge.to) && edge.from !== edge.to);
  /** @type {Map<string, string[]>} */
  const below = new Map(names.map((name) => [name, []]));
  const above = new Map(names.map((name) => [name, []]));
  const forward = acyclic(names, links);
  for (const { from, to } of forward) {
    below.get(from)?.push(to);
    above.get(to)?.push(from);
  }
  const depth = new Map();
  const measure = (name) => {
    if (!depth.has(name)) depth.set(name, Math.max(-1, ...(above.get(name) ?? []).map(measure)) + 1);
    return depth.get(name);
  };
  const lonely = names.filter((name) => !below.get(name)?.length && !above.get(name)?.length);
  const layers = [];
  for (const name of names) {
    if (lonely.includes(name)) continue;
    const level = measure(name);
    (layers[level] ??= []).push(name);
  }
  order(layers, above, below);
  if (lonely.length) layers.push(lonely);
  return layers;
}

/** The edges without those that close a circle. */
function acyclic(names, links) {
  const next = new Map(names.map((name) => [name, links.filter((link) => link.from === name)]));
  const state = new Map();
  const kept = [];
  for (const root of names) {
    const stack = [[root, 0]];
    if (state.has(root)) continue;
    state.set(root, "open");
    while (stack.length) {
      const top = stack[stack.length - 1];
      const link = next.get(top[0])[top[1]++];
      if (!link) {
        state.set(top[0], "done");
        stack.pop();
      } else if (state.get(link.to) !== "open") {
        kept.push(link);
        if (!state.has(link.to)) {
          state.set(link.to, "open");
          stack.push([link.to, 0]);
        }
      }
    }
  }
  return kept;
}

function order(layers, above, below) {
  const sweep = (row, fixed, neighbours) => {
    const at = new Map(fixed.map((name, i) => [name, (i + 0.5) / fixed.length]));
    const weight = new Map(
      row.map((name, i) => {
        const places = neighbours
          .get(name)
          .map((other) => at.get(other))
          .filter((place) => place !== undefined)
          .sort((a, b) => a - b);
        return [name, places.length ? places[places.length >> 1] : (i + 0.5) / row.length];
      }),
    );
    row.sort((a, b) => weight.get(a) - weight.get(b));
  };
  for (let round = 0; round < 2; round += 1) {
    for (let i = 1; i < layers.length; i += 1) sweep(layers[i], layers[i - 1], above);
    for (let i = layers.length - 2; i >= 0; i -= 1) sweep(layers[i], layers[i + 1], below);
  }
}

/**
 * @param {string[][]} layers @param {number} width px
 * @param {{wide: number, high: number, gap: number, drop: number, wrap: number}} size
 * @returns {{places: Map<string, {x: number, y: number}>, height: number}} the middle of each node
 */
export function place(layers, width, size) {
  const places = new Map();
  const perRow = Math.max(1, Math.floor((width + size.gap) / (size.wide + size.gap)));
  let y = size.high / 2 + 2;
  for (const names of layers.filter(Boolean)) {
    const rows = Math.ceil(names.length / perRow);
    const even = Math.ceil(names.length / rows);
    for (let r = 0; r < rows; r += 1) {
      const row = names.slice(r * even, (r + 1) * even);
      const free = width - row.length * size.wide;
      const gap = Math.min(free / (row.length + 1), size.gap * 5);
      const start = (width - row.length * size.wide - gap * (row.length - 1)) / 2;
      row.forEach((name, i) => places.set(name, { x: start + i * (size.wide + gap) + size.wide / 2, y }));
      y += size.high + (r === rows - 1 ? size.drop : size.wrap);
    }
  }
  return { places, height: y - size.drop - size.high / 2 + 4 };
}
