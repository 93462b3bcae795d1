import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { wall } from "./live.svelte";
import type { Frame } from "./sse";
import { Stream } from "./stream.svelte";

/** A server whose connections the test writes into. */
class Peer {
  asked: { lastId: string | null; signal: AbortSignal }[] = [];
  #open: ReadableStreamDefaultController<Uint8Array> | undefined;
  /** What the next connections get instead of a stream. */
  answer: (() => Response) | null = null;

  fetch = async (_: string, init: { headers: Record<string, string>; signal: AbortSignal }): Promise<Response> => {
    this.asked.push({ lastId: init.headers["Last-Event-ID"] ?? null, signal: init.signal });
    if (this.answer) return this.answer();
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#open = controller;
        init.signal.addEventListener("abort", () => controller.error(new DOMException("aborted", "AbortError")));
      },
    });
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  };

  async say(text: string) {
    this.#open?.enqueue(new TextEncoder().encode(text));
    await settle();
  }

  async hangUp() {
    this.#open?.close();
    await settle();
  }
}

const settle = () => vi.advanceTimersByTimeAsync(0);
const event = (name: string, id: number, data: unknown = {}) => `event: ${name}\nid: e-${id}\ndata: ${JSON.stringify(data)}\n\n`;
const page = { visibilityState: "visible", listeners: new Map<string, Set<() => void>>() };
let peer: Peer;
let seen: Frame[];
let stop: () => void;
let stream: Stream;

beforeEach(async () => {
  vi.useFakeTimers();
  page.visibilityState = "visible";
  page.listeners.clear();
  const listen = (name: string, listener: () => void) => page.listeners.set(name, (page.listeners.get(name) ?? new Set()).add(listener));
  const unlisten = (name: string, listener: () => void) => page.listeners.get(name)?.delete(listener);
  vi.stubGlobal("document", {
    get visibilityState() {
      return page.visibilityState;
    },
    addEventListener: listen,
    removeEventListener: unlisten,
  });
  vi.stubGlobal("addEventListener", listen);
  vi.stubGlobal("removeEventListener", unlisten);
  peer = new Peer();
  vi.stubGlobal("fetch", peer.fetch);
  seen = [];
  stream = new Stream((frame) => seen.push(frame), () => 0);
  stop = stream.start();
  await settle();
});

afterEach(() => {
  stop();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

async function tell(name: string, state = page.visibilityState) {
  page.visibilityState = state;
  for (const listener of page.listeners.get(name) ?? []) listener();
  await settle();
}

test("it is live with the first event, and goes on after the last one when the connection ends", async () => {
  expect([stream.state, peer.asked.map(({ lastId }) => lastId)]).toEqual(["connecting", [null]]);
  await peer.say(event("reset", 1) + event("change", 2));
  expect([stream.state, stream.error, seen.length]).toEqual(["live", null, 2]);
  await peer.hangUp();
  expect([stream.state, stream.error?.message]).toEqual(["reconnecting", "the server ended the connection"]);
  await vi.advanceTimersByTimeAsync(499);
  expect(peer.asked).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(peer.asked[1]?.lastId).toBe("e-2");
  await peer.say("event: beat\ndata: {}\n\n");
  expect([stream.state, stream.error]).toEqual(["live", null]);
});

test("it waits longer after each failure, and begins anew after a success", async () => {
  peer.answer = () => new Response("gone", { status: 502 });
  await peer.hangUp();
  await vi.advanceTimersByTimeAsync(500);
  expect([peer.asked.length, stream.error?.message]).toEqual([2, "the server answered 502"]);
  await vi.advanceTimersByTimeAsync(999);
  expect(peer.asked).toHaveLength(2);
  await vi.advanceTimersByTimeAsync(1);
  expect(peer.asked).toHaveLength(3);
  peer.answer = null;
  await vi.advanceTimersByTimeAsync(2000);
  await peer.say(event("reset", 1));
  expect(stream.state).toBe("live");
  await peer.hangUp();
  await vi.advanceTimersByTimeAsync(500);
  expect(peer.asked).toHaveLength(5);
});

test("it comes back no sooner than it was told to, and shows why it was refused", async () => {
  const problem = { type: "urn:prescale:problem:unavailable", detail: "100 event streams are open already" };
  peer.answer = () => new Response(JSON.stringify(problem), { status: 503, headers: { "retry-after": "10" } });
  await peer.hangUp();
  await vi.advanceTimersByTimeAsync(500);
  expect([peer.asked.length, stream.error?.message]).toEqual([2, problem.detail]);
  await vi.advanceTimersByTimeAsync(9999);
  expect(peer.asked).toHaveLength(2);
  await vi.advanceTimersByTimeAsync(1);
  expect(peer.asked).toHaveLength(3);
});

test("a connection that falls silent is given up, and what is shown grows old meanwhile", async () => {
  await peer.say(event("reset", 1));
  const look = async (afterMs: number) => {
    await vi.advanceTimersByTimeAsync(afterMs);
    wall.nowMs = Date.now();
  };
  await look(3000);
  expect(stream.stale).toBe(false);
  await look(6500);
  expect([stream.stale, Math.floor(stream.ageS ?? 0), stream.state]).toEqual([true, 9, "live"]);
  await vi.advanceTimersByTimeAsync(500);
  expect([peer.asked[0]?.signal.aborted, stream.state, stream.error?.message]).toEqual([true, "reconnecting", "no sign of life for 10 s"]);
  await vi.advanceTimersByTimeAsync(500);
  await peer.say(event("change", 2));
  expect([peer.asked[1]?.lastId, stream.stale, stream.state]).toEqual(["e-1", false, "live"]);
});

test("a hidden page has no connection, and one that is shown again is told what it missed at once", async () => {
  await peer.say(event("reset", 1));
  await tell("visibilitychange", "hidden");
  expect(peer.asked[0]?.signal.aborted).toBe(true);
  await vi.advanceTimersByTimeAsync(3_600_000);
  expect([peer.asked.length, vi.getTimerCount() <= 1]).toEqual([1, true]);
  await tell("visibilitychange", "visible");
  expect(peer.asked.map(({ lastId }) => lastId)).toEqual([null, "e-1"]);
});

test("it doesn't wait when the network comes back", async () => {
  await peer.hangUp();
  await tell("online");
  expect(peer.asked).toHaveLength(2);
  await peer.say(event("reset", 1));
  await tell("online");
  expect(peer.asked).toHaveLength(2);
});

test("an event that makes no sense is followed by a beginning with everything", async () => {
  stop();
  stream = new Stream((frame) => JSON.parse(frame.data), () => 0);
  stop = stream.start();
  await settle();
  await peer.say(event("reset", 1));
  await peer.say("event: change\nid: e-2\ndata: {\n\n");
  expect(stream.error?.message).toContain("doesn't understand");
  await vi.advanceTimersByTimeAsync(500);
  expect(peer.asked.at(-1)?.lastId).toBeNull();
});

test("after the end nothing is left", async () => {
  await peer.say(event("reset", 1));
  stop();
  await vi.advanceTimersByTimeAsync(60_000);
  expect([peer.asked.length, [...page.listeners.values()].every((set) => set.size === 0)]).toEqual([1, true]);
});
