/**
 * A time axis: where a moment stands, which round hours to name, and texts cut to a width. Numbers only; no drawing.
 */
import { clock } from "./time.js";

const STEPS_S = [10, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800];
const TICK_PX = 64;

/** @param {number} from ms @param {number} to ms @param {number} left px @param {number} right px */
export function scale(from, to, left, right) {
  const span = Math.max(1, to - from);
  return (at) => left + ((at - from) / span) * (right - left);
}

/**
 * Round moments in the reader's zone, far enough apart to be read.
 * @param {number} from ms @param {number} to ms @param {number} width px
 * @returns {{at: number, label: string}[]}
 */
export function ticks(from, to, width) {
  const room = Math.max(2, Math.floor(width / TICK_PX));
  const step = 1000 * (STEPS_S.find((s) => (to - from) / (s * 1000) <= room) ?? STEPS_S[STEPS_S.length - 1]);
  const zone = new Date(from).getTimezoneOffset() * 60_000;
  const marks = [];
  for (let at = Math.ceil((from - zone) / step) * step + zone; at <= to; at += step) {
    marks.push({
      at,
      label:
        step >= 86_400_000
          ? new Date(at).toLocaleDateString(undefined, { day: "numeric", month: "short" })
          : clock(at, step < 60_000),
    });
  }
  return marks;
}

const canvas = document.createElement("canvas").getContext("2d");

/**
 * The text, cut with an ellipsis to fit.
 * @param {string} text
 * @param {number} width px
 * @param {string} font CSS font
 */
export function fit(text, width, font) {
  if (!canvas) return text.slice(0, Math.floor(width / 7));
  canvas.font = font;
  if (text.length < 200 && canvas.measureText(text).width <= width) return text;
  const letters = [...text.slice(0, 200)];
  while (letters.length > 1 && canvas.measureText(`${letters.join("")}\u2026`).width > width) letters.pop();
  return `${letters.join("").trimEnd()}\u2026`;
}
