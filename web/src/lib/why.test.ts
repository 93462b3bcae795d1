import { expect, test } from "vitest";

import type { Explanation } from "../api/client";
import { crowd, rows, sample } from "./why";

const member = (name: string, weight: number, loss: number | null, origins = 36) => ({ name, weight, loss, origins });
const why: Explanation = {
  near: { members: [member("last_value", 0.7, 1, 40), member("ridge", 0.3, 1.08, 40), member("week", 0, null, 0)], residuals: 3_600, effective_residuals: 2_410 },
  far: { members: [member("ridge", 0.996, 1), member("calendar", 0.004, 1.6)], residuals: 5_900, effective_residuals: 2_300 },
  crowd: 0,
  cleaning: [],
};

test("both mixes share a row for a member, and who has no share has no row", () => {
  expect(rows(why)).toEqual([
    { name: "ridge", near: { share: 0.3, loss: 1.08 }, far: { share: 0.996, loss: 1 } },
    { name: "last_value", near: { share: 0.7, loss: 1 }, far: null },
  ]);
  expect(rows({ ...why, near: null, far: null })).toEqual([]);
});

test("a crowd that isn't sure says how sure it is", () => {
  expect(crowd(0)).toContain("No flash crowd");
  expect(crowd(0.36)).toContain("36 % sure");
  expect(crowd(1)).toContain("in place of the members");
});

test("what the quantiles rest on", () => {
  expect(sample(why.near!)).toBe("3600 past errors, worth 2410 of equal weight; members judged at 40 past origins");
});
