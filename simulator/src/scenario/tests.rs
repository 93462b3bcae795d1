//! Bad input: every error names the key, the value and what is allowed.

use balancer::{Algorithm, Nanos};
use expect_test::{Expect, expect};

use super::*;

const GOOD: &str = r#"
name = "good"
duration = "10m"
[workload]
arrivals = { kind = "poisson", rate_rps = 6.4 }
[slo]
latency_ms = 500
percentile = 99
[balancer]
algorithm = "p2c"
passive = { max_fails = 2, fail_timeout = "10s" }
[retries]
budget = { ratio = 0.1 }
[timeouts]
request = "2s"
[cost]
replica_hour = 0.2
[[pools]]
name = "app"
replicas = 2
concurrency = 8
queue = 16
service_time = { dist = "gamma", mean_ms = 100, scv = 0.5 }
"#;

/// A file system with one file: counts per five minutes, with a gap.
struct OneFile;

impl SeriesSource for OneFile {
    fn load(&self, file: &str) -> Result<SeriesData, String> {
        match file {
            "counts.csv" => {
                Ok(SeriesData { start_ms: 1_000, step: Nanos::from_secs(300), values: vec![Some(300.0), None, Some(900.0), Some(600.0)] })
            }
            "negative.csv" => Ok(SeriesData { start_ms: 0, step: Nanos::from_secs(60), values: vec![Some(1.0), Some(-1.0)] }),
            _ => Err("a file that exists".to_owned()),
        }
    }
}

fn parse(text: &str) -> Result<Scenario, ScenarioError> {
    Scenario::parse(text, &OneFile)
}

/// The good scenario with one piece replaced.
fn refused(piece: &str, with: &str, expect: &Expect) {
    assert!(GOOD.contains(piece), "{piece} isn't in the good scenario");
    let error = parse(&GOOD.replacen(piece, with, 1)).expect_err("this must be refused");
    expect.assert_eq(&error.to_string());
}

#[test]
fn a_good_scenario_is_read_as_it_is_written() {
    let scenario = parse(GOOD).unwrap();
    assert_eq!(scenario.horizon, Horizon::Duration(Nanos::from_secs(600)));
    assert_eq!(scenario.warmup, Warmup::Auto);
    assert_eq!(scenario.balancing.pool.algorithm, Algorithm::P2c);
    assert_eq!(scenario.balancing.pool.passive.unwrap().fail_timeout, Nanos::from_secs(10));
    assert!((scenario.balancing.retries.unwrap().policy.budget.ratio - 0.1).abs() < 1e-12);
    assert_eq!(scenario.pools[0].service_time, ServiceTime { dist: ServiceDist::Gamma { scv: 0.5 }, mean_ms: 100.0 });
    assert_eq!((scenario.seed, scenario.replications, scenario.timeline), (1, 10, true));
}

#[test]
fn unknown_keys_are_named_with_those_that_exist() {
    refused(
        "concurrency = 8",
        "concurency = 8",
        &expect![
            "line 21: `pools[0].concurency` is an unknown key (with the value 8; did you mean concurrency?); allowed: the keys name, replicas, weight, concurrency, queue, discipline, service_time, speed, boot_delay, warm_up, failure, memory, contention, calls, replica_hour, level, backup, group, region"
        ],
    );
    refused(
        "replicas = 2",
        "replica = 2",
        &expect![
            "line 20: `pools[0].replica` is an unknown key (with the value 2; did you mean replicas?); allowed: the keys name, replicas, weight, concurrency, queue, discipline, service_time, speed, boot_delay, warm_up, failure, memory, contention, calls, replica_hour, level, backup, group, region"
        ],
    );
    refused(
        "[slo]",
        "[objective]\nx = 1\n[slo]",
        &expect![
            "line 6: `objective` is an unknown key (with the value { x = 1 }); allowed: the keys name, seed, replications, requests, duration, warmup, timeline, max_in_flight, workload, slo, timeouts, cost, balancer, retries, pools, autoscaler, dependencies, clients, faults, regions, network, dns, broker, connections, users, sessions"
        ],
    );
    // The balancer's own keys; it may get more of them.
    let error = parse(&GOOD.replacen("max_fails = 2", "max_fail = 2", 1)).unwrap_err().to_string();
    let expected = "line 11: `balancer.passive` is wrong: unknown field `max_fail`; allowed: one of `max_fails`, `fail_timeout`,";
    assert!(error.starts_with(expected), "{error}");
}

