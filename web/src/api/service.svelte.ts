// Everything about one service, in one consistent snapshot: charts of different moments would contradict each other.

import { RANGES, type RangeName } from "../lib/ranges";
import { parseTime } from "../lib/time";
import { ApiError, api, type Decision, type Forecast, type Problem, type Series, type ServiceDetail } from "./client";
import { Live } from "./live.svelte";

export const METRICS = ["load", "replicas_ready", "replicas_desired", "latency_p95_ms", "error_ratio"] as const;
export type Metric = (typeof METRICS)[number];

export interface Snapshot {
  name: string;
  detail: ServiceDetail;
  /** All that is shown, in seconds. */
  spanS: readonly [number, number];
  series: Record<Metric, Series>;
  /** The series are fetched again when this changes. */
  seriesKey: string;
  forecast: Forecast | null;
  /** Why there is no forecast. */
  forecastProblem: Problem | null;
  /** Why series and decisions are those of before, or none. */
  historyProblem: Problem | null;
  /** The forecast is fetched again when this changes. */
  forecastKey: string;
  forecastAtMs: number;
  decisions: Decision[];
  /** The decision that the address names, if it is none of the newest. */
  pinned: Decision | null;
  /** The decisions are fetched again when this changes. */
  decisionsKey: string;
}

/** A forecast is large, and the plan that comes with it may change with every decision: so often, in wall time, it is looked at again. */
const FORECAST_EVERY_MS = 5000;

export interface Wish {
  name: string;
  range: RangeName;
  /** The forecast as of then, instead of the newest. */
  atMs: number | null;
  decision: number | null;
  decisionsLimit: number;
  /** How often something was journalled about it: decisions and what became of them. */
  journalled: number;
}

/** What a proxy's backends are doing is no event, and everything else is one. */
const WITH_PROXY_EVERY_MS = 5000;
const OTHERWISE_EVERY_MS = 60_000;

/** Follows one service: whoever hears of news nudges it. `wish` is read anew at every question. */
export function liveService(wish: () => Wish): Live<Snapshot> {
  const everyMs = (last: Snapshot | null) => (last?.detail.proxy ? WITH_PROXY_EVERY_MS : OTHERWISE_EVERY_MS);
  return new Live<Snapshot>(async (last) => snapshot(wish(), last), everyMs);
}

async function snapshot(wish: Wish, last: Snapshot | null): Promise<Snapshot> {
  const { name } = wish;
  const before = last?.name === name ? last : null;
  const detail = await api.service(name);
  const spanS = span(wish, parseTime(detail.now) / 1000);
  // Without its database the server still knows the present: what was read before stays, and the rest goes on.
  let historyProblem: Problem | null = null;
  const orKept = async <T>(asked: Promise<T>, kept: T): Promise<T> => {
    try {
      return await asked;
    } catch (cause) {
      if (!(cause instanceof ApiError && cause.is("unavailable"))) throw cause;
      historyProblem = cause.problem;
      return kept;
    }
  };
  const keptSeries = { series: before?.series ?? nothing(spanS), seriesKey: "" };
  const keptDecisions = { decisions: before?.decisions ?? [], pinned: before?.pinned ?? null, decisionsKey: "" };
  const [series, forecast, decisions] = await Promise.all([
    orKept(seriesOf(wish, spanS, detail, before), keptSeries),
    forecastOf(wish, detail, before),
    orKept(decisionsOf(wish, detail, before), keptDecisions),
  ]);
  return { name, detail, spanS, ...series, ...forecast, ...decisions, historyProblem };
}

/** Around now, or around the instant of a forecast that is looked at again. */
function span({ range, atMs }: Wish, nowS: number): readonly [number, number] {
  const { pastS, futureS } = RANGES[range];
  if (atMs === null) return [nowS - pastS, nowS + futureS];
  const atS = atMs / 1000;
  return [atS - pastS / 2, Math.min(atS + pastS, nowS + futureS)];
}

/** Series of which nothing is known. */
function nothing([fromS]: readonly [number, number]): Record<Metric, Series> {
  const start = new Date(fromS * 1000).toISOString();
  return Object.fromEntries(METRICS.map((metric) => [metric, { metric, unit: "", start, step_s: 60, values: [] }])) as unknown as Record<Metric, Series>;
}

type SeriesPart = Pick<Snapshot, "series" | "seriesKey">;

async function seriesOf({ name, range }: Wish, [fromS, toS]: readonly [number, number], detail: ServiceDetail, before: Snapshot | null): Promise<SeriesPart> {
  const stepMs = RANGES[range].stepS * 1000;
  // Whole steps, so that a value keeps its place from one question to the next.
  const whole = (s: number): number => Math.floor((s * 1000) / stepMs) * stepMs;
  const to = Math.min(whole(toS), whole(parseTime(detail.now) / 1000)) + stepMs;
  const asked = { from: new Date(whole(fromS) - stepMs).toISOString(), to: new Date(to).toISOString(), step: `${stepMs / 1000}s` };
  // Late values arrive within a step or so; what is asked changes with every one.
  const seriesKey = `${asked.from} ${asked.to} ${asked.step} ${detail.load_at}`;
  if (before?.seriesKey === seriesKey) return { series: before.series, seriesKey };
  const found = await Promise.all(METRICS.map(async (metric) => [metric, await api.series(name, { metric, ...asked })] as const));
  return { series: Object.fromEntries(found) as Record<Metric, Series>, seriesKey };
}

type ForecastPart = Pick<Snapshot, "forecast" | "forecastProblem" | "forecastAtMs" | "forecastKey">;

async function forecastOf({ name, atMs }: Wish, detail: ServiceDetail, before: Snapshot | null): Promise<ForecastPart> {
  const { state, origin } = detail.forecast;
  // What was said in the past stays as it was.
  const forecastKey = atMs === null ? `${state} ${origin} ${detail.replicas.desired}` : `at ${atMs}`;
  if (before?.forecastKey === forecastKey && (atMs !== null || Date.now() - before.forecastAtMs < FORECAST_EVERY_MS)) {
    return { forecast: before.forecast, forecastProblem: before.forecastProblem, forecastAtMs: before.forecastAtMs, forecastKey };
  }
  const forecastAtMs = Date.now();
  try {
    return { forecast: await api.forecast(name, atMs), forecastProblem: null, forecastAtMs, forecastKey };
  } catch (cause) {
    // Not to have a forecast is a state of the service, no failure of the page.
    if (cause instanceof ApiError && (cause.is("not-enough-history") || cause.is("not-found"))) {
      return { forecast: null, forecastProblem: cause.problem, forecastAtMs, forecastKey };
    }
    throw cause;
  }
}

type DecisionsPart = Pick<Snapshot, "decisions" | "pinned" | "decisionsKey">;

async function decisionsOf({ name, decision, decisionsLimit, journalled }: Wish, detail: ServiceDetail, before: Snapshot | null): Promise<DecisionsPart> {
  const decisionsKey = `${detail.last_decision?.id} ${detail.pending_approval?.id} ${decisionsLimit} ${decision} ${journalled}`;
  if (before?.decisionsKey === decisionsKey) return { decisions: before.decisions, pinned: before.pinned, decisionsKey };
  const decisions = await api.decisions(name, decisionsLimit);
  const oldest = decisions.at(-1)?.id ?? 0;
  const known = before?.pinned?.id === decision ? before.pinned : null;
  const pinned = decision === null || decision >= oldest ? null : (known ?? (await api.decisions(name, 1, decision + 1)).find(({ id }) => id === decision) ?? null);
  return { decisions, pinned, decisionsKey };
}
