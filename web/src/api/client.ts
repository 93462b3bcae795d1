// The API, typed from its OpenAPI document (schema.d.ts; refresh it with `npm run api`).

import createClient from "openapi-fetch";

import type { components, paths } from "./schema";

type Schemas = components["schemas"];
export type Overview = Schemas["Overview"];
export type ServiceSummary = Schemas["ServiceSummary"];
export type ServiceDetail = Schemas["ServiceDetail"];
export type Series = Schemas["Series"];
export type Forecast = Schemas["Forecast"];
export type Explanation = Schemas["Explanation"];
export type ForecastMix = Schemas["ForecastMix"];
export type Decision = Schemas["Decision"];
export type Mode = Schemas["Mode"];
export type Pause = Schemas["Pause"];
export type Spark = Schemas["Spark"];
export type Change = Schemas["Change"];
export type ServiceChange = Schemas["ServiceChange"];
export type Beat = Schemas["Beat"];
export type WindowMax = Schemas["WindowMax"];
export type AuditEntry = Schemas["AuditEntry"];
export type Plan = Schemas["Plan"];
export type Plans = Schemas["Plans"];
export type Accuracy = Schemas["Accuracy"];
export type Problem = Schemas["Problem"];
export type Job = Schemas["Job"];
export type JobDetail = Schemas["JobDetail"];
export type JobEstimate = Schemas["JobEstimate"];
export type JobRequest = Schemas["JobRequest"];
export type WhatIf = Schemas["WhatIf"];
export type LoadOrigin = Schemas["LoadOrigin"];
export type Cell = Schemas["Cell"];
export type ModelScore = Schemas["ModelScore"];
export type Comparison = Schemas["Comparison"];
export type SessionInfo = Schemas["SessionInfo"];
export type Token = Schemas["Token"];
export type MadeToken = Schemas["MadeToken"];
export type NewToken = Schemas["NewTokenBody"];

const client = createClient<paths>({ baseUrl: "" });

/** What session.svelte.ts knows: the token that every change carries, and whom to tell when the session has ended. */
export const credentials: { csrf: string | null; lost: () => void } = { csrf: null, lost: () => {} };

client.use({
  onRequest({ request }) {
    if (credentials.csrf !== null && request.method !== "GET") request.headers.set("X-CSRF-Token", credentials.csrf);
    return request;
  },
});

/** A request that failed. `problem` is what the server says; without it the server could not be reached or did not speak as agreed. */
export class ApiError extends Error {
  readonly problem: Problem | null;
  /** The server asked not to be asked before so many seconds. */
  readonly retryAfterS: number;

  constructor(message: string, problem: Problem | null, retryAfterS = 0) {
    super(message);
    this.problem = problem;
    this.retryAfterS = retryAfterS;
  }

  is(kind: string): boolean {
    return this.problem?.type === `urn:prescale:problem:${kind}`;
  }
}

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The server must answer within this time; the page then says that it is stale. */
const TIMEOUT_MS = 5000;
/** Reading a month of history and writing out its cells takes a moment. */
const ESTIMATE_MS = 20_000;
/** A sign-in may wait its turn: passwords are looked at one after the other. */
const SIGN_IN_MS = 20_000;

async function answered<T>(request: (signal: AbortSignal) => Promise<Answer<T>>, withinMs = TIMEOUT_MS): Promise<T> {
  let answer: Answer<T>;
  try {
    answer = await request(AbortSignal.timeout(withinMs));
  } catch (cause) {
    const timedOut = cause instanceof DOMException && cause.name === "TimeoutError";
    throw new ApiError(timedOut ? `no answer within ${withinMs / 1000} s` : "the server can't be reached", null);
  }
  if (answer.response.ok) return answer.data as T;
  throw refusal(answer.response, answer.error);
}

/** What an answer that is no success says. */
export function refusal(response: Response, body: unknown): ApiError {
  const problem = isProblem(body) ? body : null;
  if (problem?.type === "urn:prescale:problem:not-signed-in") credentials.lost();
  const retryAfterS = Number(response.headers.get("retry-after"));
  return new ApiError(problem?.detail ?? `the server answered ${response.status}`, problem, Number.isFinite(retryAfterS) ? retryAfterS : 0);
}

function isProblem(body: unknown): body is Problem {
  return typeof body === "object" && body !== null && "detail" in body && typeof body.detail === "string" && "type" in body;
}

const named = (name: string) => ({ path: { name } });

