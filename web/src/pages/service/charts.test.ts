import { expect, test } from "vitest";

import type { Series } from "../../api/client";
import { measured, settled } from "./charts";

const series = (values: (number | null)[]): Series => ({ metric: "load", unit: "rps", start: "1970-01-01T00:10:00Z", step_s: 60, values });

test("what lies ahead has not been measured and is no gap", () => {
  expect(measured(series([1, 2, null, null, null]), 720).values).toEqual([1, 2]);
  expect(measured(series([1, 2]), 0).values).toEqual([]);
});

test("two late values are on their way, three are a gap", () => {
  const list = (values: (number | null)[]) => settled({ startS: 0, stepS: 60, values }).values;
  expect(list([1, 2, null, null])).toEqual([1, 2]);
  expect(list([1, null, null, null])).toEqual([1, null, null, null]);
  expect(list([1, null, 3])).toEqual([1, null, 3]);
});
