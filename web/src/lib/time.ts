// Instants are epoch milliseconds inside the page and RFC 3339 on the wire. Everything is shown in UTC, and says so.

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DAY_S = 86_400;

/** RFC 3339 → epoch milliseconds. Throws on anything else, so that a bad time never becomes NaN on a chart. */
export function parseTime(text: string): number {
  const ms = /^-?\d{4,6}-\d\d-\d\dT/.test(text) ? Date.parse(text) : NaN;
  if (Number.isNaN(ms)) throw new Error(`not a time: ${text}`);
  return ms;
}

const two = (n: number): string => String(n).padStart(2, "0");

/** `12:05`, in UTC. */
export function clock(ms: number): string {
  const at = new Date(ms);
  return `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}`;
}

/** `4 Jun`, in UTC. */
export function day(ms: number): string {
  const at = new Date(ms);
  return `${at.getUTCDate()} ${MONTHS[at.getUTCMonth()]}`;
}

/** `4 Jun 12:05`, in UTC; the zone is named by whoever shows it. */
export function dayClock(ms: number): string {
  return `${day(ms)} ${clock(ms)}`;
}

/** `4 Jun 1998 12:05:09 UTC`. */
export function full(ms: number): string {
  const at = new Date(ms);
  return `${day(ms)} ${at.getUTCFullYear()} ${clock(ms)}:${two(at.getUTCSeconds())} UTC`;
}

/** A length of time in at most two units: `42 s`, `3 min`, `2 h 5 min`, `9 d 4 h`. */
export function duration(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s} s`;
  const pairs: [number, string, number, string][] = [
    [DAY_S, "d", 3600, "h"],
    [3600, "h", 60, "min"],
    [60, "min", 1, "s"],
  ];
  for (const [big, bigName, small, smallName] of pairs) {
    if (s < big) continue;
    const rest = Math.floor((s % big) / small);
    // Ten minutes and more need no seconds.
    return rest === 0 || (big === 60 && s >= 600) ? `${Math.floor(s / big)} ${bigName}` : `${Math.floor(s / big)} ${bigName} ${rest} ${smallName}`;
  }
  return `${s} s`;
}

/** Labels of a time axis in UTC: hours where days don't matter, and the day below the first label and where it changes. */
export function axisLabels(splits: readonly number[], incrementS: number): string[] {
  let shown = "";
  return splits.map((s) => {
    const ms = s * 1000;
    const today = day(ms);
    if (incrementS >= DAY_S) return today;
    const label = today === shown ? clock(ms) : `${clock(ms)}\n${today}`;
    shown = today;
    return label;
  });
}
