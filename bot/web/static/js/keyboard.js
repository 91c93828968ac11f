/** Keys that work anywhere but in a field; the overlay that lists them. */
import { byId, fill, h } from "./dom.js";

const KEYS = [
  [
    "Rooms",
    [
      ["j", "k", "next and previous room"],
      ["\u2193", "\u2191", "the same, in the list"],
      ["Esc", "", "back"],
    ],
  ],
  [
    "Panes",
    [
      ["1", "", "incidents"],
      ["2", "", "room"],
      ["3", "", "picture"],
    ],
  ],
  [
    "Act",
    [
      ["a", "", "acknowledge this incident"],
      ["/", "", "type a command"],
      ["i", "", "say something"],
      ["?", "", "this overview"],
    ],
  ],
  [
    "Input line",
    [
      ["Tab", "", "take the completion"],
      ["\u2191", "", "what you typed before"],
      ["Enter", "", "send"],
      ["Shift Enter", "", "new line"],
    ],
  ],
  [
    "Picture",
    [
      ["\u2190", "\u2192", "along the time axis, or the graph"],
      ["\u2191", "\u2193", "between lanes"],
    ],
  ],
];
const VERBS = [
  ["ack", "I have it: paging stops"],
  ["why", "what grouped these alerts"],
  ["changes", "what was changed near the onset"],
  ["owner", "invite who made the suspect change"],
  ["runbook", "what could be run, and run it"],
  ["page WHO", "call somebody now"],
  ["note TEXT", "keep this in the timeline"],
  ["resolve", "it is over"],
  ["help", "all verbs"],
];

/** @param {string} key */
const cap = (key) => key && h("kbd", {}, key);

/** Fills and shows the overview. */
export function showHelp() {
  const dialog = /** @type {HTMLDialogElement} */ (byId("help"));
  fill(
    dialog,
    h(
      "form",
      { method: "dialog", class: "dialog-body" },
      h(
        "header",
        { class: "dialog-head" },
        h("h2", { id: "help-title" }, "Keys and commands"),
        h("button", { class: "button", autofocus: true }, "Close"),
      ),
      h(
        "div",
        { class: "help-columns" },
        h(
          "div",
          {},
          KEYS.map(([title, keys]) =>
            h(
              "section",
              {},
              h("h3", {}, title),
              h(
                "dl",
                { class: "keys" },
                keys.map(([one, two, words]) =>
                  h("div", {}, h("dt", {}, cap(one), two ? " " : null, cap(two)), h("dd", {}, words)),
                ),
              ),
            ),
          ),
        ),
        h(
          "section",
          {},
          h("h3", {}, "Commands, typed after /incident"),
          h(
            "dl",
            { class: "keys" },
            VERBS.map(([verb, words]) => h("div", {}, h("dt", {}, h("code", {}, verb)), h("dd", {}, words))),
          ),
          h("p", { class: "muted" }, "Every button is a command too: its title says which."),
        ),
      ),
    ),
  );
  if (!dialog.open) dialog.showModal();
}

/**
 * @param {{move: (step: number) => void, acknowledge: () => void, command: () => void, speak: () => void,
 *   pane: (name: string) => void, back: () => void}} does
 */
export function listen(does) {
  const keys = {
    j: () => does.move(1),
    k: () => does.move(-1),
    a: does.acknowledge,
    "/": does.command,
    i: does.speak,
    "?": showHelp,
    1: () => does.pane("rooms"),
    2: () => does.pane("room"),
    3: () => does.pane("picture"),
    Escape: does.back,
  };
  document.addEventListener("keydown", (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    if (
      event.defaultPrevented ||
      event.ctrlKey ||
      event.metaKey ||
      event.altKey ||
      (event.repeat && !/[jk]|Arrow/.test(event.key))
    )
      return;
    if (target.closest("input, textarea, select, dialog[open]")) return;
    const inRooms = target.closest(".rooms");
    const run =
      inRooms && event.key === "ArrowDown" ? keys.j : inRooms && event.key === "ArrowUp" ? keys.k : keys[event.key];
    if (!run) return;
    event.preventDefault();
    run();
  });
}
