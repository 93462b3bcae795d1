import { expect, test } from "vitest";

import { ApiError } from "../api/client";
import { Action } from "./action.svelte";

test("an order is pending until it is acknowledged, and only one runs", async () => {
  const action = new Action();
  let acknowledge = () => {};
  const first = action.run("Pause", () => new Promise<void>((done) => (acknowledge = done)));
  expect(action.pending).toBe("Pause");
  expect(await action.run("Resume", async () => undefined)).toBe(false);
  acknowledge();
  expect([await first, action.pending, action.error]).toEqual([true, null, null]);
});

test("a refusal gives the server's reason, and a lost answer says that nobody knows", async () => {
  const action = new Action();
  const problem = { type: "urn:prescale:problem:conflict", title: "", status: 409, detail: "decision 7 expired" };
  expect(await action.run("Approve", () => Promise.reject(new ApiError("decision 7 expired", problem)))).toBe(false);
  expect(action.error).toBe("Approve: decision 7 expired");
  await action.run("Approve", () => Promise.reject(new ApiError("no answer within 5 s", null)));
  expect(action.error).toBe("Approve: no answer within 5 s; it may or may not have arrived");
});
