// From the moment a sample is taken to the frame that shows it. The sample's own time travels with it (`load_at`), and server and browser
// share this machine's clock.
import { line, spread } from "./browser.mjs";

const WARM_UP_MS = 5000;

/** What the stream costs: the first reset, and bytes a second after it. */
export async function streamBytes(_browser, address) {
  const leave = new AbortController();
  const response = await fetch(`${address}/api/v1/events`, { signal: leave.signal });
  let [first, rest, events, begun] = [0, 0, 0, 0];
  const text = new TextDecoder();
  for await (const chunk of response.body) {
    const ends = text.decode(chunk, { stream: true }).split("\n\n").length - 1;
    if (begun === 0) first += chunk.length;
    else [rest, events] = [rest + chunk.length, events + ends];
    if (begun === 0 && ends > 0) begun = Date.now();
    if (begun > 0 && Date.now() - begun > 10_000) break;
  }
  leave.abort();
  const seconds = (Date.now() - begun) / 1000;
  return [`stream: reset ${(first / 1024).toFixed(0)} KB, then ${(rest / 1024 / seconds).toFixed(0)} KB/s in ${(events / seconds).toFixed(1)} events/s`];
}

// Runs in the page, before its own scripts: notes when each sample comes, and when the frame after the one that drew it begins. That
// frame begins when the one before has been handed over, so the figure is rather too high than too low.
function instrument() {
  const waiting = new Map();
  const seen = { toPage: [], toPixel: [], painted: 0 };
  const parse = JSON.parse;
  JSON.parse = (text, reviver) => {
    const value = parse(text, reviver);
    if (value?.services && value.removed) {
      for (const { name, load_at } of value.services) {
        if (!load_at) continue;
        waiting.set(name, Date.parse(load_at));
        seen.toPage.push(Date.now() - Date.parse(load_at));
      }
    }
    return value;
  };
  let batch = [];
  const observer = new MutationObserver((mutations) => {
    const fresh = batch.length === 0;
    for (const { target } of mutations) {
      const row = (target instanceof Element ? target : target.parentElement)?.closest("tr");
      const name = row?.querySelector("th a")?.textContent;
      if (name === undefined || name === null || !waiting.has(name)) continue;
      batch.push(waiting.get(name));
      waiting.delete(name);
    }
    if (!fresh || batch.length === 0) return;
    requestAnimationFrame(() => {
      const drawn = batch;
      batch = [];
      requestAnimationFrame(() => {
        const now = Date.now();
        for (const at of drawn) seen.toPixel.push(now - at);
        seen.painted += 1;
      });
    });
  });
  observer.observe(document, { subtree: true, characterData: true, childList: true });
  globalThis.__seen = seen;
}

export async function sampleToPixel(browser, address, seconds) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  await page.addInitScript(instrument);
  await page.goto(address);
  await page.waitForSelector("tbody tr");
  await page.waitForTimeout(WARM_UP_MS);
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable");
  const busy = async () => Object.fromEntries((await session.send("Performance.getMetrics")).metrics.map(({ name, value }) => [name, value]));
  await page.evaluate(() => Object.assign(globalThis.__seen, { toPage: [], toPixel: [], painted: 0 }));
  const before = await busy();
  await page.waitForTimeout(seconds * 1000);
  const after = await busy();
  const { seen, rows } = await page.evaluate(() => ({ seen: globalThis.__seen, rows: document.querySelectorAll("tbody tr").length }));
  await page.close();
  const share = (name) => `${(((after[name] - before[name]) / seconds) * 100).toFixed(0)} %`;
  return [
    line(`sample → page, ${rows} services`, spread(seen.toPage)),
    line("sample → pixel", spread(seen.toPixel)),
    `drawn ${(seen.painted / seconds).toFixed(1)} times a second; main thread ${share("TaskDuration")} busy: script ${share("ScriptDuration")}, style ${share("RecalcStyleDuration")}, layout ${share("LayoutDuration")}`,
  ];
}
