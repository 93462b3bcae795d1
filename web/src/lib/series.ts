// Series for the charts. A gap is `null` and stays one: it is hatched or left open, never bridged.

/** Values at a regular step; times in seconds. */
export interface Regular {
  startS: number;
  stepS: number;
  values: readonly (number | null)[];
}

/** Values at given times (seconds, rising). */
export interface Points {
  times: readonly number[];
  values: readonly (number | null)[];
}

export function points(series: Regular): Points {
  return { times: series.values.map((_, i) => series.startS + i * series.stepS), values: series.values };
}

/** Stretches without data as [from, to] in seconds: each begins a step's half before its first hole and ends one behind its last. */
export function gaps(series: Regular): [number, number][] {
  const found: [number, number][] = [];
  let first = -1;
  series.values.forEach((value, i) => {
    if (value === null) {
      if (first < 0) first = i;
    } else if (first >= 0) {
      found.push(stretch(series, first, i - 1));
      first = -1;
    }
  });
  if (first >= 0) found.push(stretch(series, first, series.values.length - 1));
  return found;
}

function stretch(series: Regular, first: number, last: number): [number, number] {
  return [series.startS + (first - 0.5) * series.stepS, series.startS + (last + 0.5) * series.stepS];
}

export type Column = (number | null | undefined)[];

/**
 * Puts several lists of points on one rising list of times. `null` is a gap; `undefined` says only that a list has no point at that time,
 * which uPlot draws through.
 */
export function align(lists: readonly Points[]): { times: number[]; columns: Column[] } {
  const times = [...new Set(lists.flatMap((list) => [...list.times]))].sort((a, b) => a - b);
  const index = new Map(times.map((time, i) => [time, i]));
  const columns = lists.map((list) => {
    const column: Column = new Array<undefined>(times.length).fill(undefined);
    list.times.forEach((time, i) => {
      const at = index.get(time);
      if (at !== undefined) column[at] = list.values[i] ?? null;
    });
    return column;
  });
  return { times, columns };
}

/** Index of the first time that is not before `atS`. */
export function lowerBound(times: readonly number[], atS: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((times[middle] ?? Infinity) < atS) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The part inside of a window, and one point on each side, so that lines run to its edges. */
export function within({ times, values }: Points, [fromS, toS]: readonly [number, number]): Points {
  const first = Math.max(0, lowerBound(times, fromS) - 1);
  const last = Math.min(times.length, lowerBound(times, toS) + 1);
  return first === 0 && last === times.length ? { times, values } : { times: times.slice(first, last), values: values.slice(first, last) };
}

/**
 * The value that holds at an instant: the last one that is at most `reachS` older. Before the first one, the first, if it is at most so far
 * ahead: a forecast begins a step after its origin. What has no step (a plan) held nothing before it began. A gap is a gap.
 */
export function valueBehind({ times, values }: Points, atS: number, reachS: number): number | null {
  const after = lowerBound(times, atS + 1e-6);
  const time = times[Math.max(0, after - 1)];
  if (time === undefined || (after === 0 && !Number.isFinite(reachS))) return null;
  return Math.abs(atS - time) > reachS ? null : (values[Math.max(0, after - 1)] ?? null);
}

/**
 * At most `buckets` stretches, each with its lowest and highest value in their order, so that a peak of one minute survives a small chart.
 * A stretch of only holes stays a hole.
 */
export function decimate(list: Points, buckets: number): Points {
  const count = list.values.length;
  if (count <= buckets * 2) return list;
  const times: number[] = [];
  const values: (number | null)[] = [];
  for (let bucket = 0; bucket < buckets; bucket++) {
    const from = Math.floor((bucket * count) / buckets);
    const to = Math.floor(((bucket + 1) * count) / buckets);
    const [low, high] = extremes(list.values, from, to);
    if (low < 0) {
      times.push(list.times[from] ?? 0);
      values.push(null);
      continue;
    }
    for (const i of low === high ? [low] : [Math.min(low, high), Math.max(low, high)]) {
      times.push(list.times[i] ?? 0);
      values.push(list.values[i] ?? null);
    }
  }
  return { times, values };
}

function extremes(values: readonly (number | null)[], from: number, to: number): [number, number] {
  let low = -1;
  let high = -1;
  for (let i = from; i < to; i++) {
    const value = values[i];
    if (value === null || value === undefined) continue;
    if (low < 0 || value < (values[low] ?? 0)) low = i;
    if (high < 0 || value > (values[high] ?? 0)) high = i;
  }
  return [low, high];
}

/** Steps (each value holds from its time on) as points that end at `untilS`. */
export function steps(list: readonly { atS: number; value: number }[], untilS: number): Points {
  const rising = [...list].sort((a, b) => a.atS - b.atS);
  const last = rising.at(-1);
  const times = rising.map((step) => step.atS);
  const values = rising.map((step) => step.value);
  if (last && last.atS < untilS) {
    times.push(untilS);
    values.push(last.value);
  }
  return { times, values };
}