#[test]
fn wrong_units_and_types_are_named_with_what_is_allowed() {
    refused("\"10m\"", "600", &expect![[r#"line 3: `duration` is 600; allowed: a duration like "250ms", "90s", "15m", "24h" or "7d""#]]);
    refused(
        "\"10m\"",
        "\"10 minutes\"",
        &expect![[r#"line 3: `duration` is "10 minutes"; allowed: a duration like "250ms", "90s", "15m", "24h" or "7d""#]],
    );
    refused(
        "rate_rps = 6.4",
        "rate_rps = \"6.4\"",
        &expect![[r#"line 5: `workload.arrivals.rate_rps` is "6.4"; allowed: a number above 0"#]],
    );
    refused("rate_rps = 6.4", "rate_rps = -1", &expect![[r#"line 5: `workload.arrivals.rate_rps` is -1; allowed: a number above 0"#]]);
    refused("rate_rps = 6.4", "rate_rps = nan", &expect![[r#"line 5: `workload.arrivals.rate_rps` is nan; allowed: a number above 0"#]]);
    refused(
        "queue = 16",
        "queue = \"none\"",
        &expect![[r#"line 22: `pools[0].queue` is "none"; allowed: "unbounded" or a whole number from 0 to 4294967295"#]],
    );
    refused(
        "queue = 16",
        "queue = -1",
        &expect![[r#"line 22: `pools[0].queue` is -1; allowed: "unbounded" or a whole number from 0 to 4294967295"#]],
    );
    refused(
        "scv = 0.5",
        "scv = 0",
        &expect![[r#"line 23: `pools[0].service_time.scv` is 0; allowed: a squared coefficient of variation above 0, at most 10000"#]],
    );
    refused(
        ", scv = 0.5",
        "",
        &expect![[
            r#"line 23: `pools[0].service_time.scv` is missing; allowed: a squared coefficient of variation above 0, at most 10000"#
        ]],
    );
    refused(
        "\"gamma\"",
        "\"weibull\"",
        &expect![[
            r#"line 23: `pools[0].service_time.dist` is "weibull"; allowed: "exponential", "deterministic", "lognormal", "gamma", "hyperexponential", "erlang", "pareto", "empirical""#
        ]],
    );
    refused(
        "\"p2c\"",
        "\"fastest\"",
        &expect![[
            r#"line 10: `balancer.algorithm` is "fastest"; allowed: "round_robin", "weighted_round_robin", "least_connections", "p2c", "random", "weighted_random", "d_choices", "peak_ewma", "least_response_time", "random_two_least_time", "ring_hash", "maglev", "rendezvous", "ip_hash", "join_shortest_queue", "prequal""#
        ]],
    );
    refused(
        "percentile = 99",
        "percentile = 100",
        &expect![[r#"line 8: `slo.percentile` is 100; allowed: a number above 0 and below 100"#]],
    );
    refused(
        "fail_timeout = \"10s\"",
        "fail_timeout = 10",
        &expect![[
            r#"line 11: `balancer.passive` is wrong: 10 has no unit; allowed: a whole number with a unit of ns, us, ms, s, m or h, such as "500ms" or "10s""#
        ]],
    );
    refused("ratio = 0.1", "ratio = 11.0", &expect![[r#"line 13: `retries.budget.ratio` is 11; allowed: 0 to 10"#]]);
    refused(
        "request = \"2s\"",
        "request = \"0s\"",
        &expect![[r#"line 15: `timeouts.request` is "0s"; allowed: a duration above 0, like "2s""#]],
    );
    refused("name = \"good\"", "name = = 3", &expect!["line 2: `the text` is no TOML (extra `=`, expected nothing); allowed: valid TOML"]);
}

#[test]
fn what_contradicts_itself_is_refused() {
    refused("duration = \"10m\"", "", &expect![[r#"`requests` is missing; allowed: requests or duration must say when the run ends"#]]);
    refused(
        "duration = \"10m\"",
        "duration = \"10m\"\nrequests = 5",
        &expect![[r#"line 3: `duration` is "10m"; allowed: either requests or duration, not both"#]],
    );
    refused(
        "duration = \"10m\"",
        "duration = \"10m\"\nwarmup = \"10m\"",
        &expect![[r#"line 4: `warmup` is 10m; allowed: less than the duration, 10m"#]],
    );
    refused(
        "replicas = 2",
        "replicas = 0",
        &expect![[r#"line 20: `pools[0].replicas` is 0 in all pools; allowed: 1 to 100000 in all pools"#]],
    );
    refused(
        "[[pools]]",
        "[[pools]]\nconcurrency = 1\nservice_time = { dist = \"exponential\", mean_ms = 1 }\n[autoscaler]\n[[pools]]",
        &expect![[r#"line 18: `pools` is 2 pools; allowed: exactly one with an [autoscaler]"#]],
    );
}

#[test]
fn a_series_is_scaled_and_its_gaps_are_never_guessed_silently() {
    let series = |keys: &str| {
        let arrivals = format!("kind = \"trace\", file = \"counts.csv\", {keys}");
        let text = GOOD.replacen("kind = \"poisson\", rate_rps = 6.4", &arrivals, 1).replacen("duration = \"10m\"", "", 1);
        parse(&text).map(|scenario| (scenario.arrivals, scenario.horizon, scenario.warmup)).map_err(|error| error.to_string())
    };
    let (arrivals, horizon, warmup) = series("unit = \"count\", scale = 2.0, gaps = \"hold\"").unwrap();
    assert_eq!(arrivals, Arrivals::Series { step: Nanos::from_secs(300), rates_rps: vec![2.0, 2.0, 6.0, 4.0] });
    assert_eq!(horizon, Horizon::Duration(Nanos::from_secs(1200)));
    assert_eq!(warmup, Warmup::Fixed(Nanos(0)), "a warm-up rule for steady states has no business with a series");
    let (arrivals, ..) = series("skip = \"10m\", unit = \"rps\"").unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(arrivals, Arrivals::Series { step: Nanos::from_secs(300), rates_rps: vec![900.0, 600.0] });
    expect![[r#"line 5: `workload.arrivals.file` is "counts.csv" with a gap in row 1; allowed: a series without gaps, or gaps = "hold" with a value before the first gap"#]]
        .assert_eq(&series("unit = \"count\"").unwrap_err());
    expect![[r#"line 5: `workload.arrivals.skip` is "20m"; allowed: less than the length of the series, and some load left in it"#]]
        .assert_eq(&series("skip = \"20m\", gaps = \"hold\"").unwrap_err());
    refused(
        "kind = \"poisson\", rate_rps = 6.4",
        "kind = \"trace\", file = \"negative.csv\"",
        &expect![[
            r#"line 5: `workload.arrivals.file` is "negative.csv" with -1 in row 1; allowed: a finite number from 0 on in every step"#
        ]],
    );
    refused(
        "kind = \"poisson\", rate_rps = 6.4",
        "kind = \"trace\", file = \"nowhere.csv\"",
        &expect![[r#"line 5: `workload.arrivals.file` is "nowhere.csv"; allowed: a file that exists"#]],
    );
}

#[test]
fn skipped_rows_are_history_up_to_the_last_gap() {
    let history = |keys: &str| {
        let arrivals = format!("kind = \"trace\", file = \"counts.csv\", {keys}");
        parse(&GOOD.replacen("kind = \"poisson\", rate_rps = 6.4", &arrivals, 1)).unwrap().history
    };
    let step = Nanos::from_secs(300);
    assert_eq!(history("gaps = \"hold\""), None);
    let held = History { start_ms: 1_000, step, rates_rps: vec![300.0, 300.0, 900.0] };
    assert_eq!(history("skip = \"15m\", gaps = \"hold\""), Some(held));
    let after_the_gap = History { start_ms: 601_000, step, rates_rps: vec![900.0] };
    assert_eq!(history("skip = \"15m\""), Some(after_the_gap));
    assert_eq!(history("skip = \"10m\""), None);
}

#[test]
fn a_series_is_cut_stretched_and_spliced() {
    let series = |keys: &str| {
        let arrivals = format!("kind = \"trace\", file = \"counts.csv\", gaps = \"hold\", {keys}");
        let text = GOOD.replacen("kind = \"poisson\", rate_rps = 6.4", &arrivals, 1).replacen("duration = \"10m\"", "", 1);
        parse(&text).map(|scenario| scenario.arrivals).map_err(|error| error.to_string())
    };
    let step = Nanos::from_secs(300);
    let cut = series("skip = \"5m\", lasts = \"10m\"").unwrap();
    assert_eq!(cut, Arrivals::Series { step, rates_rps: vec![300.0, 900.0] });
    // Twice as long at the same rates.
    let stretched = series("lasts = \"10m\", stretch = 2.0").unwrap();
    assert_eq!(stretched, Arrivals::Series { step: Nanos::from_secs(600), rates_rps: vec![300.0, 300.0] });
    let splice = "splice = [{ file = \"counts.csv\", gaps = \"hold\", skip = \"10m\", scale = 3.0 }, { file = \"counts.csv\", lasts = \"5m\", gaps = \"hold\" }]";
    let spliced = series(&format!("lasts = \"5m\", {splice}")).unwrap();
    assert_eq!(spliced, Arrivals::Series { step, rates_rps: vec![300.0, 2_700.0, 1_800.0, 300.0] });
    expect![[r#"line 5: `workload.arrivals.splice[0].file` is "counts.csv" with a step of 150s; allowed: a series with a step of 5m, like the one before"#]]
        .assert_eq(&series("splice = [{ file = \"counts.csv\", gaps = \"hold\", stretch = 0.5 }]").unwrap_err());
    expect![[r#"line 5: `workload.arrivals.lasts` is "1m"; allowed: a step of the series or longer, with some load in it"#]]
        .assert_eq(&series("lasts = \"1m\"").unwrap_err());
}

#[test]
fn an_autoscaler_that_nobody_reads_is_refused_not_ignored() {
    let scenario = parse(&GOOD.replacen("[[pools]]", "[autoscaler]\nkind = \"hpa\"\n[[pools]]", 1)).unwrap();
    let error = crate::run(&scenario, &crate::NoAutoscaler, 1, 0).unwrap_err();
    expect![[r#"`autoscaler` is a table with 1 keys; allowed: no [autoscaler] table: this command runs fixed fleets only"#]]
        .assert_eq(&error.to_string());
}
