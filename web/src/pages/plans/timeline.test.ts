import { expect, test } from "vitest";

import type { Plan } from "../../api/client";
import { byUrgency, changes, hours, track } from "./timeline";

const at = (hour: number) => new Date(hour * 3_600_000).toISOString();
const plan = (service: string, planned: [number, number][], desired: number | null = 4): Plan => ({
  service,
  mode: "automatic",
  replicas: { ready: desired, booting: 0, draining: 0, desired, min: 1, max: 10 },
  rps_per_replica: 40,
  planned: planned.map(([hour, replicas]) => ({ at: at(hour), replicas })),
  waiting: null,
  last: null,
});

test("a step to what there is already is no change", () => {
  expect(changes(plan("a", [[1, 4], [2, 6], [3, 6], [4, 5]]))).toEqual([
    { atMs: 2 * 3_600_000, from: 4, to: 6 },
    { atMs: 4 * 3_600_000, from: 6, to: 5 },
  ]);
  expect(changes(plan("a", [[1, 7]], null))).toEqual([]);
});

test("who waits for a person comes first, then who changes next, then names", () => {
  const waiting = { ...plan("z", []), waiting: { id: 1 } } as unknown as Plan;
  const list = [plan("b", []), plan("c", [[9, 8]]), plan("a", []), plan("d", [[3, 8]]), waiting];
  expect(byUrgency(list).map(({ service }) => service)).toEqual(["z", "d", "c", "a", "b"]);
});

test("a track starts with what is ordered and labels only what has room", () => {
  const { path, labels } = track(plan("a", [[1, 5], [1.1, 6], [6, 8], [30, 2]]), 0, 12 * 3_600_000, 0.07);
  expect(labels.map(({ text, up }) => [text, up])).toEqual([["5", true], ["8", true]]);
  expect(path.startsWith("M0 ")).toBe(true);
  expect(path.match(/H/g)?.length).toBe(4);
  expect(track(plan("a", [[1, 5]], null), 0, 1, 0.07)).toEqual({ path: "", labels: [] });
});

test("the axis has at most eight whole hours", () => {
  expect(hours(1000, 6 * 3_600_000).map((ms) => ms / 3_600_000)).toEqual([1, 2, 3, 4, 5, 6]);
  expect(hours(0, 24 * 3_600_000).map((ms) => ms / 3_600_000)).toEqual([0, 3, 6, 9, 12, 15, 18, 21]);
});
