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
  const times: number[] = [];
  const columns: Column[] = lists.map(() => []);
  const heads = lists.map(() => 0);
  // Plain loops: this is done for every frame in which a chart moves.
  for (;;) {
    let next = Infinity;
    for (let i = 0; i < lists.length; i++) next = Math.min(next, lists[i]?.times[heads[i] ?? 0] ?? Infinity);
    if (next === Infinity) break;
    times.push(next);
    for (let i = 0; i < lists.length; i++) {
      const head = heads[i] ?? 0;
      const here = lists[i]?.times[head] === next;
      columns[i]?.push(here ? (lists[i]?.values[head] ?? null) : undefined);
      if (here) heads[i] = head + 1;
    }
  }
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
  return stretches(list, buckets, (bucket) => Math.floor((bucket * count) / buckets));
}

/** Of each list, what was made of it: it outlives every window that is shown of it. */
const made = new WeakMap<Points, Map<number, Points>>();

/**
 * The part inside of a window, no finer than `pixels` can show: about one stretch a pixel (a power of two of points), as `decimate` makes them.
 * They begin at the same points whatever the window is, so a chart that is moved doesn't flicker, and moving it costs what is seen and not what
 * there is.
 */
export function visible(list: Points, window: readonly [number, number], pixels: number): Points {
  const count = lowerBound(list.times, window[1]) - lowerBound(list.times, window[0]);
  const size = 2 ** Math.round(Math.log2(Math.max(1, count / pixels)));
  // Two points of a stretch of two are no fewer.
  return within(size < 4 ? list : coarse(list, size), window);
}

function coarse(list: Points, size: number): Points {
  const ofList = made.get(list) ?? new Map<number, Points>();
  made.set(list, ofList);
  const found = ofList.get(size) ?? stretches(list, Math.ceil(list.values.length / size), (bucket) => Math.min(list.values.length, bucket * size));
  ofList.set(size, found);
  return found;
}

/** The extremes of so many stretches; `begin` says where each starts, and where the last one ends. */
function stretches(list: Points, buckets: number, begin: (bucket: number) => number): Points {
  const times: number[] = [];
  const values: (number | null)[] = [];
  for (let bucket = 0; bucket < buckets; bucket++) {
    const from = begin(bucket);
    const [low, high] = extremes(list.values, from, begin(bucket + 1));
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
