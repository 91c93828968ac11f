/**
 * The stream of events, read with fetch so that its keep-alives count as signs of life. It ends only when told to:
 * a lost connection is tried again, and whoever listens refetches what it shows.
 */
import { eventsUrl } from "./api.js";

const SILENCE_MS = 40_000; // the server sends a comment every 15 s
const WAITS_MS = [500, 1000, 2000, 3000, 5000];
const HEAD_START_MS = 1000; // a proxy that holds the stream back must not hold the page back

export class Live {
  /**
   * @param {{event: (type: string, data: any) => void, opened: (late: boolean) => void, lost: (since: number) => void}} listener
   */
  constructor(listener) {
    this.listener = listener;
    this.attempt = 0;
    this.late = false;
    this.run = 0;
    window.addEventListener("online", () => this.wake?.());
    document.addEventListener("visibilitychange", () => document.hidden || this.wake?.());
  }

  /**
   * Listen as somebody; listening as another one before ends. Resolves when the server tells what happens, so that what is
   * fetched from then on misses nothing; or when that takes long: then it opens late, and something may have been missed.
   * @param {string} as
   */
  start(as) {
    this.stop();
    this.late = false;
    return new Promise((resolve) => {
      const given = setTimeout(() => this.#begun(true), HEAD_START_MS);
      this.waiting = () => {
        clearTimeout(given);
        resolve(undefined);
      };
      void this.#loop(as, ++this.run);
    });
  }

  /** Whoever waits for the stream goes on. @param {boolean} late without it */
  #begun(late) {
    this.late ||= late;
    this.waiting?.();
    this.waiting = undefined;
  }

  stop() {
    this.run += 1;
    this.#begun(false);
    this.controller?.abort();
    this.wake?.();
  }

  async #loop(as, run) {
    while (run === this.run) {
      try {
        await this.#listen(as, run);
      } catch {
        // Every way to lose a stream means the same: say so, wait, listen again.
      }
      if (run !== this.run) return;
      this.#begun(true);
      this.listener.lost(Date.now());
      const wait = WAITS_MS[Math.min(this.attempt++, WAITS_MS.length - 1)];
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, wait);
        this.wake = () => {
          clearTimeout(timer);
          resolve(undefined);
        };
      });
      this.wake = undefined;
    }
  }

  async #listen(as, run) {
    const controller = new AbortController();
    this.controller = controller;
    let watchdog = setTimeout(() => controller.abort(), SILENCE_MS);
    try {
      const response = await fetch(eventsUrl(as), {
        signal: controller.signal,
        cache: "no-store",
        credentials: "same-origin",
        headers: { accept: "text/event-stream" },
      });
      if (response.status === 401) location.assign("/login");
      if (!response.ok || !response.body) throw new Error(`events answered ${response.status}`);
      this.attempt = 0;
      this.#begun(false);
      this.listener.opened(this.late);
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      let rest = "";
      for (;;) {
        const { value, done } = await reader.read();
        if (done || run !== this.run) return;
        clearTimeout(watchdog);
        watchdog = setTimeout(() => controller.abort(), SILENCE_MS);
        const blocks = (rest + value.replaceAll("\r", "")).split("\n\n");
        rest = blocks.pop() ?? "";
        for (const block of blocks) this.#dispatch(block);
      }
    } finally {
      clearTimeout(watchdog);
      controller.abort();
    }
  }

  /** @param {string} block */
  #dispatch(block) {
    let type = "message";
    const data = [];
    for (const line of block.split("\n")) {
      if (line.startsWith("event:")) type = line.slice(6).trim();
      else if (line.startsWith("data:")) data.push(line.slice(5).trimStart());
    }
    if (!data.length) return;
    let value;
    try {
      value = JSON.parse(data.join("\n"));
    } catch {
      return;
    }
    this.listener.event(type, value);
  }
}
