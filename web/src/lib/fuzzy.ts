// Finds what a few typed letters mean: they must come in this order; the begin of a word and letters in a row count for more.

/** Higher is better; `null` = no match. Without a query everything matches alike. */
export function score(query: string, text: string): number | null {
  const wanted = query.toLowerCase().replaceAll(/\s+/g, "");
  const hay = text.toLowerCase();
  if (wanted === "") return 0;
  let best: number | null = null;
  // The first letter may stand in several places; the best way on from each counts.
  for (let start = hay.indexOf(wanted[0] ?? ""); start >= 0; start = hay.indexOf(wanted[0] ?? "", start + 1)) {
    const found = from(wanted, hay, start);
    if (found === null) break;
    if (best === null || found > best) best = found;
  }
  return best;
}

function from(wanted: string, hay: string, start: number): number | null {
  let sum = 0;
  let at = start;
  let last = -2;
  for (const letter of wanted) {
    const found = hay.indexOf(letter, at);
    if (found < 0) return null;
    const startsWord = found === 0 || !/[\p{L}\p{N}]/u.test(hay[found - 1] ?? "");
    sum += found === last + 1 ? 3 : startsWord ? 2 : 0;
    last = found;
    at = found + 1;
  }
  // Among equals, the shorter text and the earlier place.
  return sum - start / 100 - hay.length / 1000;
}

/** The matching ones, the best first; equals keep their order. */
export function ranked<T>(query: string, list: readonly T[], textOf: (item: T) => string): T[] {
  const found = list.flatMap((item) => {
    const points = score(query, textOf(item));
    return points === null ? [] : [{ item, points }];
  });
  return query.trim() === "" ? [...list] : found.sort((a, b) => b.points - a.points).map(({ item }) => item);
}
