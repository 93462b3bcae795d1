//! The balancer's rules around its picks, configured by a scenario: limits, places, groups, time-outs and prices.

// In tests a failed unwrap is a failed test.
#![allow(clippy::unwrap_used)]

use simulator::{NoAutoscaler, RunResult, Scenario, replicate, run};

/// `requests` at `rate_rps` on what `pools` says.
fn result(requests: u32, rate_rps: f64, balancer: &str, pools: &str) -> RunResult {
    let text = format!(
        "requests = {requests}\nwarmup = \"100s\"\n[workload]\narrivals = {{ kind = \"poisson\", rate_rps = {rate_rps} }}\n[balancer]\n{balancer}\n{pools}"
    );
    run(&Scenario::parse(&text, &()).unwrap_or_else(|error| panic!("{error}")), &NoAutoscaler, 5, 0).unwrap()
}

fn pool(keys: &str) -> String {
    format!("[[pools]]\n{keys}\nservice_time = {{ dist = \"exponential\", mean_ms = 1000.0 }}\n")
}

fn rejected(result: &RunResult) -> f64 {
    result.counts.rejected as f64 / result.counts.arrived as f64
}

#[test]
fn a_token_bucket_turns_away_what_the_exact_solution_says() {
    let bucket = |rate_rps, burst| {
        let limit = format!("rate_limit = {{ rate = 1, burst = {burst} }}");
        rejected(&result(1_000_000, rate_rps, &limit, &pool("concurrency = 50")))
    };
    // testdata/queueing_oracle.csv: token bucket with continuous refill.
    let (low, high) = (bucket(0.8, 5), bucket(1.2, 10));
    assert!((low / 0.035_29 - 1.0).abs() < 0.02, "{low}");
    assert!((high / 0.170_911 - 1.0).abs() < 0.01, "{high}");
}

/// Erlang's loss formula.
fn erlang_b(servers: u32, offered: f64) -> f64 {
    (1..=servers).fold(1.0, |blocked, n| offered * blocked / (f64::from(n) + offered * blocked))
}

#[test]
fn a_fixed_limit_is_a_loss_system_and_with_a_queue_a_bounded_one() {
    let wide = pool("replicas = 2\nconcurrency = 100");
    let lost = rejected(&result(400_000, 6.4, "concurrency = { fixed = 8 }", &wide));
    assert!((lost / erlang_b(8, 6.4) - 1.0).abs() < 0.03, "{lost} {}", erlang_b(8, 6.4));
    let at_the_door = result(400_000, 6.4, "concurrency = { fixed = 8 }\nqueue = { length = 3, patience = \"1h\" }", &wide);
    let at_the_replica = result(400_000, 6.4, "", &pool("concurrency = 8\nqueue = 3"));
    assert!(
        (rejected(&at_the_door) / rejected(&at_the_replica) - 1.0).abs() < 0.04,
        "{} {}",
        rejected(&at_the_door),
        rejected(&at_the_replica)
    );
    let wait = |result: &RunResult| result.wait.mean().unwrap();
    assert!((wait(&at_the_door) / wait(&at_the_replica) - 1.0).abs() < 0.04);
}

#[test]
fn who_waits_too_long_at_the_door_is_turned_away_and_the_important_go_first() {
    let door = "concurrency = { fixed = 8 }\nqueue = { length = 1000, patience = \"2s\" }";
    let impatient = result(100_000, 12.0, door, &pool("concurrency = 100"));
    // 8 of 12 a second can be served.
    assert!((rejected(&impatient) - 1.0 / 3.0).abs() < 0.01, "{}", rejected(&impatient));
    assert!(impatient.wait.max().unwrap() <= 2_000_000_000, "{:?}", impatient.wait.max());
    let text = format!(
        "requests = 100_000\nwarmup = \"100s\"\n[workload]\narrivals = {{ kind = \"poisson\", rate_rps = 12.0 }}\n\
         classes = [{{ name = \"pay\", share = 1, priority = 0 }}, {{ name = \"look\", share = 1, priority = 2 }}]\n[balancer]\n{door}\n{}",
        pool("concurrency = 100")
    );
    let sorted = run(&Scenario::parse(&text, &()).unwrap(), &NoAutoscaler, 5, 0).unwrap();
    let (pay, look) = (&sorted.classes[0], &sorted.classes[1]);
    // Six a second of the important on eight places: hardly anybody of them is lost, and four of six of the others.
    assert!((pay.errors as f64) < 0.02 * pay.arrived as f64, "{} of {}", pay.errors, pay.arrived);
    assert!((look.errors as f64 / look.arrived as f64 - 0.667).abs() < 0.03, "{} of {}", look.errors, look.arrived);
}

