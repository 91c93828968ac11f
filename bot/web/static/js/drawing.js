/** A picture that the server draws of an incident, in the reader's scheme; the words say the same. */
import { h } from "./dom.js";

/** @param {import("./types.js").Drawing} picture */
export function drawing(picture) {
  const name = encodeURIComponent(picture.incident);
  const at = `/api/v1/incidents/${name}/picture.png?v=${encodeURIComponent(picture.digest ?? "")}`;
  return h(
    "a",
    { class: "drawing", href: at, target: "_blank", rel: "noopener", title: "Open the picture" },
    h(
      "picture",
      {},
      h("source", { media: "(prefers-color-scheme: light)", srcset: `${at}&theme=light` }),
      h("img", { src: at, alt: picture.alt, loading: "lazy", decoding: "async" }),
    ),
  );
}
