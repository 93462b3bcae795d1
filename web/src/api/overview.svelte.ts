// The list of services, kept by the server's events: every page needs it, for the global pause, the clock and the connection.
//
// What an event doesn't touch stays the very same object, so that nothing is drawn anew but what changed.

import { api, type Beat, type Change, type Overview, type ServiceChange, type ServiceSummary } from "./client";
import { Stream } from "./stream.svelte";

/** What is known after a change. */
export function changed(before: Overview, change: Change): Overview {
  const paused = "paused" in change ? (change.paused ?? null) : before.paused;
  const store_error = "store_error" in change ? (change.store_error ?? null) : before.store_error;
  const after = { ...before, now: change.now, paused, store_error };
  if (change.services.length === 0 && change.removed.length === 0) return after;
  const removed = new Set(change.removed);
  const byName = new Map<string, ServiceChange>(change.services.map((service) => [service.name, service]));
  after.services = before.services
    .filter(({ name }) => !removed.has(name))
    .map((service) => {
      const news = byName.get(service.name);
      byName.delete(service.name);
      return news === undefined ? service : ({ ...service, ...news } as ServiceSummary);
    });
  if (byName.size > 0) {
    // New ones have all fields. The list is sorted as the server sorts it: by the characters' codes.
    after.services = [...after.services, ...([...byName.values()] as ServiceSummary[])].sort((a, b) => (a.name < b.name ? -1 : 1));
  }
  return after;
}

class LiveOverview {
  data = $state.raw<Overview | null>(null);
  /** How often something was journalled about a service since this page is open. */
  #journalled = $state.raw<ReadonlyMap<string, number>>(new Map());

  readonly stream = new Stream(({ event, data }) => this.take(event, JSON.parse(data)));

  /** Takes an event. Those of a kind that this page doesn't know are none of its business. */
  take(event: string, data: unknown): void {
    if (event === "reset") {
      this.data = data as Overview;
      this.#count(this.data.services.map(({ name }) => name));
    } else if (this.data !== null && event === "change") {
      this.data = changed(this.data, data as Change);
      this.#count((data as Change).journalled);
    } else if (this.data !== null && event === "beat") {
      this.data = { ...this.data, now: (data as Beat).now };
    }
  }

  get ageS(): number | null {
    return this.stream.ageS;
  }

  get stale(): boolean {
    return this.stream.stale;
  }

  get error() {
    return this.stream.error;
  }

  #count(names: readonly string[]): void {
    if (names.length === 0) return;
    const counts = new Map(this.#journalled);
    for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
    this.#journalled = counts;
  }

  /** Another value whenever something happened to this service. */
  news(name: string): { summary: ServiceSummary | undefined; journalled: number } {
    return { summary: this.data?.services.find((service) => service.name === name), journalled: this.#journalled.get(name) ?? 0 };
  }

  start(): () => void {
    return this.stream.start();
  }

  /** For after an order: asks for everything once, if no event will tell its effect. */
  async refresh(): Promise<void> {
    if (this.stream.state === "live") return;
    try {
      this.data = await api.overview();
    } catch {
      // The order itself was answered, and the connection says by itself that it is gone.
    }
  }
}

export const overview = new LiveOverview();
