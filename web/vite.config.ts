import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

// `npm run dev` serves the page with live reload and passes the API on to a running `prescale demo` (or to `npm run dev:data`).
const api = process.env["PRESCALE_API"] ?? "http://127.0.0.1:8080";
// The server refuses orders from foreign origins; during development the page's origin is vite's, so it is replaced.
const passOn = { target: api, changeOrigin: true, headers: { origin: api } };

export default defineConfig({
  // Everything is said here; without this it complains that there is no file of Svelte's own.
  plugins: [svelte({ configFile: false })],
  build: {
    target: "es2022",
    // No data: URLs and no inline polyfill: the content security policy allows neither.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // For scripts/size.mjs, which removes it.
    manifest: "manifest.json",
  },
  server: { host: "127.0.0.1", proxy: { "/api": passOn, "/openapi.json": passOn } },
  // Tests use Svelte as a browser does, not its server side.
  ...(process.env["VITEST"] ? { resolve: { conditions: ["browser"] } } : {}),
  test: { include: ["src/**/*.test.ts"] },
});
