// Server-sent events, read from a stream of text. Not EventSource: that can't be told where to go on, nor tell why it was refused.

export interface Frame {
  event: string;
  /** The id to go on after; null where the event has none. */
  id: string | null;
  data: string;
}

/** Puts events together from pieces of text, wherever they are cut. */
export class Frames {
  #rest = "";

  /** The events that are complete with this piece. */
  push(piece: string): Frame[] {
    const blocks = (this.#rest + piece).split("\n\n");
    this.#rest = blocks.pop() ?? "";
    return blocks.map(parse).filter((frame) => frame.data !== "");
  }
}

function parse(block: string): Frame {
  const frame: Frame = { event: "message", id: null, data: "" };
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    if (colon <= 0) continue;
    const value = line.slice(colon + 1).replace(/^ /, "");
    const field = line.slice(0, colon);
    if (field === "event") frame.event = value;
    else if (field === "id") frame.id = value;
    else if (field === "data") frame.data = frame.data === "" ? value : `${frame.data}\n${value}`;
  }
  return frame;
}

const FIRST_MS = 500;
const MOST_MS = 15_000;

/** How long to wait before attempt `attempt` (0, 1, …): twice as long each time, and up to half of it at random, so that a hundred pages
 * don't come back to a restarted server at once. `random` is in [0, 1). */
export function backOffMs(attempt: number, random: number): number {
  return Math.min(MOST_MS, FIRST_MS * 2 ** Math.min(attempt, 10)) * (1 - random / 2);
}
