//! Users, the store of their sessions, and what becomes of both when the store is lost.

// In tests a failed unwrap is a failed test.
#![allow(clippy::unwrap_used)]

use simulator::{NoAutoscaler, RunResult, Scenario, run};

fn parse(service: &str, rest: &str) -> Result<Scenario, String> {
    let text = format!(
        "requests = 60_000\nwarmup = \"50s\"\n[workload]\narrivals = {{ kind = \"poisson\", rate_rps = 30.0 }}\n[[pools]]\nreplicas = 4\n\
         concurrency = 1\nservice_time = {service}\n{rest}"
    );
    Scenario::parse(&text, &()).map_err(|error| error.to_string())
}

fn result(service: &str, rest: &str) -> RunResult {
    run(&parse(service, rest).unwrap(), &NoAutoscaler, 5, 0).unwrap()
}

const FIXED_60: &str = "{ dist = \"deterministic\", mean_ms = 60.0 }";
const FIXED_100: &str = "{ dist = \"deterministic\", mean_ms = 100.0 }";
const STORE_40: &str = "store = { dist = \"deterministic\", mean_ms = 40.0 }\n";

#[test]
fn a_look_up_adds_to_the_work_of_each_request() {
    let plain = result(FIXED_100, "");
    let stored = result(FIXED_60, &format!("[users]\ncount = 500\n[sessions]\n{STORE_40}"));
    assert!(stored.latency == plain.latency && stored.wait == plain.wait);
    assert_eq!(stored.counts, plain.counts);
    assert_eq!(stored.backends, plain.backends);
}

#[test]
fn after_the_loss_of_the_store_each_user_fails_once_or_logs_in_once() {
    let fault = "[[faults]]\nkind = \"store\"\nat = \"500s\"\nlasts = \"1ms\"\n";
    let refused = result(FIXED_60, &format!("[users]\ncount = 500\n[sessions]\n{STORE_40}{fault}"));
    // Thirty a second of 500 users, for 1,500 s: everybody comes back.
    assert!((500..=501).contains(&refused.counts.failed), "{:?}", refused.counts);
    let login = "lost = \"login\"\nlogin = { dist = \"deterministic\", mean_ms = 200.0 }\n";
    let renewed = result(FIXED_60, &format!("[users]\ncount = 500\n[sessions]\n{STORE_40}{login}{fault}"));
    assert!(renewed.counts.failed <= 1, "{:?}", renewed.counts);
    let busy = |result: &RunResult| result.backends.iter().map(|backend| backend.busy).sum::<u128>() as f64 / 1e9;
    // 500 logins of 0.2 s more than without the loss.
    let quiet = result(FIXED_60, &format!("[users]\ncount = 500\n[sessions]\n{STORE_40}"));
    assert!((busy(&renewed) - busy(&quiet) - 100.0).abs() < 1.0, "{} {}", busy(&renewed), busy(&quiet));
}

#[test]
fn while_the_store_is_down_everybody_fails_and_the_fleet_is_well() {
    let down = result(
        FIXED_60,
        &format!("[users]\ncount = 50\n[sessions]\n{STORE_40}[[faults]]\nkind = \"store\"\nat = \"500s\"\nlasts = \"100s\"\n"),
    );
    // 3,000 while it lasts, and fifty users once each afterwards.
    assert!((2_850..3_250).contains(&down.counts.failed), "{:?}", down.counts);
    assert!(down.backends.iter().all(|backend| backend.crashes == 0));
}

fn shares(result: &RunResult) -> Vec<f64> {
    let all = result.backends.iter().map(|backend| backend.attempts).sum::<u64>() as f64;
    result.backends.iter().map(|backend| backend.attempts as f64 / all).collect()
}

#[test]
fn users_with_a_key_stay_and_a_few_heavy_ones_tilt_a_hash() {
    let hashed = |users: &str| result(FIXED_60, &format!("[users]\n{users}\n[balancer]\nalgorithm = \"rendezvous\"\nkey = \"user\"\n"));
    let even = shares(&hashed("count = 10000"));
    assert!(even.iter().all(|share| (share - 0.25).abs() < 0.02), "{even:?}");
    // One user: one replica.
    let single = shares(&hashed("count = 1"));
    assert!(single.contains(&1.0), "{single:?}");
    // The heaviest of a thousand has 1 / H(1000) = 13.4 % of the requests at skew 1: a quarter of the others beside it is 35 %.
    let skewed = shares(&hashed("count = 1000\nskew = 1.0"));
    assert!(skewed.iter().fold(0.0, |most: f64, share| most.max(*share)) > 0.29, "{skewed:?}");
}

#[test]
fn sticky_users_are_answered_by_the_replica_that_answered_them_first() {
    let text = "[users]\ncount = 1\n[balancer]\nalgorithm = \"round_robin\"\nsticky = true\n";
    let stuck = result("{ dist = \"deterministic\", mean_ms = 10.0 }", text);
    assert_eq!(shares(&stuck).iter().filter(|share| **share == 1.0).count(), 1, "{:?}", shares(&stuck));
}

#[test]
fn what_is_missing_or_too_much_is_named() {
    let refused = |rest: &str| parse(FIXED_60, rest).unwrap_err();
    for (text, words) in [
        ("[sessions]\nstore = { dist = \"exponential\", mean_ms = 1 }", "`sessions` is there; allowed: [users] beside it"),
        ("[users]\ncount = 0", "`users.count` is 0; allowed: a whole number from 1 to 10000000"),
        ("[users]\ncount = 5\nskew = -1", "`users.skew` is -1; allowed: Zipf's exponent"),
        ("[users]\ncount = 5\n[sessions]", "`sessions.store` is missing"),
        (
            "[users]\ncount = 5\n[sessions]\nstore = { dist = \"exponential\", mean_ms = 1 }\nlost = \"login\"",
            "`sessions.login` is missing",
        ),
        ("[[faults]]\nkind = \"store\"\nat = \"1s\"\nlasts = \"1s\"", "`faults[0].kind` is \"store\"; allowed: \"store\" with [sessions]"),
        ("[[faults]]\nkind = \"store\"\nat = \"1s\"\nlasts = \"1s\"\nreplicas = 2", "`faults[0].replicas` is 2; allowed: nothing"),
        ("[balancer]\nkey = \"user\"", "`balancer.key` is there; allowed: [users] beside it"),
        ("[balancer]\nkey = \"cookie\"", "`balancer.key` is \"cookie\"; allowed: \"user\""),
    ] {
        let error = refused(text);
        assert!(error.starts_with("line ") && error.contains(words), "{error}");
    }
}
