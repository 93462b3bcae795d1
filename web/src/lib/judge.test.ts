import { expect, test } from "vitest";

import type { Forecast, Series } from "../api/client";
import { judge } from "./judge";

const at = (minute: number) => new Date(minute * 60_000).toISOString();
const forecast = (medians: number[]): Forecast => ({
  origin: at(0),
  step_s: 60,
  model: "blend",
  basis: "week",
  history_points: 1,
  quantiles: [],
  members: [],
  explanation: null,
  max: {},
  planned: [],
  beyond_history: null,
  kept_since: null,
  points: medians.map((median, i) => ({
    ts: at(i + 1),
    mean: median,
    q: { "0.05": median - 20, "0.25": median - 5, "0.5": median, "0.75": median + 5, "0.95": median + 20 },
  })),
});
const load = (values: (number | null)[]): Series => ({ metric: "load", unit: "rps", start: at(0), step_s: 60, values });

test("only what came by now is judged, and a gap is no zero", () => {
  // The load of minute 0 is before the first point.
  const verdict = judge(forecast([100, 100, 100, 100, 100]), load([7, 104, null, 85, 150]));
  expect(verdict).toEqual({ judged: 3, of: 5, error: (4 + 15 + 50) / 339, inside50: 1 / 3, inside90: 2 / 3 });
});

test("of what has not come yet nothing is said", () => {
  expect(judge(forecast([100]), load([]))).toEqual({ judged: 0, of: 1, error: null, inside50: null, inside90: null });
  expect(judge(forecast([1]), load([0, 0])).error).toBeNull();
});
