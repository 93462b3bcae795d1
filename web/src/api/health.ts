// What `/readyz` says. It is plain HTTP for load balancers and probes, so it is no part of the OpenAPI document.

import { ApiError } from "./client";

export interface Check {
  name: string;
  ok: boolean;
  text: string;
}

export async function checks(): Promise<Check[]> {
  let response: Response;
  try {
    response = await fetch("/readyz", { signal: AbortSignal.timeout(5000) });
  } catch {
    throw new ApiError("the server can't be reached", null);
  }
  // 503 means that a check fails, which is what is asked.
  const body: unknown = await response.json().catch(() => null);
  const list = (body as { checks?: unknown } | null)?.checks;
  if (!Array.isArray(list)) throw new ApiError(`the server answered ${response.status}`, null);
  return list.filter(isCheck);
}

function isCheck(one: unknown): one is Check {
  const check = one as Partial<Check> | null;
  return typeof check?.name === "string" && typeof check.ok === "boolean" && typeof check.text === "string";
}
