import { expect, test } from "vitest";

import type { Series } from "../../api/client";
import { effect, toml, wrong } from "./rails";

const RAILS = { min: 2, max: 4, step_up: 2, step_down: 1 };
const week = (values: (number | null)[]): Series => ({ metric: "load", unit: "rps", start: "1970-01-01T00:00:00Z", step_s: 900, values });

test("the line of the configuration says what is edited and keeps the rest", () => {
  const kept = { ...RAILS, stabilisation_s: 600, cool_down_s: 90, max_jump_factor: 3 };
  expect(toml({ ...RAILS, max: 9 }, kept)).toBe(
    'rails = { min = 2, max = 9, step_up = 2, step_down = 1, stabilisation = "10m", cool_down = "90s", max_jump_factor = 3 }',
  );
});

test("rails that contradict themselves are named", () => {
  expect(wrong(RAILS)).toBeNull();
  expect(wrong({ ...RAILS, min: 9 })).toContain("contradict");
  expect(wrong({ ...RAILS, step_up: 0 })).toContain("never move");
  expect(wrong({ ...RAILS, max: 2.5 })).toContain("whole");
  expect(wrong({ ...RAILS, max: NaN })).toContain("whole");
});

test("a higher maximum takes away what was missing, a gap counts for nothing", () => {
  const { short, mean, chart } = effect(week([10, 50, null, 90]), 10, RAILS, { ...RAILS, max: 8 }, "shop");
  expect(short).toEqual({ now: 2 / 3, then: 1 / 3 });
  expect(mean).toEqual({ now: (2 + 4 + 4) / 3, then: (2 + 5 + 8) / 3 });
  expect(chart.gaps.length).toBe(1);
  expect(effect(week([]), 10, RAILS, RAILS, "shop").short).toEqual({ now: 0, then: 0 });
});
