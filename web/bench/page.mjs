// Measures the page of a running server: node bench/page.mjs http://127.0.0.1:8080 [seconds]. Each measurement is a function
// (browser, address, seconds) → lines to print; add others to the list. Nothing here judges: the targets are in docs/dashboard.md.
import { firstChart } from "./chart.mjs";
import { launch } from "./browser.mjs";
import { sampleToPixel, streamBytes } from "./live.mjs";
import { panned } from "./pan.mjs";

const MEASUREMENTS = [streamBytes, sampleToPixel, firstChart, panned];

const [address, seconds = "60"] = process.argv.slice(2);
if (!address) throw new Error("which server? node bench/page.mjs http://127.0.0.1:8080");
const browser = await launch();
try {
  for (const measure of MEASUREMENTS) for (const text of await measure(browser, address, Number(seconds))) console.log(text);
} finally {
  await browser.close();
}
