// The figures of a simulation in words. Shares are read in per cent.

import type { Cell } from "../api/client";
import { number } from "./units";

export const FIGURES = [
  ["violation_minutes", "SLO violation minutes"],
  ["latency_p50_ms", "p50 [ms]"],
  ["latency_p95_ms", "p95 [ms]"],
  ["latency_p99_ms", "p99 [ms]"],
  ["queue_wait_p99_ms", "queue wait p99 [ms]"],
  ["queue_wait_p999_ms", "queue wait p99.9 [ms]"],
  ["error_ratio", "errors [%]"],
  ["replica_hours", "replica-hours"],
  ["cost", "cost"],
  ["utilisation", "utilisation [%]"],
] as const;

export type FigureName = (typeof FIGURES)[number][0];

const factor = (name: FigureName): number => (name === "error_ratio" || name === "utilisation" ? 100 : 1);

export const shown = (name: FigureName, value: number | null | undefined): string => number(value == null ? value : value * factor(name));

/** With its sign, and a proper minus. */
export function signed(name: FigureName, value: number | null | undefined): string {
  if (value == null) return number(value);
  return `${value < 0 ? "−" : "+"}${shown(name, Math.abs(value))}`;
}

/** Those that a cell has, in order. */
export const known = (cells: readonly Cell[]): (typeof FIGURES)[number][] => FIGURES.filter(([name]) => cells.some((cell) => name in cell.figures));
