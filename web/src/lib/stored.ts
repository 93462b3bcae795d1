// Choices that are kept in this browser. Where storage is switched off, a choice holds for this page only.

export function stored<T extends string>(key: string, allowed: (text: string) => text is T): T | null {
  try {
    const text = localStorage.getItem(`prescale.${key}`);
    return text !== null && allowed(text) ? text : null;
  } catch {
    return null;
  }
}

/** Keeps a choice; `null` forgets it. */
export function keep(key: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(`prescale.${key}`);
    else localStorage.setItem(`prescale.${key}`, value);
  } catch {
    // See above.
  }
}
