/**
 * Moments as people read them: in the reader's zone, with the exact value on hover, and "ago" that ticks. Nothing else
 * in the page asks the clock; the server's clock wins over the browser's.
 */
import { h } from "./dom.js";

let skew = 0;

/** @param {string} serverTime RFC 3339; from now on `now()` follows it */
export function followServer(serverTime) {
  const at = Date.parse(serverTime);
  if (Number.isFinite(at)) skew = at - Date.now();
}

/** Milliseconds since the epoch, by the server's clock. */
export const now = () => Date.now() + skew;

/** @param {number|string|null|undefined} value seconds since the epoch, or RFC 3339 @returns {number} ms, or NaN */
export function ms(value) {
  if (typeof value === "number") return value * 1000;
  return typeof value === "string" ? Date.parse(value) : NaN;
}

const format = (options) => new Intl.DateTimeFormat(undefined, { hourCycle: "h23", ...options });
const minutes = format({ hour: "2-digit", minute: "2-digit" });
const seconds = format({ hour: "2-digit", minute: "2-digit", second: "2-digit" });
const dated = format({ day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const longAgo = format({ day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" });
const full = format({
  weekday: "short",
  day: "numeric",
  month: "short",
  year: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  timeZoneName: "short",
});
const dayName = format({ weekday: "long", day: "numeric", month: "long" });

/** 02:14 @param {number} at ms @param {boolean} [exactly] with seconds */
export const clock = (at, exactly = false) => (exactly ? seconds : minutes).format(at);

/** Fri, 20 Nov 2026, 02:14:03 CET @param {number} at ms */
export const exact = (at) => (Number.isFinite(at) ? full.format(at) : "");

/** The reader's calendar day, as a key. @param {number} at ms */
export function dayKey(at) {
  const day = new Date(at);
  return `${day.getFullYear()}-${day.getMonth()}-${day.getDate()}`;
}

/** Today, Yesterday, or Friday 20 November. @param {number} at ms */
export function dayWords(at) {
  if (dayKey(at) === dayKey(now())) return "Today";
  if (dayKey(at) === dayKey(now() - 86_400_000)) return "Yesterday";
  return dayName.format(at);
}

/** 40 s, 4 min, 1 h 05 min, 3 d 4 h @param {number} span ms */
export function duration(span) {
  const total = Math.max(0, Math.floor(span / 1000));
  if (total < 60) return `${total} s`;
  const mins = Math.floor(total / 60);
  if (mins < 60) return `${mins} min`;
  const hours = Math.floor(mins / 60);
  if (hours < 24) return `${hours} h ${String(mins % 60).padStart(2, "0")} min`;
  return hours < 240 ? `${Math.floor(hours / 24)} d ${hours % 24} h` : `${Math.floor(hours / 24)} d`;
}

/** Just now, 40 s ago, 4 min ago @param {number} at ms */
export function ago(at) {
  const span = now() - at;
  return span < 2000 ? "just now" : `${duration(span)} ago`;
}

/**
 * @param {number|string|null|undefined} value
 * @param {string} kind how it reads and whether it ticks
 * @param {(at: number) => string} words
 */
function timeNode(value, kind, words) {
  const at = ms(value);
  if (!Number.isFinite(at)) return h("span", {}, "");
  return h(
    "time",
    { class: "time", datetime: new Date(at).toISOString(), title: exact(at), data: { tick: kind, at } },
    words(at),
  );
}

/**
 * The hour of a moment; with the date when it was another day, and the year when it was another one.
 * @param {number|string} value
 * @param {boolean} [exactly]
 */
export const moment = (value, exactly = false) =>
  timeNode(value, "", (at) => {
    if (dayKey(at) === dayKey(now())) return clock(at, exactly);
    return (new Date(at).getFullYear() === new Date(now()).getFullYear() ? dated : longAgo).format(at);
  });

/** The hour alone, where a date stands nearby. @param {number|string} value @param {boolean} [exactly] */
export const hour = (value, exactly = false) => timeNode(value, "", (at) => clock(at, exactly));

/** "4 min ago", kept true. @param {number|string|null} value */
export const agoTime = (value) => timeNode(value, "ago", ago);

/** "4 min", kept true: how long something has lasted. @param {number|string|null} value */
export const elapsed = (value) => timeNode(value, "elapsed", (at) => duration(now() - at));

/** Keeps every ticking time on the page true; called once. */
export function startTicking() {
  setInterval(() => {
    if (document.hidden) return;
    for (const node of document.querySelectorAll("time[data-tick='ago'], time[data-tick='elapsed']")) {
      const at = Number(node.getAttribute("data-at"));
      const words = node.getAttribute("data-tick") === "ago" ? ago(at) : duration(now() - at);
      if (node.textContent !== words) node.textContent = words;
    }
  }, 1000);
}
