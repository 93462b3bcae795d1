// What each page is made of. The list of services comes with the first load, everything else when it is opened.

import type { Component } from "svelte";

import type { RouteOf } from "../lib/router";
import type { PageName } from "../lib/routes";
import Services from "./services/Services.svelte";

/** A page takes its route, or nothing. */
export type Page<P extends PageName> = Component<{ route: RouteOf<P> }> | Component<Record<string, never>>;
type Loaders = { [P in PageName]: () => Promise<{ default: Page<P> }> };

export const PAGES: Loaders = {
  services: () => Promise.resolve({ default: Services }),
  service: () => import("./service/Service.svelte"),
  "sign-in": () => import("./sign-in/SignIn.svelte"),
  plans: () => import("./plans/Plans.svelte"),
  policies: () => import("./policies/Policies.svelte"),
  audit: () => import("./audit/Audit.svelte"),
  settings: () => import("./settings/Settings.svelte"),
};
