// Data that keeps itself fresh by asking again, every second or when it is told that there is news, and stops while nobody looks. An error
// keeps the last good data.

import { untrack } from "svelte";

import { ApiError } from "./client";

const EVERY_MS = 1000;
/** Data that is later than it should be by this much counts as stale: two answers were missed. */
const LATE_MS = 2000;

/** This browser's clock, so that an age grows on the screen. */
class Wall {
  nowMs = $state(Date.now());

  constructor() {
    setInterval(() => {
      if (!globalThis.document?.hidden) this.nowMs = Date.now();
    }, 500);
  }
}

export const wall = new Wall();

export class Live<T> {
  #everyMs: (data: T | null) => number = () => EVERY_MS;

  data = $state.raw<T | null>(null);
  error = $state.raw<ApiError | null>(null);
  /** When the data came; 0 = never. */
  #atMs = $state(0);
  ageS = $derived(this.#atMs === 0 ? null : Math.max(0, (wall.nowMs - this.#atMs) / 1000));
  /** After an error it is asked every second. */
  stale = $derived(this.ageS !== null && this.ageS * 1000 > LATE_MS + (this.error ? EVERY_MS : this.#everyMs(this.data)));

  #ask: (last: T | null) => Promise<T>;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #asking = false;
  #askAgain = false;
  #nudged = false;
  #answeredMs = 0;
  #running = false;
  /** Answers to older questions are dropped. */
  #question = 0;

  constructor(ask: (last: T | null) => Promise<T>, everyMs?: (data: T | null) => number) {
    this.#ask = ask;
    if (everyMs) this.#everyMs = everyMs;
  }

  /** Starts asking; returns what stops it, as `$effect` wants it. */
  start(): () => void {
    this.#running = true;
    const onVisibility = () => {
      if (document.visibilityState === "visible") void this.refresh();
    };
    document.addEventListener("visibilitychange", onVisibility);
    void this.refresh();
    return () => {
      this.#running = false;
      this.#question += 1;
      clearTimeout(this.#timer);
      document.removeEventListener("visibilitychange", onVisibility);
    };
  }

  /** There is news: asks, but not more than once a second. */
  nudge(): void {
    this.#nudged = true;
    if (!this.#asking) this.#askLater(EVERY_MS);
  }

  #askLater(afterMs: number): void {
    clearTimeout(this.#timer);
    if (!this.#running || document.visibilityState !== "visible") return;
    const pauseMs = Math.max(0, this.#answeredMs + afterMs - Date.now());
    this.#timer = setTimeout(() => void this.refresh(), pauseMs);
  }

  /** Asks now: after a change, so that the page shows what the server made of it. */
  async refresh(): Promise<void> {
    if (this.#asking) {
      this.#askAgain = true;
      return;
    }
    clearTimeout(this.#timer);
    this.#asking = true;
    this.#nudged = false;
    const question = ++this.#question;
    try {
      // Untracked: an effect that asks must not run again because an answer came.
      const data = await untrack(() => this.#ask(this.data));
      if (question === this.#question) {
        this.data = data;
        this.#atMs = Date.now();
        wall.nowMs = Math.max(wall.nowMs, this.#atMs);
        this.error = null;
      }
    } catch (cause) {
      if (question === this.#question) {
        this.error = cause instanceof ApiError ? cause : new ApiError(cause instanceof Error ? cause.message : String(cause), null);
      }
    } finally {
      this.#asking = false;
      this.#answeredMs = Date.now();
    }
    if (!this.#running) return;
    if (this.#askAgain) {
      this.#askAgain = false;
      void this.refresh();
    } else {
      this.#askLater(this.error || this.#nudged ? EVERY_MS : this.#everyMs(this.data));
    }
  }
}
