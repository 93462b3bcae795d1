// Names beside points. Points that (nearly) cover each other get one name together, so that none is written over another.

export interface Placed {
  name: string;
  x: number;
  y: number;
}

export interface Name {
  names: string[];
  /** Where the text begins, or ends. */
  x: number;
  y: number;
  anchor: "start" | "end";
}

/** Points this close, in pixels, share their name. */
const CLOSE = 14;
/** From a point to its name. */
const GAP = 9;
/** A name takes about so much room. */
const ROOM = 44;

interface Cluster {
  names: string[];
  left: number;
  right: number;
  y: number;
}

export function named(points: readonly Placed[]): Name[] {
  const found: Cluster[] = [];
  for (const { name, x, y } of [...points].sort((a, b) => a.x - b.x)) {
    const near = found.find((one) => Math.abs(one.y - y) < CLOSE && x - one.right < CLOSE);
    if (near) Object.assign(near, { names: [...near.names, name], right: x });
    else found.push({ names: [name], left: x, right: x, y });
  }
  return found.map((one) => {
    // To the right, unless other points are there.
    const blocked = found.some(({ left, y }) => left > one.right && left - one.right < ROOM && Math.abs(y - one.y) < CLOSE);
    const sorted = one.names.sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
    return { names: sorted, y: one.y, ...(blocked ? { x: one.left - GAP, anchor: "end" } : { x: one.right + GAP, anchor: "start" }) };
  });
}
