import { expect, test } from "vitest";

import type { ServiceDetail } from "../api/client";
import { ladder, missing } from "./ladder";

const detail = (change: Partial<ServiceDetail> = {}): ServiceDetail =>
  ({
    data: { state: "fresh", age_s: 20, detail: null },
    forecast: { state: "ok", origin: null, detail: null, have_s: null, need_s: null },
    capacity: { rps_per_replica: 40, source: "declared" },
    replicas: { ready: 3, booting: 0, draining: 0, desired: 3, min: 1, max: 9 },
    lead_s: 240,
    lead_source: "measured",
    accuracy: { judged: 900, error_ratio: 0.08, persistence_error_ratio: 0.15, coverage: [{ quantile: 0.5, share: 0.1 }, { quantile: 0.9, share: 0.88 }] },
    ...change,
  }) as unknown as ServiceDetail;

test("when everything holds, nothing speaks against automatic", () => {
  expect(missing(ladder(detail()), "automatic")).toEqual([]);
});

test("a step up needs what the steps below it need", () => {
  const young = detail({ forecast: { state: "not_enough_history", origin: null, detail: null, have_s: 9 * 3600, need_s: 48 * 3600 } });
  expect(missing(ladder(young), "observe")).toEqual([]);
  for (const mode of ["recommend", "automatic"] as const) expect(missing(ladder(young), mode).map(({ text }) => text)).toContain("9 h of 48 h of history");
});

test("a forecast that is no better than now, or covers too little, is not trusted", () => {
  const coverage = [{ quantile: 0.9, share: 0.8 }];
  const bad = detail({ accuracy: { judged: 900, error_ratio: 0.2, persistence_error_ratio: 0.15, coverage } });
  expect(missing(ladder(bad), "automatic").map(({ text }) => text)).toEqual([
    "forecasts are off by 20 % at the lead time, “as it is now” by 15 %",
    "the 90 % line covered 80 % of what came",
  ]);
});

test("what nobody knows yet is neither fine nor wrong", () => {
  const fresh = detail({ accuracy: null, forecast: { state: "none", origin: null, detail: null, have_s: null, need_s: null } });
  expect(missing(ladder(fresh), "automatic").map(({ holds }) => holds)).toEqual([null, null]);
});
