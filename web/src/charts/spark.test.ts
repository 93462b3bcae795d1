import { expect, test } from "vitest";

import { spark } from "./spark";

test("a hole lifts the pen, and the future begins where the past ends", () => {
  const shape = spark({ startS: 0, stepS: 60, values: [1, 2, null, 4] }, [4, 2], 50, 20);
  expect(shape.past.match(/M/g)).toHaveLength(2);
  expect(shape.past.match(/L/g)).toHaveLength(1);
  expect(shape.nowX).toBe(30);
  expect(shape.future).toBe("M40.0 1.0L50.0 10.0");
});

test("nothing known draws nothing", () => {
  expect(spark({ startS: 0, stepS: 60, values: [] }, [], 50, 20)).toEqual({ past: "", future: "", nowX: 0 });
  expect(spark({ startS: 0, stepS: 60, values: [null, null] }, [null], 50, 20).past).toBe("");
});
