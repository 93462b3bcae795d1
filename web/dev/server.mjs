// Made-up data in the API's shapes, for working on the page without the control plane (`npm run dev:data`, then `npm run dev`). Never shipped.
// Services show the states that are rare in real life: chat (all is well), young (no forecast yet), ask (waits for approval), blind (data stale).
import { createServer } from "node:http";
import { existsSync, readFileSync } from "node:fs";
import { extname } from "node:path";

const PORT = Number(process.env.PORT ?? 8080);
const SPEED = 60;
const BOOT = Date.now();
const START = Date.parse("1998-05-24T10:00:00Z");
const MIN = 60_000;
const now = () => START + (Date.now() - BOOT) * SPEED;
const iso = (ms) => new Date(ms).toISOString();
const floor = (ms) => Math.floor(ms / MIN) * MIN;

const noise = (ms, seed) => {
  const x = Math.sin(ms / MIN * 12.9898 + seed * 78.233) * 43758.5453;
  return x - Math.floor(x) - 0.5;
};
const shape = (ms) => {
  const hour = ((ms / 3_600_000) % 24 + 24) % 24;
  return 160 + 130 * Math.sin(((hour - 9) / 24) * 2 * Math.PI) + 60 * Math.exp(-(((hour - 20) / 1.5) ** 2));
};
const inGap = (ms) => { const m = (ms / MIN) % 300; return m > 130 && m < 152; };
const load = (ms) => (inGap(ms) ? null : Math.max(0, shape(ms) * (1 + noise(ms, 1) * 0.15)));
const need = (ms) => Math.min(12, Math.max(2, Math.ceil((shape(ms) * 1.15) / 40)));
const desired = (ms) => need(ms + 6 * MIN);
const ready = (ms) => Math.min(desired(ms), Math.max(desired(ms - 4 * MIN), 0));

const state = { paused: null, services: {} };
for (const name of ["chat", "young", "ask", "blind"]) state.services[name] = { mode: name === "ask" ? "approve" : "automatic", paused: null, pending: name === "ask" };

const sentence = (from, to, at) => to > from
  ? `Order ${to} replicas (now ${from}): with 95 % certainty the load stays under ${Math.round(shape(at + 6 * MIN) * 1.15)} requests/s until ${iso(at + 20 * MIN).slice(11, 16)}, and ${from} replicas carry ${from * 40}.`
  : to < from ? `Take ${from - to} away: ${to} replicas are enough for the whole window until ${iso(at + 20 * MIN).slice(11, 16)}, and the load now agrees.`
  : `Hold ${from} replicas: they carry ${from * 40} requests/s, and at most ${Math.round(shape(at + 6 * MIN) * 1.15)} are expected until ${iso(at + 20 * MIN).slice(11, 16)}.`;

function decision(name, id) {
  const at = id * MIN;
  const from = desired(at - MIN), to = desired(at);
  return { id, service: name, at: iso(at), mode: state.services[name].mode, current: from, target: to,
    action: to > from ? "up" : to < from ? "down" : "hold", reason: to > from ? "forecast_up" : to < from ? "enough_ahead" : "steady",
    sentence: sentence(from, to, at), outcome: to === from ? null : "acknowledged",
    inputs: { load_rps: load(at), load_age_s: 20, forecast_origin: iso(at - 10 * MIN), quantile: 0.95, window_from: iso(at + 6 * MIN), window_to: iso(at + 20 * MIN),
      window_max_rps: shape(at + 6 * MIN) * 1.15, capacity_rps_per_replica: 40, lead_s: 240, lead_source: "measured" },
    candidates: [{ name: "forecast", replicas: to, why: "the window's maximum at 40 requests/s per replica" }, { name: "reactive", replicas: Math.max(2, to - 1), why: "the load now at 80 % use" }],
    rail: to > from + 1 ? "step_up: wanted 8, allowed 6" : null, check: { replicas: to, load_rps: shape(at), p_latency_ms: 182, error_ratio: 0.0002, holds: true }, expires: null };
}

function summary(name) {
  const t = now(), s = state.services[name], id = Math.floor(t / MIN);
  const young = name === "young", blind = name === "blind";
  let next = null;
  if (!young) for (let m = floor(t); m < t + 6 * 3_600_000; m += MIN) if (desired(m) !== desired(t)) { next = { at: iso(m), from: desired(t), to: desired(m) }; break; }
  const d = decision(name, id);
  const span = 6 * 60;
  return { name, mode: s.mode, paused: s.paused, load_rps: blind ? null : load(floor(t)), load_at: blind ? iso(t - 40 * MIN) : iso(floor(t)),
    replicas: { ready: ready(t), booting: desired(t) - ready(t), draining: 0, desired: desired(t), min: 2, max: 12 },
    forecast: young ? { state: "not_enough_history", origin: null, detail: "the model needs two whole days", have_s: 9 * 3600, need_s: 48 * 3600 }
      : { state: blind ? "stale" : "ok", origin: iso(floor(t) - (floor(t) % (15 * MIN))), detail: null, have_s: null, need_s: null },
    next, last_decision: s.pending ? { ...pick(d), action: "propose", reason: "awaiting_approval" } : pick(d),
    data: blind ? { state: "stale", age_s: 2400 } : { state: "fresh", age_s: 25 },
    spark: { start: iso(floor(t) - span * MIN), step_s: 300, past: Array.from({ length: span / 5 }, (_, i) => load(floor(t) - span * MIN + i * 5 * MIN)),
      future: young ? [] : Array.from({ length: 288 }, (_, i) => shape(floor(t) + i * 5 * MIN)) } };
}
const pick = ({ id, at, action, reason, sentence }) => ({ id, at, action, reason, sentence });

