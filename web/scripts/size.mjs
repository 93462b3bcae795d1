// Fails the build when what a browser must load is larger than promised: for the first page, whichever it is, and for all of them.
import { readFileSync, rmSync } from "node:fs";
import { gzipSync } from "node:zlib";

const FIRST_MAX = 60 * 1024;
const ALL_MAX = 120 * 1024;
const dist = new URL("../dist/", import.meta.url);
const manifestFile = new URL("manifest.json", dist);
const manifest = JSON.parse(readFileSync(manifestFile, "utf8"));
rmSync(manifestFile); // it is for this script only, and would be embedded

const sizes = new Map();
const size = (file) => {
  if (!sizes.has(file)) sizes.set(file, gzipSync(readFileSync(new URL(file, dist))).length);
  return sizes.get(file);
};
/** All that a chunk can't run without. */
const needed = (key, seen = new Set()) => {
  if (seen.has(key)) return seen;
  seen.add(key);
  for (const other of manifest[key].imports ?? []) needed(other, seen);
  return seen;
};
const bytes = (keys) => [...keys].reduce((sum, key) => sum + size(manifest[key].file), 0);
const kilobytes = (count) => `${(count / 1024).toFixed(1).padStart(7)} KB gzip`;

const entry = Object.keys(manifest).find((key) => manifest[key].isEntry);
const pages = Object.keys(manifest).filter((key) => manifest[key].isDynamicEntry && key.startsWith("src/pages/"));
const all = new Set(Object.keys(manifest).filter((key) => manifest[key].file.endsWith(".js")));
const loads = [["the list of services", needed(entry)], ...pages.map((page) => [page, needed(page, needed(entry))])];
let failed = false;
const check = (name, count, most) => {
  console.log(`${kilobytes(count)} of at most ${most / 1024}  ${name}`);
  failed ||= count === 0 || count > most;
};
for (const [name, keys] of loads) check(name, bytes(keys), FIRST_MAX);
check("everything", bytes(all), ALL_MAX);
if (failed) {
  console.error("The JavaScript is larger than promised (or missing): find out what grew, or load it later.");
  process.exit(1);
}
