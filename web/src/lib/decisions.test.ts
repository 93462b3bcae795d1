import { expect, test } from "vitest";

import type { Decision } from "../api/client";
import { grouped } from "./decisions";

const decision = (id: number, action: string, reason = "steady", current: number | null = 3) => ({ id, action, reason, current, target: current }) as Decision;

test("holds for the same reason in a row are one line, and nothing else is", () => {
  const list = [
    decision(9, "hold"),
    decision(8, "hold"),
    decision(7, "hold", "cool_down"),
    decision(6, "up", "forecast_up"),
    decision(5, "up", "forecast_up"),
    decision(4, "hold", "steady", 2),
    decision(3, "hold"),
  ];
  const lines = grouped(list).map(({ newest, oldest, count }) => [newest.id, oldest.id, count]);
  expect(lines).toEqual([
    [9, 8, 2],
    [7, 7, 1],
    [6, 6, 1],
    [5, 5, 1],
    [4, 4, 1],
    [3, 3, 1],
  ]);
  expect(grouped([])).toEqual([]);
});
