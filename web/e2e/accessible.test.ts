// Nothing that axe-core knows of is wrong with any page in any state, in both themes.

import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";

import { clean, open, type Server, startBrowser, startDemo, until } from "./kit";

let demo: Server;
let browser: Browser;

/** Every page, and what is there once it is complete. The runs 1 and 2 are made below. */
const PAGES: [string, string][] = [
  ["/", "th[scope=row] a"],
  ["/services/worldcup", "figure canvas"],
  ["/plans", ".timeline .plan"],
  ["/simulate?service=worldcup", "main form"],
  ["/runs", "main li"],
  ["/runs/1", ".sentence"],
  ["/runs/2", "table th[scope=row]"],
  ["/policies", "figure canvas"],
  ["/audit", "main tbody tr"],
  ["/settings", "#health + ul li"],
  ["/sign-in", "main form"],
  ["/nowhere", "main h1"],
];

const ASKED = [
  {
    kind: "what_if",
    service: "worldcup",
    source: { kind: "recorded", last: "1h" },
    plans: ["planner", "planner:-3"],
    seeds: 2,
    requests: 1_000_000,
  },
  { kind: "backtest", service: "worldcup", models: ["seasonal_naive_week"], origins: 2 },
];

beforeAll(async () => {
  [demo, browser] = await Promise.all([startDemo(), startBrowser()]);
  for (const body of ASKED) {
    const answer = await fetch(`${demo.url}/api/v1/jobs`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
    expect(answer.status, await answer.text()).toBeLessThan(300);
  }
  await until("the runs are done", async () => {
    const { jobs } = (await (await fetch(`${demo.url}/api/v1/jobs`)).json()) as { jobs: { state: string }[] };
    return jobs.every(({ state }) => state === "done");
  }, 80_000);
});

afterAll(async () => {
  await browser?.close();
  await demo?.stop();
});

const LONG = { timeout: 300_000 };
/** So many pages are open at once. */
const OPEN = 4;

test("no page", LONG, async () => {
  for (const [path, mark] of PAGES) {
    const page = await open(browser, demo.url + path);
    await page.locator(mark).first().waitFor();
    await clean(page, path);
    await page.context().close();
  }
});

test("no page of 320 pixels, and nothing there scrolls sideways", LONG, async () => {
  for (const [path, mark] of PAGES) {
    const page = await open(browser, demo.url + path, { width: 320, height: 700 });
    await page.locator(mark).first().waitFor();
    expect(await page.evaluate(() => document.documentElement.scrollWidth), path).toBeLessThanOrEqual(320);
    await clean(page, `${path}, narrow`, ["light"]);
    await page.context().close();
  }
});

test("no dialog, and nothing that is opened in a page", LONG, async () => {
  const page = await open(browser, `${demo.url}/services/worldcup`);
  await page.locator("figure canvas").first().waitFor();
  for (const keys of ["Control+k", "Shift+P", "?"]) {
    await page.keyboard.press(keys);
    await page.locator("dialog[open]").waitFor();
    await clean(page, keys);
    await page.keyboard.press("Escape");
    await page.locator("dialog").waitFor({ state: "detached" });
  }
  await page.locator("figure summary").first().click();
  await page.locator("ol button[aria-expanded]").first().click();
  await page.locator("figure table").waitFor();
  await clean(page, "table and decision");
  await page.context().close();
});

/** Shows every page in one tab, with this answer to everything the page asks. */
async function everyPage(what: string, answer: Parameters<Page["route"]>[1], ready: (page: Page) => Promise<void>) {
  const page = await open(browser, "about:blank");
  await page.route("**/api/v1/**", answer);
  for (const [path] of PAGES) {
    await page.goto(demo.url + path);
    await page.locator("main :is(h1, [role=status])").first().waitFor();
    await ready(page);
    await clean(page, `${path}, ${what}`);
  }
  await page.context().close();
}

test("no page that waits for its first answer", LONG, async () => {
  await everyPage("loading", () => {}, async () => {});
});

const settled = (page: Page) => page.getByRole("status").filter({ hasText: /Asking|Loading/ }).waitFor({ state: "detached" });
const REFUSED = { status: 503, json: { type: "urn:prescale:problem:unavailable", title: "", status: 503, detail: "the store is locked" } };

test("no page whose questions fail", LONG, async () => {
  await everyPage("failed", (route) => route.fulfill(REFUSED), settled);
});

test("no page without anything to show", LONG, async () => {
  const empty: Record<string, unknown> = {
    "/api/v1/session": { who: "local operator", role: "admin", via: "loopback", csrf: null, may: { operate: true, administer: true } },
    "/api/v1/services": { now: "2026-01-01T00:00:00Z", speed: 1, paused: null, services: [] },
    "/api/v1/plans": { now: "2026-01-01T00:00:00Z", plans: [] },
    "/api/v1/audit": { entries: [] },
    "/api/v1/jobs": { jobs: [] },
    "/api/v1/tokens": { tokens: [] },
  };
  await everyPage("empty", (route) => {
    const body = empty[new URL(route.request().url()).pathname];
    return route.fulfill(body === undefined ? REFUSED : { json: body });
  }, settled);
});

test("no page of a server that stopped answering, and all go on when it answers again", LONG, async () => {
  for (let first = 0; first < PAGES.length; first += OPEN) {
    const shown: { path: string; page: Page }[] = [];
    for (const [path, mark] of PAGES.slice(first, first + OPEN)) {
      const page = await open(browser, demo.url + path);
      await page.locator(mark).first().waitFor();
      await page.locator("header").getByText("live", { exact: true }).waitFor();
      shown.push({ path, page });
    }
    demo.freeze();
    try {
      for (const { path, page } of shown) {
        await page.locator("header").getByText(/^\s*stale \d/).waitFor();
        await clean(page, `${path}, stale`);
      }
    } finally {
      demo.thaw();
    }
    for (const { page } of shown) {
      await page.locator("header").getByText("live", { exact: true }).waitFor();
      await page.context().close();
    }
  }
});
