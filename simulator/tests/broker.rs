//! A queue in front of the fleet: it equals one station with as many servers, hands out again what a dead consumer had, and shows its backlog.

// In tests a failed unwrap is a failed test.
#![allow(clippy::unwrap_used)]

use std::sync::Mutex;

use balancer::Nanos;
use simulator::{Autoscaler, AutoscalerFactory, NoAutoscaler, Observation, Orders, RunResult, Scenario, ScenarioError, replicate, run};

fn scenario(pool: &str, rest: &str) -> Scenario {
    let text = format!(
        "requests = 200_000\nwarmup = \"100s\"\n[workload]\narrivals = {{ kind = \"poisson\", rate_rps = 6.4 }}\n\
         {rest}\n[[pools]]\n{pool}\nservice_time = {{ dist = \"exponential\", mean_ms = 1000.0 }}\n"
    );
    Scenario::parse(&text, &()).unwrap_or_else(|error| panic!("{error}"))
}

fn result(pool: &str, rest: &str) -> RunResult {
    run(&scenario(pool, rest), &NoAutoscaler, 5, 0).unwrap()
}

#[test]
fn consumers_that_pull_are_one_station_request_by_request() {
    let station = result("concurrency = 8", "");
    for pool in ["concurrency = 8", "replicas = 8\nconcurrency = 1", "replicas = 2\nconcurrency = 4"] {
        let broker = result(pool, "[broker]");
        // Compared without being printed: a histogram has thousands of numbers.
        assert!(broker.latency == station.latency && broker.wait == station.wait, "{pool}: {:?} {:?}", broker.counts, station.counts);
        assert_eq!((broker.counts, broker.waited), (station.counts, station.waited), "{pool}");
    }
}

#[test]
fn a_full_broker_and_impatient_users_lose_what_a_full_station_loses() {
    // Whoever is turned away has no work drawn at a broker, so the runs differ by chance.
    let alike = |one: u64, other: u64| {
        assert!(one > 3_000, "{one}");
        assert!((one as f64 / other as f64 - 1.0).abs() < 0.05, "{one} and {other}");
    };
    let short = result("concurrency = 8\nqueue = 3", "");
    alike(short.counts.rejected, result("replicas = 8\nconcurrency = 1", "[broker]\nqueue = 3").counts.rejected);
    let impatient = "[clients]\npatience = { dist = \"exponential\", mean_ms = 2000.0 }\n";
    let left = result("concurrency = 8", impatient);
    alike(left.counts.timed_out, result("replicas = 8\nconcurrency = 1", &format!("{impatient}[broker]")).counts.timed_out);
}

#[test]
fn waiting_is_erlangs_and_the_backlog_is_littles() {
    let report = replicate(&scenario("replicas = 4\nconcurrency = 2", "[broker]"), &NoAutoscaler, 5, 10, 2).unwrap();
    // Erlang C at c = 8, a = 6.4: the exact mean wait is 0.28604 s.
    let wait_ms = report.queue_wait_ms.unwrap().mean;
    assert!((wait_ms / 286.04 - 1.0).abs() < 0.02, "{wait_ms}");
    let backlog = report.broker.unwrap();
    assert!((backlog.mean_backlog / (6.4 * wait_ms / 1e3) - 1.0).abs() < 0.005, "{backlog:?}");
    assert!(backlog.longest_backlog > 20 && backlog.redelivered == 0, "{backlog:?}");
}

#[test]
fn what_a_dead_consumer_had_is_handed_out_again_until_it_was_handed_out_often_enough() {
    let crash = "[[faults]]\nkind = \"flapping\"\nat = \"200s\"\nlasts = \"20000s\"\nperiod = \"40s\"\nreplicas = 2\n";
    let pool = "replicas = 14\nconcurrency = 1";
    let patient = result(pool, &format!("{crash}[broker]\ndeliveries = 100\n"));
    assert_eq!((patient.counts.failed, patient.counts.rejected), (0, 0), "{:?}", patient.counts);
    let redelivered = patient.broker.unwrap().redelivered;
    assert!(redelivered > 400 && patient.counts.retried == redelivered, "{redelivered}");
    let once = result(pool, &format!("{crash}[broker]\ndeliveries = 1\n"));
    assert!(once.counts.failed > 400 && once.broker.unwrap().redelivered == 0, "{:?}", once.counts);
}

/// Writes down what it sees; doubles the fleet when more than ten wait.
#[derive(Default)]
struct Watching(Mutex<Vec<Option<u64>>>);

struct Asked<'a>(&'a Watching);

impl Autoscaler for Asked<'_> {
    fn interval(&self) -> Nanos {
        Nanos::from_secs(10)
    }

    fn tick(&mut self, seen: &Observation) -> Option<Orders> {
        self.0.0.lock().unwrap().push(seen.backlog);
        (seen.backlog > Some(10)).then(|| Orders { replicas: Some(16), ..Orders::default() })
    }
}

struct Shared(&'static Watching);

impl AutoscalerFactory for Shared {
    fn build(&self, _: Option<&toml::Table>, _: &Scenario, _: u64) -> Result<Box<dyn Autoscaler>, ScenarioError> {
        Ok(Box::new(Asked(self.0)))
    }
}

#[test]
fn an_autoscaler_sees_the_backlog_and_new_replicas_pull() {
    let watching: &'static Watching = Box::leak(Box::default());
    let pool = "replicas = 4\nconcurrency = 1\nboot_delay = \"30s\"";
    let grown = run(&scenario(pool, "[autoscaler]\n[broker]"), &Shared(watching), 5, 0).unwrap();
    let seen = watching.0.lock().unwrap();
    assert!(seen.iter().flatten().any(|backlog| *backlog > 10) && seen.iter().all(Option::is_some));
    // Four can't keep up with 6.4 a second; sixteen wait for nothing.
    assert_eq!(seen.last(), Some(&Some(0)));
    assert_eq!(grown.backends.len(), 16);
    assert!(grown.backends[15].served > 1_000, "{:?}", grown.backends[15]);
}

#[test]
fn what_a_broker_cannot_be_together_with_is_refused_with_its_key() {
    let refused = |text: &str| {
        let head = "requests = 9\n[workload]\narrivals = { kind = \"poisson\", rate_rps = 6.4 }\n";
        let pool = "[[pools]]\nconcurrency = 1\nservice_time = { dist = \"exponential\", mean_ms = 1.0 }\n";
        Scenario::parse(&format!("{head}{pool}{text}"), &()).unwrap_err().to_string()
    };
    for (text, words) in [
        ("queue = 4\n[broker]", "line 7: `pools[0].queue` is there; allowed: broker.queue instead"),
        ("discipline = \"ps\"\n[broker]", "line 7: `pools[0].discipline`"),
        ("[retries]\n[broker]", "line 7: `retries` is there; allowed: broker.deliveries instead"),
        ("[broker]\nqueue = 0", "line 8: `broker.queue` is 0; allowed: \"unbounded\" or a whole number from 1"),
        ("[broker]\ndeliveries = 0", "line 8: `broker.deliveries` is 0; allowed: a whole number from 1"),
        ("[broker]\nlength = 3", "line 8: `broker.length` is an unknown key"),
    ] {
        let error = refused(text);
        assert!(error.starts_with(words), "{error}");
    }
}
