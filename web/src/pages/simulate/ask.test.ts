import { describe, expect, it } from "vitest";

import { href, parseRoute, type RouteOf } from "../../lib/router";
import { asList, PRESETS, read, usual, write } from "./ask";

describe("what is asked", () => {
  it("comes back from the address as it was", () => {
    const ask = { ...usual("shop & co"), ...PRESETS[0]!.change, replica_hour: 0.2 };
    const address = href({ page: "simulate", service: ask.service, ask: write(ask) });
    const [path, query] = address.split("?");
    const route = parseRoute(path!, `?${query}`) as RouteOf<"simulate">;
    expect(read(route.ask, route.service)).toEqual(ask);
  });

  it("is the usual question when the address holds nonsense", () => {
    for (const text of ["", "{", "[]", "null", "3", '{"plans":"planner"}', '{"algorithms":[3]}']) {
      expect(read(text, "shop"), text).toEqual(usual("shop"));
    }
    expect(read('{"traffic":2,"evil":1}', "shop")).toEqual({ ...usual("shop"), traffic: 2 });
  });

  it("has lists that are typed with commas or blanks", () => {
    expect(asList("planner, fixed:12  hpa:0.7,")).toEqual(["planner", "fixed:12", "hpa:0.7"]);
    expect(asList("")).toEqual([]);
  });
});
