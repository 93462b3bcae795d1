// The address holds what is shown: page, service, range, and the decision that is open. Pure; nav.svelte.ts ties it to the browser.

import { DEFAULT_RANGE, isRange, type RangeName } from "./ranges";

export type Route =
  | { page: "services" }
  | { page: "service"; name: string; range: RangeName; decision: number | null }
  | { page: "missing"; path: string };

export function parseRoute(path: string, search: string): Route {
  const parts = path.split("/").filter((part) => part !== "");
  if (parts.length === 0 || (parts.length === 1 && parts[0] === "services")) return { page: "services" };
  const [first, encoded] = parts;
  if (parts.length !== 2 || first !== "services" || encoded === undefined) return { page: "missing", path };
  const name = decoded(encoded);
  if (name === null) return { page: "missing", path };
  const query = new URLSearchParams(search);
  const range = query.get("range");
  const decision = query.get("decision");
  return {
    page: "service",
    name,
    range: range !== null && isRange(range) ? range : DEFAULT_RANGE,
    decision: decision !== null && /^\d{1,15}$/.test(decision) ? Number(decision) : null,
  };
}

function decoded(part: string): string | null {
  try {
    return decodeURIComponent(part);
  } catch {
    return null;
  }
}

/** The address of a route; `parseRoute` turns it back into the same route. */
export function href(route: Route): string {
  if (route.page === "services") return "/";
  if (route.page === "missing") return route.path;
  const query = new URLSearchParams();
  if (route.range !== DEFAULT_RANGE) query.set("range", route.range);
  if (route.decision !== null) query.set("decision", String(route.decision));
  const text = query.toString();
  return `/services/${encodeURIComponent(route.name)}${text === "" ? "" : `?${text}`}`;
}
