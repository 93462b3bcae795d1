// Decisions for people. The loop decides at every tick, mostly to hold; holds for the same reason in a row are one line.

import type { Decision } from "../api/client";

export interface Group {
  /** The newest of the group; it speaks for all. */
  newest: Decision;
  /** The oldest of the group. */
  oldest: Decision;
  count: number;
}

/** `decisions` are newest first, and so are the groups. */
export function grouped(decisions: readonly Decision[]): Group[] {
  const groups: Group[] = [];
  for (const decision of decisions) {
    const last = groups.at(-1);
    if (last && sameHold(last.newest, decision)) {
      last.oldest = decision;
      last.count += 1;
    } else {
      groups.push({ newest: decision, oldest: decision, count: 1 });
    }
  }
  return groups;
}

function sameHold(a: Decision, b: Decision): boolean {
  return a.action === "hold" && b.action === "hold" && a.reason === b.reason && a.current === b.current && a.target === b.target;
}

/** `forecast_holds` → `forecast holds`. */
export function words(code: string): string {
  return code.replaceAll("_", " ");
}
