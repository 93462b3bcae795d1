// What the tests of the page share: a real server, one browser, and words for what is looked at. What a person does is in person.ts.

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { type Browser, chromium, type Page } from "playwright-core";
import { expect } from "vitest";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const BINARY = join(resolve(ROOT, process.env["CARGO_TARGET_DIR"] ?? "target"), "debug/prescale");
const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((path) => existsSync(path));
const AXE = readFileSync(new URL("../node_modules/axe-core/axe.min.js", import.meta.url), "utf8");

/** Nothing takes longer than this, or the test fails. */
const DEADLINE_MS = 20_000;

export interface Server {
  url: string;
  /** Runs a command of the same program on its configuration; `line` is what it reads. */
  command: (words: string[], line?: string) => string;
  /** It stops answering, without closing anything, until `thaw`. */
  freeze: () => void;
  thaw: () => void;
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
export async function startDemo(more: string[] = []): Promise<Server> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), "prescale-page-"));
  return started(["demo", "--no-open", "--listen", `127.0.0.1:${port}`, "--data-dir", folder, ...more], port, folder, []);
}

/** Starts `prescale serve` with one service that nobody calls; `server` are further lines of `[server]`, `accounts` names with their roles. */
export async function startServe(server: string, accounts: Record<string, string>): Promise<Server> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), "prescale-page-"));
  const config = join(folder, "prescale.toml");
  const shop = `[[services]]\nname = "shop"\ncapacity = { rps_per_replica = 100 }\nrails = { min = 1, max = 9 }\nslo = { latency_ms = 500, percentile = 99 }\n[services.proxy]\nlisten = "127.0.0.1:0"\nbackends = ["127.0.0.1:1"]\n`;
  writeFileSync(config, `[server]\nlisten = "127.0.0.1:${port}"\ndata_dir = ${JSON.stringify(join(folder, "data"))}\n${server}\n${shop}`);
  const on = ["--config", config];
  for (const [name, role] of Object.entries(accounts)) command(["user", "add", name, "--role", role, ...on], PASSWORD);
  return started(["serve", ...on], port, folder, on);
}

export const PASSWORD = "correct horse battery";

function command(words: string[], line = ""): string {
  return execFileSync(BINARY, words, { input: line, encoding: "utf8", stdio: ["pipe", "pipe", "pipe"] });
}

async function started(words: string[], port: number, folder: string, on: string[]): Promise<Server> {
  const child = spawn(BINARY, words, { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4000)));
  const url = `http://127.0.0.1:${port}`;
  await until("it serves", async () => {
    if (child.exitCode !== null) throw new Error(`prescale ended: ${said}`);
    return (await fetch(`${url}/healthz`).catch(() => null))?.ok ?? false;
  }, 60_000);
  return {
    url,
    command: (more, line) => command([...more, ...on], line),
    freeze: () => void child.kill("SIGSTOP"),
    thaw: () => void child.kill("SIGCONT"),
    stop: () => ended(child, folder),
  };
}

async function ended(child: ChildProcess, folder: string): Promise<void> {
  const over = new Promise((done) => child.once("exit", done));
  child.kill("SIGCONT");
  child.kill("SIGINT");
  await over;
  rmSync(folder, { recursive: true, force: true });
}

export async function startBrowser(): Promise<Browser> {
  if (CHROMIUM === undefined) throw new Error("chromium is missing: scripts/peers installs it");
  const switches = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"];
  return chromium.launch({ executablePath: CHROMIUM, args: switches });
}

/** A tab in a zone; an error in the page's program fails the test that has it open. */
export async function open(browser: Browser, url: string, { width = 1280, height = 900 } = {}): Promise<Page> {
  const context = await browser.newContext({ viewport: { width, height }, timezoneId: "Europe/Berlin", reducedMotion: "reduce" });
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

/** Nothing that axe-core knows of is wrong with the page, in either theme (or these). */
export async function clean(page: Page, what: string, schemes: ("light" | "dark")[] = ["light", "dark"]): Promise<void> {
  for (const colorScheme of schemes) {
    await page.emulateMedia({ colorScheme });
    expect(await violations(page), `${what}, ${colorScheme}`).toEqual([]);
  }
}
