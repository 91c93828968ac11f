/**
 * Texts made of spans, drawn as nodes. A string span is always literal: whatever an alert wrote stands there as it is,
 * isolated from the direction of its neighbours.
 */
import { h, outside } from "./dom.js";
import { moment } from "./time.js";

const URLS = /https?:\/\/[^\s<>"'`\u200e\u200f\u202a-\u202e\u2066-\u2069]+/g;
const LONG = 4000;

/** @typedef {import("./types.js").Span} Span @typedef {import("./types.js").Text} Text */

/** @param {Span} span @returns {Node} */
function draw(span) {
  if (typeof span === "string") return h("bdi", { dir: "ltr" }, span); // our sentence, whatever name it begins with
  switch (span?.span) {
    case "moment":
      return moment(span.at);
    case "person":
      return h("bdi", { class: "person", title: span.id }, span.name);
    case "link":
      return outside(span.label, span.url);
    case "room":
      return h("a", { href: `#/rooms/${encodeURIComponent(span.id)}` }, h("bdi", {}, span.name));
    case "strong":
      return h("strong", {}, h("bdi", {}, span.text));
    case "code":
      return span.text.startsWith("/")
        ? typed(span.text)
        : h("code", { class: span.text.includes("\n") ? "lines" : null }, h("bdi", {}, span.text));
    default:
      return document.createTextNode("");
  }
}

/** A command to type: pressing it puts it on the input line. @param {string} command */
export function typed(command) {
  return h(
    "button",
    {
      class: "typed",
      type: "button",
      title: "Put on the input line",
      on: {
        click: (event) =>
          event.currentTarget.dispatchEvent(new CustomEvent("compose", { bubbles: true, detail: `${command} ` })),
      },
    },
    command,
  );
}

/** @param {Text|null|undefined} text @returns {Node[]} */
export function spans(text) {
  if (!text) return [];
  return (Array.isArray(text) ? text : [text]).map(draw);
}

/** The same text without form, for titles and screen readers. @param {Text|null|undefined} text @returns {string} */
export function plain(text) {
  if (!text) return "";
  return (Array.isArray(text) ? text : [text])
    .map((span) => {
      if (typeof span === "string") return span;
      if (span.span === "moment") return moment(span.at).textContent;
      return span.span === "person" || span.span === "room" ? span.name : span.span === "link" ? span.label : span.text;
    })
    .join("");
}

/**
 * What a person wrote: literal, http(s) addresses as links, very long texts cut with a way to see the rest.
 * @param {string} text
 */
export function prose(text) {
  if (text.length <= LONG) return linked(text);
  const more = h(
    "button",
    { class: "link-button", type: "button" },
    `Show all ${text.length.toLocaleString()} characters`,
  );
  const body = h("span", {}, linked(text.slice(0, LONG)), "\u2026 ", more);
  more.addEventListener("click", () => body.replaceChildren(...linked(text)));
  return [body];
}

/** @param {string} text @returns {Node[]} */
function linked(text) {
  const nodes = [];
  let end = 0;
  for (const match of text.matchAll(URLS)) {
    const url = match[0].replace(/[).,;:!?\]]+$/, "");
    if (match.index > end) nodes.push(h("bdi", {}, text.slice(end, match.index)));
    nodes.push(outside(url, url));
    end = match.index + url.length;
  }
  if (end < text.length) nodes.push(h("bdi", {}, text.slice(end)));
  return nodes;
}
