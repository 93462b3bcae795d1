// The pages: their addresses and what each address may hold. A new page is a line here and one in pages/index.ts.

import { flag, id, inside, instant, oneOf, span, text } from "./query";
import { DEFAULT_RANGE, RANGE_NAMES } from "./ranges";

/** In which zone times are shown; without it, the one chosen in the settings. Every page has it, and links carry it along. */
const zone = text;

export const MODES = ["observe", "recommend", "approve", "automatic"] as const;

export const ROUTES = {
  services: { path: "/", title: "Services", fields: { zone, text, mode: oneOf(MODES), attention: flag } },
  service: {
    path: "/services/:name",
    title: "Service",
    fields: {
      zone,
      range: oneOf(RANGE_NAMES, DEFAULT_RANGE),
      /** Zoomed in on. */
      zoom: span,
      /** The forecast as of then, instead of the newest. */
      at: instant,
      /** The decision that is open. */
      decision: id,
    },
  },
  "sign-in": { path: "/sign-in", title: "Sign in", fields: { zone, to: inside } },
  plans: { path: "/plans", title: "Plans", fields: { zone, text, ahead: oneOf(["3h", "6h", "12h", "24h"], "12h"), open: text } },
  policies: { path: "/policies", title: "Policies", fields: { zone, service: text } },
  audit: { path: "/audit", title: "Audit", fields: { zone, service: text, who: text, kind: text, before: id } },
  settings: { path: "/settings", title: "Settings", fields: { zone } },
} as const;

export type PageName = keyof typeof ROUTES;

/** The pages of the navigation, in its order. */
export const NAVIGATION = ["services", "plans", "policies", "audit", "settings"] as const satisfies PageName[];

/** Addresses that people type, too. */
export const ALIASES: Record<string, string> = { "/services": "/" };
