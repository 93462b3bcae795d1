// The route, tied to the browser's history.

import { type AnyGoal, href, parseAddress, parseRoute, type Route } from "./router";

/**
 * The address is written at most this often: a browser ignores a page that writes it more than 200 times in 10 s (Chromium) or 100 times in 30 s
 * (Safari), as a key that is held down would.
 */
const WRITE_EVERY_MS = 320;

class Nav {
  route = $state.raw<Route>(parseRoute(location.pathname, location.search));
  /** What the address is to say, once it may be written again. */
  #unwritten: string | null = null;
  #resting: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    addEventListener("popstate", () => {
      this.#unwritten = null;
      this.#read();
    });
    addEventListener("pagehide", () => this.#write());
  }

  #read(): void {
    this.route = parseRoute(location.pathname, location.search);
  }

  #write(): void {
    if (this.#unwritten !== null) history.replaceState(null, "", this.#unwritten);
    this.#unwritten = null;
  }

  #writeSoon(): void {
    if (this.#resting !== undefined) return;
    this.#write();
    this.#resting = setTimeout(() => {
      this.#resting = undefined;
      if (this.#unwritten !== null) this.#writeSoon();
    }, WRITE_EVERY_MS);
  }

  /** The zone that the address names; links carry it along. */
  get zone(): string {
    return this.route.page === "missing" ? "" : this.route.zone;
  }

  /** Where one is, also when that isn't written yet. */
  get address(): string {
    return this.#unwritten ?? location.pathname + location.search;
  }

  /** The address of a page. */
  href(goal: AnyGoal): string {
    return href({ zone: this.zone, ...goal });
  }

  /** Goes there. */
  to(goal: AnyGoal): void {
    this.#write();
    history.pushState(null, "", this.href(goal));
    this.#read();
    scrollTo(0, 0);
  }

  /** Goes to an address of this page, in the place of where one is. */
  open(address: string): void {
    this.#unwritten = null;
    history.replaceState(null, "", address);
    this.#read();
  }

  /** Changes what the page shows, without a step in the history. */
  show<R extends Exclude<Route, { page: "missing" }>>(route: R, change: Partial<R>): void {
    const address = href({ ...route, ...change } as AnyGoal);
    this.route = parseAddress(address);
    this.#unwritten = address;
    this.#writeSoon();
  }

  /** For `onclick` of a real link: leaves new tabs and other buttons to the browser. */
  follow = (event: MouseEvent, goal: AnyGoal): void => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    this.to(goal);
  };
}

export const nav = new Nav();
