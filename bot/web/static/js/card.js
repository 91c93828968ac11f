/** The card: the one place that shows an incident's state, pinned above its conversation. */
import { buttons } from "./buttons.js";
import { fill, h, outside } from "./dom.js";
import { severity, status } from "./shapes.js";
import { spans } from "./spans.js";
import { elapsed, moment } from "./time.js";

const LINKS = 3; // at once; more would be rows of them

/** @typedef {import("./types.js").Card} Card @typedef {import("./types.js").Incident} Incident */

/**
 * What the card can say before (or without) a message that carries it.
 * @param {Incident} incident @param {(id: string|null) => string} nameOf @returns {Card}
 */
export function cardOf(incident, nameOf) {
  return {
    view: "card",
    incident: incident.id,
    title: incident.title,
    severity: incident.severity,
    status: incident.status,
    status_since: incident.resolved_at ?? incident.acknowledged_at ?? incident.opened_at,
    opened_at: incident.opened_at,
    first_alert_at: incident.first_alert_at,
    resolved_at: incident.resolved_at,
    alert_count: incident.alert_count,
    firing_count: incident.firing_count,
    lead: incident.commander ? { id: incident.commander, name: nameOf(incident.commander) } : null,
    services: incident.service_counts ?? incident.services.map((name) => ({ name, count: 0 })),
    location: incident.location,
    environment: incident.environment,
    cause: incident.cause ? [`${incident.cause.service}: ${incident.cause.words}`] : [],
    suspects: [],
    next_step: [],
    buttons: [],
    links: [],
  };
}

/** 5,000 @param {number} count */
const counted = (count) => count.toLocaleString("en");

/** @param {string} label @param {...any} children */
const fact = (label, ...children) =>
  h("div", { class: "fact", data: { fact: label.toLowerCase() } }, h("dt", {}, label), h("dd", {}, children));

/** @param {import("./types.js").ServiceCount[]} counts */
function serviceCounts(counts) {
  const shown = counts.slice(0, 6);
  const rest = counts.length - shown.length;
  return h(
    "span",
    { class: "counts" },
    shown.map((item) =>
      h("span", { class: "count" }, h("bdi", {}, item.name), item.count ? h("b", {}, counted(item.count)) : null),
    ),
    rest > 0
      ? h(
          "span",
          {
            class: "muted",
            title: counts
              .slice(6)
              .map((item) => `${item.name} ${counted(item.count)}`)
              .join(", "),
          },
          `and ${rest} more`,
        )
      : null,
  );
}

/** @param {{role: string, person: {id: string, name: string}}[]} held */
const roles = (held) =>
  h(
    "span",
    { class: "counts" },
    held.map((one) => h("span", { class: "count" }, h("bdi", {}, one.role), h("b", {}, h("bdi", {}, one.person.name)))),
  );

/** The best ones at once, the others when they are wanted. @param {{label: string, url: string}[]} found */
function links(found) {
  const drawn = found.map((link) => outside(link.label, link.url));
  const rest = drawn.splice(LINKS);
  return [
    h("span", { class: "links" }, drawn),
    rest.length
      ? h(
          "details",
          { class: "links-more" },
          h("summary", {}, `${rest.length} more`),
          h("span", { class: "links" }, rest),
        )
      : null,
  ];
}

