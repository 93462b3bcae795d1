// The route, tied to the browser's history.

import { type AnyGoal, href, parseRoute, type Route } from "./router";

class Nav {
  route = $state.raw<Route>(parseRoute(location.pathname, location.search));

  constructor() {
    addEventListener("popstate", () => this.#read());
  }

  #read(): void {
    this.route = parseRoute(location.pathname, location.search);
  }

  /** The zone that the address names; links carry it along. */
  get zone(): string {
    return this.route.page === "missing" ? "" : this.route.zone;
  }

  /** The address of a page. */
  href(goal: AnyGoal): string {
    return href({ zone: this.zone, ...goal });
  }

  /** Goes there. */
  to(goal: AnyGoal): void {
    history.pushState(null, "", this.href(goal));
    this.#read();
    scrollTo(0, 0);
  }

  /** Goes to an address of this page, in the place of where one is. */
  open(address: string): void {
    history.replaceState(null, "", address);
    this.#read();
  }

  /** Changes what the page shows, without a step in the history. */
  show<R extends Exclude<Route, { page: "missing" }>>(route: R, change: Partial<R>): void {
    history.replaceState(null, "", href({ ...route, ...change } as AnyGoal));
    this.#read();
  }

  /** For `onclick` of a real link: leaves new tabs and other buttons to the browser. */
  follow = (event: MouseEvent, goal: AnyGoal): void => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    this.to(goal);
  };
}

export const nav = new Nav();