export const api = {
  session: (): Promise<SessionInfo> => answered((signal) => client.GET("/api/v1/session", { signal })),
  signIn: (account: string, password: string): Promise<SessionInfo> =>
    answered((signal) => client.POST("/api/v1/session", { body: { account, password }, signal }), SIGN_IN_MS),
  signOut: () => answered((signal) => client.DELETE("/api/v1/session", { signal })),
  tokens: async (): Promise<Token[]> => (await answered((signal) => client.GET("/api/v1/tokens", { signal }))).tokens,
  makeToken: (token: NewToken): Promise<MadeToken> => answered((signal) => client.POST("/api/v1/tokens", { body: token, signal })),
  revokeToken: (id: string) => answered((signal) => client.DELETE("/api/v1/tokens/{id}", { params: { path: { id } }, signal })),
  overview: (): Promise<Overview> => answered((signal) => client.GET("/api/v1/services", { signal })),
  service: (name: string): Promise<ServiceDetail> => answered((signal) => client.GET("/api/v1/services/{name}", { params: named(name), signal })),
  series: (name: string, query: { metric: string; from: string; to: string; step: string }): Promise<Series> =>
    answered((signal) => client.GET("/api/v1/services/{name}/series", { params: { ...named(name), query }, signal })),
  /** The newest forecast, or the newest that was issued at or before an instant. */
  forecast: (name: string, atMs: number | null): Promise<Forecast> => {
    const params = { ...named(name), query: atMs === null ? {} : { at: new Date(atMs).toISOString() } };
    return answered((signal) => client.GET("/api/v1/services/{name}/forecast", { params, signal }));
  },
  /** Newest first. */
  audit: async (query: { limit: number; before?: number; service?: string; who?: string; kind?: string }): Promise<AuditEntry[]> =>
    (await answered((signal) => client.GET("/api/v1/audit", { params: { query }, signal }))).entries,
  plans: (): Promise<Plans> => answered((signal) => client.GET("/api/v1/plans", { signal })),
  decisions: async (name: string, limit: number, before?: number): Promise<Decision[]> => {
    const params = { ...named(name), query: { limit, ...(before === undefined ? {} : { before }) } };
    const list = await answered((signal) => client.GET("/api/v1/services/{name}/decisions", { params, signal }));
    return list.decisions;
  },
  setMode: (name: string, mode: Mode) =>
    answered((signal) => client.PUT("/api/v1/services/{name}/mode", { params: named(name), body: { mode }, signal })),
  /** Pauses, or with `null` resumes, one service. */
  pause: (name: string, pause: Pause | null) =>
    pause === null
      ? answered((signal) => client.DELETE("/api/v1/services/{name}/pause", { params: named(name), signal }))
      : answered((signal) => client.POST("/api/v1/services/{name}/pause", { params: named(name), body: { pause }, signal })),
  /** Pauses, or with `null` resumes, all services. */
  pauseAll: (pause: Pause | null) =>
    pause === null
      ? answered((signal) => client.DELETE("/api/v1/pause", { signal }))
      : answered((signal) => client.POST("/api/v1/pause", { body: { pause }, signal })),
  approve: (id: number) => answered((signal) => client.POST("/api/v1/decisions/{id}/approve", { params: { path: { id } }, signal })),
  /** Approves, but for another number of replicas. */
  edit: (id: number, replicas: number, reason: string) =>
    answered((signal) => client.POST("/api/v1/decisions/{id}/approve", { params: { path: { id } }, body: { replicas, reason }, signal })),
  reject: (id: number, reason: string) =>
    answered((signal) => client.POST("/api/v1/decisions/{id}/reject", { params: { path: { id } }, body: { reason }, signal })),
  jobs: async (limit: number): Promise<Job[]> => (await answered((signal) => client.GET("/api/v1/jobs", { params: { query: { limit } }, signal }))).jobs,
  job: (id: number, baseline: number | null): Promise<JobDetail> => {
    const query = baseline === null ? {} : { baseline };
    return answered((signal) => client.GET("/api/v1/jobs/{id}", { params: { path: { id }, query }, signal }));
  },
  /** What a job would be, in full; given as a form or as TOML. */
  estimateJob: (body: JobRequest | { toml: string }): Promise<JobEstimate> =>
    answered((signal) => client.POST("/api/v1/jobs/estimate", { body, signal }), ESTIMATE_MS),
  submitJob: (body: JobRequest | { toml: string }): Promise<JobDetail> => answered((signal) => client.POST("/api/v1/jobs", { body, signal }), ESTIMATE_MS),
  /** Ends a job that waits or runs, deletes one that has ended. */
  removeJob: (id: number) => answered((signal) => client.DELETE("/api/v1/jobs/{id}", { params: { path: { id } }, signal })),
};
