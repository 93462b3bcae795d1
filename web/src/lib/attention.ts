// What needs a person first.

import type { Pause, ServiceSummary } from "../api/client";
import { duration } from "./time";

export type Severity = "breach" | "warn" | "ask" | "fine";

export interface Notice {
  severity: Severity;
  text: string;
}

const RANK: Record<Severity, number> = { breach: 0, ask: 1, warn: 2, fine: 3 };

/** Everything about a service that a person should know, the worst first; empty when all is well. `all` is the pause of all services. */
export function notices(service: ServiceSummary, all: Pause | null = null): Notice[] {
  const found: Notice[] = [];
  const { data, forecast, replicas } = service;
  if (replicas.ready === 0) found.push({ severity: "breach", text: "no replica serves" });
  if (replicas.ready === null) found.push({ severity: "breach", text: "the fleet can't be seen" });
  if (data.state === "absent") found.push({ severity: "breach", text: "no load data" });
  if (data.state === "stale") found.push({ severity: "breach", text: `load data ${data.age_s === null ? "too old" : `${duration(data.age_s)} old`}` });
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
  const order = (service: ServiceSummary) => RANK[worst(service)];
  return [...services].sort((a, b) => order(a) - order(b) || a.name.localeCompare(b.name));
}
