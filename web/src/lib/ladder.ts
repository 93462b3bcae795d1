// The ladder observe → recommend → approve → automatic, and what a person should have seen before each step up.

import type { Mode, ServiceDetail } from "../api/client";
import { historyText } from "./attention";
import { MODES } from "./routes";
import { duration } from "./time";
import { number, percent, rps } from "./units";

export interface Evidence {
  text: string;
  /** `null` = nobody knows yet. */
  holds: boolean | null;
}

export interface Rung {
  mode: Mode;
  /** What Prescale does there. */
  does: string;
  evidence: Evidence[];
}

const DOES: Record<Mode, string> = {
  observe: "Forecasts and plans, and touches nothing; what is held for it until then is given up.",
  recommend: "Says what it would do; a person does it.",
  approve: "Proposes, and does what a person approved.",
  automatic: "Does it, inside of the rails.",
};

/** So many judged steps make a verdict: four hours by the minute. */
const JUDGED_ENOUGH = 240;
/** A quantile that covers this much less than it says is not honest. */
const COVERAGE_SLACK = 0.05;

export function ladder(detail: ServiceDetail): Rung[] {
  const evidence: Record<Mode, Evidence[]> = {
    observe: [load(detail)],
    recommend: [forecast(detail), capacity(detail)],
    approve: [fleet(detail), ...worth(detail)],
    automatic: [lead(detail), ...coverage(detail)],
  };
  return MODES.map((mode) => ({ mode, does: DOES[mode], evidence: evidence[mode] }));
}

/** What speaks against a step to a mode: everything on the way there that doesn't hold. */
export function missing(rungs: readonly Rung[], mode: Mode): Evidence[] {
  return rungs.slice(0, MODES.indexOf(mode) + 1).flatMap(({ evidence }) => evidence.filter(({ holds }) => holds !== true));
}

function load({ data }: ServiceDetail): Evidence {
  const age = data.age_s === null ? "" : `, ${duration(data.age_s)} old`;
  return { text: data.state === "absent" ? "no load is measured" : `the load is measured${age}`, holds: data.state === "fresh" };
}

function forecast({ forecast: { state, have_s, need_s, detail } }: ServiceDetail): Evidence {
  if (state === "ok") return { text: "there is enough history for a forecast", holds: true };
  if (state === "not_enough_history") return { text: historyText(have_s, need_s), holds: false };
  return { text: state === "none" ? "the first forecast is on its way" : `the forecast is ${state}${detail === null ? "" : `: ${detail}`}`, holds: state === "none" ? null : false };
}

function capacity({ capacity: { rps_per_replica, source } }: ServiceDetail): Evidence {
  if (source === "unknown") return { text: "nobody has said yet what a replica carries", holds: false };
  if (rps_per_replica === null) return { text: `what a replica carries is ${source}, and not used yet`, holds: null };
  return { text: `a replica carries ${rps(rps_per_replica)} (${source})`, holds: true };
}

function fleet({ replicas: { ready } }: ServiceDetail): Evidence {
  return ready === null ? { text: "the fleet can't be seen", holds: false } : { text: `the fleet is seen: ${ready} ready`, holds: ready > 0 };
}

function worth({ accuracy }: ServiceDetail): Evidence[] {
  if (accuracy === null) return [{ text: "no forecast could be judged yet", holds: null }];
  const { judged, error_ratio: error, persistence_error_ratio: persistence } = accuracy;
  const enough: Evidence = { text: judged >= JUDGED_ENOUGH ? `${judged} steps of forecasts were judged` : `${judged} steps of forecasts were judged, of ${JUDGED_ENOUGH} for a verdict`, holds: judged >= JUDGED_ENOUGH };
  if (error === null || persistence === null) return [enough];
  const text = `forecasts are off by ${percent(error)} at the lead time, “as it is now” by ${percent(persistence)}`;
  return [enough, { text, holds: error < persistence }];
}

function lead({ lead_s, lead_source }: ServiceDetail): Evidence {
  const measured = lead_source === "measured";
  return { text: `the time from an order to a warm replica is ${lead_s === null ? "unknown" : `${duration(lead_s)} (${lead_source ?? "unknown"})`}`, holds: measured };
}

function coverage({ accuracy }: ServiceDetail): Evidence[] {
  // The middle says nothing about risk; orders cover the quantiles above it.
  return (accuracy?.coverage ?? [])
    .filter(({ quantile }) => quantile > 0.5)
    .map(({ quantile, share }) => ({
      text: `the ${number(quantile * 100)} % line covered ${percent(share)} of what came`,
      holds: share >= quantile - COVERAGE_SLACK,
    }));
}
