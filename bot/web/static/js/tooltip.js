/** The exact values beside what is pointed at or walked to by keys; one for each drawing, inside it. */
import { fill, h } from "./dom.js";

export class Tooltip {
  /** @param {HTMLElement} frame a positioned element */
  constructor(frame) {
    this.frame = frame;
    this.node = h("div", { class: "tooltip", hidden: true });
    this.voice = h("div", { class: "visually-hidden", "aria-live": "polite" });
    frame.append(this.node, this.voice);
  }

  /**
   * @param {number} x px in the frame
   * @param {number} y
   * @param {string} head
   * @param {(string|Node|(string|Node)[])[]} lines
   * @param {boolean} [speak]
   */
  show(x, y, head, lines, speak = false) {
    fill(
      this.node,
      h("p", { class: "tooltip-head" }, h("bdi", {}, head)),
      lines.map((line) => h("p", { class: "tooltip-line" }, line)),
    );
    this.node.hidden = false;
    const { offsetWidth: width, offsetHeight: height } = this.node;
    const left = x + 14 + width > this.frame.clientWidth ? x - 14 - width : x + 14;
    this.node.style.left = `${Math.max(0, Math.min(left, this.frame.clientWidth - width))}px`;
    this.node.style.top = `${Math.max(0, Math.min(y + 12, this.frame.clientHeight - height))}px`;
    if (speak) this.voice.textContent = this.node.innerText;
  }

  hide() {
    this.node.hidden = true;
  }
}
