// What the keys do to a window of time.

export type Window = readonly [number, number];

/** So much time is the least that is shown. */
const LEAST_S = 300;

/** Halves the window around an instant. */
export function closer([from, to]: Window, aroundS: number): Window {
  const half = Math.max(LEAST_S, (to - from) / 2) / 2;
  const middle = Math.min(to - half, Math.max(from + half, aroundS));
  return [middle - half, middle + half];
}

/** Doubles it, inside of all that there is; `null` when that is everything. */
export function wider([from, to]: Window, all: Window): Window | null {
  return inside([from - (to - from) / 2, to + (to - from) / 2], all);
}

/** Moves it by a part of its width; it stops at the edges of all that there is. */
export function moved([from, to]: Window, parts: number, all: Window): Window {
  const shift = Math.max(all[0] - from, Math.min(all[1] - to, (to - from) * parts));
  return [from + shift, to + shift];
}

/** Cut to all that there is; `null` when nothing is cut away of that, or too little is left. */
export function inside([from, to]: Window, all: Window): Window | null {
  const cut: Window = [Math.max(from, all[0]), Math.min(to, all[1])];
  return (cut[0] <= all[0] && cut[1] >= all[1]) || cut[1] - cut[0] < LEAST_S / 5 ? null : cut;
}
