/** How one item of a conversation looks: what people say, what Muster says, pages, private replies, unsent words. */
import { buttons } from "./buttons.js";
import { inlineCard } from "./card.js";
import { h, linkButton } from "./dom.js";
import { drawing } from "./drawing.js";
import { shape } from "./shapes.js";
import { prose, spans, typed } from "./spans.js";
import { exact, hour, ms } from "./time.js";

/**
 * @typedef {import("./types.js").Message} Message @typedef {import("./types.js").Notice} Notice
 * @typedef {import("./types.js").Page} Page @typedef {import("./log.js").Item} Item
 */

const TONE_WORDS = { info: "", good: "", warning: "Attention: ", bad: "Problem: " };
const PAGE_WORDS = { waiting: "waits for you", answered: "answered", over: "over" };

/** Two letters of a name. @param {string} name */
function initials(name) {
  const words = name.trim().split(/\s+/);
  const letters = words.length > 1 ? [words[0], words[words.length - 1]] : [name.trim()];
  return letters
    .map((word) => [...word][0] ?? "")
    .join("")
    .toUpperCase();
}

/** @param {import("./types.js").Text[]|undefined} details @param {string|undefined} output */
function more(details, output) {
  return [
    details?.length
      ? h(
          "ul",
          { class: "details" },
          details.map((text) => h("li", { dir: "auto" }, spans(text))),
        )
      : null,
    output ? h("pre", { class: "output", tabindex: "0", "aria-label": "Output" }, output) : null,
  ];
}

/** @param {Item} item @param {Node|null} mark @param {any} body @param {Object<string, any>} props */
const row = (item, mark, body, { class: kind, ...props }) =>
  h(
    "article",
    { class: `item ${kind}`, ...props },
    h("div", { class: "item-time" }, hour(item.at)),
    h("div", { class: "item-mark" }, mark),
    h("div", { class: "item-body" }, body),
  );

const PLATFORMS = { slack: "Slack", discord: "Discord" };

/** @param {import("./log.js").MessageItem} item @param {boolean} continued @param {string} me */
function said(item, continued, me) {
  const { author, text, edited_at: edited, platform, answered } = item.message;
  const elsewhere = platform !== "console" ? PLATFORMS[platform] ?? platform : "";
  return row(
    item,
    continued ? null : h("span", { class: "monogram", "aria-hidden": "true" }, initials(author.name)),
    [
      continued
        ? h("span", { class: "visually-hidden" }, h("bdi", {}, author.name), ": ")
        : h(
            "p",
            { class: "author" },
            h("bdi", {}, author.name),
            author.id === me ? h("span", { class: "muted" }, "you") : null,
            elsewhere ? h("span", { class: "muted" }, `in ${elsewhere}`) : null,
          ),
      answered ? h("p", { class: "muted answered", dir: "auto" }, h("bdi", {}, answered)) : null,
      h(
        "p",
        { class: "words", dir: "auto" },
        prose(text),
        edited ? h("span", { class: "muted edited", title: `edited ${exact(ms(edited))}` }, " edited") : null,
      ),
    ],
    { class: `said ${continued ? "continued" : ""}` },
  );
}

/** @param {import("./log.js").MessageItem} item @param {Notice} view */
function notice(item, view) {
  const tone = view.tone ?? "info";
  return row(
    item,
    shape(tone),
    [
      h(
        "p",
        { class: "words", dir: "auto" },
        h("span", { class: "visually-hidden" }, "Muster. ", TONE_WORDS[tone]),
        spans(view.text),
      ),
      more(view.details, view.output),
      view.picture ? drawing(view.picture) : null,
      view.buttons?.length ? buttons(view.buttons, item.message.room) : null,
    ],
    { class: "notice", data: { tone } },
  );
}

/** @param {import("./log.js").MessageItem} item @param {Page} view */
function page(item, view) {
  const state = view.state ?? "waiting";
  return row(
    item,
    shape("page", state === "waiting" ? "open" : "page"),
    h("div", { class: "page-box" }, [
      h("p", { class: "page-state" }, `Page, ${PAGE_WORDS[state] ?? state}`),
      h("p", { class: "page-headline", dir: "auto" }, spans(view.headline)),
      h("p", { class: "words", dir: "auto" }, spans(view.body)),
      view.buttons?.length ? buttons(view.buttons, item.message.room) : null,
    ]),
    { class: "page", data: { state } },
  );
}

/** @param {import("./log.js").ReplyItem} item @param {string} room */
function reply(item, room) {
  const { reply } = item;
  const words = reply.spans?.length ? reply.spans : reply.text;
  return row(
    item,
    shape(reply.failed ? "bad" : "private", reply.failed ? "bad" : "private"),
    h("div", { class: "reply-box" }, [
      h(
        "p",
        { class: "reply-label" },
        h("span", { class: "only-you" }, "Only you see this"),
        item.typed ? typed(item.typed) : null,
      ),
      h(
        "p",
        { class: "words", dir: "auto" },
        reply.failed ? h("span", { class: "visually-hidden" }, "Not done: ") : null,
        spans(words),
      ),
      more(reply.details, reply.output),
      reply.picture ? drawing(reply.picture) : null,
      reply.buttons?.length ? buttons(reply.buttons, room) : null,
    ]),
    { class: "reply", data: { failed: reply.failed ? "yes" : null } },
  );
}

/**
 * @param {import("./log.js").PendingItem} item
 * @param {boolean} continued
 * @param {string} name
 * @param {() => void} again
 */
function pending(item, continued, name, again) {
  return row(
    item,
    continued ? null : h("span", { class: "monogram", "aria-hidden": "true" }, initials(name)),
    [
      continued ? null : h("p", { class: "author" }, h("bdi", {}, name)),
      h("p", { class: "words", dir: "auto" }, prose(item.text)),
      item.failed
        ? h(
            "p",
            { class: "unsent" },
            shape("bad"),
            h("span", {}, `Not sent. ${item.failed}`),
            linkButton("Send again", again),
          )
        : h("p", { class: "muted" }, "Sending"),
    ],
    { class: `said pending ${continued ? "continued" : ""}` },
  );
}

/**
 * @param {Item} item
 * @param {{continued: boolean, me: string, myName: string, room: string, again: (item: any) => void}} around
 */
export function drawItem(item, around) {
  if (item.kind === "reply") return reply(item, around.room);
  if (item.kind === "pending") return pending(item, around.continued, around.myName, () => around.again(item));
  const { view } = item.message;
  if (view?.view === "notice") return notice(item, view);
  if (view?.view === "page") return page(item, view);
  if (view?.view === "card") return row(item, shape("dot"), inlineCard(view, item.message.room), { class: "carded" });
  if (item.message.author.kind === "muster") {
    return notice(item, { view: "notice", text: [item.message.text] });
  }
  return said(item, around.continued, around.me);
}
