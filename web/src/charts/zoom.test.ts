import { expect, test } from "vitest";

import { closer, inside, moved, wider } from "./zoom";

const ALL = [0, 8000] as const;

test("zooming in keeps the crosshair in sight and stops at five minutes", () => {
  expect(closer(ALL, 4000)).toEqual([2000, 6000]);
  expect(closer(ALL, 100)).toEqual([0, 4000]);
  expect(closer([1000, 1300], 1100)).toEqual([1000, 1300]);
});

test("zooming out ends at everything, which is no zoom", () => {
  expect(wider([3000, 4000], ALL)).toEqual([2500, 4500]);
  expect(wider([100, 1100], ALL)).toEqual([0, 1600]);
  expect(wider([1000, 7000], ALL)).toBeNull();
});

test("moving stops at the edges and keeps the width", () => {
  expect(moved([1000, 2000], 0.5, ALL)).toEqual([1500, 2500]);
  expect(moved([1000, 2000], -2, ALL)).toEqual([0, 1000]);
  expect(moved([7500, 7900], 1, ALL)).toEqual([7600, 8000]);
});

test("a selection outside of everything, or of nothing, is none", () => {
  expect(inside([9000, 9500], ALL)).toBeNull();
  expect(inside([100, 110], ALL)).toBeNull();
  expect(inside([-50, 500], ALL)).toEqual([0, 500]);
});
