// The plans of all services on one axis of time.

import type { Plan } from "../../api/client";
import { parseTime } from "../../lib/time";

export interface Change {
  atMs: number;
  from: number;
  to: number;
}

/** What will change, in its order: each step against the one before it, the first against what is ordered now. */
export function changes(plan: Plan): Change[] {
  const rising = plan.planned.map((step) => ({ atMs: parseTime(step.at), to: step.replicas })).sort((a, b) => a.atMs - b.atMs);
  const found: Change[] = [];
  let from = plan.replicas.desired ?? plan.replicas.ready;
  for (const { atMs, to } of rising) {
    if (from !== null && to !== from) found.push({ atMs, from, to });
    from = to;
  }
  return found;
}

/** Those that wait for a person first, then by what changes next, then by name. */
export function byUrgency(plans: readonly Plan[]): Plan[] {
  const next = (plan: Plan) => (plan.waiting === null ? (changes(plan)[0]?.atMs ?? Infinity) : -Infinity);
  const compared = (a: number, b: number) => (a === b ? 0 : a < b ? -1 : 1);
  return [...plans].sort((a, b) => compared(next(a), next(b)) || a.service.localeCompare(b.service));
}

export interface Track {
  /** The step line, in a box of 100 × 100 that is stretched. */
  path: string;
  /** Labels that have room, at a share of the width. */
  labels: { at: number; text: string; up: boolean }[];
}

/** `room` = the share of the width that a label needs. */
export function track(plan: Plan, nowMs: number, spanMs: number, room: number): Track {
  const found = changes(plan);
  const start = plan.replicas.desired ?? plan.replicas.ready;
  if (start === null) return { path: "", labels: [] };
  const inside = found.filter(({ atMs }) => atMs < nowMs + spanMs);
  const high = Math.max(plan.replicas.max > 1.6 * Math.max(start, ...inside.map(({ to }) => to)) ? 0 : plan.replicas.max, start, ...inside.map(({ to }) => to), 1);
  const x = (ms: number) => (Math.max(0, ms - nowMs) / spanMs) * 100;
  const y = (replicas: number) => 98 - (replicas / high) * 92;
  let path = `M0 ${y(start).toFixed(1)}`;
  const labels: Track["labels"] = [];
  for (const { atMs, from, to } of inside) {
    path += `H${x(atMs).toFixed(2)}V${y(to).toFixed(1)}`;
    const at = x(atMs) / 100;
    if (at - (labels.at(-1)?.at ?? -1) >= room && at < 1 - room) labels.push({ at, text: String(to), up: to > from });
  }
  return { path: `${path}H100`, labels };
}

/** Whole hours (or more) inside of the span, for the axis: at most eight. */
export function hours(nowMs: number, spanMs: number): number[] {
  const stepMs = Math.max(1, Math.ceil(spanMs / 3_600_000 / 8)) * 3_600_000;
  const first = Math.ceil(nowMs / stepMs) * stepMs;
  return Array.from({ length: Math.ceil((nowMs + spanMs - first) / stepMs) }, (_, i) => first + i * stepMs);
}
