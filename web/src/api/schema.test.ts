import { readFileSync } from "node:fs";

import openapiTS, { astToString } from "openapi-typescript";
import { expect, test } from "vitest";

test("the types are the ones of web/openapi.json (refresh them with: npm run api)", async () => {
  const document = new URL("../../openapi.json", import.meta.url);
  const committed = readFileSync(new URL("./schema.d.ts", import.meta.url), "utf8");
  const fresh = astToString(await openapiTS(document));
  expect(committed.endsWith(fresh)).toBe(true);
});
