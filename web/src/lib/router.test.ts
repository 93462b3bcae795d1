import { expect, test } from "vitest";

import { type AnyGoal, href, parseRoute, type Route } from "./router";
import { NAVIGATION, ROUTES } from "./routes";

const parse = (address: string): Route => {
  const url = new URL(address, "http://127.0.0.1:8080");
  return parseRoute(url.pathname, url.search);
};

const SERVICE = { page: "service", name: "chat", zone: "", range: "6h", zoom: null, at: null, decision: null } as const;

test("an address and its route say the same", () => {
  const routes: Route[] = [
    { page: "services", zone: "Europe/Berlin", text: "a b&c", mode: "approve", attention: true },
    { ...SERVICE, name: "a/b ?&#%ü.api", range: "14d", decision: 4711, at: 1e12, zoom: [9e11, 9.1e11 + 500] },
  ];
  for (const route of routes) expect(parse(href(route as AnyGoal))).toEqual(route);
});

test("what is not said is at its default, and defaults stay out of the address", () => {
  expect(href({ page: "service", name: "chat" })).toBe("/services/chat");
  expect(href({ page: "service", name: "chat", range: "6h", decision: null })).toBe("/services/chat");
  expect(href({ page: "service", name: "chat", range: "1h", decision: 7 })).toBe("/services/chat?range=1h&decision=7");
  expect(parse("/services/chat")).toEqual(SERVICE);
});

test("a value that doesn't exist falls back instead of failing", () => {
  for (const bad of ["range=9y", "range=toString", "decision=-1", "decision=1e9", "range=", "at=yesterday", "zoom=1~2", "zoom=2000-01-02T00:00Z~2000-01-01T00:00Z"]) {
    expect(parse(`/services/chat?${bad}`), bad).toEqual(SERVICE);
  }
});

test("a link to the sign-in leads nowhere else afterwards", () => {
  const to = (address: string) => parse(`/sign-in?to=${encodeURIComponent(address)}`);
  expect(to("/services/chat?range=1h&zoom=a~b")).toMatchObject({ to: "/services/chat?range=1h&zoom=a~b" });
  for (const elsewhere of ["https://evil.example", "//evil.example", "/\\evil.example", "evil", "/a\nb", "/a\\b"]) expect(to(elsewhere), elsewhere).toMatchObject({ to: "/" });
});

test("an unknown address is missing and not the list", () => {
  for (const path of ["/plants", "/services/a/b", "/services/%E0%A4%A"]) expect(parseRoute(path, "").page, path).toBe("missing");
  for (const path of ["/", "/services", "/services/"]) expect(parse(path).page, path).toBe("services");
});

test("every page of the navigation is an address without parts to fill in", () => {
  for (const page of NAVIGATION) expect(parse(ROUTES[page].path).page).toBe(page);
});
