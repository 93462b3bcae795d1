// What a chart shows, free of uPlot, so that the picture, the read-out, the table and the export say the same.

import { align, type Column, type Points, valueBehind, visible } from "../lib/series";
import type { Mark, Rail } from "./paint";

export type Look = "actual" | "forecast" | "planned" | "ordered" | "errors" | "edge";

/** The left scale is the chart's own; a share of 1 goes to the right. */
export type Scale = "y" | "share";

export interface Line {
  name: string;
  look: Look;
  points: Points;
  /** A value is read this far behind its time: its step, or as far as it may be late. */
  stepS: number;
  /** Holds until the next one, instead of leading there. */
  stepped?: boolean;
  scale?: Scale;
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
  /** A value in words, with its unit. */
  format: (value: number | null) => string;
  /** A label of the left axis; empty for none. */
  tick: (value: number) => string;
  lines: Line[];
  bands: Band[];
  gaps: [number, number][];
  marks: Mark[];
  rails: Rail[];
  windowS: readonly [number, number];
  nowS: number;
}

export interface Grid {
  times: number[];
  columns: Column[];
}

/** What is inside of the window, on one list of times; with `pixels`, no finer than can be seen: the lowest and the highest of each pixel. */
export function grid(model: ChartModel, pixels = Infinity): Grid {
  return align(model.lines.map(({ points }) => visible(points, model.windowS, pixels)));
}

/** Each line's value at an instant. */
export function valuesAt(model: ChartModel, atS: number): (number | null)[] {
  return model.lines.map(({ points, stepS }) => valueBehind(points, atS, stepS));
}

/** A line's value in words. */
export function said(model: ChartModel, line: Line, value: number | null): string {
  return line.scale === "share" ? percentage(value) : model.format(value);
}

export function percentage(share: number | null): string {
  return share === null ? "–" : `${Number((share * 100).toPrecision(2))} %`;
}

/** The top of a scale: room above everything that is drawn, which is what `grid` has, and whole numbers where they are counted. */
export function top(model: ChartModel, { columns }: Grid, scale: Scale = "y"): number {
  let high = 0;
  model.lines.forEach((line, i) => {
    if ((line.scale ?? "y") !== scale) return;
    for (const value of columns[i] ?? []) if (value != null && value > high) high = value;
  });
  // A limit far above would flatten everything else; then its name alone says where it is.
  const limits = model.rails.filter((rail) => (rail.scale ?? "y") === scale);
  for (const { value } of limits) if (value <= high * 1.6) high = Math.max(high, value);
  return high === 0 ? Math.max(0, ...limits.map(({ value }) => value * 2)) || 1 : high * 1.12;
}
