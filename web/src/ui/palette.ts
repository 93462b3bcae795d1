// What the palette offers: services, pages, actions.

import { overview } from "../api/overview.svelte";
import { nav } from "../lib/nav.svelte";
import { NAVIGATION, ROUTES } from "../lib/routes";
import { theme, THEMES } from "../lib/theme.svelte";
import { zone } from "../lib/zone.svelte";
import { overlay } from "./overlay.svelte";

export interface Item {
  kind: "service" | "page" | "action";
  text: string;
  run: () => void;
}

export function items(): Item[] {
  const services = (overview.data?.services ?? []).map(
    ({ name }): Item => ({ kind: "service", text: name, run: () => nav.to({ page: "service", name }) }),
  );
  const pages = NAVIGATION.map((page): Item => ({ kind: "page", text: ROUTES[page].title, run: () => nav.to({ page }) }));
  const themes = THEMES.filter((choice) => choice !== theme.choice).map(
    (choice): Item => ({ kind: "action", text: `Theme: ${choice}`, run: () => theme.choose(choice) }),
  );
  return [
    ...services,
    ...pages,
    { kind: "action", text: overview.data?.paused ? "Resume all services" : "Pause all services", run: () => (overlay.open = "pause") },
    { kind: "action", text: "Times in UTC", run: () => zone.show("UTC") },
    { kind: "action", text: `Times in this browser's zone (${zone.browser})`, run: () => zone.show(zone.browser) },
    ...themes,
    { kind: "action", text: "Help: all keys", run: () => (overlay.open = "help") },
  ];
}