function detail(name) {
  const t = now(), base = summary(name);
  const pending = state.services[name].pending ? { ...decision(name, Math.floor(t / MIN)), current: 6, target: 8, action: "propose", reason: "awaiting_approval", expires: iso(BOOT_EXPIRY),
    sentence: "Order 8 replicas (now 6): the load will pass 260 requests/s at 12:40, and 6 replicas carry 240." } : null;
  return { ...base, now: iso(t), speed: SPEED, slo: { latency_ms: 250, percentile: 95, errors: 0.001 },
    rails: { min: 2, max: 12, step_up: 4, step_down: 1, stabilisation_s: 600, cool_down_s: 120, max_jump_factor: 3 }, policy: "predictive", target_utilisation: 0.8,
    capacity: { rps_per_replica: 40, source: "declared" }, lead_s: 240, lead_source: "measured", time_zone: "Asia/Shanghai",
    events: [{ name: "market open", at: "09:30 mon-fri", from: null, until: null, lasts_s: 2700, multiplier: 4, floor: null, ceiling: null }],
    accuracy: name === "young" ? null : { judged: 1310, error_ratio: 0.086, persistence_error_ratio: 0.11, coverage: [{ quantile: 0.5, share: 0.52 }, { quantile: 0.9, share: 0.92 }, { quantile: 0.95, share: 0.96 }] },
    proxy: { listen: "127.0.0.1:8000", backends: Array.from({ length: base.replicas.desired }, (_, i) => ({ id: i + 1, address: `127.0.0.1:${9001 + i}`, weight: 100, in_flight: (i * 7) % 5, state: i === base.replicas.desired - 1 && base.replicas.booting ? "warming" : i === 1 && name === "blind" ? "ejected" : "up" })) },
    pending_approval: pending };
}
const BOOT_EXPIRY = START + 45 * MIN;

const judged = (name, weight, loss) => ({ name, weight, loss, origins: 36 });
const EXPLANATION = { crowd: 0.36, cleaning: ["12 row(s) missing"],
  near: { members: [judged("last_value", 0.55, 1), judged("ridge", 0.45, 1.03)], residuals: 3600, effective_residuals: 2410 },
  far: { members: [judged("ridge", 0.61, 1), judged("seasonal_naive_week", 0.27, 1.09), judged("seasonal_naive_day", 0.12, 1.2)], residuals: 3456, effective_residuals: 1290 } };

function forecast(name, at) {
  const t = at ?? now(), origin = floor(t) - (floor(t) % (15 * MIN));
  const q = (ms) => { const w = shape(ms) * (0.05 + 0.1 * Math.sqrt((ms - origin) / 86_400_000)); const m = shape(ms);
    return Object.fromEntries([["0.05", -1.64], ["0.25", -0.67], ["0.5", 0], ["0.75", 0.67], ["0.9", 1.28], ["0.95", 1.64], ["0.99", 2.33]].map(([k, z]) => [k, Math.max(0, m + z * w)])); };
  const planned = [];
  for (let m = floor(t); m < t + 24 * 60 * MIN; m += MIN) if (planned.length === 0 || planned.at(-1).replicas !== desired(m)) planned.push({ at: iso(m), replicas: desired(m) });
  return { origin: iso(origin), step_s: 60, model: "blend", basis: "week", history_points: 20160, quantiles: [0.05, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99],
    points: Array.from({ length: 1440 }, (_, i) => { const ms = origin + (i + 1) * MIN; return { ts: iso(ms), mean: shape(ms), q: q(ms) }; }),
    members: [{ name: "ridge", weight: 0.61 }, { name: "seasonal_naive_week", weight: 0.27 }, { name: "seasonal_naive_day", weight: 0.12 }],
    explanation: at === undefined ? EXPLANATION : null,
    max: { "1h": { q: q(origin + 60 * MIN), at: iso(origin + 55 * MIN) }, "24h": { q: q(origin + 600 * MIN), at: iso(origin + 600 * MIN) } }, planned, kept_since: iso(START - 12 * 60 * MIN) };
}

function series(name, query) {
  const stepS = { "60s": 60, "300s": 300, "900s": 900 }[query.get("step")] ?? 60;
  const from = Date.parse(query.get("from")), to = Date.parse(query.get("to")), t = now();
  const metric = query.get("metric");
  const of = { load, replicas_ready: ready, replicas_desired: desired }[metric] ?? (() => 0.5);
  const until = name === "blind" ? t - 40 * MIN : t;
  const count = Math.ceil((to - from) / stepS / 1000);
  const values = Array.from({ length: count }, (_, i) => { const ms = from + i * stepS * 1000; return ms > until ? null : of(ms); });
  return { metric, unit: metric === "load" ? "rps" : "replicas", start: iso(from), step_s: stepS, values };
}

