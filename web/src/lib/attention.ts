// What needs a person first.

import type { Pause, ServiceSummary } from "../api/client";
import { duration, parseTime } from "./time";

export type Severity = "breach" | "warn" | "ask" | "fine";

export interface Notice {
  severity: Severity;
  text: string;
}

const RANK: Record<Severity, number> = { breach: 0, ask: 1, warn: 2, fine: 3 };

/** Everything about a service that a person should know, the worst first; empty when all is well. `all` is the pause of all services; `now`
 * is asked for only where something grows older with it. */
export function notices(service: ServiceSummary, all: Pause | null = null, now?: () => string): Notice[] {
  const found: Notice[] = [];
  const { data, forecast, replicas } = service;
  if (replicas.ready === 0) found.push({ severity: "breach", text: "no replica serves" });
  if (replicas.ready === null) found.push({ severity: "breach", text: "the fleet can't be seen" });
  if (data.state === "absent") found.push({ severity: "breach", text: "no load data" });
  if (data.state === "stale") found.push({ severity: "breach", text: `load data ${ageText(service, now)}` });
  const waits = service.last_decision?.reason === "awaiting_approval" || service.last_decision?.action === "ask";
  if (waits || (service.mode === "approve" && service.last_decision?.action === "propose")) found.push({ severity: "ask", text: "approval waiting" });
  if (forecast.state === "failed") found.push({ severity: "warn", text: "forecast failed" });
  if (forecast.state === "stale") found.push({ severity: "warn", text: "forecast too old" });
  if (forecast.state === "not_enough_history") found.push({ severity: "warn", text: historyText(forecast.have_s, forecast.need_s) });
  if (all !== null) found.push({ severity: "warn", text: `all paused (${all})` });
  if (service.paused !== null) found.push({ severity: "warn", text: `paused (${service.paused})` });
  if (replicas.desired !== null && replicas.desired >= replicas.max) found.push({ severity: "warn", text: `at its maximum of ${replicas.max}` });
  return found.sort((a, b) => RANK[a.severity] - RANK[b.severity]);
}

function ageText({ load_at, data }: ServiceSummary, now?: () => string): string {
  const ageS = load_at !== null && now ? (parseTime(now()) - parseTime(load_at)) / 1000 : data.age_s;
  return ageS === null ? "too old" : `${duration(ageS)} old`;
}

/** `9 h of 48 h of history`. */
export function historyText(haveS: number | null, needS: number | null): string {
  if (haveS === null || needS === null) return "not enough history";
  return `${hours(haveS)} of ${hours(needS)} of history`;
}

function hours(seconds: number): string {
  return seconds < 7200 ? duration(seconds) : `${Math.floor(seconds / 3600)} h`;
}

export function worst(service: ServiceSummary): Severity {
  return notices(service)[0]?.severity ?? "fine";
}

/** Attention first, then by name. */
export function byAttention(services: readonly ServiceSummary[]): ServiceSummary[] {
  const ranked = services.map((service) => ({ service, rank: RANK[worst(service)] }));
  ranked.sort((a, b) => a.rank - b.rank || a.service.name.localeCompare(b.service.name));
  return ranked.map(({ service }) => service);
}
