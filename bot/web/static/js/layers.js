/**
 * In which row of a service graph each service stands, and in which order: callers above, what they depend on below
 * (Sugiyama's layers, each cut into rows of the width). An edge over several rows has a place of its own in each row
 * between, so that it goes around the boxes there; edges to the same service share these places. Pure numbers.
 */

/**
 * What stands in a row: a service, or an edge that passes (no name). `x` and `y` are set by who places it.
 * @typedef {{name: string, above: Item[], below: Item[], x: number, y: number}} Item
 * @typedef {{from: string, to: string}} Edge `from` depends on `to`
 * @typedef {{items: Item[], first: boolean}} Row `first` of its layer
 */

const ROUNDS = 6;
const ASIDE = 0.01; // crossings that an edge from one side to the other is worth

/**
 * The same services and edges give the same rows, in whatever order they come; only services without edges, which
 * stand last, keep the order that they come in.
 * @param {string[]} names @param {Edge[]} edges @param {number} most services in a row
 * @returns {{rows: Row[], ways: Map<Edge, Item[]>}} `ways`: what each edge passes, from its `from` to its `to`
 */
export function layered(names, edges, most) {
  const known = new Set(names);
  const links = edges
    .filter((edge) => known.has(edge.from) && known.has(edge.to) && edge.from !== edge.to)
    .sort((a, b) => compare(a.from, b.from) || compare(a.to, b.to));
  const linked = new Set(links.flatMap((link) => [link.from, link.to]));
  const sorted = [...linked].sort(compare);
  const forward = acyclic(sorted, links);
  const layers = layersOf(sorted, forward);
  layers.push(names.filter((name) => !linked.has(name)));
  const rows = layers.flatMap((layer) => cut(layer, most));
  const ways = thread(rows, links, forward);
  order(rows);
  return { rows, ways };
}

/** @param {string} a @param {string} b */
const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

/** The edges without those that close a circle. @param {string[]} names @param {Edge[]} links @returns {Set<Edge>} */
function acyclic(names, links) {
  const next = new Map(names.map((name) => [name, []]));
  for (const link of links) next.get(link.from).push(link);
  const state = new Map();
  const kept = new Set();
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
        kept.add(link);
        if (!state.has(link.to)) {
          state.set(link.to, "open");
          stack.push([link.to, 0]);
        }
      }
    }
  }
  return kept;
}

/**
 * Layers by the longest way from above. In each, what is more needed than needing comes first: when the layer is cut
 * into rows, fewer edges pass them.
 * @param {string[]} names @param {Set<Edge>} forward @returns {string[][]}
 */
function layersOf(names, forward) {
  const above = new Map(names.map((name) => [name, []]));
  const needed = new Map(names.map((name) => [name, 0]));
  for (const { from, to } of forward) {
    above.get(to).push(from);
    needed.set(to, needed.get(to) + 1);
    needed.set(from, needed.get(from) - 1);
  }
  const depth = new Map();
  const measure = (name) => {
    if (!depth.has(name)) depth.set(name, Math.max(-1, ...above.get(name).map(measure)) + 1);
    return depth.get(name);
  };
  const layers = [];
  for (const name of names) (layers[measure(name)] ??= []).push(name);
  return layers.map((layer) => layer.sort((a, b) => needed.get(b) - needed.get(a)));
}

/** @param {string[]} layer @param {number} most @returns {Row[]} */
function cut(layer, most) {
  const even = Math.ceil(layer.length / Math.ceil(layer.length / most));
  const rows = [];
  for (let i = 0; i < layer.length; i += even) {
    const items = layer.slice(i, i + even).map((name) => ({ name, above: [], below: [], x: 0, y: 0 }));
    rows.push({ items, first: i === 0 });
  }
  return rows;
}

/**
 * Leads each edge through the rows between its ends; one that closes a circle goes up.
 * @param {Row[]} rows @param {Edge[]} links @param {Set<Edge>} forward @returns {Map<Edge, Item[]>}
 */
