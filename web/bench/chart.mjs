// How long a service's first chart takes in a browser that has never been here.
import { line, spread } from "./browser.mjs";

const RUNS = 10;

// Runs in the page: the time from the navigation to the frame after the one in which the first chart is drawn.
function instrument() {
  globalThis.__drawn = new Promise((resolve) => {
    const observer = new MutationObserver(() => {
      if (document.querySelector("canvas") === null) return;
      observer.disconnect();
      requestAnimationFrame(() => requestAnimationFrame(() => resolve(performance.now())));
    });
    observer.observe(document, { subtree: true, childList: true });
  });
}

export async function firstChart(browser, address) {
  const { services } = await (await fetch(`${address}/api/v1/services`)).json();
  const times = [];
  for (let run = 0; run < RUNS && services.length > 0; run += 1) {
    // A context of its own has an empty cache.
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
    const page = await context.newPage();
    await page.addInitScript(instrument);
    await page.goto(`${address}/services/${encodeURIComponent(services[run % services.length].name)}`);
    times.push(await page.evaluate(() => globalThis.__drawn));
    await context.close();
  }
  return [line("first chart, cold", spread(times))];
}
