/**
 * Buttons that are commands: pressed until the answer is there, asking first where the button says so. What one could
 * have typed stands in the title.
 */
import { byId, fill, h } from "./dom.js";

/** @typedef {import("./types.js").Button} Button */

/** @type {(room: string, command: string, label: string) => Promise<void>} */
let perform = async () => {};
const pressed = new Set();

/**
 * Who carries out a pressed button; set once.
 * @param {(room: string, command: string, label: string) => Promise<void>} run
 */
export function onPress(run) {
  perform = run;
}

/**
 * Asks in the page.
 * @param {string} question
 * @param {string} yes
 * @param {boolean} danger
 * @returns {Promise<boolean>}
 */
export function confirm(question, yes, danger) {
  const dialog = /** @type {HTMLDialogElement} */ (byId("confirm"));
  return new Promise((resolve) => {
    fill(
      dialog,
      h(
        "form",
        { method: "dialog", class: "dialog-body" },
        h("p", { id: "confirm-text", dir: "auto" }, h("bdi", {}, question)),
        h(
          "div",
          { class: "buttons buttons-end" },
          h("button", { class: "button", value: "no" }, "Not now"),
          h(
            "button",
            { class: `button ${danger ? "button-danger" : "button-primary"}`, value: "yes", autofocus: true },
            yes,
          ),
        ),
      ),
    );
    dialog.returnValue = "no";
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
    dialog.showModal();
  });
}

/** Press one, as a click or a key does. @param {Button} button @param {string} room */
export async function press(button, room) {
  const key = `${room} ${button.command}`;
  if (pressed.has(key)) return;
  if (button.confirm && !(await confirm(button.confirm, button.label, button.style === "danger"))) return;
  pressed.add(key);
  show(key);
  try {
    await perform(room, button.command, button.label);
  } finally {
    pressed.delete(key);
    show(key);
  }
}

/** @param {string} key */
function show(key) {
  for (const node of document.querySelectorAll("button[data-press]")) {
    if (node.getAttribute("data-press") === key) mark(node, pressed.has(key));
  }
}

/** @param {Element} node @param {boolean} busy */
function mark(node, busy) {
  node.setAttribute("aria-pressed", String(busy));
  node.setAttribute("aria-busy", String(busy));
}

/** A row of them. @param {Button[]} list @param {string} room */
export function buttons(list, room) {
  return h(
    "div",
    { class: "buttons" },
    list.map((button) => {
      const key = `${room} ${button.command}`;
      const node = h(
        "button",
        {
          class: `button button-${button.style ?? "default"}`,
          type: "button",
          title: `/incident ${button.command}`,
          data: { press: key, command: button.command },
          on: { click: () => press(button, room) },
        },
        h("bdi", {}, button.label),
      );
      mark(node, pressed.has(key));
      return node;
    }),
  );
}