#[test]
fn a_limit_that_follows_latency_keeps_it_low_in_an_overload() {
    let fleet = pool("concurrency = 8");
    let open = result(60_000, 12.0, "", &fleet);
    let limited = result(60_000, 12.0, "concurrency = { gradient = { initial = 8 } }", &fleet);
    assert!(open.latency.quantile(0.5).unwrap() > 100e9, "{:?}", open.latency.quantile(0.5));
    assert!(limited.latency.quantile(0.5).unwrap() < 10e9, "{:?}", limited.latency.quantile(0.5));
    // It doesn't shed so much that servers idle.
    assert!(limited.utilisation().unwrap() > 0.9, "{:?}", limited.utilisation());
}

fn attempts(result: &RunResult, pool: u32) -> u64 {
    result.backends.iter().filter(|backend| backend.pool == pool).map(|backend| backend.attempts).sum()
}

#[test]
fn backups_serve_when_nobody_else_can_and_a_full_level_spills_over() {
    let crash = "[[faults]]\nkind = \"crash\"\nat = \"200s\"\nlasts = \"100s\"\n";
    let probes = "active = { interval = \"1s\", timeout = \"500ms\", rise = 1, fall = 1 }";
    let pools = format!("{}{}", pool("replicas = 2\nconcurrency = 20"), pool("name = \"spare\"\nconcurrency = 40\nbackup = true"));
    let quiet = result(20_000, 20.0, probes, &pools);
    assert_eq!(attempts(&quiet, 1), 0);
    let struck = result(20_000, 20.0, probes, &format!("{pools}{crash}"));
    assert!((1_900..2_100).contains(&attempts(&struck, 1)), "{}", attempts(&struck, 1));
    let levels = format!("{}{}", pool("replicas = 2\nconcurrency = 20"), pool("name = \"far\"\nconcurrency = 40\nlevel = 1"));
    let spilt = |rate_rps| {
        let spilt = result(40_000, rate_rps, "algorithm = \"least_connections\"\nlevels = { full_at = 20 }", &levels);
        assert_eq!(spilt.counts.errors(), 0);
        attempts(&spilt, 1) as f64 / spilt.counts.arrived as f64
    };
    // At most forty are on the near level: what is beyond is lost to it as Erlang's loss formula says.
    assert!(spilt(10.0) < 1e-6, "{}", spilt(10.0));
    let beyond = spilt(45.0);
    assert!((beyond / erlang_b(40, 45.0) - 1.0).abs() < 0.06, "{beyond} {}", erlang_b(40, 45.0));
}

#[test]
fn a_canary_gets_its_share_and_whoever_asks_for_it() {
    let pools = format!("{}{}", pool("replicas = 3\nconcurrency = 50"), pool("name = \"canary\"\nconcurrency = 50\ngroup = 1"));
    let splits = "splits = [{ group = 0, weight = 95 }, { group = 1, weight = 5 }]";
    let shared = result(60_000, 20.0, splits, &pools);
    let share = attempts(&shared, 1) as f64 / shared.counts.arrived as f64;
    assert!((share - 0.05).abs() < 0.004, "{share}");
    let text = format!(
        "requests = 60_000\nwarmup = \"100s\"\n[workload]\narrivals = {{ kind = \"poisson\", rate_rps = 20.0 }}\n\
         classes = [{{ name = \"users\", share = 9 }}, {{ name = \"testers\", share = 1, group = 1 }}]\n[balancer]\n{splits}\n{pools}"
    );
    let asked = run(&Scenario::parse(&text, &()).unwrap(), &NoAutoscaler, 5, 0).unwrap();
    let share = attempts(&asked, 1) as f64 / asked.counts.arrived as f64;
    assert!((share - 0.145).abs() < 0.006, "{share}");
}

