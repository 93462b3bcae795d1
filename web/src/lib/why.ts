// Why a forecast says what it says, as rows and sentences.

import type { Explanation, ForecastMix } from "../api/client";
import { number, percent } from "./units";

/** A member's share and its loss relative to the best, in one mix. */
export interface Part {
  share: number;
  loss: number | null;
}

export interface Row {
  name: string;
  near: Part | null;
  far: Part | null;
}

/** Everybody who has a share in one of the mixes, who has most first. */
export function rows(why: Explanation): Row[] {
  const part = (mix: ForecastMix | null, name: string): Part | null => {
    const member = mix?.members.find((member) => member.name === name);
    return member === undefined ? null : { share: member.weight, loss: member.loss };
  };
  const names = new Set([why.near, why.far].flatMap((mix) => mix?.members.map(({ name }) => name) ?? []));
  const most = ({ near, far }: Row) => Math.max(near?.share ?? 0, far?.share ?? 0);
  return [...names]
    .map((name) => ({ name, near: part(why.near, name), far: part(why.far, name) }))
    .filter((row) => most(row) >= 0.005)
    .sort((a, b) => most(b) - most(a));
}

/** How the quantiles did at one lead: what was promised and what came. */
export interface Kept {
  lead_s: number;
  judged: number;
  /** Share that each of the levels covered, in their order; null where it was not tracked. */
  covered: (number | null)[];
}

/** The levels whose record is shown. */
export const LEVELS = [0.9, 0.95, 0.99];

/** One row a lead, nearest first. */
export function kept(why: Explanation): Kept[] {
  const leads = [...new Set(why.record.map(({ lead_s }) => lead_s))].sort((a, b) => a - b);
  return leads.map((lead_s) => {
    const at = why.record.filter((record) => record.lead_s === lead_s);
    const covered = LEVELS.map((level) => at.find((record) => record.level === level)?.coverage ?? null);
    return { lead_s, judged: Math.max(...at.map(({ judged }) => judged)), covered };
  });
}

/** What a holiday is expected to do, and where that is from. */
export function holiday(day: Explanation["holidays"][number]): string {
  const from = day.earlier === 0 ? "Sundays and other holidays" : day.earlier === 1 ? "an earlier one and Sundays" : `${day.earlier} earlier ones and Sundays`;
  return `${day.date} is a holiday, ${day.name}: ×${day.factor.toFixed(2)} on average, from ${from}.`;
}

/** Whether a flash crowd is followed. */
export function crowd(belief: number): string {
  if (belief === 0) return "No flash crowd: the next hour follows the members.";
  if (belief === 1) return "A flash crowd: the next hour follows it in place of the members.";
  return `Perhaps a flash crowd (${percent(belief)} sure): the upper quantiles of the next hour follow it, the median hardly does.`;
}

/** What the quantiles of a mix rest on. */
export function sample(mix: ForecastMix): string {
  const origins = Math.max(0, ...mix.members.map((member) => member.origins));
  return `${number(mix.residuals)} past errors, worth ${number(mix.effective_residuals)} of equal weight; members judged at ${origins} past origins`;
}