/** The facts and buttons; the title and state stand in the room's header. @param {Card} card @param {string} room */
function body(card, room) {
  const total = card.alert_count ?? 0;
  const firing = card.firing_count ?? 0;
  const resolved = card.status === "resolved";
  return [
    h(
      "dl",
      { class: "facts" },
      fact(
        "Alerts",
        h("b", {}, total ? counted(total) : "None"),
        total ? (firing ? `, ${firing === total ? "all" : counted(firing)} firing` : ", all cleared") : "",
        !total ? ", declared at " : resolved && card.resolved_at ? ", " : firing ? ", since " : ", the first at ",
        moment(card.first_alert_at ?? card.opened_at),
        resolved && card.resolved_at ? [" to ", moment(card.resolved_at)] : null,
      ),
      card.services?.length ? fact("Services", serviceCounts(card.services)) : null,
      card.cause?.length ? fact("Probably", h("span", { dir: "auto" }, spans(card.cause))) : null,
      card.suspects?.length
        ? fact(
            "Suspect",
            h(
              "ul",
              { class: "plain-list" },
              card.suspects.slice(0, 3).map((text) => h("li", { dir: "auto" }, spans(text))),
            ),
          )
        : null,
      card.ruled_out?.length ? fact("Ruled out", h("span", { dir: "auto" }, spans(card.ruled_out))) : null,
      card.roles?.length ? fact("Roles", roles(card.roles)) : null,
      card.update?.length ? fact("Update", h("span", { dir: "auto" }, spans(card.update))) : null,
      card.next_step?.length ? fact("Next", h("span", { dir: "auto" }, spans(card.next_step))) : null,
      card.links?.length
        ? fact(
            "Links",
            links(card.links),
          )
        : null,
    ),
    card.buttons?.length ? buttons(card.buttons, room) : null,
  ];
}

/** A card inside a conversation, where no header stands above it. @param {Card} card @param {string} room */
export function inlineCard(card, room) {
  return h(
    "div",
    { class: "inline-card", data: { status: card.status } },
    h(
      "h3",
      { class: "inline-card-title", dir: "auto" },
      h("span", { class: "number" }, card.incident),
      h("bdi", {}, card.title),
    ),
    h(
      "p",
      { class: "meta" },
      status(card.status),
      card.status === "resolved" ? null : elapsed(card.status_since),
      severity(card.severity),
      card.lead ? h("bdi", {}, card.lead.name) : null,
    ),
    body(card, room),
  );
}

/** By what a thing that has the focus is found again when the card is drawn anew. @param {Element} node */
const known = (node) =>
  node.getAttribute("data-command") ??
  node.getAttribute("href") ??
  (node.matches("summary, .fold") ? node.className || node.tagName : node.textContent);

export class CardPane {
  /** @param {HTMLElement} root @param {import("./store.js").Store} store */
  constructor(root, store) {
    this.root = root;
    this.store = store;
    /** Rooms whose card the reader folded or unfolded; a phone begins folded. @type {Map<string, boolean>} */
    this.folds = new Map();
    this.print = "";
    store.on("room conversation incident session me", () => this.draw());
  }

  draw() {
    const { room, incident } = this.store;
    const message = room ? this.store.conversations.get(room.id)?.cardMessage : null;
    const said = message?.view?.view === "card" && room?.kind === "incident" ? message.view : null;
    const card = said ?? (incident ? cardOf(incident, (id) => this.store.nameOf(id)) : null);
    this.root.hidden = !card || !room;
    if (!card || !room) return;
    const folded = this.#folded(room.id);
    const print = JSON.stringify([room.id, folded, card]);
    if (print === this.print) return;
    this.print = print;
    const held = this.root.contains(document.activeElement) ? known(document.activeElement) : null;
    const more = this.root.querySelector("details[open]") !== null;
    this.root.toggleAttribute("data-folded", folded);
    fill(
      this.root,
      body(card, room.id),
      h(
        "button",
        {
          class: "fold",
          type: "button",
          "aria-expanded": String(!folded),
          "aria-controls": "card",
          on: { click: () => this.#fold(room.id) },
        },
        folded ? "Show facts" : "Hide facts",
      ),
    );
    this.root.querySelector("details")?.toggleAttribute("open", more);
    if (held)
      [...this.root.querySelectorAll("button, a, summary")].find((node) => known(node) === held)?.focus();
  }

  /** @param {string} room */
  #folded(room) {
    return this.folds.get(room) ?? matchMedia("(max-width: 899px)").matches;
  }

  /** @param {string} room */
  #fold(room) {
    this.folds.set(room, !this.#folded(room));
    this.draw();
    this.root.querySelector(".fold")?.focus();
  }
}
