import { expect, it } from "vitest";

import { shown, signed } from "./figures";

it("shares are per cent, signs are always there, and what isn't known is a dash", () => {
  expect(shown("error_ratio", 0.0123)).toBe("1.23");
  expect(shown("latency_p99_ms", 250.4)).toBe("250");
  expect(shown("cost", undefined)).toBe("–");
  expect(signed("replica_hours", -3.5)).toBe("−3.5");
  expect(signed("error_ratio", 0.002)).toBe("+0.2");
  expect(signed("cost", null)).toBe("–");
});