function thread(rows, links, forward) {
  const at = new Map();
  rows.forEach((row, i) => row.items.forEach((item) => at.set(item.name, { item, row: i })));
  const passing = new Map();
  const ways = new Map();
  for (const link of links) {
    const down = forward.has(link);
    const [top, bottom] = [at.get(down ? link.from : link.to), at.get(down ? link.to : link.from)];
    const way = [top.item];
    for (let row = top.row + 1; row < bottom.row; row += 1) {
      const key = `${row} ${down} ${link.to}`;
      if (!passing.has(key)) {
        passing.set(key, { name: "", above: [], below: [], x: 0, y: 0 });
        rows[row].items.push(passing.get(key));
      }
      way.push(passing.get(key));
    }
    way.push(bottom.item);
    for (let i = 1; i < way.length; i += 1) {
      if (way[i].above.includes(way[i - 1])) continue;
      way[i].above.push(way[i - 1]);
      way[i - 1].below.push(way[i]);
    }
    ways.set(link, (down ? way : way.reverse()).slice(1, -1));
  }
  return ways;
}

/**
 * Few crossings: each row by the mean, later by the median, of what it is linked to, downwards and upwards in turns.
 * The best order is kept, and then single neighbours change places.
 * @param {Row[]} rows
 */
function order(rows) {
  const number = (items) => items.forEach((item, i) => (item.x = (i + 0.5) / items.length));
  const all = rows.map((row) => row.items);
  all.forEach(number);
  const upwards = [...all].reverse();
  let best = all.map((items) => [...items]);
  let least = cost(all);
  for (let round = 0; round < ROUNDS; round += 1) {
    const side = round % 2 ? "below" : "above";
    const middle = round % 4 < 2 ? mean : median;
    for (const items of round % 2 ? upwards : all) {
      for (const item of items) if (item[side].length) item.x = middle(item[side]);
      items.sort((a, b) => a.x - b.x);
      number(items);
    }
    const found = cost(all);
    if (found >= least) continue;
    least = found;
    best = all.map((items) => [...items]);
  }
  best.forEach(number);
  for (const items of [...best, ...[...best].reverse()]) swap(items);
  rows.forEach((row, i) => (row.items = best[i]));
}

/** Neighbours in a row change places where that costs less. @param {Item[]} items */
function swap(items) {
  for (let i = 1; i < items.length; i += 1) {
    const [a, b] = [items[i - 1], items[i]];
    const before = pair(a, b);
    [a.x, b.x] = [b.x, a.x];
    if (pair(b, a) < before - 1e-9) [items[i - 1], items[i]] = [b, a];
    else [a.x, b.x] = [b.x, a.x];
  }
}

/** What the edges of two neighbours cost, one by the other. @param {Item} left @param {Item} right */
function pair(left, right) {
  let cost = 0;
  for (const side of ["above", "below"]) {
    for (const one of left[side]) {
      cost += ASIDE * Math.abs(left.x - one.x);
      for (const other of right[side]) if (one.x > other.x) cost += 1;
    }
    for (const other of right[side]) cost += ASIDE * Math.abs(right.x - other.x);
  }
  return cost;
}

/** @param {Item[]} items */
const mean = (items) => items.reduce((sum, item) => sum + item.x, 0) / items.length;
/** @param {Item[]} items */
const median = (items) =>
  items.length === 1 ? items[0].x : items.map((item) => item.x).sort((a, b) => a - b)[items.length >> 1];

/** How many edges cross between neighbouring rows; how far they go aside weighs little. @param {Item[][]} all */
function cost(all) {
  let crossings = 0;
  let aside = 0;
  for (const items of all) {
    const ends = []; // sorted: what an end has to pass to its place are crossings
    for (const item of items) {
      const { below } = item;
      for (const { x } of below.length > 1 ? [...below].sort((a, b) => a.x - b.x) : below) {
        let at = ends.length;
        while (at && ends[at - 1] > x) at -= 1;
        crossings += ends.length - at;
        ends.splice(at, 0, x);
        aside += Math.abs(item.x - x);
      }
    }
  }
  return crossings + ASIDE * aside;
}
