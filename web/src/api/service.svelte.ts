// Everything about one service, in one consistent snapshot: charts of different moments would contradict each other.

import { RANGES, type RangeName } from "../lib/ranges";
import { parseTime } from "../lib/time";
import { ApiError, api, type Decision, type Forecast, type Problem, type Series, type ServiceDetail } from "./client";
import { Live } from "./live.svelte";

export interface Snapshot {
  name: string;
  range: RangeName;
  detail: ServiceDetail;
  load: Series;
  ready: Series;
  desired: Series;
  forecast: Forecast | null;
  /** Why there is no forecast. */
  forecastProblem: Problem | null;
  decisions: Decision[];
  /** Why load, replicas and decisions are those of before, or none. */
  historyProblem: Problem | null;
  /** The decisions are fetched again when this changes. */
  decisionsKey: string;
  /** The forecast is fetched again when this changes. */
  forecastKey: string;
  forecastAtMs: number;
}

/** A forecast is large, and the plan that comes with it may change with every decision: so often, in wall time, it is looked at again. */
const FORECAST_EVERY_MS = 5000;

interface Wish {
  name: string;
  range: RangeName;
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

async function snapshot({ name, range, decisionsLimit, journalled }: Wish, last: Snapshot | null): Promise<Snapshot> {
  const before = last?.name === name ? last : null;
  const detail = await api.service(name);
  const { pastS, stepS } = RANGES[range];
  const stepMs = stepS * 1000;
  const nowMs = parseTime(detail.now);
  // Whole steps, so that a value keeps its place from one question to the next.
  const toMs = Math.floor(nowMs / stepMs) * stepMs + stepMs;
  const span = { from: new Date(toMs - pastS * 1000 - stepMs).toISOString(), to: new Date(toMs).toISOString(), step: `${stepS}s` };
  const { state, origin } = detail.forecast;
  const forecastKey = `${state} ${origin} ${detail.replicas.desired}`;
  const decisionsKey = `${detail.last_decision?.id} ${detail.pending_approval?.id} ${decisionsLimit} ${journalled}`;
  const forecastFresh = before !== null && before.forecastKey === forecastKey && Date.now() - before.forecastAtMs < FORECAST_EVERY_MS;
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
  const series = (metric: string, kept: Series | undefined) =>
    orKept(api.series(name, { metric, ...span }), (before?.range === range && kept) || { metric, unit: "", start: span.from, step_s: stepS, values: [] });
  const [load, ready, desired, forecast, decisions] = await Promise.all([
    series("load", before?.load),
    series("replicas_ready", before?.ready),
    series("replicas_desired", before?.desired),
    forecastFresh ? keptForecast(before) : forecastOrWhy(name),
    before?.decisionsKey === decisionsKey ? before.decisions : orKept(api.decisions(name, decisionsLimit), before?.decisions ?? []),
  ]);
  const read = { load, ready, desired, decisions, historyProblem };
  return { name, range, detail, ...read, ...forecast, decisionsKey: historyProblem === null ? decisionsKey : "", forecastKey };
}

type ForecastPart = Pick<Snapshot, "forecast" | "forecastProblem" | "forecastAtMs">;

const keptForecast = ({ forecast, forecastProblem, forecastAtMs }: Snapshot): ForecastPart => ({ forecast, forecastProblem, forecastAtMs });

async function forecastOrWhy(name: string): Promise<ForecastPart> {
  const forecastAtMs = Date.now();
  try {
    return { forecast: await api.forecast(name), forecastProblem: null, forecastAtMs };
  } catch (cause) {
    // Not to have a forecast is a state of the service, no failure of the page.
    if (cause instanceof ApiError && (cause.is("not-enough-history") || cause.is("not-found"))) {
      return { forecast: null, forecastProblem: cause.problem, forecastAtMs };
    }
    throw cause;
  }
}
