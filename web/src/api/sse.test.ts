import { expect, test } from "vitest";

import { backOffMs, Frames } from "./sse";

const TEXT = "event: reset\nid: 0a-1\ndata: {\"a\":1}\n\n: a comment\n\nevent: beat\ndata: {\"b\":2}\n\ndata: one\ndata:two\n\n";

test("events are put together wherever the text is cut", () => {
  const whole = new Frames().push(TEXT);
  expect(whole).toEqual([
    { event: "reset", id: "0a-1", data: '{"a":1}' },
    { event: "beat", id: null, data: '{"b":2}' },
    { event: "message", id: null, data: "one\ntwo" },
  ]);
  for (let size = 1; size < TEXT.length; size += 1) {
    const frames = new Frames();
    const found = Array.from({ length: Math.ceil(TEXT.length / size) }, (_, i) => frames.push(TEXT.slice(i * size, (i + 1) * size))).flat();
    expect(found).toEqual(whole);
  }
});

test("an event that is not complete is not there yet", () => {
  const frames = new Frames();
  expect(frames.push("event: change\ndata: {}\n")).toEqual([]);
  expect(frames.push("\n")).toHaveLength(1);
});

test("pauses double up to a quarter of a minute, and up to half of each is left to chance", () => {
  expect([0, 1, 2, 3, 4, 5, 100].map((attempt) => backOffMs(attempt, 0))).toEqual([500, 1000, 2000, 4000, 8000, 15_000, 15_000]);
  expect(backOffMs(3, 0.5)).toBe(3000);
  expect(backOffMs(0, 0.999)).toBeGreaterThan(250);
});
