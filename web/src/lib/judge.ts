// A forecast of an earlier time against what came.

import type { Forecast, Series } from "../api/client";
import { parseTime } from "./time";

export interface Verdict {
  /** Points whose load is known by now. */
  judged: number;
  /** Points of the forecast. */
  of: number;
  /** Sum of the median's absolute errors over the sum of the loads. */
  error: number | null;
  /** Share of the points inside of the middle band, and of the wide one. */
  inside50: number | null;
  inside90: number | null;
}

export function judge(forecast: Forecast, load: Series): Verdict {
  const startS = parseTime(load.start) / 1000;
  let judged = 0;
  let sum = 0;
  let errors = 0;
  const inside: Record<"50" | "90", number> = { "50": 0, "90": 0 };
  for (const { ts, q } of forecast.points) {
    // A point is about the step of the load that it falls into.
    const value = load.values[Math.floor((parseTime(ts) / 1000 - startS) / load.step_s)];
    const [q05, q25, q50, q75, q95] = ["0.05", "0.25", "0.5", "0.75", "0.95"].map((name) => q[name]);
    if (value === null || value === undefined || q50 === undefined) continue;
    judged += 1;
    sum += value;
    errors += Math.abs(value - q50);
    if (q25 !== undefined && q75 !== undefined && value >= q25 && value <= q75) inside["50"] += 1;
    if (q05 !== undefined && q95 !== undefined && value >= q05 && value <= q95) inside["90"] += 1;
  }
  const share = (count: number) => (judged === 0 ? null : count / judged);
  return { judged, of: forecast.points.length, error: sum > 0 ? errors / sum : null, inside50: share(inside["50"]), inside90: share(inside["90"]) };
}
