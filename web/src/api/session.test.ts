import { expect, test, vi } from "vitest";

import { api, credentials, type SessionInfo } from "./client";
import { session } from "./session.svelte";

// The client takes the globals when it is loaded, so they are replaced before.
const wire = vi.hoisted(() => {
  const wire = { answers: [] as [number, unknown][], asked: [] as Request[] };
  const Whole = globalThis.Request;
  // Outside of a browser an address must be absolute.
  globalThis.Request = class extends Whole {
    constructor(input: RequestInfo | URL, init?: RequestInit) {
      super(typeof input === "string" && input.startsWith("/") ? `http://127.0.0.1${input}` : input, init);
    }
  };
  globalThis.fetch = (request) => {
    wire.asked.push(request as Request);
    const [status, body] = wire.answers.shift() ?? [500, {}];
    return Promise.resolve(new Response(status === 204 ? null : JSON.stringify(body), { status, headers: { "content-type": "application/json" } }));
  };
  return wire;
});

const ADA: SessionInfo = {
  who: "ada",
  role: "viewer",
  via: "session",
  csrf: "from the session",
  may: { operate: false, administer: false },
  sign_in_needed: true,
};

/** Answers the next requests; returns what was asked from now on. */
function server(...answers: [number, unknown][]): Request[] {
  wire.answers = answers;
  return (wire.asked = []);
}

const problem = (kind: string, status: number): [number, unknown] => [status, { type: `urn:prescale:problem:${kind}`, title: kind, status, detail: kind }];

test("what a role may not do says so, and whom to ask", async () => {
  server([200, ADA]);
  await session.ask();
  expect(session.out).toBe(false);
  expect(session.refusal("operate")).toBe("Your role viewer may not do this; it takes operator. Ask whoever administers Prescale for it.");
  expect(session.refusal("administer")).toContain("it takes admin");
  server([200, { ...ADA, role: "operator", may: { operate: true, administer: false } }]);
  await session.ask();
  expect(session.refusal("operate")).toBeNull();
});

test("whatever changes something carries the session's token, and nothing else does", async () => {
  const asked = server([200, ADA], [200, { pause: null }], [200, ADA]);
  await session.ask();
  await api.pauseAll(null);
  await session.ask();
  expect(asked.map((request) => request.headers.get("X-CSRF-Token"))).toEqual([null, "from the session", null]);
});

test("a session that ended leads to the sign-in, a refused sign-in does not", async () => {
  server([200, ADA], problem("not-signed-in", 401), [200, ADA], problem("wrong-password", 401), problem("not-allowed", 403));
  await session.ask();
  await expect(api.overview()).rejects.toThrow("not-signed-in");
  expect(session.out).toBe(true);
  await session.ask();
  expect(session.out).toBe(false);
  await expect(session.signIn("ada", "wrong")).rejects.toThrow("wrong-password");
  await expect(api.pauseAll("both")).rejects.toThrow("not-allowed");
  expect(session.out).toBe(false);
});

test("where nobody has to sign in everything is within reach", async () => {
  server([200, { ...ADA, who: "local operator", role: "admin", via: "loopback", csrf: null, may: { operate: true, administer: true } }]);
  await session.ask();
  expect([session.refusal("operate"), session.refusal("administer"), credentials.csrf]).toEqual([null, null, null]);
});
