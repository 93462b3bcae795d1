import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { ApiError } from "./client";
import { Live, wall } from "./live.svelte";

const page = { visibilityState: "visible", listeners: new Set<() => void>() };

beforeEach(() => {
  vi.useFakeTimers();
  page.visibilityState = "visible";
  page.listeners.clear();
  vi.stubGlobal("document", {
    get visibilityState() {
      return page.visibilityState;
    },
    addEventListener: (_: string, listener: () => void) => page.listeners.add(listener),
    removeEventListener: (_: string, listener: () => void) => page.listeners.delete(listener),
  });
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function show(state: "visible" | "hidden") {
  page.visibilityState = state;
  for (const listener of page.listeners) listener();
}

test("it asks every second, and not while nobody looks", async () => {
  const ask = vi.fn(async (last: number | null) => (last ?? 0) + 1);
  const live = new Live(ask);
  const stop = live.start();
  await vi.advanceTimersByTimeAsync(3100);
  expect([ask.mock.calls.length, live.data]).toEqual([4, 4]);
  show("hidden");
  await vi.advanceTimersByTimeAsync(60_000);
  const hidden = ask.mock.calls.length;
  expect(hidden).toBeLessThanOrEqual(5);
  show("visible");
  await vi.advanceTimersByTimeAsync(0);
  expect(ask.mock.calls.length).toBe(hidden + 1);
  stop();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(ask.mock.calls.length).toBe(hidden + 1);
  expect(page.listeners.size).toBe(0);
});

test("an error keeps the last good data, and the next answer clears it", async () => {
  let works = true;
  const live = new Live(async () => {
    if (!works) throw new ApiError("the server can't be reached", null);
    return "good";
  });
  const stop = live.start();
  await vi.advanceTimersByTimeAsync(100);
  works = false;
  await vi.advanceTimersByTimeAsync(5000);
  expect([live.data, live.error?.message]).toEqual(["good", "the server can't be reached"]);
  works = true;
  await vi.advanceTimersByTimeAsync(1000);
  expect([live.data, live.error]).toEqual(["good", null]);
  stop();
});

test("questions never overlap, and a question asked meanwhile follows at once", async () => {
  let asked = 0;
  let open = 0;
  const live = new Live(async () => {
    asked += 1;
    open += 1;
    expect(open).toBe(1);
    await new Promise((done) => setTimeout(done, 400));
    open -= 1;
    return asked;
  });
  const stop = live.start();
  void live.refresh();
  void live.refresh();
  await vi.advanceTimersByTimeAsync(850);
  expect([asked, live.data]).toEqual([2, 2]);
  stop();
});

test("an answer that comes after the end is dropped", async () => {
  const live = new Live(async () => {
    await new Promise((done) => setTimeout(done, 400));
    return "late";
  });
  live.start()();
  await vi.advanceTimersByTimeAsync(1000);
  expect(live.data).toBeNull();
});

test("told of news it asks at most once a second, and otherwise as seldom as it is told to", async () => {
  const ask = vi.fn(async (last: number | null) => (last ?? 0) + 1);
  const live = new Live(ask, () => 60_000);
  const stop = live.start();
  await vi.advanceTimersByTimeAsync(30_000);
  wall.nowMs = Date.now();
  expect([live.data, live.stale]).toEqual([1, false]);
  live.nudge();
  await vi.advanceTimersByTimeAsync(0);
  expect(live.data).toBe(2);
  for (let i = 0; i < 20; i += 1) {
    live.nudge();
    await vi.advanceTimersByTimeAsync(100);
  }
  expect(live.data).toBe(4);
  await vi.advanceTimersByTimeAsync(1000);
  const settled = ask.mock.calls.length;
  await vi.advanceTimersByTimeAsync(50_000);
  expect(ask.mock.calls.length).toBe(settled);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(ask.mock.calls.length).toBe(settled + 1);
  show("hidden");
  live.nudge();
  await vi.advanceTimersByTimeAsync(120_000);
  expect(ask.mock.calls.length).toBe(settled + 1);
  stop();
});
