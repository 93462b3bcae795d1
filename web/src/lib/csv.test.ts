import { expect, test } from "vitest";

import { csv } from "./csv";

test("what a spreadsheet would misread is quoted, and what is not known is empty", () => {
  expect(csv([["a", 'say "hi"', "x,y"], [0, null, 1.5]])).toBe('a,"say ""hi""","x,y"\r\n0,,1.5\r\n');
  expect(csv([])).toBe("");
});
