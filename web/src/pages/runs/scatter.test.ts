import { expect, test } from "vitest";

import { named } from "./scatter";

const placed = (list: [string, number, number][]) => named(list.map(([name, x, y]) => ({ name, x, y })));

test("points that cover each other are named together, others alone", () => {
  const texts = placed([["2", 100, 50], ["10", 101, 52], ["1", 102, 50], ["3", 300, 50], ["4", 100, 200]]).map((one) => one.names.join("+"));
  expect(texts).toEqual(["1+2+10", "4", "3"]);
  expect(named([])).toEqual([]);
});

test("a name stands to the right of its points, or to the left where others follow", () => {
  expect(placed([["1", 10, 5], ["2", 18, 6]])).toEqual([{ names: ["1", "2"], x: 27, y: 5, anchor: "start" }]);
  expect(placed([["1", 50, 5], ["2", 70, 6]]).map(({ x, anchor }) => [x, anchor])).toEqual([[41, "end"], [79, "start"]]);
});
