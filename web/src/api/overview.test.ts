import { expect, test } from "vitest";

import type { Overview, ServiceSummary } from "./client";
import { changed, overview } from "./overview.svelte";

const NOW = "1998-06-04T12:00:00Z";
const LATER = "1998-06-04T12:00:01Z";

function service(name: string): ServiceSummary {
  return {
    name,
    mode: "automatic",
    paused: null,
    load_rps: 100,
    load_at: NOW,
    replicas: { ready: 3, booting: 0, draining: 0, desired: 3, min: 2, max: 9 },
    forecast: { state: "ok", origin: null, detail: null, have_s: null, need_s: null },
    next: null,
    last_decision: null,
    data: { state: "fresh", age_s: 5, detail: null },
    spark: { start: NOW, step_s: 60, past: [], future: [] },
  };
}

const before: Overview = { now: NOW, speed: 1, paused: "up", store_error: null, services: ["a", "b", "d"].map(service) };
const nothing = { now: LATER, services: [], removed: [], journalled: [] };

test("what an event doesn't touch stays the very same object", () => {
  const after = changed(before, { ...nothing, services: [{ name: "b", load_rps: 7, paused: null }] });
  expect([after.now, after.speed, after.paused]).toEqual([LATER, 1, "up"]);
  expect(after.services.map((one, i) => one === before.services[i])).toEqual([true, false, true]);
  expect(after.services[1]).toEqual({ ...service("b"), load_rps: 7 });
  expect(after.services[1]?.spark).toBe(before.services[1]?.spark);
  expect(changed(before, nothing).services).toBe(before.services);
});

test("a field that is null is known to be unknown, one that is absent is as it was", () => {
  const after = changed(before, { ...nothing, paused: null, services: [{ name: "a", load_rps: null }] });
  expect([after.paused, after.services[0]?.load_rps, after.services[0]?.load_at]).toEqual([null, null, NOW]);
});

test("services come in their place, and go", () => {
  const after = changed(before, { ...nothing, services: [service("c"), service("B")], removed: ["a"] });
  expect(after.services.map(({ name }) => name)).toEqual(["B", "b", "c", "d"]);
});

test("a reset takes the place of everything, and counts as news of each service", () => {
  overview.take("beat", { now: LATER });
  expect(overview.data).toBeNull();
  overview.take("reset", before);
  const first = overview.news("a");
  overview.take("change", { ...nothing, services: [{ name: "b", load_rps: 1 }], journalled: ["b"] });
  expect(overview.news("a").summary).toBe(first.summary);
  expect(overview.news("a").journalled).toBe(first.journalled);
  expect(overview.news("b").journalled).toBe(first.journalled + 1);
  overview.take("an event of a later version", { now: "?" });
  overview.take("beat", { now: "1998-06-04T12:00:09Z" });
  expect([overview.data?.now, overview.data?.services[1]?.load_rps]).toEqual(["1998-06-04T12:00:09Z", 1]);
  overview.take("reset", { ...before, services: [service("z")] });
  expect([overview.news("a").summary, overview.news("z").journalled]).toEqual([undefined, 1]);
});
