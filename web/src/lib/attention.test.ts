import { expect, test } from "vitest";

import type { ServiceSummary } from "../api/client";
import { byAttention, historyText, notices, worst } from "./attention";

function service(name: string, change: Partial<ServiceSummary> = {}): ServiceSummary {
  return {
    name,
    mode: "automatic",
    paused: null,
    load_rps: 100,
    load_at: "1998-06-04T12:00:00Z",
    replicas: { ready: 3, booting: 0, draining: 0, desired: 3, min: 2, max: 9 },
    forecast: { state: "ok", origin: null, detail: null, have_s: null, need_s: null },
    next: null,
    last_decision: null,
    data: { state: "fresh", age_s: 5, detail: null },
    spark: { start: "1998-06-04T12:00:00Z", step_s: 60, past: [], future: [] },
    ...change,
  };
}

const young = { state: "not_enough_history", origin: null, detail: null, have_s: 9 * 3600, need_s: 48 * 3600 } as const;

test("a service that is well has nothing to say", () => {
  expect(notices(service("a"))).toEqual([]);
  expect(worst(service("a"))).toBe("fine");
});

test("the worst comes first, then what waits for a person, then what is degraded, then the rest by name", () => {
  const list = [
    service("b"),
    service("young", { forecast: young }),
    service("asks", { last_decision: { id: 1, at: "1998-06-04T12:00:00Z", action: "propose", reason: "awaiting_approval", sentence: "" } }),
    service("blind", { data: { state: "stale", age_s: 2400, detail: null }, forecast: { ...young, state: "failed" } }),
    service("a"),
  ];
  expect(byAttention(list).map(({ name }) => name)).toEqual(["blind", "asks", "young", "a", "b"]);
  expect(list[0]?.name).toBe("b");
  expect(notices(list[3]!).map(({ text }) => text)).toEqual(["load data 40 min old", "forecast failed"]);
});

test("old data grows older with the clock that is shown", () => {
  const blind = service("blind", { load_at: "1998-06-04T12:00:00Z", data: { state: "stale", age_s: 200, detail: null } });
  expect(notices(blind)[0]?.text).toBe("load data 3 min 20 s old");
  expect(notices(blind, null, () => "1998-06-04T12:30:00Z")[0]?.text).toBe("load data 30 min old");
});

test("a fleet that can't be seen is worse than one at its maximum", () => {
  expect(worst(service("a", { replicas: { ready: null, booting: null, draining: null, desired: null, min: 1, max: 2 } }))).toBe("breach");
  expect(worst(service("a", { replicas: { ready: 9, booting: 0, draining: 0, desired: 9, min: 2, max: 9 } }))).toBe("warn");
});

test("missing history is told in hours", () => {
  expect(historyText(9.9 * 3600, 48 * 3600)).toBe("9 h of 48 h of history");
  expect(historyText(600, 48 * 3600)).toBe("10 min of 48 h of history");
  expect(historyText(null, 1)).toBe("not enough history");
});
