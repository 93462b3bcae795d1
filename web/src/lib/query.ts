// What an address may hold beside its path: each field says how it is read, how it is written, and what holds without it. A value that
// doesn't exist falls back to the default instead of failing, since addresses are typed, cut and mailed by people.

import { parseTime } from "./time";

export interface Field<T> {
  /** What holds when the address doesn't say. It stays out of the address. */
  fallback: T;
  /** The value, or `undefined` when the text is none. */
  read: (text: string) => T | undefined;
  write: (value: T) => string;
}

export type Fields = Record<string, Field<never>>;
export type Values<F> = { [K in keyof F]: F[K] extends Field<infer T> ? T : never };

/** One of a few names. */
export function oneOf<const T extends string>(names: readonly T[]): Field<T | null>;
export function oneOf<const T extends string>(names: readonly T[], fallback: T): Field<T>;
export function oneOf<const T extends string>(names: readonly T[], fallback: T | null = null): Field<T | null> {
  return { fallback, read: (text) => names.find((name) => name === text), write: (value) => value ?? "" };
}

/** Free text, at most 200 characters. */
export const text: Field<string> = { fallback: "", read: (value) => value.slice(0, 200), write: (value) => value };

/** What is asked of the simulator, as JSON; read by pages/simulate/ask.ts. */
export const request: Field<string> = { fallback: "", read: (value) => (value.length <= 4000 ? value : undefined), write: (value) => value };

/** An address inside of this page, to return to. Anything else would let a link lead people elsewhere after they signed in. */
export const inside: Field<string> = {
  fallback: "/",
  read: (value) => (/^\/(?![/\\])[^\\\s]{0,2000}$/.test(value) ? value : undefined),
  write: (value) => value,
};

export const flag: Field<boolean> = { fallback: false, read: (value) => (value === "1" ? true : undefined), write: () => "1" };

/** A decision's, a run's or an entry's number. */
export const id: Field<number | null> = {
  fallback: null,
  read: (value) => (/^\d{1,15}$/.test(value) ? Number(value) : undefined),
  write: String,
};

/** An instant in epoch milliseconds, RFC 3339 in the address. */
export const instant: Field<number | null> = {
  fallback: null,
  read: (value) => {
    try {
      return parseTime(value);
    } catch {
      return undefined;
    }
  },
  write: (ms) => (ms === null ? "" : new Date(ms).toISOString().replace(".000Z", "Z")),
};

/** A stretch of time, `from~to`. */
export const span: Field<readonly [number, number] | null> = {
  fallback: null,
  read: (value) => {
    const [from, to, more] = value.split("~").map((part) => instant.read(part) ?? null);
    return from != null && to != null && more === undefined && from < to ? [from, to] : undefined;
  },
  write: (value) => (value === null ? "" : value.map((ms) => instant.write(ms)).join("~")),
};

export function readFields<F>(fields: F, query: URLSearchParams): Values<F> {
  const entries = Object.entries(fields as Record<string, Field<unknown>>).map(([name, field]) => {
    const given = query.get(name);
    return [name, (given === null ? undefined : field.read(given)) ?? field.fallback];
  });
  return Object.fromEntries(entries) as Values<F>;
}

export function writeFields<F>(fields: F, values: Values<F>): URLSearchParams {
  const query = new URLSearchParams();
  for (const [name, field] of Object.entries(fields as Record<string, Field<unknown>>)) {
    const value = (values as Record<string, unknown>)[name];
    if (value !== undefined && value !== field.fallback) query.set(name, field.write(value));
  }
  return query;
}
