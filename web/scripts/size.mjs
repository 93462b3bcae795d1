// Fails the build when what a browser must load before the page works is larger than promised. All chunks count: there is one page load.
import { readFileSync, readdirSync } from "node:fs";
import { gzipSync } from "node:zlib";

const BYTES_MAX = 60 * 1024;
const folder = new URL("../dist/assets/", import.meta.url);
const scripts = readdirSync(folder).filter((name) => name.endsWith(".js"));
const sizes = scripts.map((name) => ({ name, bytes: gzipSync(readFileSync(new URL(name, folder))).length }));
const total = sizes.reduce((sum, { bytes }) => sum + bytes, 0);
for (const { name, bytes } of sizes) console.log(`${(bytes / 1024).toFixed(1).padStart(7)} KB gzip  ${name}`);
console.log(`${(total / 1024).toFixed(1).padStart(7)} KB gzip  of at most ${BYTES_MAX / 1024} KB`);
if (scripts.length === 0 || total > BYTES_MAX) {
  console.error("The JavaScript of the first load is larger than promised (or missing): find out what grew, or load it later.");
  process.exit(1);
}
