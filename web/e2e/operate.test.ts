// What an operator does with a service: how far it may go, what it proposes, when it is to hold still; and what its forecasts were worth.

import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";

import { clean, open, type Server, startBrowser, startDemo, until } from "./kit";
import { Person, tabTo, WAYS } from "./person";

let demo: Server;
let browser: Browser;

beforeAll(async () => {
  [demo, browser] = await Promise.all([startDemo(), startBrowser()]);
});

afterAll(async () => {
  await browser?.close();
  await demo?.stop();
});

const SERVICE = "/services/worldcup";
/** The load of the demo's morning rises: a proposal is never far away. */
const PROPOSAL_MS = 90_000;
const LONG = { timeout: 240_000 };

interface Detail {
  mode: string;
  paused: string | null;
  pending_approval: { id: number; current: number; target: number } | null;
}

const detail = async () => (await (await fetch(`${demo.url}/api/v1/services/worldcup`)).json()) as Detail;
const pressed = (page: Page, group: string, name: string) => page.getByRole("group", { name: group }).getByRole("button", { name, exact: true, pressed: true });

async function approvals(): Promise<{ what: string; reason?: string }[]> {
  const { entries } = (await (await fetch(`${demo.url}/api/v1/audit?who=local%20operator&kind=approved`)).json()) as { entries: { what: string }[] };
  return entries;
}

/** Answers the proposal that comes. */
async function answered(page: Page, answer: (current: number) => Promise<void>): Promise<void> {
  const before = (await approvals()).length;
  await page.getByRole("heading", { name: /^Waits for approval/ }).waitFor({ timeout: PROPOSAL_MS });
  const { pending_approval: proposal } = await detail();
  await answer(proposal?.current ?? NaN);
  await until("it is approved", async () => (await approvals()).length > before);
}

for (const way of WAYS) {
  test(`a service goes from observe to automatic, a proposal is approved on the way, and it is paused and resumed, by ${way}`, LONG, async () => {
    const page = await open(browser, demo.url + SERVICE);
    await page.locator("figure canvas").first().waitFor();
    const person = new Person(page, way);
    const choose = async (group: "Mode" | "Pause", name: string) => {
      await person.press("button", new RegExp(`^${name}$`));
      await pressed(page, group, name).waitFor();
    };
    for (const mode of ["observe", "recommend", "approve"]) {
      await choose("Mode", mode);
      expect((await detail()).mode, "the page shows what the server has").toBe(mode);
    }
    if (way === "mouse") {
      await answered(page, () => person.press("button", /^Approve$/));
    } else {
      await answered(page, async (current) => {
        await person.press("button", /^Edit…$/);
        await person.write(/^Replicas$/, String(current + 1));
        await person.write(/^Why\?/, "the campaign begins earlier");
        await person.press("button", new RegExp(`^Order ${current + 1}$`));
      });
      expect(JSON.stringify(await approvals()), "the reason is kept").toContain("the campaign begins earlier");
    }
    await choose("Mode", "automatic");
    await choose("Pause", "both");
    expect((await detail()).paused).toBe("both");
    await clean(page, "a paused service");
    await choose("Pause", "off");
    expect(await detail()).toMatchObject({ mode: "automatic", paused: null });
    await page.context().close();
  });
}

test("a past forecast is held against what came, by keyboard alone, and the address has it", LONG, async () => {
  const page = await open(browser, `${demo.url}${SERVICE}?range=6h`);
  const person = new Person(page, "keyboard");
  await page.getByRole("slider", { name: "Forecast of" }).waitFor({ timeout: 90_000 });
  await tabTo(page, /^Forecast of$/);
  await page.keyboard.press("ArrowLeft");
  await until("the time is in the address", async () => new URL(page.url()).searchParams.has("at"));
  const verdict = page.getByRole("group", { name: "Past forecasts" }).getByRole("status");
  await verdict.filter({ hasText: "median off by" }).waitFor();
  expect(await verdict.innerText()).toMatch(/median off by [\d.]+ %; [\d.]+ % came inside of the 50 % band, [\d.]+ % of the 90 % band \(\d+ of \d+ points have come\)/);
  await clean(page, "a past forecast");
  const at = new URL(page.url()).searchParams.get("at");
  await page.reload();
  await verdict.filter({ hasText: "median off by" }).waitFor();
  expect(new URL(page.url()).searchParams.get("at")).toBe(at);
  await person.press("button", /^Back to now$/);
  await until("it is now again", async () => !new URL(page.url()).searchParams.has("at"));
  await page.context().close();
});

test("a pinned zoom and an open decision come back with a reload", async () => {
  const { now } = (await (await fetch(`${demo.url}/api/v1/services`)).json()) as { now: string };
  const { decisions } = (await (await fetch(`${demo.url}/api/v1/services/worldcup/decisions?limit=1`)).json()) as { decisions: { id: number }[] };
  const hour = (back: number) => new Date(Math.floor(Date.parse(now) / 60_000) * 60_000 - back * 3_600_000).toISOString().replace(".000Z", "Z");
  const view = new URLSearchParams({ range: "24h", zoom: `${hour(4.5)}~${hour(3)}`, decision: String(decisions[0]?.id) });
  const page = await open(browser, `${demo.url}${SERVICE}?${view}`);
  const shown = async () => {
    await page.getByRole("button", { name: /^Reset zoom/ }).waitFor();
    await page.locator("ol dl").first().waitFor();
    await page.locator("figure summary").first().click();
    const rows = await page.locator("figure table").first().locator("tbody th").allInnerTexts();
    return { rows: [rows.length, rows[0], rows.at(-1)], why: (await page.locator("ol dl dd").first().innerText()).split(" ")[0] };
  };
  const before = await shown();
  expect(before.rows[0], "an hour and a half by the minute").toBe(91);
  await page.reload();
  expect(await shown()).toEqual(before);
  await page.context().close();
});
