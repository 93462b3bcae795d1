import { defineConfig } from "vitest/config";

// The page against the real demo (`make e2e`), one test after the other: they share the demo and its modes.
export default defineConfig({
  test: { include: ["e2e/**/*.test.ts"], fileParallelism: false, testTimeout: 60_000, hookTimeout: 90_000 },
});
