import { expect, test } from "vitest";

import { ranked, score } from "./fuzzy";

test("letters must come in order", () => {
  expect(score("wc", "worldcup")).not.toBeNull();
  expect(score("cw", "worldcup")).toBeNull();
  expect(score("", "anything")).toBe(0);
});

test("words' begins and letters in a row win over letters that are scattered", () => {
  const list = ["checkout-api", "chat-api", "Policies", "Pause all services", "capital"];
  const first = (query: string) => ranked(query, list, (text) => text)[0];
  expect([first("ca"), first("pau"), first("pas"), first("pol"), first("check")]).toEqual([
    "capital",
    "Pause all services",
    "Pause all services",
    "Policies",
    "checkout-api",
  ]);
  expect(ranked("  ", list, (text) => text)).toEqual(list);
  expect(ranked("xyz", list, (text) => text)).toEqual([]);
});
