// What the tests of the page share: one real demo, one browser, and words for what a person does.

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { type Browser, chromium, type Page } from "playwright-core";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const BINARY = join(resolve(ROOT, process.env["CARGO_TARGET_DIR"] ?? "target"), "debug/prescale");
const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((path) => existsSync(path));
const AXE = readFileSync(new URL("../node_modules/axe-core/axe.min.js", import.meta.url), "utf8");

/** Nothing takes longer than this, or the test fails. */
const DEADLINE_MS = 20_000;

export interface Demo {
  url: string;
  stop: () => Promise<void>;
}

async function freePort(): Promise<number> {
  return new Promise((done, failed) => {
    const server = createServer();
    server.once("error", failed);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => (address !== null && typeof address === "object" ? done(address.port) : failed(new Error("no port"))));
    });
  });
}

/** Starts `prescale demo` on a free port, with a data folder of its own. */
export async function startDemo(): Promise<Demo> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), "prescale-page-"));
  const options = ["demo", "--no-open", "--listen", `127.0.0.1:${port}`, "--data-dir", folder];
  const child = spawn(BINARY, options, { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4000)));
  const url = `http://127.0.0.1:${port}`;
  await until("the demo serves", async () => {
    if (child.exitCode !== null) throw new Error(`the demo ended: ${said}`);
    return (await fetch(`${url}/readyz`).catch(() => null))?.ok ?? false;
  }, 60_000);
  return { url, stop: () => ended(child, folder) };
}

async function ended(child: ChildProcess, folder: string): Promise<void> {
  const over = new Promise((done) => child.once("exit", done));
  child.kill("SIGINT");
  await over;
  rmSync(folder, { recursive: true, force: true });
}

export async function startBrowser(): Promise<Browser> {
  if (CHROMIUM === undefined) throw new Error("chromium is missing: scripts/peers installs it");
  const switches = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"];
  return chromium.launch({ executablePath: CHROMIUM, args: switches });
}

export type Scheme = "light" | "dark";

/** A tab in a zone and a theme; an error in the page's program fails the test that has it open. */
export async function open(browser: Browser, url: string, { scheme = "light" as Scheme, width = 1280, height = 900 } = {}): Promise<Page> {
  const context = await browser.newContext({ colorScheme: scheme, viewport: { width, height }, timezoneId: "Europe/Berlin", reducedMotion: "reduce" });
  context.setDefaultTimeout(DEADLINE_MS);
  const page = await context.newPage();
  page.on("pageerror", (error) => {
    throw error;
  });
  await page.goto(url);
  return page;
}

export async function until(what: string, holds: () => Promise<boolean>, deadlineMs = DEADLINE_MS): Promise<void> {
  const end = Date.now() + deadlineMs;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`waited ${deadlineMs / 1000} s in vain until ${what}`);
    await new Promise((later) => setTimeout(later, 50));
  }
}

interface Violation {
  id: string;
  help: string;
  nodes: { html: string; failureSummary?: string }[];
}

/** What axe-core has against the page as it is now; in words, so that a failing test says them. */
export async function violations(page: Page): Promise<string[]> {
  // The page's content security policy keeps injected elements out; the test's own connection to the browser isn't bound by it.
  await page.evaluate(AXE);
  const found = await page.evaluate(async () => {
    const axe = (window as unknown as { axe: { run: (where: Document, how: object) => Promise<{ violations: unknown }> } }).axe;
    return (await axe.run(document, { resultTypes: ["violations"] })).violations;
  });
  return (found as Violation[]).map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html.slice(0, 160)).join(" | ")}`);
}

/** Presses Tab until what has the focus is called like that. */
export async function tabTo(page: Page, name: RegExp): Promise<void> {
  for (let count = 0; count < 150; count++) {
    await page.keyboard.press("Tab");
    const called = await page.evaluate(() => {
      const at = document.activeElement;
      return at?.getAttribute("aria-label") ?? at?.textContent?.trim().replaceAll(/\s+/g, " ") ?? "";
    });
    if (name.test(called)) return;
  }
  throw new Error(`Tab never leads to ${name}`);
}
