/** The situation room: builds the parts, connects them, and keeps them true to the stream of events. */
import * as api from "./api.js";
import { Banner } from "./banner.js";
import { onPress, press } from "./buttons.js";
import { CardPane } from "./card.js";
import { Composer } from "./composer.js";
import { ConversationPane } from "./conversation.js";
import { byId } from "./dom.js";
import { headRoom } from "./header.js";
import { Identity } from "./identity.js";
import { listen, showHelp } from "./keyboard.js";
import { Live } from "./live.js";
import { pace } from "./pace.js";
import { Panes } from "./panes.js";
import { Picture } from "./picture.js";
import { RoomList } from "./rooms.js";
import { Store } from "./store.js";
import { followServer, now, startTicking } from "./time.js";

const store = new Store();
const panes = new Panes(byId("app"), byId("switch"), store);
const list = new RoomList(byId("rooms"), store, (room) => go(room));
headRoom(byId("room-header"), store);
new CardPane(byId("card"), store);
const conversation = new ConversationPane(byId("log"), byId("newest"), store, (item) => {
  store.conversation(store.current).drop(item);
  void say(item.text);
});
const composer = new Composer(
  { form: byId("composer"), input: byId("input"), send: byId("send"), completion: byId("completion") },
  store,
  say,
);
const picture = new Picture(byId("picture-tabs"), byId("picture"), store);
const banner = new Banner(byId("banner"), store, (room) => go(room));
const identity = new Identity(byId("identity"), byId("gentle"), store, become);
const live = new Live({ event: heard, opened, lost: (at) => banner.lost(at) });

/** Open a room and, on a phone, its pane. @param {string} room */
function go(room) {
  if (!store.rooms?.has(room)) return;
  if (location.hash !== address(room)) history.pushState(null, "", address(room));
  if (panes.narrow) panes.show("room");
  enter(room);
}

const address = (room) => `#/rooms/${encodeURIComponent(room)}`;

/** @param {string} room */
function enter(room) {
  if (room === store.current && store.room) return;
  if (store.current) conversation.seen();
  store.current = room;
  store.emit("room");
}

/** The room the address names, or the one that needs somebody most. */
function entrance() {
  const named = decodeURIComponent(/^#\/rooms\/(.+)$/.exec(location.hash)?.[1] ?? "");
  if (store.rooms?.has(named)) return named;
  const { paged, open } = store.sections();
  return (paged[0] ?? open[0])?.id ?? "lobby";
}

/** Say something, or command; the words stand there at once. @param {string} text */
async function say(text) {
  const room = store.current;
  const talk = store.conversation(room);
  const item = talk.pend(text, now());
  conversation.pinnedDown = true;
  store.emit("conversation");
  try {
    const { id, reply } = await api.say(room, store.me, text);
    talk.sent(item, id);
    answer(room, text, reply);
  } catch (error) {
    item.failed = error.message;
  }
  if (room === store.current) store.emit("conversation");
}

/** @param {string} room @param {string} typed @param {import("./types.js").Reply|null|undefined} reply */
function answer(room, typed, reply) {
  if (!reply || reply.private === false) return;
  store.conversation(room).reply(typed, reply, now());
  if (room === store.current) {
    conversation.pinnedDown = true;
    store.emit("conversation");
  }
}

onPress(async (room, command, label) => {
  if (/^open room$/i.test(label)) {
    const wanted = /INC-\d+/.exec(command)?.[0];
    const found = [...(store.rooms?.values() ?? [])].find((one) => one.incident?.id === wanted);
    if (found) return go(found.id);
  }
  try {
    const { reply } = await api.act(room, store.me, command);
    answer(room, `/incident ${command}`, reply);
  } catch (error) {
    answer(room, `/incident ${command}`, { text: error.message, private: true, failed: true });
  }
  return undefined;
});

/** @param {string} me */
function become(me) {
  store.become(me);
  void live
    .start(me)
    .then(refetch)
    .then(() => store.emit("room"));
}

/** Everything that is shown, again. */
async function refetch() {
  const me = store.me;
  const rooms = await api.rooms(me);
  if (me !== store.me) return;
  store.setRooms(rooms);
  await pages();
  if (store.current && !store.rooms?.has(store.current)) enter(entrance());
}

/** The pages that wait for this reader. */
async function pages() {
  const mine = [...(store.rooms?.values() ?? [])].find((room) => room.kind === "private");
  if (!mine) return;
  const page = await api.messages(mine.id, { as: store.me, limit: 50 }).catch(() => null);
  for (const message of page?.items ?? []) if (message.view?.view === "page") store.putPage(message);
}

const refetchSoon = pace(() => refetch().catch(() => {}), 1000);

/** @param {boolean} late something may have happened since what is shown was fetched */
function opened(late) {
  banner.found();
  if (!late) return;
  refetchSoon();
  void conversation.load();
  picture.refresh();
}

/** @param {string} type @param {any} data */
function heard(type, data) {
  switch (type) {
    case "hello":
      followServer(data.server_time);
      if (store.session && data.version && data.version !== store.session.version) banner.upgraded();
      break;
    case "incident":
      store.putIncident(data);
      break;
    case "room":
      store.putRoom(data);
      break;
    case "message":
    case "edited":
      if (!store.rooms?.has(data.room)) refetchSoon();
      store.putMessage(data, type === "edited");
      break;
    case "alerts":
      picture.touched(data.incident ?? null);
      break;
    case "change":
      picture.touched(null);
      break;
  }
}

/** @param {number} step */
function move(step) {
  const order = list.order();
  const at = order.indexOf(store.current);
  const next = order[Math.max(0, Math.min(order.length - 1, at < 0 ? 0 : at + step))];
  const inList = byId("rooms").contains(document.activeElement);
  if (next) {
    if (panes.narrow && panes.current === "rooms") {
      history.replaceState(null, "", address(next));
      enter(next);
    } else go(next);
  }
  if (inList) requestAnimationFrame(() => requestAnimationFrame(() => panes.focus("rooms")));
}

listen({
  move,
  acknowledge: () =>
    store.incident && void press({ label: "Acknowledge", command: `ack ${store.incident.id}` }, store.current),
  command: () => {
    panes.show("room");
    composer.write("/incident ");
  },
  speak: () => {
    panes.show("room");
    byId("input").focus();
  },
  pane: (name) => panes.show(name, true),
  back: () => void panes.back(),
});
byId("help-button").addEventListener("click", showHelp);
window.addEventListener("popstate", () => store.rooms && enter(entrance()));
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  conversation.later();
  conversation.seen();
});

/** Begin: who, which rooms, then listen. Tries again until the server answers. */
async function begin() {
  for (let wait = 500; ; wait = Math.min(wait * 2, 5000)) {
    try {
      store.session = await api.session();
      break;
    } catch {
      banner.lost(Date.now());
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }
  banner.found();
  followServer(store.session.server_time);
  byId("demo").hidden = !store.session.demo;
  store.become(identity.start());
  store.emit("session");
  await live.start(store.me);
  await refetch();
  if (panes.narrow && location.hash) panes.show("room");
  enter(entrance());
  startTicking();
}

await begin();
