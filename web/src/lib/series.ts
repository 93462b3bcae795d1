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

/** The value that holds at `index`: its own, or the one before it that is at most `backS` older. A gap in between is a gap. */
export function valueAt(times: readonly number[], column: Column, index: number, backS: number): number | null {
  const now = times[index];
  if (now === undefined) return null;
  for (let i = index; i >= 0; i--) {
    const time = times[i];
    if (time === undefined || now - time > backS) return null;
    const value = column[i];
    if (value !== undefined) return value;
  }
  return null;
}

/** As `valueAt`; where nothing is behind, the next value at most `stepS` ahead: a forecast's first point is a step after its origin. */
export function valueNear(times: readonly number[], column: Column, index: number, stepS: number): number | null {
  const behind = valueAt(times, column, index, stepS);
  const now = times[index];
  // What holds until it is changed (a plan) has no step, and held nothing before its first value.
  if (behind !== null || now === undefined || column[index] !== undefined || !Number.isFinite(stepS)) return behind;
  for (let i = index + 1; i < times.length; i++) {
    const time = times[i];
    if (time === undefined || time - now > stepS) return null;
    const value = column[i];
    if (value !== undefined) return value;
  }
  return null;
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
