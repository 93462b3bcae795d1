import { expect, test } from "vitest";

import type { Explanation } from "../api/client";
import { crowd, holiday, kept, rows, sample } from "./why";

const member = (name: string, weight: number, loss: number | null, origins = 36) => ({ name, weight, loss, origins });
const why: Explanation = {
  near: { members: [member("last_value", 0.7, 1, 40), member("ridge", 0.3, 1.08, 40), member("week", 0, null, 0)], residuals: 3_600, effective_residuals: 2_410 },
  far: { members: [member("ridge", 0.996, 1), member("calendar", 0.004, 1.6)], residuals: 5_900, effective_residuals: 2_300 },
  crowd: 0,
  record: [
    { lead_s: 3_600, level: 0.9, judged: 12, coverage: 0.75, stretch: 1.1 },
    { lead_s: 600, level: 0.95, judged: 140, coverage: 0.942, stretch: 1.02 },
    { lead_s: 600, level: 0.9, judged: 140, coverage: 0.893, stretch: 1.01 },
  ],
  holidays: [],
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

test("the record has a row a lead, nearest first", () => {
  expect(kept(why)).toEqual([
    { lead_s: 600, judged: 140, covered: [0.893, 0.942, null] },
    { lead_s: 3_600, judged: 12, covered: [0.75, null, null] },
  ]);
  expect(kept({ ...why, record: [] })).toEqual([]);
});

test("what the quantiles rest on", () => {
  expect(sample(why.near!)).toBe("3600 past errors, worth 2410 of equal weight; members judged at 40 past origins");
});

test("a holiday is told by its name, with what it does and where that is from", () => {
  const day = { date: "2026-12-25", name: "Christmas Day", factor: 0.7, earlier: 0 };
  expect(holiday(day)).toBe("2026-12-25 is a holiday, Christmas Day: ×0.70 on average, from Sundays and other holidays.");
  expect(holiday({ ...day, earlier: 2 })).toContain("from 2 earlier ones and Sundays");
});
