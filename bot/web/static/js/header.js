/** The head of the open room: what is broken, how bad, in what state, and who leads. Also the window's title. */
import { fill, h } from "./dom.js";
import { severity, shape, status } from "./shapes.js";
import { duration, elapsed, ms } from "./time.js";

/** @param {HTMLElement} root @param {import("./store.js").Store} store */
export function headRoom(root, store) {
  let print = "";
  const draw = () => {
    const { room, incident } = store;
    const next = JSON.stringify([room?.id, room?.title, room?.archived, incident, store.session?.people.length]);
    if (next === print) return;
    print = next;
    if (!room)
      return fill(
        root,
        h("div", { class: "skeleton" }, h("span", { class: "bone bone-2" }), h("span", { class: "bone bone-1" })),
      );
    if (!incident) {
      const mine = room.kind === "private";
      return fill(
        root,
        h(
          "h1",
          { class: "room-heading" },
          mine ? "Pages for you" : room.kind === "lobby" ? "Lobby" : h("bdi", {}, room.title),
        ),
        h(
          "p",
          { class: "meta" },
          mine ? "A private conversation: only you see it" : "All incidents and services at once",
        ),
      );
    }
    const lead = incident.commander ? store.nameOf(incident.commander) : "";
    const where = [incident.location, incident.environment].filter(Boolean).join(", ");
    const over = incident.status === "resolved";
    fill(
      root,
      h("h1", { class: "room-heading", dir: "auto", title: incident.title }, h("bdi", {}, incident.title)),
      h(
        "p",
        { class: "meta" },
        h("span", { class: "number" }, incident.id),
        severity(incident.severity),
        status(incident.status),
        over
          ? h("span", {}, `after ${duration(ms(incident.resolved_at) - ms(incident.first_alert_at ?? incident.opened_at))}`)
          : h("span", {}, "for ", elapsed(since(incident))),
        h(
          "span",
          { class: "lead", data: { vacant: lead ? null : "yes" } },
          shape("person", "quiet"),
          h("bdi", {}, lead || "nobody leads yet"),
        ),
        where ? h("span", {}, h("bdi", {}, where)) : null,
        room.archived ? h("span", { class: "tag" }, "archived") : null,
      ),
    );
    return undefined;
  };
  store.on("room rooms incident session me", draw);
  store.on("room rooms pages incident conversation", () => entitle(store));
  draw();
}

/** @param {import("./types.js").Incident} incident */
function since(incident) {
  return incident.status === "acknowledged" ? (incident.acknowledged_at ?? incident.opened_at) : incident.opened_at;
}

/** @param {import("./store.js").Store} store */
function entitle(store) {
  const unread = [...(store.rooms?.values() ?? [])].filter(
    (room) => room.id !== store.current && store.isUnread(room),
  ).length;
  const here = store.incident
    ? `${store.incident.id} ${store.incident.title}`
    : store.room?.kind === "private"
      ? "Pages for you"
      : "Lobby";
  const first = store.waiting.size ? "Page waiting, " : unread ? `(${unread}) ` : "";
  const title = `${first}${here.slice(0, 80)} · Muster`;
  if (document.title !== title) document.title = title;
}