#[test]
fn each_class_has_its_own_time_out() {
    let text = "requests = 20_000\nwarmup = \"10s\"\n[workload]\narrivals = { kind = \"constant\", rate_rps = 50.0 }\n\
                classes = [{ name = \"hasty\", share = 1, timeout = \"50ms\" }, { name = \"patient\", share = 1, timeout = \"150ms\" }, \
                { name = \"usual\", share = 1 }]\n[timeouts]\nrequest = \"90ms\"\n[[pools]]\nconcurrency = 100\n\
                service_time = { dist = \"deterministic\", mean_ms = 100.0 }\n";
    let result = run(&Scenario::parse(text, &()).unwrap(), &NoAutoscaler, 5, 0).unwrap();
    let [hasty, patient, usual] = &result.classes[..] else { panic!("{}", result.classes.len()) };
    // But for those that are there at the end.
    assert!(hasty.arrived > 6_000 && hasty.arrived - hasty.errors <= 4, "{} of {}", hasty.errors, hasty.arrived);
    assert_eq!(patient.errors, 0);
    assert!(usual.arrived - usual.errors <= 4, "{} of {}", usual.errors, usual.arrived);
    assert_eq!(patient.latency.mean(), Some(100e6));
}

#[test]
fn pools_have_prices_of_their_own() {
    let text = |cost: &str| {
        format!(
            "duration = \"2h\"\nwarmup = \"0s\"\n[workload]\narrivals = {{ kind = \"poisson\", rate_rps = 1.0 }}\n{cost}{}{}",
            pool("replicas = 3\nconcurrency = 2\nreplica_hour = 0.5"),
            pool("name = \"spot\"\nreplicas = 2\nconcurrency = 2")
        )
    };
    let cost = |head: &str| {
        let scenario = Scenario::parse(&text(head), &()).unwrap();
        replicate(&scenario, &NoAutoscaler, 1, 2, 1).unwrap().cost.unwrap()
    };
    assert!((cost("[cost]\nreplica_hour = 0.1\n") - (3.0 * 0.5 + 2.0 * 0.1) * 2.0).abs() < 1e-9);
    assert!((cost("") - 3.0).abs() < 1e-9, "who has no price costs nothing");
}

#[test]
fn rules_that_cannot_be_are_refused_with_key_and_what_is_allowed() {
    let head = "requests = 9\n[workload]\narrivals = { kind = \"poisson\", rate_rps = 1.0 }\n[balancer]\n";
    for (balancer, extra, words) in [
        ("rate_limit = { rate = 0 }", "", "`balancer.rate_limit.rate` is 0; allowed: 1 to"),
        ("rate_limit = { rps = 3 }", "", "`balancer.rate_limit` is wrong: unknown field `rps`; allowed: `rate` or `burst`"),
        ("concurrency = { fixed = 0 }", "", "`balancer.concurrency.fixed` is 0; allowed: 1 to 1000000"),
        ("queue = { length = 3, patience = \"1s\" }", "", "`balancer.queue` is there; allowed: a queue only with a limit"),
        ("concurrency = { fixed = 3 }", "[broker]\n", "`balancer.concurrency` is there; allowed: no limit of requests at once"),
        ("levels = { full_at = 0 }", "", "`balancer.levels.full_at` is 0; allowed: a whole number from 1"),
        ("splits = [{ group = 1, weight = 1 }, { group = 1, weight = 2 }]", "", "`balancer.splits.group` is 1; allowed: each group once"),
        ("", "level = 300\n", "`pools[0].level` is 300; allowed: a whole number from 0 to 255"),
        ("", "replica_hour = -1\n", "`pools[0].replica_hour` is -1; allowed: a price"),
    ] {
        let (table, key) = if extra.starts_with('[') { (extra, "") } else { ("", extra) };
        let text = format!("{head}{balancer}\n{}{table}", pool(&format!("concurrency = 1\n{key}")));
        let error = Scenario::parse(&text, &()).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}
