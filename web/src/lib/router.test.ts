import { expect, test } from "vitest";

import { href, parseRoute, type Route } from "./router";

const parse = (address: string): Route => {
  const url = new URL(address, "http://127.0.0.1:8080");
  return parseRoute(url.pathname, url.search);
};

test("an address and its route say the same", () => {
  const routes: Route[] = [
    { page: "services" },
    { page: "service", name: "chat-api", range: "6h", decision: null },
    { page: "service", name: "a/b ?&#%ü.api", range: "14d", decision: 4711 },
  ];
  for (const route of routes) expect(parse(href(route))).toEqual(route);
});

test("defaults stay out of the address", () => {
  expect(href({ page: "service", name: "chat", range: "6h", decision: null })).toBe("/services/chat");
  expect(href({ page: "service", name: "chat", range: "1h", decision: 7 })).toBe("/services/chat?range=1h&decision=7");
});

test("a range or decision that doesn't exist falls back instead of failing", () => {
  for (const bad of ["?range=9y", "?range=toString", "?decision=-1", "?decision=1e9", "?range="]) {
    expect(parse(`/services/chat${bad}`), bad).toEqual({ page: "service", name: "chat", range: "6h", decision: null });
  }
});

test("an unknown address is missing and not the list", () => {
  for (const path of ["/plans", "/services/a/b", "/services/%E0%A4%A"]) expect(parseRoute(path, "").page, path).toBe("missing");
  for (const path of ["/", "/services", "/services/"]) expect(parse(path)).toEqual({ page: "services" });
});
