// What a chart can span: some past, some future, and a step that a peak survives: the server's values are means of their step.

export const RANGES = {
  "1h": { pastS: 3600, futureS: 3600, stepS: 60, title: "1 hour" },
  "6h": { pastS: 6 * 3600, futureS: 3 * 3600, stepS: 60, title: "6 hours" },
  "24h": { pastS: 24 * 3600, futureS: 12 * 3600, stepS: 60, title: "24 hours" },
  "3d": { pastS: 3 * 86_400, futureS: 86_400, stepS: 60, title: "3 days" },
  "14d": { pastS: 14 * 86_400, futureS: 86_400, stepS: 300, title: "14 days" },
} as const;

export type RangeName = keyof typeof RANGES;

export const RANGE_NAMES = Object.keys(RANGES) as RangeName[];
export const DEFAULT_RANGE: RangeName = "6h";
