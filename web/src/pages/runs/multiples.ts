// Small charts of many cells on common axes, so that what is higher looks higher.

import type { Cell } from "../../api/client";

export const METRICS = [
  { key: "replicas", text: "Ready replicas", unit: "" },
  { key: "p99_ms", text: "p99", unit: " ms" },
  { key: "load_rps", text: "Load", unit: " req/s" },
] as const;

export type Metric = (typeof METRICS)[number]["key"];

/** The axes that all cells share: seconds to the right, the metric upwards. */
export function axes(cells: readonly Cell[], metric: Metric): { endS: number; most: number } {
  const points = cells.flatMap((cell) => cell.timeline);
  const high = Math.max(0, ...points.map((point) => point[metric] ?? 0));
  return { endS: Math.max(1, ...points.map((point) => point.t_s)), most: high === 0 ? 1 : high * 1.05 };
}

/** The line as an SVG path in a box; a value that isn't known breaks it. */
export function path(cell: Cell, metric: Metric, { endS, most }: { endS: number; most: number }, width: number, height: number): string {
  let pen = "M";
  let out = "";
  for (const point of cell.timeline) {
    const value = point[metric];
    if (value === null || value === undefined) {
      pen = "M";
      continue;
    }
    const [x, y] = [(point.t_s / endS) * width, height - (value / most) * height];
    out += `${pen}${x.toFixed(1)} ${y.toFixed(1)}`;
    pen = "L";
  }
  return out;
}

/** Lowest and highest, for those who can't see the line. */
export function range(cell: Cell, metric: Metric): [number, number] | null {
  const values = cell.timeline.flatMap((point) => point[metric] ?? []);
  return values.length === 0 ? null : [Math.min(...values), Math.max(...values)];
}
