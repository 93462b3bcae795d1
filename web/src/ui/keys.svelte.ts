// The keys that work everywhere. Those that are a single character can be switched off (settings): speech input and cats press them, too.

import { keep, stored } from "../lib/stored";
import { overlay } from "./overlay.svelte";

export interface Key {
  keys: string[];
  what: string;
}

/** For the help. */
export const PAGE_KEYS: Key[] = [
  { keys: ["Ctrl", "K"], what: "Find a service, a page or an action" },
  { keys: ["Shift", "P"], what: "Pause or resume all services; Enter confirms" },
  { keys: ["?"], what: "This help" },
  { keys: ["Esc"], what: "Close what is open" },
];

export const CHART_KEYS: Key[] = [
  { keys: ["←", "→"], what: "Move the crosshair of all charts" },
  { keys: ["Page Up", "Page Down"], what: "Move it by sixty points" },
  { keys: ["Home", "End"], what: "To the first or last point" },
  { keys: ["Shift", "↑"], what: "Zoom in around the crosshair" },
  { keys: ["Shift", "↓"], what: "Zoom out" },
  { keys: ["Shift", "←"], what: "Earlier" },
  { keys: ["Shift", "→"], what: "Later" },
  { keys: ["Esc"], what: "Back to now, and to the whole range" },
];

const isOff = (text: string): text is "off" => text === "off";

class Keys {
  /** Whether single characters work. */
  single = $state(stored("keys", isOff) === null);

  choose(single: boolean): void {
    this.single = single;
    keep("keys", single ? null : "off");
  }

  /** For `onkeydown` of the window. */
  press = (event: KeyboardEvent): void => {
    if (event.defaultPrevented || event.altKey) return;
    const name = event.key.toLowerCase();
    if ((event.ctrlKey || event.metaKey) && name === "k") {
      event.preventDefault();
      overlay.open = overlay.open === "palette" ? null : "palette";
      return;
    }
    if (!this.single || event.ctrlKey || event.metaKey || overlay.open !== null || isTyping(event.target) || event.repeat) return;
    if (name === "p" && event.shiftKey) overlay.open = "pause";
    else if (event.key === "?") overlay.open = "help";
    else return;
    event.preventDefault();
  };
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || target.closest("input, textarea, select, dialog") !== null);
}

export const keys = new Keys();
