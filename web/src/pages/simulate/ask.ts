// What is asked, as the form has it: the request of the API, with every field there. The address holds it as JSON, so that a link says it all.

import type { LoadOrigin, WhatIf } from "../../api/client";

export type Ask = WhatIf & { kind: "what_if" };

export const ALGORITHMS = [
  "least_connections",
  "p2c",
  "d_choices",
  "round_robin",
  "weighted_round_robin",
  "random",
  "weighted_random",
  "peak_ewma",
  "least_response_time",
  "random_two_least_time",
  "join_shortest_queue",
  "prequal",
] as const;

/** The everyday question: the service as it is, over its last week. */
export function usual(service: string): Ask {
  return {
    kind: "what_if",
    service,
    source: { kind: "recorded", last: "7d" },
    traffic: 1,
    service_time: 1,
    algorithms: [],
    plans: ["planner"],
    seeds: 5,
    seed: 1,
    requests: 50_000_000,
  };
}

export interface Preset {
  text: string;
  change: Partial<Ask>;
}

/** Questions that are asked often, one click each. */
export const PRESETS: Preset[] = [
  {
    text: "Twice the traffic, least connections against P2C, three replicas fewer",
    change: { traffic: 2, algorithms: ["least_connections", "p2c"], plans: ["planner", "planner:-3"] },
  },
  { text: "Half as much again", change: { traffic: 1.5, plans: ["planner"] } },
  { text: "A slow dependency: requests take twice as long", change: { service_time: 2, plans: ["planner"] } },
  { text: "The planner against Kubernetes' HPA at 70 %", change: { plans: ["planner", "hpa:0.7"] } },
];

/** The first moment of a source of another kind. */
export function origin(kind: LoadOrigin["kind"]): LoadOrigin {
  if (kind === "recorded") return { kind, last: "7d" };
  if (kind === "forecast") return { kind, quantile: 0.9, lasts: "12h" };
  return { kind, shape: "spike", rps: 100, peak_rps: 400, lasts: "2h" };
}

/** Reads an address: what isn't there, or isn't a request, is as usual. The server checks the values. */
export function read(text: string, service: string): Ask {
  const base = usual(service);
  if (text === "") return base;
  try {
    const found = JSON.parse(text) as Partial<Ask>;
    if (typeof found !== "object" || found === null || Array.isArray(found)) return base;
    const known = Object.fromEntries(Object.entries(found).filter(([key]) => key in base || key === "replica_hour"));
    const lists = ["algorithms", "plans"].every((key) => !(key in known) || isTexts(known[key]));
    const source = typeof found.source === "object" && found.source !== null;
    return lists ? { ...base, ...known, kind: "what_if", source: source ? found.source! : base.source } : base;
  } catch {
    return base;
  }
}

const isTexts = (value: unknown): boolean => Array.isArray(value) && value.every((one) => typeof one === "string");

export const write = (ask: Ask): string => JSON.stringify(ask);

/** A list as it is typed: `planner, fixed:12`. */
export const asList = (text: string): string[] => text.split(/[,\s]+/).filter((part) => part !== "");
