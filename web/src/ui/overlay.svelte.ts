// What lies over the page: at most one at a time.

export type OverlayName = "palette" | "help" | "pause";

class Overlay {
  open = $state<OverlayName | null>(null);
}

export const overlay = new Overlay();
