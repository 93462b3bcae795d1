import { expect, test } from "vitest";

import { axisLabels, clock, dayClock, duration, full, isoLocal, isZone, parseTime, zoneName } from "./time";

const NOON = Date.UTC(1998, 5, 4, 12);

test("a time on the wire is an instant, whatever zone this machine is in", () => {
  expect(parseTime("1998-06-04T12:00:00Z")).toBe(NOON);
  expect(parseTime("1998-06-04T14:00:00+02:00")).toBe(NOON);
  expect([clock(NOON, "UTC"), dayClock(NOON, "UTC"), full(NOON, "UTC")]).toEqual(["12:00", "4 Jun 12:00", "4 Jun 1998 12:00:00 UTC"]);
});

test("what is no time is an error and not NaN", () => {
  for (const text of ["", "noon", "12", "1998-06-04", "1998-06-99T00:00:00Z"]) expect(() => parseTime(text), text).toThrow("not a time");
});

test("a length of time has at most two units", () => {
  const cases: [number, string][] = [
    [0, "0 s"],
    [-3, "0 s"],
    [42.4, "42 s"],
    [59.6, "1 min"],
    [61, "1 min 1 s"],
    [600, "10 min"],
    [634, "10 min"],
    [3600, "1 h"],
    [7500, "2 h 5 min"],
    [9 * 86_400 + 4 * 3600, "9 d 4 h"],
  ];
  for (const [seconds, text] of cases) expect(duration(seconds)).toBe(text);
});

test("an axis names the day once, and again where it changes", () => {
  const start = Date.UTC(1998, 5, 4, 22) / 1000;
  expect(axisLabels([start, start + 3600, start + 7200, start + 10_800], 3600, "UTC")).toEqual(["22:00\n4 Jun", "23:00", "00:00\n5 Jun", "01:00"]);
  expect(axisLabels([start - 22 * 3600, start + 2 * 3600], 86_400, "UTC")).toEqual(["4 Jun", "5 Jun"]);
});

test("a zone is shown as it was on that day, summer time included", () => {
  const winter = Date.UTC(1998, 0, 4, 23, 30, 5);
  expect([dayClock(NOON, "Europe/Berlin"), zoneName(NOON, "Europe/Berlin")]).toEqual(["4 Jun 14:00", "CEST"]);
  expect([full(winter, "Europe/Berlin"), isoLocal(winter, "Asia/Kolkata")]).toEqual(["5 Jan 1998 00:30:05 CET", "1998-01-05T05:00:05"]);
  expect([isZone("UTC"), isZone("Asia/Shanghai"), isZone(""), isZone("Mars/Base")]).toEqual([true, true, false, false]);
});
