// A chart model as uPlot wants it.

import uPlot from "uplot";

import { axisLabels } from "../lib/time";
import { type ChartModel, type Grid, type Look, percentage, type Scale, top } from "./model";
import { colour, drawGaps, drawMarks, drawRails, hatching } from "./paint";

const STROKES: Record<Look, { colour: string; width: number; dash?: number[] }> = {
  actual: { colour: "actual", width: 2 },
  forecast: { colour: "forecast", width: 2, dash: [7, 4] },
  planned: { colour: "planned", width: 2 },
  ordered: { colour: "planned", width: 1, dash: [3, 3] },
  errors: { colour: "breach", width: 1.5, dash: [2, 3] },
  edge: { colour: "band-90", width: 0 },
};

export interface Wiring {
  /** Charts of one key share crosshair and zoom. */
  syncKey: string;
  zone: string;
  /** The model of now: it changes often, the chart is made once. */
  model: () => ChartModel;
  /** What of it is drawn. */
  grid: () => Grid;
  onhover: (index: number | null) => void;
  onzoom: (fromS: number, toS: number) => void;
}

/** When this changes, the chart must be made anew. */
export function structure({ lines, bands, unit }: ChartModel, zone: string): string {
  return JSON.stringify([lines.map(({ name, look, stepped, scale }) => [name, look, stepped, scale]), bands, unit, zone]);
}

export function options(width: number, height: number, { syncKey, zone, model, grid, onhover, onzoom }: Wiring): uPlot.Options {
  const first = model();
  const shares = first.lines.some(({ scale }) => scale === "share");
  const line = { stroke: () => colour("grid"), width: 1 };
  const axis = { stroke: () => colour("muted"), font: `12px ${getComputedStyle(document.body).fontFamily}`, grid: line, ticks: line };
  const range = (scale: Scale) => () => [0, top(model(), grid(), scale)] as [number, number];
  return {
    width,
    height,
    tzDate: (s) => uPlot.tzDate(new Date(s * 1000), zone),
    legend: { show: false },
    // Charts one above the other have the same width between their axes, so that the same instant is at the same place.
    padding: [8, shares ? 0 : AXIS, 0, 0],
    cursor: { sync: { key: syncKey, scales: ["x", null] }, drag: { x: true, y: false, setScale: false, dist: 8 }, points: { show: false } },
    scales: { x: { time: true }, y: { range: range("y") }, ...(shares ? { share: { range: range("share") } } : {}) },
    axes: [
      { ...axis, space: 64, size: 46, values: (_u, splits, _i, _space, increment) => axisLabels(splits, increment, zone) },
      { ...axis, size: AXIS, space: 36, values: (_u, splits) => splits.map((value) => model().tick(value)) },
      ...(shares ? [{ ...axis, scale: "share", side: 1, size: AXIS, space: 36, grid: { show: false }, values: (_u: uPlot, splits: number[]) => splits.map(percentage) }] : []),
    ],
    series: [{}, ...first.lines.map((_, i) => series(i, model))],
    bands: first.bands.map(({ high, low, fill }) => ({
      series: [high + 1, low + 1] as [number, number],
      // uPlot's types know only strings here; a pattern is a fill style like any other.
      fill: ((u: uPlot) => (fill === "booting" ? hatching(u.ctx, "planned") : colour(fill))) as unknown as () => string,
    })),
    hooks: {
      drawAxes: [(u) => drawGaps(u, model().gaps)],
      draw: [
        (u) => {
          drawRails(u, model().rails);
          drawMarks(u, model().marks);
        },
      ],
      setCursor: [(u) => onhover(u.cursor.idx ?? null)],
      setSelect: [
        (u) => {
          const { left, width: wide } = u.select;
          // The charts in step get the same selection; only the one under the pointer speaks for all.
          if (wide > 0 && u.cursor.event !== undefined && u.root.matches(":hover")) onzoom(u.posToVal(left, "x"), u.posToVal(left + wide, "x"));
          u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        },
      ],
    },
  };
}

/** Width of a vertical axis. */
const AXIS = 52;

function series(index: number, model: () => ChartModel): uPlot.Series {
  const line = model().lines[index];
  const { colour: name, width, dash } = STROKES[line?.look ?? "actual"];
  const paths = uPlot.paths.stepped?.({ align: 1 });
  return {
    label: line?.name ?? "",
    scale: line?.scale ?? "y",
    width,
    stroke: () => colour(name),
    spanGaps: false,
    ...(dash ? { dash } : {}),
    ...(line?.stepped && paths ? { paths } : {}),
    // A value alone between two gaps has no line; a dot shows it.
    points: { show: false, size: 4, ...(line?.look === "actual" && !line.stepped ? { filter: (u: uPlot) => alone(u.data[index + 1] ?? []) } : {}) },
  };
}

/** Indices of values between two holes. */
function alone(column: ArrayLike<number | null | undefined>): number[] | null {
  const found: number[] = [];
  for (let i = 1; i < column.length - 1; i++) {
    const known = column[i] !== null && column[i] !== undefined;
    if (known && column[i - 1] === null && column[i + 1] === null) found.push(i);
  }
  return found.length > 0 ? found : null;
}
