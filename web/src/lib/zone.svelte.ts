// The zone in which times are shown: the address names it, else the settings, else it is the browser's.

import { nav } from "./nav.svelte";
import { keep, stored } from "./stored";
import { clock, dayClock, full, isoLocal, isZone, parts, two, zoneName } from "./time";

const known = (text: string): text is string => isZone(text);

class Zone {
  /** The browser's own. */
  readonly browser = Intl.DateTimeFormat().resolvedOptions().timeZone;
  /** The one chosen in the settings; `null` follows the browser. */
  preferred = $state<string | null>(stored("zone", known));
  current = $derived(isZone(nav.zone) ? nav.zone : (this.preferred ?? this.browser));

  prefer(zone: string | null): void {
    this.preferred = zone;
    keep("zone", zone);
  }

  /** Names it in the address, unless it is what holds without. */
  show(zone: string): void {
    const route = nav.route;
    if (route.page !== "missing") nav.show(route, { zone: zone === (this.preferred ?? this.browser) ? "" : zone });
  }

  clock = (ms: number): string => clock(ms, this.current);
  dayClock = (ms: number): string => dayClock(ms, this.current);
  full = (ms: number): string => full(ms, this.current);
  iso = (ms: number): string => isoLocal(ms, this.current);
  /** Its short name at an instant. */
  name = (ms: number): string => zoneName(ms, this.current);
  /** `4 Jun 12:05:09 UTC`: the year goes without saying. */
  seconds = (ms: number): string => `${this.dayClock(ms)}:${two(parts(ms, this.current).second)} ${this.name(ms)}`;
  /** `4 Jun 12:05 UTC`. */
  stamp = (ms: number): string => `${this.dayClock(ms)} ${this.name(ms)}`;
  /** `12:05 UTC`. */
  time = (ms: number): string => `${this.clock(ms)} ${this.name(ms)}`;
}

export const zone = new Zone();
