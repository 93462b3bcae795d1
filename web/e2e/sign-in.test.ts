// Who has to sign in, does; who may not, is told why; who leaves, leaves nothing behind.

import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";

import { clean, open, PASSWORD, type Server, startBrowser, startServe, until } from "./kit";
import { Person, WAYS, type Way } from "./person";

let server: Server;
let browser: Browser;

beforeAll(async () => {
  const accounts = { vic: "viewer", val: "viewer", olga: "operator", ada: "admin" };
  [server, browser] = await Promise.all([startServe('sign_in = "always"', accounts), startBrowser()]);
});

afterAll(async () => {
  await browser?.close();
  await server?.stop();
});

const SHOP = "/services/shop";
const WHY = "Your role viewer may not do this; it takes operator.";

/** Opens a page and signs in where that leads. */
async function signIn(account: string, way: Way, path = SHOP): Promise<Person> {
  const page = await open(browser, server.url + path);
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  const person = new Person(page, way);
  await person.write(/^Account$/, account);
  await person.write(/^Password$/, PASSWORD);
  await person.press("button", /^Sign in$/);
  await page.getByTitle(`signed in as ${account}`).waitFor();
  return person;
}

const path = (page: Page) => new URL(page.url()).pathname;

for (const way of WAYS) {
  test(`a viewer signs in, sees all, is refused with the reason, and signs out, by ${way}`, async () => {
    const person = await signIn(way === "mouse" ? "vic" : "val", way);
    const { page } = person;
    expect(path(page), "where one wanted to be").toBe(SHOP);
    await page.getByText(WHY).first().waitFor();
    for (const mode of ["observe", "recommend", "approve", "automatic"]) {
      expect(await page.getByRole("button", { name: mode, exact: true }).isDisabled(), mode).toBe(true);
    }
    await clean(page, "a service, for a viewer");
    await page.keyboard.press("Shift+P");
    await page.locator("dialog[open]").getByText(WHY).waitFor();
    expect(await page.getByRole("button", { name: "Pause all" }).last().isDisabled()).toBe(true);
    await clean(page, "the pause, for a viewer");
    await page.keyboard.press("Escape");
    for (const name of ["Policies", "Simulate", "Settings"]) {
      await person.press("link", new RegExp(`^${name}$`));
      await page.getByText(name === "Settings" ? "it takes admin." : WHY).first().waitFor();
      await clean(page, `${name}, for a viewer`);
    }
    await person.press("button", /^Sign out$/);
    await until("one is out", async () => path(page) === "/sign-in");
    await page.goto(server.url + SHOP);
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    expect(await page.locator("main").innerText(), "nothing is shown to nobody").not.toContain("shop");
    await page.context().close();
  });
}

test("a wrong password is refused without saying what was wrong", async () => {
  const page = await open(browser, server.url);
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  await clean(page, "the sign-in");
  const person = new Person(page, "keyboard");
  await person.write(/^Account$/, "nobody-of-us");
  await person.write(/^Password$/, "not the right password");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").filter({ hasText: "Account or password are wrong." }).waitFor();
  await clean(page, "a sign-in that was refused");
  await page.context().close();
});

test("an operator may, and the audit names them", async () => {
  const person = await signIn("olga", "keyboard");
  const { page } = person;
  await person.press("button", /^recommend$/);
  await page.getByRole("button", { name: "recommend", exact: true, pressed: true }).waitFor();
  await page.goto(`${server.url}/audit?who=olga&kind=mode_changed`);
  await page.getByRole("row").filter({ hasText: "observe → recommend" }).waitFor();
  await clean(page, "an audit");
  // Whoever gets another password is out in every browser, also where nobody touches anything.
  server.command(["user", "password", "olga"], "quite another password");
  await until("the page asks who is there", async () => path(page) === "/sign-in");
  await page.context().close();
});

test("an admin makes a token, which is shown once, and revokes it", async () => {
  const person = await signIn("ada", "keyboard", "/settings");
  const { page } = person;
  await person.write(/^Name/, "ci");
  await person.press("button", /^Make a token$/);
  const shown = page.getByText("it is never shown again");
  await shown.waitFor();
  const token = await page.locator(".made code").innerText();
  const asked = async () => (await fetch(`${server.url}/api/v1/services`, { headers: { authorization: `Bearer ${token}` } })).status;
  expect(await asked()).toBe(200);
  await clean(page, "a token that is shown");
  await person.press("button", /^I have kept it$/);
  await shown.waitFor({ state: "detached" });
  await person.press("button", /^Revoke ci$/);
  await page.getByText("Really revoke?").waitFor();
  await page.keyboard.press("Enter");
  await page.getByText("There is none yet.").waitFor();
  expect(await asked()).toBe(401);
  await page.context().close();
});
