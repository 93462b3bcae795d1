// The two charts of a service, from one snapshot.

import type { Series } from "../../api/client";
import type { Snapshot } from "../../api/service.svelte";
import type { Band, ChartModel, Line } from "../../charts/model";
import type { Mark } from "../../charts/paint";
import { RANGES } from "../../lib/ranges";
import { gaps, points, type Points, type Regular, steps } from "../../lib/series";
import { parseTime } from "../../lib/time";
import { number, rps } from "../../lib/units";

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

/** Says an instant in the zone that is shown. */
type Clock = (ms: number) => string;

function frame(snapshot: Snapshot, clock: Clock): Pick<ChartModel, "windowS" | "nowS" | "marks"> {
  const { detail, forecast, range } = snapshot;
  const nowS = seconds(detail.now);
  const { pastS, futureS } = RANGES[range];
  const marks: Mark[] = [{ atS: nowS, text: `now ${clock(nowS * 1000)}`, kind: "now" }];
  if (forecast) {
    const originS = seconds(forecast.origin);
    marks.push({ atS: originS, text: `forecast issued ${clock(originS * 1000)}`, kind: "issued" });
  }
  return { windowS: [nowS - pastS, nowS + futureS], nowS, marks };
}

export function loadChart(snapshot: Snapshot, clock: Clock): ChartModel {
  const base = frame(snapshot, clock);
  const load = settled(measured(snapshot.load, base.nowS));
  const lines: Line[] = [{ name: "actual", look: "actual", points: points(load), stepS: reach(load) }];
  const bands: Band[] = [];
  const { forecast } = snapshot;
  if (forecast) {
    const times = forecast.points.map((point) => seconds(point.ts));
    const quantile = (q: string): Points => ({ times, values: forecast.points.map((point) => point.q[q] ?? null) });
    const has = (q: string) => forecast.points.some((point) => q in point.q);
    if (has("0.5")) lines.push({ name: "forecast (median)", look: "forecast", points: quantile("0.5"), stepS: forecast.step_s });
    for (const [low, high, name, fill] of [
      ["0.05", "0.95", "90 %", "band-90"],
      ["0.25", "0.75", "50 %", "band-50"],
    ] as const) {
      if (!has(low) || !has(high)) continue;
      bands.push({ high: lines.length, low: lines.length + 1, fill, name });
      lines.push({ name: `forecast ${Number(high) * 100} %`, look: "edge", points: quantile(high), stepS: forecast.step_s });
      lines.push({ name: `forecast ${Number(low) * 100} %`, look: "edge", points: quantile(low), stepS: forecast.step_s });
    }
  }
  return { ...base, name: `Load of ${snapshot.name}`, unit: "requests/s", format: rps, lines, bands, gaps: gaps(load), rails: [] };
}

export function replicaChart(snapshot: Snapshot, clock: Clock): ChartModel {
  const base = frame(snapshot, clock);
  const { detail, forecast } = snapshot;
  const ready = settled(measured(snapshot.ready, base.nowS));
  const desired = settled(measured(snapshot.desired, base.nowS));
  const lines: Line[] = [
    { name: "ready", look: "actual", points: points(ready), stepS: reach(ready) },
    { name: "wanted", look: "ordered", points: points(desired), stepS: reach(desired) },
  ];
  const planned = (forecast?.planned ?? []).map((step) => ({ atS: seconds(step.at), value: step.replicas }));
  if (planned.length > 0) {
    // The plan begins with what holds now, so that its first step is seen as a step.
    const now = detail.replicas.desired ?? detail.replicas.ready;
    const first = Math.min(...planned.map((step) => step.atS));
    if (now !== null && first > base.nowS) planned.unshift({ atS: base.nowS, value: now });
    lines.push({ name: "planned", look: "planned", points: steps(planned, base.windowS[1]), stepS: Infinity });
  }
  const { min, max } = detail.replicas;
  return {
    ...base,
    name: `Replicas of ${snapshot.name}`,
    unit: "replicas",
    format: number,
    lines,
    bands: [{ high: 1, low: 0, fill: "booting", name: "starting" }],
    // Before the first known value the fleet was not watched yet: that is left open. Later holes are hatched.
    gaps: gaps(ready).filter(([, to]) => to > ready.startS + ready.values.findIndex((value) => value !== null) * ready.stepS),
    rails: [
      { value: min, text: `min ${min}` },
      { value: max, text: `max ${max}` },
    ],
  };
}
