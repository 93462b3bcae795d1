// Between an address and what it shows. Pure; nav.svelte.ts ties it to the browser.

import { readFields, type Values, writeFields } from "./query";
import { ALIASES, type PageName, ROUTES } from "./routes";

/** The parts of a path that a colon marks, `/services/:name` → `name`. */
type Parts<P extends string> = P extends `${infer Head}/${infer Tail}` ? Parts<Head> | Parts<Tail> : P extends `:${infer Name}` ? Name : never;
type Of<P extends PageName> = { page: P } & Record<Parts<(typeof ROUTES)[P]["path"]>, string> & Values<(typeof ROUTES)[P]["fields"]>;

export type RouteOf<P extends PageName> = { [K in keyof Of<P>]: Of<P>[K] };
export type Missing = { page: "missing"; path: string };
export type Route = { [P in PageName]: RouteOf<P> }[PageName] | Missing;

/** What must be said of a page to go there; all else is at its default. */
export type Goal<P extends PageName> = { page: P } & Record<Parts<(typeof ROUTES)[P]["path"]>, string> & Partial<Values<(typeof ROUTES)[P]["fields"]>>;
export type AnyGoal = { [P in PageName]: Goal<P> }[PageName];

const split = (path: string): string[] => path.split("/").filter((part) => part !== "");

export function parseRoute(path: string, search: string): Route {
  const trimmed = `/${split(path).join("/")}`;
  const parts = split(ALIASES[trimmed] ?? trimmed);
  const query = new URLSearchParams(search);
  for (const [page, { path: pattern, fields }] of Object.entries(ROUTES)) {
    const named = match(split(pattern), parts);
    if (named !== null) return { page, ...named, ...readFields(fields, query) } as Route;
  }
  return { page: "missing", path };
}

/** As `parseRoute`, of path and query in one. */
export function parseAddress(address: string): Route {
  const at = address.indexOf("?");
  return at < 0 ? parseRoute(address, "") : parseRoute(address.slice(0, at), address.slice(at));
}

function match(pattern: string[], parts: string[]): Record<string, string> | null {
  if (pattern.length !== parts.length) return null;
  const named: Record<string, string> = {};
  for (const [i, expected] of pattern.entries()) {
    const part = parts[i] ?? "";
    if (expected.startsWith(":")) {
      const value = decoded(part);
      if (value === null) return null;
      named[expected.slice(1)] = value;
    } else if (expected !== part) return null;
  }
  return named;
}

function decoded(part: string): string | null {
  try {
    return decodeURIComponent(part);
  } catch {
    return null;
  }
}

/** The address; `parseRoute` turns it back into the same route. */
export function href(goal: AnyGoal | Missing): string {
  if (goal.page === "missing") return goal.path;
  const { path: pattern, fields } = ROUTES[goal.page];
  const values = goal as unknown as Record<string, string>;
  const path = split(pattern).map((part) => (part.startsWith(":") ? encodeURIComponent(values[part.slice(1)] ?? "") : part));
  const query = writeFields(fields, values as never).toString();
  return `/${path.join("/")}${query === "" ? "" : `?${query}`}`;
}
