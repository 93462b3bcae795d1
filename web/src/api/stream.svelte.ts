// The connection to the server's events. It comes back by itself, goes on where it broke off, and is closed while nobody looks: a hidden
// page costs nothing, and is told what it missed when it is shown again.

import { ApiError, refusal } from "./client";
import { wall } from "./live.svelte";
import { backOffMs, type Frame, Frames } from "./sse";

const PATH = "/api/v1/events";
/** The server gives a sign of life each second. Older than this and what is shown counts as stale. */
const STALE_AFTER_MS = 3500;
/** A connection that is silent for this long is broken, whatever the system thinks of it. */
const SILENT_MS = 10_000;

export type StreamState = "connecting" | "live" | "reconnecting";

export class Stream {
  state = $state<StreamState>("connecting");
  /** Why it isn't live. */
  error = $state.raw<ApiError | null>(null);
  /** When the server was last heard; 0 = never. */
  #heardMs = $state(0);
  ageS = $derived(this.#heardMs === 0 ? null : Math.max(0, (wall.nowMs - this.#heardMs) / 1000));
  stale = $derived(this.ageS !== null && this.ageS * 1000 > STALE_AFTER_MS);

  #apply: (frame: Frame) => void;
  #random: () => number;
  #lastId: string | null = null;
  #attempt = 0;
  #open: AbortController | undefined;
  #again: ReturnType<typeof setTimeout> | undefined;
  #silence: ReturnType<typeof setTimeout> | undefined;

  /** `apply` takes each event in order; when it throws, the stream begins anew with everything. */
  constructor(apply: (frame: Frame) => void, random: () => number = Math.random) {
    this.#apply = apply;
    this.#random = random;
  }

  /** Connects; returns what ends it. */
  start(): () => void {
    const onVisibility = () => (document.visibilityState === "visible" ? this.#connect() : this.#disconnect());
    const onOnline = () => this.state !== "live" && onVisibility();
    document.addEventListener("visibilitychange", onVisibility);
    addEventListener("online", onOnline);
    onVisibility();
    return () => {
      document.removeEventListener("visibilitychange", onVisibility);
      removeEventListener("online", onOnline);
      this.#disconnect();
    };
  }

  #disconnect(): void {
    this.#open?.abort();
    this.#open = undefined;
    clearTimeout(this.#again);
    clearTimeout(this.#silence);
    if (this.state === "live") this.state = "reconnecting";
  }

  #connect(): void {
    this.#disconnect();
    const open = (this.#open = new AbortController());
    this.#read(open.signal).catch((cause: unknown) => {
      // Closed on purpose, or silent and replaced.
      if (this.#open !== open) return;
      this.#failed(cause instanceof ApiError ? cause : new ApiError("the server can't be reached", null));
    });
  }

  #failed(error: ApiError): void {
    this.#disconnect();
    this.error = error;
    const pauseMs = Math.max(error.retryAfterS * 1000, backOffMs(this.#attempt, this.#random()));
    this.#attempt += 1;
    this.#again = setTimeout(() => this.#connect(), pauseMs);
  }

  async #read(signal: AbortSignal): Promise<never> {
    this.#listen();
    const headers: HeadersInit = this.#lastId === null ? {} : { "Last-Event-ID": this.#lastId };
    const response = await fetch(PATH, { headers, signal, cache: "no-store" });
    if (!response.ok || response.body === null) throw refusal(response, await response.json().catch(() => null));
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    const frames = new Frames();
    for (;;) {
      const { done, value } = await reader.read();
      if (signal.aborted || done) throw new ApiError("the server ended the connection", null);
      this.#listen();
      for (const frame of frames.push(value)) this.#take(frame);
    }
  }

  #take(frame: Frame): void {
    try {
      this.#apply(frame);
    } catch (cause) {
      this.#lastId = null;
      throw new ApiError(`the server sent what this page doesn't understand (${String(cause)}); reload it`, null);
    }
    if (frame.id !== null) this.#lastId = frame.id;
    this.#attempt = 0;
    this.#heardMs = Date.now();
    wall.nowMs = Math.max(wall.nowMs, this.#heardMs);
    this.state = "live";
    this.error = null;
  }

  /** From now on it may be silent for so long. */
  #listen(): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#failed(new ApiError(`no sign of life for ${SILENT_MS / 1000} s`, null)), SILENT_MS);
  }
}
