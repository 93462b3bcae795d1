// Instants are epoch milliseconds inside the page and RFC 3339 on the wire. How they are shown depends on a zone, which is always named
// beside them; `zone.svelte.ts` knows the one that a person chose.

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DAY_S = 86_400;

/** RFC 3339 → epoch milliseconds. Throws on anything else, so that a bad time never becomes NaN on a chart. */
export function parseTime(text: string): number {
  const ms = /^-?\d{4,6}-\d\d-\d\dT/.test(text) ? Date.parse(text) : NaN;
  if (Number.isNaN(ms)) throw new Error(`not a time: ${text}`);
  return ms;
}

export const two = (n: number): string => String(n).padStart(2, "0");

interface Parts {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
}

const formats = new Map<string, Intl.DateTimeFormat>();

function format(zone: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${zone} ${options.timeZoneName ?? ""}`;
  const known = formats.get(key) ?? new Intl.DateTimeFormat("en-GB", { timeZone: zone, hourCycle: "h23", ...options });
  formats.set(key, known);
  return known;
}

/** Whether this browser knows a zone of this name (`UTC`, `Europe/Berlin`). */
export function isZone(zone: string): boolean {
  try {
    format(zone, {});
    return zone !== "";
  } catch {
    return false;
  }
}

/** An instant's calendar fields in a zone. */
export function parts(ms: number, zone: string): Parts {
  if (zone === "UTC") {
    const at = new Date(ms);
    return {
      year: at.getUTCFullYear(),
      month: at.getUTCMonth() + 1,
      day: at.getUTCDate(),
      hour: at.getUTCHours(),
      minute: at.getUTCMinutes(),
      second: at.getUTCSeconds(),
    };
  }
  const numeric = { year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric" } as const;
  const found = format(zone, numeric).formatToParts(ms);
  const part = (type: keyof Parts): number => Number(found.find((one) => one.type === type)?.value);
  return { year: part("year"), month: part("month"), day: part("day"), hour: part("hour"), minute: part("minute"), second: part("second") };
}

/** What a zone is called at an instant: `UTC`, `CEST`, `GMT+8`. */
export function zoneName(ms: number, zone: string): string {
  return format(zone, { timeZoneName: "short" }).formatToParts(ms).find((part) => part.type === "timeZoneName")?.value ?? zone;
}

/** `12:05`. */
export function clock(ms: number, zone: string): string {
  const { hour, minute } = parts(ms, zone);
  return `${two(hour)}:${two(minute)}`;
}

/** `4 Jun`. */
export function day(ms: number, zone: string): string {
  const at = parts(ms, zone);
  return `${at.day} ${MONTHS[at.month - 1]}`;
}

/** `4 Jun 12:05`; the zone is named by whoever shows it. */
export function dayClock(ms: number, zone: string): string {
  return `${day(ms, zone)} ${clock(ms, zone)}`;
}

/** `4 Jun 1998 12:05:09 UTC`. */
export function full(ms: number, zone: string): string {
  const { year, second } = parts(ms, zone);
  return `${day(ms, zone)} ${year} ${clock(ms, zone)}:${two(second)} ${zoneName(ms, zone)}`;
}

/** `1998-06-04T12:05:09`, without a zone: for a column whose head names it. */
export function isoLocal(ms: number, zone: string): string {
  const at = parts(ms, zone);
  return `${at.year}-${two(at.month)}-${two(at.day)}T${two(at.hour)}:${two(at.minute)}:${two(at.second)}`;
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

/** Labels of a time axis: hours where days don't matter, and the day below the first label and where it changes. */
export function axisLabels(splits: readonly number[], incrementS: number, zone: string): string[] {
  let shown = "";
  return splits.map((s) => {
    const ms = s * 1000;
    const today = day(ms, zone);
    if (incrementS >= DAY_S) return today;
    const label = today === shown ? clock(ms, zone) : `${clock(ms, zone)}\n${today}`;
    shown = today;
    return label;
  });
}
