import { beforeEach, expect, test, vi } from "vitest";

import type { Problem } from "./client";
import { liveService } from "./service.svelte";

const away: Problem = { type: "urn:prescale:problem:unavailable", title: "Not available now", status: 503, detail: "not available: database: gone" };
const server = vi.hoisted(() => ({ database: true, asked: [] as string[] }));

vi.mock("./client", async (original) => {
  const real = await original<typeof import("./client")>();
  const stored = async <T>(what: string, value: T): Promise<T> => {
    server.asked.push(what);
    if (!server.database) throw new real.ApiError(away.detail, away);
    return value;
  };
  // Each question comes a minute after the one before, with a decision more: there is something to ask for.
  let minute = 0;
  const detail = () => {
    minute += 1;
    return { name: "shop", now: `2026-03-02T09:0${minute}:00Z`, forecast: { state: "ok", origin: null }, replicas: { desired: 3 }, last_decision: { id: minute } };
  };
  const api = {
    service: async () => detail(),
    series: (_: string, query: { metric: string; from: string }) => stored(query.metric, { ...query, start: query.from, unit: "rps", step_s: 60, values: [1] }),
    forecast: async () => null,
    decisions: () => stored("decisions", [{ id: 7 }]),
  };
  return { ...real, api };
});

beforeEach(() => {
  server.database = true;
  server.asked = [];
});

test("without the database what was read before stays, and all of it is asked for again", async () => {
  const live = liveService(() => ({ name: "shop", range: "6h", atMs: null, decision: null, decisionsLimit: 50, journalled: 0 }));
  await live.refresh();
  expect(live.data?.historyProblem).toBeNull();
  server.database = false;
  await live.refresh();
  expect([live.error, live.data?.historyProblem]).toEqual([null, away]);
  expect([live.data?.series.load.values, live.data?.decisions.length]).toEqual([[1], 1]);
  server.database = true;
  server.asked = [];
  await live.refresh();
  expect(live.data?.historyProblem).toBeNull();
  expect(server.asked.sort()).toEqual(["decisions", "error_ratio", "latency_p95_ms", "load", "replicas_desired", "replicas_ready"]);
});

test("a page that is opened without the database shows what is known of now", async () => {
  server.database = false;
  const live = liveService(() => ({ name: "shop", range: "6h", atMs: null, decision: null, decisionsLimit: 50, journalled: 0 }));
  await live.refresh();
  expect([live.error, live.data?.detail.name, live.data?.series.load.values, live.data?.decisions]).toEqual([null, "shop", [], []]);
});
