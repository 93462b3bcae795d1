// Drawing on uPlot's canvas: colours of the theme, hatching, and the lines that are no series.

import type uPlot from "uplot";

/** A colour of tokens.css, as it is now. */
export function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/** Patterns by colour and size: a chart that moves is drawn sixty times a second. */
const patterns = new Map<string, CanvasPattern>();

/** Diagonal hatching in a colour of the theme. */
export function hatching(ctx: CanvasRenderingContext2D, name: string): CanvasPattern | string {
  const size = 8 * devicePixelRatio;
  const key = `${colour(name)} ${size}`;
  const known = patterns.get(key);
  if (known !== undefined) return known;
  const tile = document.createElement("canvas");
  tile.width = tile.height = size;
  const pen = tile.getContext("2d");
  if (pen === null) return "transparent";
  pen.strokeStyle = colour(name);
  pen.lineWidth = 1.2 * devicePixelRatio;
  pen.beginPath();
  // Three strokes, so that the tile joins its neighbours without a seam.
  for (const shift of [-size, 0, size]) {
    pen.moveTo(shift - 1, size + 1);
    pen.lineTo(shift + size + 1, -1);
  }
  pen.stroke();
  const made = ctx.createPattern(tile, "repeat");
  if (made === null) return "transparent";
  patterns.set(key, made);
  return made;
}

/** A vertical line with its name, for an instant. */
export interface Mark {
  atS: number;
  text: string;
  /** `now` is solid with its name to the right, `issued` dashed with its name to the left. */
  kind: "now" | "issued";
}

/** A horizontal line with its name, for a limit. */
export interface Rail {
  value: number;
  text: string;
  /** The right scale, else the left. */
  scale?: "y" | "share";
}

/** Hatches the stretches without data. */
export function drawGaps(u: uPlot, gaps: readonly [number, number][]): void {
  if (gaps.length === 0) return;
  const { ctx, bbox } = u;
  ctx.save();
  ctx.fillStyle = hatching(ctx, "hatch");
  for (const [from, to] of gaps) {
    const left = clamp(u.valToPos(from, "x", true), bbox.left, bbox.left + bbox.width);
    const right = clamp(u.valToPos(to, "x", true), bbox.left, bbox.left + bbox.width);
    if (right > left) ctx.fillRect(left, bbox.top, right - left, bbox.height);
  }
  ctx.restore();
}

export function drawMarks(u: uPlot, marks: readonly Mark[]): void {
  const { ctx, bbox } = u;
  const pixel = devicePixelRatio;
  ctx.save();
  ctx.font = `${12 * pixel}px ${getComputedStyle(u.root).fontFamily}`;
  ctx.textBaseline = "top";
  for (const mark of marks) {
    const x = Math.round(u.valToPos(mark.atS, "x", true));
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    const now = mark.kind === "now";
    ctx.strokeStyle = ctx.fillStyle = colour(now ? "text" : "forecast");
    ctx.lineWidth = (now ? 1.5 : 1) * pixel;
    ctx.setLineDash(now ? [] : [2 * pixel, 3 * pixel]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    const width = ctx.measureText(mark.text).width + 4 * pixel;
    const right = bbox.left + bbox.width;
    const toTheRight = now ? x + width < right : x - width < bbox.left;
    ctx.textAlign = toTheRight ? "left" : "right";
    // The names stand on two lines, so that they don't meet when both instants are close; on a narrow chart they end at its edge.
    const overhang = toTheRight ? Math.max(0, x + width - right) : 0;
    legible(ctx, mark.text, x + (toTheRight ? 4 : -4) * pixel - overhang, bbox.top + (now ? 2 : 18) * pixel);
  }
  ctx.restore();
}

export function drawRails(u: uPlot, rails: readonly Rail[]): void {
  const { ctx, bbox } = u;
  const pixel = devicePixelRatio;
  ctx.save();
  ctx.font = `${12 * pixel}px ${getComputedStyle(u.root).fontFamily}`;
  ctx.strokeStyle = ctx.fillStyle = colour("muted");
  ctx.lineWidth = pixel;
  for (const rail of rails) {
    const y = Math.round(u.valToPos(rail.value, rail.scale ?? "y", true));
    if (y < bbox.top - 1 || y > bbox.top + bbox.height + 1) continue;
    ctx.setLineDash([6 * pixel, 4 * pixel]);
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    const below = y - bbox.top < 18 * pixel;
    ctx.textBaseline = below ? "top" : "bottom";
    const right = rail.scale === "share";
    ctx.textAlign = right ? "right" : "left";
    legible(ctx, rail.text, right ? bbox.left + bbox.width - 4 * pixel : bbox.left + 4 * pixel, y + (below ? 2 : -2) * pixel);
  }
  ctx.restore();
}

/** Text on an edge of the page's ground, so that it is read where a line runs behind it. */
function legible(ctx: CanvasRenderingContext2D, text: string, x: number, y: number): void {
  const { strokeStyle, lineWidth } = ctx;
  ctx.strokeStyle = colour("ground");
  ctx.lineWidth = 4 * devicePixelRatio;
  ctx.lineJoin = "round";
  ctx.setLineDash([]);
  ctx.strokeText(text, x, y);
  ctx.fillText(text, x, y);
  Object.assign(ctx, { strokeStyle, lineWidth });
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
