// Numbers as text. What is not known is a dash, never a zero.

export const UNKNOWN = "–";

/** Three significant digits, with k and M: `0.42`, `118`, `1.24 k`. */
export function number(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return UNKNOWN;
  const size = Math.abs(value);
  if (size >= 999_500) return `${three(value / 1e6)} M`;
  if (size >= 9_995) return `${three(value / 1e3)} k`;
  if (size >= 100) return String(Math.round(value));
  return three(value);
}

function three(value: number): string {
  // Number() drops the trailing zeros that toPrecision keeps.
  return String(Number(value.toPrecision(3)));
}

/** `118 req/s`. */
export function rps(value: number | null | undefined): string {
  const text = number(value);
  return text === UNKNOWN ? text : `${text} req/s`;
}

/** A share of 1 as percent: `0.1 %`. */
export function percent(share: number | null | undefined): string {
  const text = number(share === null || share === undefined ? null : share * 100);
  return text === UNKNOWN ? text : `${text} %`;
}

/** `250 ms`. */
export function milliseconds(value: number | null | undefined): string {
  const text = number(value);
  return text === UNKNOWN ? text : `${text} ms`;
}

/** `1 replica`, `3 replicas`. */
export function replicas(count: number | null | undefined): string {
  if (count === null || count === undefined) return `${UNKNOWN} replicas`;
  return count === 1 ? "1 replica" : `${count} replicas`;
}
