// The page in a real browser, against the real demo: read and steered without a mouse, and restored by a reload.

import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";

import { clean, open, type Server, startBrowser, startDemo, until } from "./kit";
import { Person, tabTo } from "./person";

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

async function complete(page: Page, mark: string) {
  await page.locator(mark).first().waitFor();
}

test("a forecast and its why are read by keyboard alone", async () => {
  const page = await open(browser, demo.url);
  await complete(page, "th[scope=row] a");
  await tabTo(page, /^worldcup$/);
  await page.keyboard.press("Enter");
  await complete(page, "figure canvas");
  await tabTo(page, /^Load of worldcup: arrow keys/);
  const slider = page.getByRole("slider", { name: /^Load of worldcup/ });
  for (let step = 0; step < 30; step++) await page.keyboard.press("ArrowRight");
  const said = (await slider.getAttribute("aria-valuetext")) ?? "";
  expect(said, "ahead of now there is a forecast and no load").toMatch(/\d\d:\d\d CET, actual –, forecast \(median\) \d/);
  await page.keyboard.press("Shift+ArrowUp");
  await until("the zoom is in the address", async () => page.url().includes("zoom="));
  await page.keyboard.press("Escape");
  await until("the zoom is gone", async () => !page.url().includes("zoom="));
  await tabTo(page, /^(hold|up|down)/);
  await page.keyboard.press("Enter");
  await page.locator("ol dl").first().waitFor();
  const why = await page.locator("ol dl").first().innerText();
  for (const part of ["Forecast", "Capacity", "Weighed"]) expect(why).toContain(part);
  // Browsers refuse an address that is written too often, so it follows a moment later.
  await until("the decision can be mailed", async () => /decision=\d+/.test(page.url()));
  await page.context().close();
});

test("why a forecast says that, and how earlier ones did, is read by keyboard", async () => {
  const page = await open(browser, demo.url + SERVICE);
  await complete(page, "figure canvas");
  type Answer = { explanation: { record: { judged: number }[]; far: { members: { name: string; weight: number }[] } } };
  const forecast = async () => (await (await fetch(`${demo.url}/api/v1${SERVICE}/forecast`)).json()) as Answer;
  await until("a promise was judged", async () => (await forecast()).explanation.record.some(({ judged }) => judged > 0));
  await tabTo(page, /^Why this forecast/);
  await page.keyboard.press("Enter");
  const panel = page.locator("details[open]", { hasText: "Why this forecast" });
  await panel.locator("table").nth(1).waitFor();
  const said = await panel.innerText();
  const most = [...(await forecast()).explanation.far.members].sort((a, b) => b.weight - a.weight)[0]!;
  for (const part of [most.name.replaceAll("_", " "), "No flash crowd", "past errors", "Kept promises", "10 min"]) expect(said).toContain(part);
  await page.context().close();
});

test("a service goes from observe to automatic through approve, is paused, and resumes, by keyboard alone", async () => {
  const page = await open(browser, `${demo.url}/policies`);
  const mode = async () => ((await (await fetch(`${demo.url}/api/v1/services/worldcup`)).json()) as { mode: string }).mode;
  const paused = async () => ((await (await fetch(`${demo.url}/api/v1/services`)).json()) as { paused: string | null }).paused;
  await page.getByRole("button", { name: "Back to observe" }).waitFor();
  for (const [button, wanted] of [[/^Back to observe/, "observe"], [/^Promote to approve/, "approve"], [/^Promote to automatic/, "automatic"]] as const) {
    await tabTo(page, button);
    await page.keyboard.press("Enter");
    await until("it is asked, or done", async () => (await mode()) === wanted || (await page.locator("dialog[open]").count()) > 0);
    if ((await mode()) !== wanted) {
      await tabTo(page, /^Promote all the same/);
      await page.keyboard.press("Enter");
    }
    await until(`the mode is ${wanted}`, async () => (await mode()) === wanted);
    await page.locator(`[aria-current=step]:has-text("${wanted}")`).waitFor();
  }
  await page.keyboard.press("Shift+P");
  await page.getByRole("button", { name: "Pause all" }).last().waitFor();
  await page.keyboard.press("Enter");
  await until("all are paused", async () => (await paused()) === "both");
  await page.getByRole("button", { name: /All paused \(both\)/ }).waitFor();
  await page.keyboard.press("Shift+P");
  await page.getByRole("heading", { name: "Resume all services?" }).waitFor();
  await page.keyboard.press("Enter");
  await until("nothing is paused", async () => (await paused()) === null);
  await page.context().close();
});

