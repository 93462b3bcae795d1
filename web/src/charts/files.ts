// A chart as files: its numbers, and its picture with title, read-out and ground.

import { csv } from "../lib/csv";
import { valueBehind } from "../lib/series";
import { isoLocal } from "../lib/time";
import { type ChartModel, grid } from "./model";
import { colour } from "./paint";

/** All values of the window, each time in UTC and in the zone that is shown. */
export function asCsv(model: ChartModel, zone: string): string {
  const { times } = grid(model);
  const [from, to] = model.windowS;
  const rows = times
    .filter((time) => time >= from && time <= to)
    .map((time) => [
      new Date(time * 1000).toISOString(),
      isoLocal(time * 1000, zone),
      ...model.lines.map(({ points, stepS }) => valueBehind(points, time, stepS)),
    ]);
  return csv([["time_utc", `time_${zone}`, ...model.lines.map(({ name }) => name)], ...rows]);
}

/** The canvas under a title, on the page's ground. */
export function asPng(canvas: HTMLCanvasElement, title: string): Promise<Blob | null> {
  const pixel = devicePixelRatio;
  const head = 32 * pixel;
  const sheet = document.createElement("canvas");
  sheet.width = canvas.width;
  sheet.height = canvas.height + head;
  const pen = sheet.getContext("2d");
  if (pen === null) return Promise.resolve(null);
  pen.fillStyle = colour("ground");
  pen.fillRect(0, 0, sheet.width, sheet.height);
  pen.fillStyle = colour("text");
  pen.font = `600 ${14 * pixel}px ${getComputedStyle(document.body).fontFamily}`;
  pen.textBaseline = "middle";
  pen.fillText(title, 8 * pixel, head / 2, sheet.width - 16 * pixel);
  pen.drawImage(canvas, 0, head);
  return new Promise((done) => sheet.toBlob(done, "image/png"));
}
