// Data that keeps itself fresh by asking again every second, and stops while nobody looks. An error keeps the last good data.

import { untrack } from "svelte";

import { ApiError } from "./client";

const EVERY_MS = 1000;
/** Older than this and the data counts as stale: two answers were missed. */
const STALE_AFTER_MS = 3000;

/** This browser's clock, so that an age grows on the screen. */
class Wall {
  nowMs = $state(Date.now());

  constructor() {
    setInterval(() => (this.nowMs = Date.now()), 500);
  }
}

export const wall = new Wall();

export class Live<T> {
  data = $state.raw<T | null>(null);
  error = $state.raw<ApiError | null>(null);
  /** When the data came; 0 = never. */
  #atMs = $state(0);
  ageS = $derived(this.#atMs === 0 ? null : Math.max(0, (wall.nowMs - this.#atMs) / 1000));
  stale = $derived(this.ageS !== null && this.ageS * 1000 > STALE_AFTER_MS);

  #ask: (last: T | null) => Promise<T>;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #asking = false;
  #askAgain = false;
  #running = false;
  /** Answers to older questions are dropped. */
  #question = 0;

  constructor(ask: (last: T | null) => Promise<T>) {
    this.#ask = ask;
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

  /** Asks now: after a change, so that the page shows what the server made of it. */
  async refresh(): Promise<void> {
    if (this.#asking) {
      this.#askAgain = true;
      return;
    }
    clearTimeout(this.#timer);
    this.#asking = true;
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
    }
    if (!this.#running) return;
    if (this.#askAgain) {
      this.#askAgain = false;
      void this.refresh();
    } else if (document.visibilityState === "visible") {
      this.#timer = setTimeout(() => void this.refresh(), EVERY_MS);
    }
  }
}