test("a proposal is edited with a reason by keyboard, and a stale one says what differs", async () => {
  const page = await open(browser, "about:blank");
  const real = (await (await fetch(`${demo.url}/api/v1/plans`)).json()) as { plans: { last: object }[] };
  const [plan] = real.plans;
  if (plan === undefined) throw new Error("the demo has no plan");
  // The demo proposes when its load does; the page is shown a proposal that is always there.
  const waiting = { ...plan.last, id: 4711, current: 6, target: 8, expires: "2999-01-01T00:00:00Z", sentence: "6 → 8 at 08:50." };
  let sent: unknown;
  await page.route("**/api/v1/plans", (route) => route.fulfill({ json: { ...real, plans: [{ ...plan, waiting }] } }));
  await page.route("**/api/v1/decisions/4711/approve", (route) => {
    sent = route.request().postDataJSON();
    const detail = "refused: it was made for 6 replicas, and now there are 7";
    return route.fulfill({ status: 409, contentType: "application/problem+json", json: { type: "urn:prescale:problem:conflict", title: "", status: 409, detail } });
  });
  await page.goto(`${demo.url}/plans`);
  await page.getByText("prescale approve 4711").waitFor();
  await clean(page, "a proposal");
  await tabTo(page, /^Edit…$/);
  await page.keyboard.press("Enter");
  await page.getByRole("spinbutton", { name: "Replicas" }).fill("9");
  await clean(page, "the edit of a proposal");
  await page.getByRole("textbox", { name: /^Why/ }).fill("the campaign's begin");
  await page.getByText(`prescale approve 4711 --replicas 9 --reason 'the campaign'\\''s begin'`).waitFor();
  await tabTo(page, /^Order 9$/);
  await page.keyboard.press("Enter");
  await page.getByRole("alert").filter({ hasText: "made for 6 replicas, and now there are 7" }).waitFor();
  expect(sent).toEqual({ replicas: 9, reason: "the campaign's begin" });
  await page.context().close();
});

test("the palette leads everywhere, and the focus comes back", async () => {
  const page = await open(browser, demo.url);
  await complete(page, "th[scope=row] a");
  await tabTo(page, /^worldcup$/);
  await page.keyboard.press("Control+k");
  await page.locator("dialog[open]").waitFor();
  await page.keyboard.press("Escape");
  expect(await page.evaluate(() => document.activeElement?.textContent?.trim())).toBe("worldcup");
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox", { name: /^Find/ }).fill("aud");
  await page.keyboard.press("Enter");
  await until("the audit is open", async () => new URL(page.url()).pathname === "/audit");
  await page.context().close();
});

test("a reload restores each view", async () => {
  const views: [string, string][] = [
    ["/?text=cup&mode=automatic&attention=1", "main input"],
    [`${SERVICE}?zone=Asia%2FTokyo&range=24h`, "figure canvas"],
    ["/plans?text=world&ahead=3h&open=worldcup", ".timeline .plan"],
    ["/policies?service=worldcup", "figure canvas"],
    ["/audit?service=worldcup&kind=mode&who=local", "main input"],
  ];
  for (const [view, mark] of views) {
    const page = await open(browser, demo.url + view);
    await complete(page, mark);
    const shown = () =>
      page.evaluate(() => [...document.querySelectorAll<HTMLInputElement>("main input, main select, header select")].map((field) => `${field.value} ${field.checked}`).join());
    const first = await shown();
    await page.reload();
    await complete(page, mark);
    await until(`${view} is as it was: ${first}`, async () => (await shown()) === first);
    expect(page.url()).toBe(demo.url + view);
    if (view.includes("Tokyo")) expect(await page.locator("figure .axis").first().innerText()).toMatch(/GMT\+9|JST/);
    await page.context().close();
  }
});

test("a past forecast is held against what came, by keyboard alone, and the address has it", { timeout: 150_000 }, async () => {
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
