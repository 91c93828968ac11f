/**
 * Elements made by hand. Data reaches the page through text nodes and checked attributes only: there is no way here
 * to write markup, inline styles or handlers from a string.
 */

const SVG = "http://www.w3.org/2000/svg";

/**
 * @param {Element} node
 * @param {Object<string, any>} props `class`, `on: {event: handler}`, `data: {key: value}`; the rest are attributes
 */
function apply(node, props) {
  for (const [key, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (key === "on") {
      for (const [type, handler] of Object.entries(value)) node.addEventListener(type, handler);
    } else if (key === "data") {
      for (const [name, item] of Object.entries(value)) {
        if (item !== null && item !== undefined) node.setAttribute(`data-${name}`, String(item));
      }
    } else if (key.startsWith("on") || key === "style" || key === "srcdoc") {
      throw new TypeError(`${key} is not written from here`);
    } else if (key === "href" || key === "src") {
      const url = safeUrl(String(value));
      if (url) node.setAttribute(key, url);
    } else {
      node.setAttribute(key, value === true ? "" : String(value));
    }
  }
}

/** @param {Element} node @param {any[]} children */
function append(node, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false || child === "") continue;
    node.append(child instanceof Node ? child : String(child));
  }
}

/**
 * An HTML element.
 * @param {string} tag @param {Object<string, any>} [props] @param {...any} children
 * @returns {HTMLElement}
 */
export function h(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  apply(node, props);
  append(node, children);
  return node;
}

/**
 * An SVG element.
 * @param {string} tag @param {Object<string, any>} [props] @param {...any} children
 * @returns {SVGElement}
 */
export function s(tag, props = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  apply(node, props);
  append(node, children);
  return node;
}

/** @param {Element} node @param {...any} children */
export function fill(node, ...children) {
  node.replaceChildren();
  append(node, children);
}

/** @param {string} id @returns {HTMLElement} */
export function byId(id) {
  const node = document.getElementById(id);
  if (!node) throw new Error(`no element #${id}`);
  return node;
}

/**
 * An http(s) address, or a path of this page; null for anything else (javascript:, data:, file: ...).
 * @param {string} value @returns {string|null}
 */
export function safeUrl(value) {
  if (/^(\/(?!\/)|#)/.test(value)) return value;
  try {
    const url = new URL(value);
    return url.protocol === "https:" || url.protocol === "http:" ? url.href : null;
  } catch {
    return null;
  }
}

/**
 * A link that leaves the page, or its label alone where the address is not one to follow.
 * @param {string} label @param {string} url @returns {Node}
 */
export function outside(label, url) {
  const href = safeUrl(url);
  const name = h("bdi", {}, label || url);
  if (!href || !/^https?:/.test(href)) return name;
  return h("a", { href, target: "_blank", rel: "noopener noreferrer", title: href }, name);
}

/**
 * Makes `parent` hold one node per item, in order, keeping the nodes whose signature did not change.
 * @template T
 * @param {Element} parent @param {T[]} items @param {(item: T) => string} key
 * @param {(item: T) => string} signature @param {(item: T) => Element} make
 */
export function reconcile(parent, items, key, signature, make) {
  const old = new Map();
  for (const child of parent.children) old.set(child.getAttribute("data-key"), child);
  let at = parent.firstElementChild;
  for (const item of items) {
    const id = key(item);
    const print = signature(item);
    let node = old.get(id);
    old.delete(id);
    if (!node || node.print !== print) {
      const fresh = make(item);
      fresh.setAttribute("data-key", id);
      fresh.print = print;
      if (node) {
        if (at === node) at = fresh;
        node.replaceWith(fresh);
      }
      node = fresh;
    }
    if (node === at) at = at.nextElementSibling;
    else parent.insertBefore(node, at);
  }
  for (const node of old.values()) node.remove();
}

/** A button that reads as a link. @param {string} label @param {() => void} click */
export const linkButton = (label, click) => h("button", { class: "link-button", type: "button", on: { click } }, label);

/**
 * Draws with the next frame: a burst of messages costs one drawing.
 * @param {() => void} draw @returns {() => void}
 */
export function framed(draw) {
  let waiting = false;
  const run = () => {
    waiting = false;
    draw();
  };
  return () => {
    if (waiting) return;
    waiting = true;
    if (document.hidden) setTimeout(run, 250);
    else requestAnimationFrame(run);
  };
}

/** Grey bars where something is about to stand. @param {number} lines @param {string} [kind] */
export function skeleton(lines, kind = "") {
  return h(
    "div",
    { class: `skeleton ${kind}`, "aria-hidden": "true" },
    Array.from({ length: lines }, (_, i) => h("span", { class: `bone bone-${i % 4}` })),
  );
}
