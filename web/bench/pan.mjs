// How long a chart takes to follow a key when its series is long. The page is the real one; only the answer for the load's series is replaced,
// by one that is finer than the server's: so many points in the window, and as many again on both sides of it together.
import { availableParallelism, loadavg } from "node:os";

import { line, spread } from "./browser.mjs";

const IN_WINDOW = 100_000;
/** A fortnight and the day ahead. */
const RANGE = "14d";
const SPAN_MS = 14 * 86_400_000;
const STEPS = 300;
const WARM_UP = 20;
/** Steps that are measured one by one, in the thread's own time; the questions about it are in that, too. */
const OWN_STEPS = 100;

// Runs in the page, before its own scripts: answers for the load's series.
function fine(count) {
  const ask = globalThis.fetch;
  let text = null;
  globalThis.fetch = async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input, location.href);
    if (!url.pathname.endsWith("/series") || url.searchParams.get("metric") !== "load") return ask(input, init);
    if (text === null) {
      const [from, to] = ["from", "to"].map((name) => Date.parse(url.searchParams.get(name)));
      const values = Array.from({ length: count }, (_, i) => Math.round(3000 + 1500 * Math.sin(i / 1400) + 400 * ((Math.sin(i * 12.9898) * 43758.5453) % 1)) / 10);
      text = JSON.stringify({ metric: "load", unit: "rps", start: new Date(from).toISOString(), step_s: (to - from) / 1000 / count, values });
    }
    return new Response(text, { headers: { "content-type": "application/json" } });
  };
}

// Runs in the page: one step a frame, there and back; for each the main thread's time from the key until the frame is handed over, and the time
// between two frames.
async function pan([steps, warmUp, first = 0]) {
  const slider = document.querySelector("[role=slider][aria-label^=Load]");
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  const channel = new MessageChannel();
  const handedOver = () =>
    new Promise((resolve) => {
      channel.port1.onmessage = resolve;
      channel.port2.postMessage(null);
    });
  const said = () => slider.getAttribute("aria-valuetext");
  const [work, between] = [[], []];
  let [before, moved] = [0, 0];
  for (let step = 0; step < steps + warmUp; step += 1) {
    const key = (first + step) % 4 < 2 ? "ArrowRight" : "ArrowLeft";
    const at = await frame();
    const begun = performance.now();
    const was = said();
    slider.dispatchEvent(new KeyboardEvent("keydown", { key, shiftKey: true, bubbles: true, cancelable: true }));
    await handedOver();
    if (step >= warmUp) {
      work.push(performance.now() - begun);
      between.push(at - before);
      moved += said() === was ? 0 : 1;
    }
    before = at;
  }
  return { work, between, moved };
}

export async function panned(browser, address) {
  const { services, now } = await (await fetch(`${address}/api/v1/services`)).json();
  if (services.length === 0) return [];
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  await page.addInitScript(fine, IN_WINDOW * 2);
  const middle = Date.parse(now) - SPAN_MS / 2;
  const zoom = [middle - SPAN_MS / 4, middle + SPAN_MS / 4].map((ms) => new Date(Math.round(ms / 1000) * 1000).toISOString()).join("~");
  await page.goto(`${address}/services/${encodeURIComponent(services[0].name)}?range=${RANGE}&zoom=${zoom}`);
  await page.waitForSelector("figure canvas");
  // By the thread's own clock, which other programs don't slow down.
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  const ticks = async () => (await session.send("Performance.getMetrics")).metrics.find(({ name }) => name === "TaskDuration").value * 1000;
  const { work, between, moved } = await page.evaluate(pan, [STEPS, WARM_UP]);
  const own = [];
  for (let step = 0; step < OWN_STEPS; step += 1) {
    const before = await ticks();
    await page.evaluate(pan, [1, 0, step]);
    own.push((await ticks()) - before);
  }
  await page.close();
  return [
    line(`pan, ${IN_WINDOW} points in the window: work`, spread(work)),
    line("pan: from frame to frame", spread(between)),
    line("pan: the main thread's own time", spread(own)),
    `${moved} of ${STEPS} steps moved the window`,
    `load average ${loadavg().map((load) => load.toFixed(1)).join(", ")} on ${availableParallelism()} cores`,
  ];
}
