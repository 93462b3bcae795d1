// The three charts of a service, from one snapshot.

import type { Forecast, Series } from "../../api/client";
import type { Snapshot } from "../../api/service.svelte";
import type { Band, ChartModel, Line } from "../../charts/model";
import type { Mark, Rail } from "../../charts/paint";
import type { Window } from "../../charts/zoom";
import { gaps, points, type Points, type Regular, steps } from "../../lib/series";
import { parseTime } from "../../lib/time";
import { milliseconds, number, percent, rps } from "../../lib/units";

const seconds = (time: string): number => parseTime(time) / 1000;

/** The measured part: nothing at or after now, which has not been measured yet and is no gap. */
export function measured(series: Series, nowS: number): Regular {
  const startS = seconds(series.start);
  const count = Math.max(0, Math.ceil((nowS - startS) / series.step_s));
  return { startS, stepS: series.step_s, values: series.values.slice(0, count) };
}

/** Values that are this many steps late are still on their way. */
const LATE_STEPS = 2;

/** As `measured`, without holes at its end that may still be filled; a longer hole is a gap from its first step on. */
export function settled(series: Regular): Regular {
  const known = series.values.findLastIndex((value) => value !== null) + 1;
  const late = series.values.length - known;
  return late <= LATE_STEPS ? { ...series, values: series.values.slice(0, known) } : series;
}

/** How far back "now" may read a measured value: as far as values may be late. A gap in between still reads as a gap. */
const reach = (series: Regular): number => series.stepS * (LATE_STEPS + 1);

/** Before the first known value nothing was watched yet: that is left open. Later holes are hatched. */
function gapsSinceFirst(series: Regular): [number, number][] {
  const first = series.values.findIndex((value) => value !== null);
  return first < 0 ? [] : gaps(series).filter(([, to]) => to > series.startS + first * series.stepS);
}

/** How an instant is said in the zone that is shown. */
type Clock = (ms: number) => string;

export interface Charts {
  load: ChartModel;
  replicas: ChartModel;
  slo: ChartModel;
}

/** All that there is to see; `through` shows a part of it. */
export function charts(snapshot: Snapshot, clock: Clock): Charts {
  return { load: loadChart(snapshot, clock), replicas: replicaChart(snapshot, clock), slo: sloChart(snapshot, clock) };
}

/** The same charts through another window. Their points stay the very same: zooming makes nothing anew. */
export function through({ load, replicas, slo }: Charts, windowS: Window): Charts {
  return { load: { ...load, windowS }, replicas: { ...replicas, windowS }, slo: { ...slo, windowS } };
}

function frame({ detail, forecast, spanS: windowS }: Snapshot, clock: Clock): Pick<ChartModel, "windowS" | "nowS" | "marks"> {
  const nowS = seconds(detail.now);
  const marks: Mark[] = [{ atS: nowS, text: `now ${clock(nowS * 1000)}`, kind: "now" }];
  if (forecast) {
    const originS = seconds(forecast.origin);
    marks.push({ atS: originS, text: `forecast issued ${clock(originS * 1000)}`, kind: "issued" });
  }
  return { windowS, nowS, marks };
}

function loadChart(snapshot: Snapshot, clock: Clock): ChartModel {
  const base = frame(snapshot, clock);
  const load = settled(measured(snapshot.series.load, base.nowS));
  const actual: Line = { name: "actual", look: "actual", points: points(load), stepS: reach(load) };
  const said = snapshot.forecast ? forecastLines(snapshot.forecast) : { lines: [], bands: [] };
  const lines = [actual, ...said.lines];
  const bands = said.bands.map((band) => ({ ...band, high: band.high + 1, low: band.low + 1 }));
  return { ...base, name: `Load of ${snapshot.name}`, unit: "requests/s", format: rps, tick: number, lines, bands, gaps: gaps(load), rails: [] };
}

function forecastLines({ points: ahead, step_s: stepS }: Forecast): { lines: Line[]; bands: Band[] } {
  const times = ahead.map((point) => seconds(point.ts));
  const quantile = (q: string): Points => ({ times, values: ahead.map((point) => point.q[q] ?? null) });
  const has = (q: string) => ahead.some((point) => q in point.q);
  const lines: Line[] = has("0.5") ? [{ name: "forecast (median)", look: "forecast", points: quantile("0.5"), stepS }] : [];
  const bands: Band[] = [];
  for (const [low, high, name, fill] of [
    ["0.05", "0.95", "90 %", "band-90"],
    ["0.25", "0.75", "50 %", "band-50"],
  ] as const) {
    if (!has(low) || !has(high)) continue;
    bands.push({ high: lines.length, low: lines.length + 1, fill, name });
    lines.push({ name: `forecast ${Number(high) * 100} %`, look: "edge", points: quantile(high), stepS });
    lines.push({ name: `forecast ${Number(low) * 100} %`, look: "edge", points: quantile(low), stepS });
  }
  return { lines, bands };
}

function replicaChart(snapshot: Snapshot, clock: Clock): ChartModel {
  const base = frame(snapshot, clock);
  const { detail, forecast } = snapshot;
  const ready = settled(measured(snapshot.series.replicas_ready, base.nowS));
  const desired = settled(measured(snapshot.series.replicas_desired, base.nowS));
  const lines: Line[] = [
    { name: "ready", look: "actual", points: points(ready), stepS: reach(ready), stepped: true },
    { name: "wanted", look: "ordered", points: points(desired), stepS: reach(desired), stepped: true },
  ];
  const planned = (forecast?.planned ?? []).map((step) => ({ atS: seconds(step.at), value: step.replicas }));
  if (planned.length > 0) {
    // The plan begins with what holds now, so that its first step is seen as a step. A past one begins where it begins.
    const now = detail.replicas.desired ?? detail.replicas.ready;
    const first = Math.min(...planned.map((step) => step.atS));
    if (now !== null && first > base.nowS) planned.unshift({ atS: base.nowS, value: now });
    lines.push({ name: "planned", look: "planned", points: steps(planned, snapshot.spanS[1]), stepS: Infinity, stepped: true });
  }
  const { min, max } = detail.replicas;
  const rails: Rail[] = [
    { value: min, text: `min ${min}` },
    { value: max, text: `max ${max}` },
  ];
  const tick = (value: number) => (Number.isInteger(value) ? number(value) : "");
  const bands: Band[] = [{ high: 1, low: 0, fill: "booting", name: "starting" }];
  return { ...base, name: `Replicas of ${snapshot.name}`, unit: "replicas", format: number, tick, lines, bands, gaps: gapsSinceFirst(ready), rails };
}

function sloChart(snapshot: Snapshot, clock: Clock): ChartModel {
  const base = frame(snapshot, clock);
  const { slo } = snapshot.detail;
  const latency = settled(measured(snapshot.series.latency_p95_ms, base.nowS));
  const errors = settled(measured(snapshot.series.error_ratio, base.nowS));
  const lines: Line[] = [
    { name: "latency (p95)", look: "actual", points: points(latency), stepS: reach(latency) },
    { name: "failed", look: "errors", points: points(errors), stepS: reach(errors), scale: "share" },
  ];
  const rails: Rail[] = [
    { value: slo.latency_ms, text: `p${number(slo.percentile)} target ${milliseconds(slo.latency_ms)}` },
    { value: slo.errors, text: `failed at most ${percent(slo.errors)}`, scale: "share" },
  ];
  const name = `Service level of ${snapshot.name}`;
  return { ...base, marks: base.marks.slice(0, 1), name, unit: "ms", format: milliseconds, tick: number, lines, bands: [], gaps: gapsSinceFirst(latency), rails };
}
