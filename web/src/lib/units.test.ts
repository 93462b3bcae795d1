import { expect, test } from "vitest";

import { milliseconds, number, percent, replicas, rps } from "./units";

test("what is not known is a dash, never a zero", () => {
  for (const unknown of [null, undefined, NaN, Infinity]) {
    expect([number(unknown), rps(unknown), percent(unknown), milliseconds(unknown)]).toEqual(["–", "–", "–", "–"]);
  }
  expect([number(0), rps(0), replicas(null), replicas(1), replicas(0)]).toEqual(["0", "0 req/s", "– replicas", "1 replica", "0 replicas"]);
});

test("three digits are enough, and no rounding crosses a unit unseen", () => {
  const cases: [number, string][] = [
    [0.0042, "0.0042"],
    [1.2345, "1.23"],
    [118.4, "118"],
    [999.6, "1000"],
    [9994, "9994"],
    [12_345, "12.3 k"],
    [999_499, "999 k"],
    [999_500, "1 M"],
    [-250, "-250"],
  ];
  for (const [value, text] of cases) expect(number(value)).toBe(text);
  expect([percent(0.001), percent(0.95)]).toEqual(["0.1 %", "95 %"]);
});
