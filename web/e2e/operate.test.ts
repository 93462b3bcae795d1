// What an operator does with a service: how far it may go, what it proposes, when it is to hold still.

import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";

import { clean, open, startBrowser, startDemo, until } from "./kit";
import { Person, WAYS } from "./person";

let browser: Browser;

beforeAll(async () => {
  browser = await startBrowser();
});

afterAll(async () => {
  await browser?.close();
});

const SERVICE = "/services/worldcup";
/** The load of the demo's morning changes every few minutes, of which it has ten in a minute here. */
const PROPOSAL_MS = 120_000;
const LONG = { timeout: 240_000 };

/** Both ways begin with the same morning. */
async function withDemo(test: (url: string) => Promise<void>): Promise<void> {
  // Slow enough that a proposal lasts while a person reads.
  const demo = await startDemo(["--speed", "10"]);
  try {
    await test(demo.url);
  } finally {
    await demo.stop();
  }
}

const pressed = (page: Page, group: string, name: string) => page.getByRole("group", { name: group }).getByRole("button", { name, exact: true, pressed: true });

async function approvals(url: string): Promise<object[]> {
  return ((await (await fetch(`${url}/api/v1/audit?who=local%20operator&kind=approved`)).json()) as { entries: object[] }).entries;
}

/** Answers proposals until an answer counts: one is withdrawn when something else is needed. */
async function answered(page: Page, url: string, answer: () => Promise<void>): Promise<void> {
  const heading = page.getByRole("heading", { name: /^Waits for approval/ });
  while ((await approvals(url)).length === 0) {
    await heading.waitFor({ timeout: PROPOSAL_MS });
    await answer();
    await until("it is approved, or withdrawn", async () => (await approvals(url)).length > 0 || (await heading.count()) === 0);
  }
}

for (const way of WAYS) {
  test(`a service goes from observe to automatic, a proposal is approved on the way, and it is paused and resumed, by ${way}`, LONG, () =>
    withDemo(async (url) => {
      const detail = async () => (await (await fetch(`${url}/api/v1/services/worldcup`)).json()) as { mode: string; paused: string | null };
      const page = await open(browser, url + SERVICE);
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
        await answered(page, url, () => person.press("button", /^Approve$/));
      } else {
        await answered(page, url, async () => {
          await person.press("button", /^Edit…$/);
          const asked = await page.locator("dialog[open] h2").innerText();
          const wanted = Number(/ than (\d+) → /.exec(asked)?.[1]) + 1;
          await person.write(/^Replicas$/, String(wanted));
          await person.write(/^Why\?/, "the campaign begins earlier");
          await person.press("button", new RegExp(`^Order ${wanted}$`));
        });
        expect(JSON.stringify(await approvals(url)), "the reason is kept").toContain("the campaign begins earlier");
      }
      await choose("Mode", "automatic");
      await choose("Pause", "both");
      expect((await detail()).paused).toBe("both");
      await clean(page, "a paused service");
      await choose("Pause", "off");
      expect(await detail()).toMatchObject({ mode: "automatic", paused: null });
      await page.context().close();
    }));
}
