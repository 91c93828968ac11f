/** What stands where nothing is yet: what will appear, and how. */
import { h } from "./dom.js";

/** A command line with a way to copy it. @param {string} command */
export function copyable(command) {
  const button = h("button", { class: "button copy", type: "button" }, "Copy");
  const line = h("pre", { class: "copyable", tabindex: "0" }, command);
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(command);
      button.textContent = "Copied";
    } catch {
      getSelection()?.selectAllChildren(line);
      button.textContent = "Selected";
    }
    setTimeout(() => {
      button.textContent = "Copy";
    }, 2000);
  });
  return h("div", { class: "copy-box" }, line, button);
}

/** @param {boolean} loopback */
export function curl(loopback) {
  const token = loopback ? "" : ' \\\n  -H "Authorization: Bearer $MUSTER_WEBHOOK_TOKEN"';
  return `curl ${location.origin}/webhooks/generic \\\n  -H 'Content-Type: application/json'${token} \\\n  -d '{"name": "HighLatency", "severity": "critical",\n       "service": "checkout", "summary": "p99 above 2 s"}'`;
}

/** @param {import("./store.js").Store} store */
export function emptyRoom(store) {
  const { room } = store;
  if (room?.kind === "private") {
    return h(
      "div",
      { class: "empty" },
      h("h3", {}, "No pages for you"),
      h(
        "p",
        {},
        "When you are on call and an incident opens, the page arrives here with a button to acknowledge it. " +
          "Nobody else sees this conversation.",
      ),
    );
  }
  if (room?.kind === "incident") {
    return h(
      "div",
      { class: "empty" },
      h("h3", {}, "Nothing said yet"),
      h(
        "p",
        {},
        "What people say and what Muster finds appears here. Begin with ",
        h("code", {}, "/incident ack"),
        " or ask ",
        h("code", {}, "/incident why"),
        ".",
      ),
    );
  }
  if (store.sections().open.length) {
    return h(
      "div",
      { class: "empty" },
      h("h3", {}, "Nothing said in the lobby yet"),
      h(
        "p",
        {},
        "What concerns no single incident is said here. Each incident has a room of its own, listed with the others.",
      ),
      h(
        "p",
        {},
        "Without an alert: ",
        h("code", {}, "/incident declare TITLE"),
        ". All verbs: ",
        h("code", {}, "/incident help"),
        ".",
      ),
    );
  }
  return h(
    "div",
    { class: "empty" },
    h("h3", {}, "No incidents"),
    h(
      "p",
      {},
      "Alerts posted to ",
      h("code", {}, "/webhooks/alertmanager"),
      ", ",
      h("code", {}, "/webhooks/generic"),
      " or another source appear here as incidents, each with a room of its own. Try one:",
    ),
    copyable(curl(store.session?.loopback ?? true)),
    h(
      "p",
      {},
      "Without an alert: ",
      h("code", {}, "/incident declare TITLE"),
      ". All verbs: ",
      h("code", {}, "/incident help"),
      ".",
    ),
  );
}
