// From a service's page to what would be if, and back to the question.

import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";

import { clean, open, type Server, startBrowser, startDemo, until } from "./kit";
import { Person } from "./person";

let demo: Server;
let browser: Browser;

beforeAll(async () => {
  [demo, browser] = await Promise.all([startDemo(), startBrowser()]);
});

afterAll(async () => {
  await browser?.close();
  await demo?.stop();
});

/** Twenty runs and 50 million requests take half a minute of a core; but a job gets only what nobody else wants, so a busy machine takes longer. */
const JOB_MS = 600_000;
const QUESTION = /^Twice the traffic, least connections against P2C, three replicas fewer$/;

interface JobDetail {
  job: { state: string };
  request: { traffic: number; algorithms: string[]; plans: string[]; source: { from: string; to: string } };
  comparison: { baseline: number; sentence: string } | null;
}

const job = async (id: string, query = "") => (await (await fetch(`${demo.url}/api/v1/jobs/${id}${query}`)).json()) as JobDetail;

/** From the service's page; returns the number of the run. */
async function ask(person: Person): Promise<string> {
  const { page } = person;
  await page.locator("figure canvas").first().waitFor();
  await person.press("link", /^What if…$/);
  await person.press("button", QUESTION);
  await page.getByText(/^20 runs, /).waitFor();
  await person.press("button", /^Run$/);
  expect(person.presses, "three presses from the service").toBe(3);
  await until("the run is shown", async () => /\/runs\/\d+$/.test(page.url()));
  return new URL(page.url()).pathname.split("/").pop() ?? "";
}

test("last week with twice the traffic is asked in three key presses, read, compared with another, exported and asked again", { timeout: JOB_MS + 90_000 }, async () => {
  const page = await open(browser, `${demo.url}/services/worldcup`);
  const person = new Person(page, "keyboard");
  const id = await ask(person);
  await page.getByRole("progressbar").waitFor();
  await clean(page, "a run that is under way");
  await until("the run is done", async () => (await job(id)).job.state === "done", JOB_MS);
  await page.locator(".sentence").waitFor();
  const { request, comparison } = await job(id);
  expect([request.traffic, request.algorithms, request.plans]).toEqual([2, ["least_connections", "p2c"], ["planner", "planner:-3"]]);
  expect(Date.parse(request.source.to) - Date.parse(request.source.from), "a week").toBe(7 * 86_400_000);

  await page.locator(".state", { hasText: "done" }).waitFor();
  await until("the sentence is the server's", async () => (await page.locator(".sentence").innerText()) === comparison?.sentence);
  expect(comparison?.sentence).toMatch(/beyond chance|no chance|best/);
  const cells = await page.locator("tbody tr:has(button) th[scope=row]").allInnerTexts();
  expect(cells.map((cell) => cell.split("\n")[0]?.trim())).toEqual([
    "least_connections, planner",
    "least_connections, planner, 3 fewer",
    "p2c, planner",
    "p2c, planner, 3 fewer",
  ]);
  expect(await page.getByRole("heading", { name: "What this stands on" }).locator("xpath=..").innerText()).toMatch(/the busiest .+ of 168\.0 h\. All of it would be/);
  await clean(page, "a run that is done");

  await person.press("button", /^compare with this$/);
  await until("the baseline is in the address", async () => page.url().endsWith("?baseline=1"));
  const pinned = page.locator("tr:has(button[aria-pressed=true]) th");
  await until("the other is pinned", async () => (await pinned.innerText()).startsWith("least_connections, planner, 3 fewer"));
  const against = (await job(id, "?baseline=1")).comparison?.sentence;
  await until("the sentence is against it", async () => (await page.locator(".sentence").innerText()) === against);
  await page.reload();
  await until("a reload pins it again", async () => (await pinned.innerText()).startsWith("least_connections, planner, 3 fewer"));
  expect(await page.locator(".sentence").innerText()).toBe(against);

  const href = (await page.getByRole("link", { name: "Report as HTML" }).getAttribute("href")) ?? "";
  const report = await open(browser, "about:blank");
  await report.setContent(await (await fetch(demo.url + href)).text());
  await report.getByText(against ?? "").waitFor();
  await clean(report, "the report");
  await report.context().close();

  await person.press("link", /^Ask again, changed$/);
  await page.getByRole("checkbox", { name: "p2c", exact: true }).and(page.locator(":checked")).waitFor();
  await person.press("checkbox", /^random$/);
  await page.getByText(/^30 runs, /).waitFor();
  const shown = () => page.evaluate(() => [...document.querySelectorAll<HTMLInputElement>("main input, main select, main textarea")].map(({ value, checked }) => `${value} ${checked}`).join());
  const before = await shown();
  expect(before).toContain('algorithms = ["least_connections", "p2c", "random"]');
  await page.reload();
  await page.getByText(/^30 runs, /).waitFor();
  await until("the form and its TOML are as they were", async () => (await shown()) === before);
  await clean(page, "a question");
  await page.context().close();
});

test("the same takes three clicks, and what is under way can be cancelled", async () => {
  const page = await open(browser, `${demo.url}/services/worldcup`);
  const person = new Person(page, "mouse");
  const id = await ask(person);
  await person.press("button", /^Cancel$/);
  await until("it is cancelled", async () => (await job(id)).job.state === "cancelled");
  await page.locator(".state", { hasText: "cancelled" }).waitFor();
  await clean(page, "a run that was cancelled");
  await page.goto(`${demo.url}/runs`);
  await page.getByRole("link", { name: new RegExp(`^${id}: worldcup, traffic × 2`) }).waitFor();
  await clean(page, "the runs");
  await page.context().close();
});

test("a question that can't be answered says what is allowed, and the TOML is in step", async () => {
  const page = await open(browser, `${demo.url}/simulate?service=worldcup`);
  await page.getByText(/^5 runs, /).waitFor();
  await page.getByLabel(/^Capacity plans/).fill("planner, nonsense");
  await page.getByLabel(/^Capacity plans/).press("Tab");
  await page.getByRole("alert").filter({ hasText: "plans" }).waitFor();
  expect(await page.getByRole("button", { name: "Run", exact: true }).isDisabled()).toBe(true);
  await clean(page, "a question that can't be answered");
  const toml = page.getByRole("textbox", { name: "The request as TOML" });
  await toml.fill('kind = "what_if"\nservice = "worldcup"\ntraffic = 3.0\nplans = ["fixed:12"]\nseeds = 2\n[source]\nkind = "recorded"\nlast = "1h"\n');
  await until("the form follows the TOML", async () => (await page.getByLabel(/^Traffic ×/).inputValue()) === "3");
  expect(await page.getByLabel(/^Capacity plans/).inputValue()).toBe("fixed:12");
  await page.context().close();
});
