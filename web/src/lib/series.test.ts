import { expect, test } from "vitest";

import { align, decimate, gaps, points, steps, valueBehind, visible, within } from "./series";

const series = (values: (number | null)[]) => ({ startS: 600, stepS: 60, values });

test("every hole is a gap, also the first, the last and the only one", () => {
  expect(gaps(series([1, null, null, 2]))).toEqual([[630, 750]]);
  expect(gaps(series([null, 1, null]))).toEqual([
    [570, 630],
    [690, 750],
  ]);
  expect(gaps(series([1, 0, 2]))).toEqual([]);
  expect(gaps(series([]))).toEqual([]);
});

test("aligned lists keep a hole as null and mark a missing time as undefined", () => {
  const coarse = { times: [600, 720], values: [10, null] };
  const { times, columns } = align([points(series([1, null, 3])), coarse]);
  expect(times).toEqual([600, 660, 720]);
  expect(columns).toEqual([
    [1, null, 3],
    [10, undefined, null],
  ]);
});

test("a value is read behind its time, but never across a gap", () => {
  const list = { times: [0, 60, 120, 240], values: [5, 6, null, 7] };
  expect([0, 59, 60, 119, 120, 179, 240, 299, 301].map((at) => valueBehind(list, at, 60))).toEqual([5, 5, 6, 6, null, null, 7, 7, null]);
  expect(valueBehind({ times: [0], values: [0] }, 0, 60)).toBe(0);
  expect(valueBehind({ times: [], values: [] }, 0, 60)).toBeNull();
});

test("a forecast is read from its origin on, a step before its first point", () => {
  const list = { times: [120, 180], values: [9, 10] };
  expect([0, 59, 60, 119, 120].map((at) => valueBehind(list, at, 60))).toEqual([null, null, 9, 9, 9]);
});

test("a plan holds from its first step on, however long, and not before", () => {
  expect([0, 60, 9000].map((at) => valueBehind({ times: [60], values: [4] }, at, Infinity))).toEqual([null, 4, 4]);
});

test("a window takes what is inside and one point on each side", () => {
  const list = points({ startS: 0, stepS: 10, values: [0, 1, 2, 3, 4, 5] });
  expect(within(list, [15, 35])).toEqual({ times: [10, 20, 30, 40], values: [1, 2, 3, 4] });
  expect(within(list, [20, 30])).toEqual({ times: [10, 20, 30], values: [1, 2, 3] });
  expect(within(list, [-5, 500])).toEqual(list);
  expect(within(list, [200, 300])).toEqual({ times: [50], values: [5] });
});

test("decimation keeps every peak, every order and every hole", () => {
  const values = Array.from({ length: 1000 }, (_, i): number | null => (i >= 500 && i < 600 ? null : i % 10));
  values[123] = 99;
  values[124] = -5;
  const small = decimate(points({ startS: 0, stepS: 1, values }), 50);
  expect(small.values.length).toBeLessThanOrEqual(100);
  expect(small.times).toEqual([...small.times].sort((a, b) => a - b));
  expect(small.values.slice(small.times.indexOf(123), small.times.indexOf(123) + 2)).toEqual([99, -5]);
  const holes = small.times.filter((_, i) => small.values[i] === null);
  expect(holes).toEqual([500, 520, 540, 560, 580]);
});

test("a short list is not touched by decimation", () => {
  const list = points(series([1, null, 3]));
  expect(decimate(list, 2)).toBe(list);
});

test("what is visible of a long list keeps its extremes and holes, is small, and stays the same while it moves", () => {
  const values = Array.from({ length: 100_000 }, (_, i): number | null => (i >= 40_000 && i < 41_000 ? null : Math.sin(i / 700) + ((i * 7919) % 13) / 13));
  const list = points({ startS: 0, stepS: 1, values });
  const window = [30_000, 80_000] as const;
  const seen = visible(list, window, 800);
  expect(seen.values.length).toBeLessThanOrEqual(800 * 3);
  const known = (some: readonly (number | null)[]) => some.filter((value) => value !== null);
  const inside = known(within(list, window).values);
  expect(Math.max(...known(seen.values))).toBe(Math.max(...inside));
  expect(Math.min(...known(seen.values))).toBe(Math.min(...inside));
  expect(seen.times.filter((_, i) => seen.values[i] === null).length).toBeGreaterThan(10);
  expect([(seen.times[0] ?? 0) <= 30_000, (seen.times.at(-1) ?? 0) >= 80_000], "lines run to the edges").toEqual([true, true]);
  const later = visible(list, [30_100, 80_100], 800);
  const both = (some: typeof seen) => within(some, [31_000, 79_000]);
  expect(both(later)).toEqual(both(seen));
  expect(visible(list, [30_000, 31_000], 800).values).toHaveLength(1002);
});

test("steps hold until the end of what is shown", () => {
  expect(steps([{ atS: 60, value: 4 }, { atS: 0, value: 3 }], 300)).toEqual({ times: [0, 60, 300], values: [3, 4, 4] });
  expect(steps([], 300)).toEqual({ times: [], values: [] });
  expect(steps([{ atS: 400, value: 4 }], 300)).toEqual({ times: [400], values: [4] });
});
