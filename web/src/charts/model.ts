// What a chart shows, free of uPlot, so that the picture, the read-out and the table say the same.

import { align, type Column, type Points } from "../lib/series";
import type { Mark, Rail } from "./paint";

export type Look = "actual" | "forecast" | "planned" | "ordered" | "edge";

export interface Line {
  name: string;
  look: Look;
  points: Points;
  /** A value is read this far behind its time: its step, or as far as it may be late. */
  stepS: number;
}

/** Filled between two lines, by their index in `lines`. */
export interface Band {
  high: number;
  low: number;
  fill: "band-50" | "band-90" | "booting";
  name: string;
}

export interface ChartModel {
  /** The chart's accessible name. */
  name: string;
  unit: string;
  format: (value: number | null) => string;
  lines: Line[];
  bands: Band[];
  gaps: [number, number][];
  marks: Mark[];
  rails: Rail[];
  windowS: [number, number];
  nowS: number;
}

export interface Grid {
  times: number[];
  columns: Column[];
}

export function grid(model: ChartModel): Grid {
  return align(model.lines.map((line) => line.points));
}

/** The top of the y axis: room above everything that is drawn, and whole numbers where they are counted. */
export function top(model: ChartModel): number {
  let high = 0;
  const [from, to] = model.windowS;
  for (const { points } of model.lines) {
    points.times.forEach((time, i) => {
      const value = points.values[i];
      if (time >= from && time <= to && value !== null && value !== undefined && value > high) high = value;
    });
  }
  // A limit far above would flatten everything else; then its name alone says where it is.
  for (const { value } of model.rails) if (value <= high * 1.6) high = Math.max(high, value);
  return high === 0 ? 1 : high * 1.12;
}
