// The route, tied to the browser's history.

import { href, parseRoute, type Route } from "./router";

class Nav {
  route = $state.raw<Route>(parseRoute(location.pathname, location.search));

  constructor() {
    addEventListener("popstate", () => this.#read());
  }

  #read(): void {
    this.route = parseRoute(location.pathname, location.search);
  }

  /** Goes there; with `replace`, without a step in the history. */
  to(route: Route, replace = false): void {
    const address = href(route);
    if (replace) history.replaceState(null, "", address);
    else history.pushState(null, "", address);
    this.#read();
    if (!replace) scrollTo(0, 0);
  }

  /** For `onclick` of a real link: leaves new tabs and other buttons to the browser. */
  follow = (event: MouseEvent, route: Route): void => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    this.to(route);
  };
}

export const nav = new Nav();
