// Something a person ordered. It is pending until the server acknowledged it, and never shown as done before.

import { ApiError } from "../api/client";

export class Action {
  /** What is being ordered, or null. */
  pending = $state<string | null>(null);
  error = $state<string | null>(null);

  /** Runs one order at a time; `what` names it. Resolves to whether it was acknowledged. */
  async run(what: string, order: () => Promise<unknown>): Promise<boolean> {
    if (this.pending !== null) return false;
    this.pending = what;
    this.error = null;
    try {
      await order();
      return true;
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      // Without an answer the order may or may not have arrived: say so instead of guessing.
      const unknown = cause instanceof ApiError && cause.problem === null ? "; it may or may not have arrived" : "";
      this.error = `${what}: ${why}${unknown}`;
      return false;
    } finally {
      this.pending = null;
    }
  }
}
