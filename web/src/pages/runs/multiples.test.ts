import { expect, it } from "vitest";

import type { Cell } from "../../api/client";
import { axes, path, range } from "./multiples";

const cell = (p99: (number | null)[]): Cell => ({
  index: 0,
  name: "",
  requests: 1,
  error: null,
  figures: {},
  timeline: p99.map((p99_ms, i) => ({ t_s: i * 60, load_rps: 1, replicas: 2, p99_ms, error_ratio: 0 })),
});

it("all cells share their axes", () => {
  expect(axes([cell([10, 20]), cell([100, 5, 1])], "p99_ms")).toEqual({ endS: 120, most: 105 });
  expect(axes([], "p99_ms")).toEqual({ endS: 1, most: 1 });
});

it("what isn't known breaks the line", () => {
  const shared = { endS: 180, most: 100 };
  expect(path(cell([0, 50, null, 100]), "p99_ms", shared, 90, 10)).toBe("M0.0 10.0L30.0 5.0M90.0 0.0");
  expect(range(cell([null]), "p99_ms")).toBeNull();
  expect(range(cell([3, null, 1]), "p99_ms")).toEqual([1, 3]);
});
