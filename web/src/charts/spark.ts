// A sparkline as SVG paths: holes stay open.

import { decimate, type Points, points, type Regular } from "../lib/series";

export interface Spark {
  past: string;
  future: string;
  /** Where the past ends, in the same units. */
  nowX: number;
}

/** Paths in a box of `width` × `height`; `future` goes on where `past` ends. */
export function spark(past: Regular, future: readonly (number | null)[], width: number, height: number): Spark {
  const total = past.values.length + future.length;
  const ahead: Regular = { startS: past.startS + past.values.length * past.stepS, stepS: past.stepS, values: future };
  const high = Math.max(1e-9, ...[...past.values, ...future].map((value) => value ?? 0));
  const spanS = Math.max(1, (total - 1) * past.stepS);
  const x = (time: number) => ((time - past.startS) / spanS) * width;
  const y = (value: number) => height - 1 - (value / high) * (height - 2);
  const bucketsOf = (values: readonly unknown[]) => Math.max(1, Math.round((values.length / Math.max(1, total)) * width));
  const path = (list: Points) => {
    let pen = false;
    let text = "";
    list.values.forEach((value, i) => {
      if (value !== null) text += `${pen ? "L" : "M"}${x(list.times[i] ?? 0).toFixed(1)} ${y(value).toFixed(1)}`;
      pen = value !== null;
    });
    return text;
  };
  return {
    past: path(decimate(points(past), bucketsOf(past.values))),
    future: path(decimate(points(ahead), bucketsOf(future))),
    nowX: past.values.length === 0 ? 0 : x(ahead.startS - past.stepS),
  };
}
