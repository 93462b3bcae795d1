import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";

// The part of a browser that an address takes.
const written: string[] = [];
const go = (address: string) => {
  const [pathname = "/", search = ""] = address.split(/(?=\?)/);
  Object.assign(place, { pathname, search });
};
const place = { pathname: "/services/shop", search: "" };
const replaceState = (_state: unknown, _title: string, address: string) => {
  written.push(address);
  go(address);
};

beforeAll(() => {
  vi.stubGlobal("location", place);
  vi.stubGlobal("history", { replaceState, pushState: replaceState });
  vi.stubGlobal("addEventListener", () => {});
  vi.stubGlobal("scrollTo", () => {});
});
afterAll(() => vi.unstubAllGlobals());
beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

test("a key that is held down changes the view at once and writes the address rarely, and the last view is written", async () => {
  const { nav } = await import("./nav.svelte");
  for (let step = 1; step <= 300; step++) {
    const route = nav.route;
    if (route.page !== "service") throw new Error(route.page);
    nav.show(route, { decision: step });
    expect(nav.route).toMatchObject({ page: "service", name: "shop", decision: step });
    vi.advanceTimersByTime(33);
  }
  expect(written.length).toBeLessThan(40);
  expect(nav.address, "a link home is complete at any time").toBe("/services/shop?decision=300");
  vi.advanceTimersByTime(1000);
  expect(written.at(-1)).toBe("/services/shop?decision=300");
});

test("what is not written yet is written before one goes elsewhere, so that the way back leads there", async () => {
  const { nav } = await import("./nav.svelte");
  const route = nav.route;
  if (route.page !== "service") throw new Error(route.page);
  nav.show(route, { decision: 1 });
  nav.show(route, { decision: 2 });
  nav.to({ page: "plans" });
  expect(written.slice(-2)).toEqual(["/services/shop?decision=2", "/plans"]);
  vi.advanceTimersByTime(1000);
  expect(written.at(-1)).toBe("/plans");
});
