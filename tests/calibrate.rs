//! `prescale calibrate` against a real Prometheus whose service is known.

use serde_json::Value;

use crate::support::prometheus::{Peer, Samples};
use crate::support::run;

const MINUTE_MS: i64 = 60_000;
const MINUTES: i64 = 240;
/// Upper bounds [s], as Prometheus' client libraries have them.
const BOUNDS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// Two replicas.
const REPLICAS: f64 = 2.0;
/// Requests per second of one replica with one request at a time: an exponential service of 40 ms.
const SINGLE: f64 = 25.0;
/// Contention: the peak is at 250/s, which is ten at once.
const CONTENTION: f64 = 0.1;

/// Requests in a replica, over four hours up and down between 1 and 40.
fn concurrency(at_ms: i64) -> f64 {
    let minute = at_ms.div_euclid(MINUTE_MS).rem_euclid(120) as f64;
    1.0 + 39.0 * (1.0 - (minute - 60.0).abs() / 60.0)
}

fn rps(at_ms: i64) -> f64 {
    let n = concurrency(at_ms);
    REPLICAS * SINGLE * n / (1.0 + CONTENTION * (n - 1.0))
}

/// Share of requests up to a bound: exponential, and the slower the more are there.
fn share(at_ms: i64, bound: f64) -> f64 {
    1.0 - (-bound * rps(at_ms) / (REPLICAS * concurrency(at_ms))).exp()
}

#[test]
fn the_pool_of_a_known_service_is_found_and_simulated() {
    let minute_ms = jiff::Timestamp::now().as_millisecond().div_euclid(MINUTE_MS) * MINUTE_MS;
    let span = (minute_ms - (MINUTES + 5) * MINUTE_MS, minute_ms, MINUTE_MS / 4);
    let mut samples = Samples::default();
    for bound in BOUNDS {
        samples =
            samples.counter(&format!("http_seconds_bucket{{job=\"api\",le=\"{bound}\"}}"), span, |at_ms| rps(at_ms) * share(at_ms, bound));
    }
    samples = samples
        .counter("http_seconds_bucket{job=\"api\",le=\"+Inf\"}", span, rps)
        .counter("http_seconds_count{job=\"api\"}", span, rps)
        .counter("http_seconds_sum{job=\"api\"}", span, |at_ms| REPLICAS * concurrency(at_ms));
    let peer = Peer::prometheus(&samples, &[]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("scenario.toml").display().to_string();
    let end = jiff::Timestamp::from_millisecond(minute_ms).unwrap().to_string();
    let url = peer.url();
    let mut args = vec!["calibrate", "--prometheus", &url, "--histogram", "http_seconds{job=\"api\"}", "--range", "4h", "--end", &end];
    args.extend(["--replicas", "2", "--quiet", "3"]);
    let (code, out, err) = run(&[&args[..], &["--format", "json"]].concat());
    assert_eq!(code, 0, "{err}");
    let found: Value = serde_json::from_str(&out).unwrap();
    let holds = |estimate: &Value, truth: f64, slack: f64| {
        let at = |key: &str| estimate[key].as_f64().unwrap();
        assert!(at("low") <= truth * (1.0 + slack) && truth * (1.0 - slack) <= at("high"), "{truth}: {estimate}");
    };
    // The quietest minutes have between one and three requests at once, so that up to 20 % is contention.
    let best = &found["service"]["candidates"][0];
    assert_eq!(best["family"], "exponential", "{found}");
    holds(&best["mean_ms"], 40.0, 0.15);
    // Rates are averages over a minute in which the load goes on rising.
    let usl = &found["scalability"]["Ok"];
    holds(&usl["single_rps"], SINGLE, 0.05);
    holds(&usl["contention"], CONTENTION, 0.05);
    let (code, _, err) = run(&[&args[..], &["--out", &file]].concat());
    assert_eq!(code, 0, "{err}");
    let (code, out, err) = run(&["simulate", &file, "--replications", "1", "--format", "json"]);
    assert_eq!(code, 0, "{err}");
    let report: Value = serde_json::from_str(&out).unwrap();
    assert!(report["requests"]["served"].as_u64().unwrap() > 100_000, "{report}");
    let text = std::fs::read_to_string(&file).unwrap();
    let concurrency: u32 = text.lines().find_map(|line| line.strip_prefix("concurrency = ")).unwrap().parse().unwrap();
    assert!((9..=12).contains(&concurrency), "{text}");
    // A metric that there isn't, and a server that there isn't.
    let (code, _, err) = run(&["calibrate", "--prometheus", &url, "--histogram", "nothing_seconds", "--range", "1h"]);
    assert!(code == 2 && err.contains("nothing_seconds has no buckets"), "{code} {err}");
    let (code, _, err) = run(&["calibrate", "--prometheus", "http://127.0.0.1:1", "--histogram", "a"]);
    assert!(code == 1 && err.contains("127.0.0.1:1"), "{code} {err}");
}
