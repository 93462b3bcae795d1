// The rails as lines of the configuration, and what other ones would have done to last week.

import type { Series, ServiceDetail } from "../../api/client";
import type { ChartModel } from "../../charts/model";
import { gaps, points } from "../../lib/series";
import { parseTime } from "../../lib/time";
import { number } from "../../lib/units";

export interface Rails {
  min: number;
  max: number;
  step_up: number;
  step_down: number;
}

export const FIELDS = [
  { key: "min", text: "at least", unit: "replicas" },
  { key: "max", text: "at most", unit: "replicas" },
  { key: "step_up", text: "up by at most", unit: "at once" },
  { key: "step_down", text: "down by at most", unit: "at once" },
] as const;

/** What the server would refuse, in words; `null` when it would take them. */
export function wrong({ min, max, step_up, step_down }: Rails): string | null {
  if (![min, max, step_up, step_down].every((value) => Number.isInteger(value) && value >= 0)) return "whole numbers, please";
  if (max < 1) return "at most 0 replicas would serve nobody";
  if (min > max) return `at least ${min} and at most ${max} contradict each other`;
  if (step_up < 1 || step_down < 1) return "a step of 0 would never move";
  return null;
}

const span = (seconds: number): string =>
  seconds % 3600 === 0 && seconds > 0 ? `${seconds / 3600}h` : seconds % 60 === 0 && seconds > 0 ? `${seconds / 60}m` : `${seconds}s`;

/** The line of the service's table in the configuration. */
export function toml(rails: Rails, { stabilisation_s, cool_down_s, max_jump_factor }: ServiceDetail["rails"]): string {
  const { min, max, step_up, step_down } = rails;
  const jump = max_jump_factor === null ? "" : `, max_jump_factor = ${max_jump_factor}`;
  const steps = `step_up = ${step_up}, step_down = ${step_down}`;
  return `rails = { min = ${min}, max = ${max}, ${steps}, stabilisation = "${span(stabilisation_s)}", cool_down = "${span(cool_down_s)}"${jump} }`;
}

export interface Effect {
  chart: ChartModel;
  /** Shares of the known steps in which the load needs more than the rails allow, and less than they keep. */
  short: { now: number; then: number };
  /** Mean number of replicas. */
  mean: { now: number; then: number };
}

/** Replicas that the load of the past needs, bounded by the rails of now and by others. Steps and delays are left out. */
export function effect(load: Series, perReplica: number, now: Rails, then: Rails, name: string): Effect {
  const startS = parseTime(load.start) / 1000;
  const needed = load.values.map((value) => (value === null ? null : Math.max(1, Math.ceil(value / perReplica))));
  const known = needed.filter((value) => value !== null);
  const bounded = ({ min, max }: Rails) => needed.map((value) => (value === null ? null : Math.min(max, Math.max(min, value))));
  const share = (test: (value: number) => boolean) => (known.length === 0 ? 0 : known.filter(test).length / known.length);
  const mean = (values: (number | null)[]) => values.reduce<number>((sum, value) => sum + (value ?? 0), 0) / Math.max(1, known.length);
  const regular = (values: (number | null)[]) => ({ startS, stepS: load.step_s, values });
  const line = (name: string, look: "actual" | "ordered" | "planned", values: (number | null)[]) =>
    ({ name, look, points: points(regular(values)), stepS: load.step_s, stepped: true }) as const;
  const endS = startS + load.values.length * load.step_s;
  return {
    chart: {
      name: `Replicas of ${name}, last week`,
      unit: "replicas",
      format: number,
      tick: (value) => (Number.isInteger(value) ? number(value) : ""),
      lines: [
        line("the load needs", "actual", needed),
        line("inside of the rails", "ordered", bounded(now)),
        ...(bounded(now).join() === bounded(then).join() ? [] : [line("inside of the edited rails", "planned", bounded(then))]),
      ],
      bands: [],
      gaps: gaps(regular(needed)),
      marks: [],
      rails: [],
      windowS: [startS, endS],
      nowS: endS,
    },
    short: { now: share((value) => value > now.max), then: share((value) => value > then.max) },
    mean: { now: mean(bounded(now)), then: mean(bounded(then)) },
  };
}