function plan(name) {
  const { mode, replicas } = summary(name);
  return { service: name, mode, replicas, rps_per_replica: 40, planned: name === "young" ? [] : forecast(name).planned, waiting: detail(name).pending_approval, last: decision(name, Math.floor(now() / MIN)) };
}

function audit(query) {
  const kinds = ["mode_changed", "paused", "resumed", "approved"];
  const before = Number(query.get("before") ?? 4000);
  const all = Array.from({ length: 400 }, (_, i) => ({ seq: before - 1 - i, at: iso(now() - i * 37 * MIN), who: i % 3 ? "ada" : "token ci", kind: kinds[i % 4], service: i % 5 ? "chat" : null,
    what: "Something was changed.", before: "observe", after: "recommend", decision: i % 4 === 3 ? Math.floor(now() / MIN) - i : null }));
  return all.filter((one) => ["who", "kind", "service"].every((key) => !query.has(key) || one[key] === query.get(key))).slice(0, Number(query.get("limit") ?? 100));
}

const problem = (status, kind, text, more = {}) => [status, { type: `urn:prescale:problem:${kind}`, title: kind, status, detail: text, ...more }];

function answer(method, url, body) {
  const parts = url.pathname.split("/").slice(3);
  if (parts[0] === "services" && parts.length === 1) return [200, { now: iso(now()), speed: SPEED, paused: state.paused, store_error: null, services: Object.keys(state.services).map(summary) }];
  if (parts[0] === "session") return [200, { who: "local operator", role: "admin", via: "loopback", csrf: null, may: { operate: true, administer: true }, sign_in_needed: false }];
  if (parts[0] === "tokens") return method === "GET" ? [200, { tokens: [] }] : problem(409, "conflict", "refused: the made-up server makes no tokens");
  if (parts[0] === "plans") return [200, { now: iso(now()), plans: Object.keys(state.services).map(plan) }];
  if (parts[0] === "audit") return [200, { entries: audit(url.searchParams) }];
  if (parts[0] === "pause") { state.paused = method === "DELETE" ? null : body.pause; return [200, { pause: state.paused }]; }
  if (parts[0] === "decisions") { for (const s of Object.values(state.services)) s.pending = false; return [204, null]; }
  const name = parts[1], s = state.services[name];
  if (!s) return problem(404, "not-found", `there is no service "${name}"`);
  switch (parts[2]) {
    case undefined: return [200, detail(name)];
    case "series": return [200, series(name, url.searchParams)];
    case "forecast": return name === "young" ? problem(404, "not-enough-history", "not enough history", { have_s: 9 * 3600, need_s: 48 * 3600 }) : [200, forecast(name, url.searchParams.has("at") ? Date.parse(url.searchParams.get("at")) : undefined)];
    case "decisions": { const newest = Math.floor(now() / MIN); return [200, { decisions: Array.from({ length: Number(url.searchParams.get("limit") ?? 50) }, (_, i) => decision(name, newest - i)) }]; }
    case "mode": if (body.mode === "observe") return problem(409, "conflict", "refused: the made-up server never observes"); s.mode = body.mode; return [200, { mode: s.mode }];
    case "pause": s.paused = method === "DELETE" ? null : body.pause; return [200, { pause: s.paused }];
    default: return problem(404, "no-such-path", url.pathname);
  }
}

const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };
/** The event stream, in the simplest way that is true: everything, once a second. */
function stream(response) {
  let seq = 0;
  response.writeHead(200, { "content-type": "text/event-stream" });
  const tell = () => response.write(`event: reset\nid: made-up-${(seq += 1)}\ndata: ${JSON.stringify(answer("GET", new URL("http://localhost/api/v1/services"), null)[1])}\n\n`);
  tell();
  const timer = setInterval(tell, 1000);
  response.on("close", () => clearInterval(timer));
}

createServer(async (request, response) => {
  const url = new URL(request.url, `http://127.0.0.1:${PORT}`);
  let text = "";
  for await (const chunk of request) text += chunk;
  if (url.pathname === "/api/v1/events") return stream(response);
  if (url.pathname.startsWith("/api/")) {
    const [status, body] = answer(request.method, url, text ? JSON.parse(text) : null);
    response.writeHead(status, { "content-type": status >= 400 ? "application/problem+json" : "application/json" });
    return response.end(body === null ? undefined : JSON.stringify(body));
  }
  const file = new URL(`../dist${url.pathname}`, import.meta.url);
  const found = url.pathname !== "/" && existsSync(file) ? file : new URL("../dist/index.html", import.meta.url);
  response.writeHead(200, { "content-type": TYPES[extname(found.pathname)] ?? "application/octet-stream",
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'" });
  response.end(readFileSync(found));
}).listen(PORT, "127.0.0.1", () => console.log(`made-up data on http://127.0.0.1:${PORT}`));
