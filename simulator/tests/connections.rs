//! Connections: a pick for each connection sticks to old replicas, and a new connection costs its handshake.

// In tests a failed unwrap is a failed test.
#![allow(clippy::unwrap_used)]

use balancer::Nanos;
use simulator::{Autoscaler, AutoscalerFactory, NoAutoscaler, Observation, Orders, RunResult, Scenario, ScenarioError, run};

fn scenario(algorithm: &str, rest: &str) -> Scenario {
    let text = format!(
        "requests = 60_000\nwarmup = \"50s\"\n[workload]\narrivals = {{ kind = \"poisson\", rate_rps = 60.0 }}\n\
         [balancer]\nalgorithm = \"{algorithm}\"\n{rest}\n[[pools]]\nreplicas = 4\nconcurrency = 2\n\
         service_time = {{ dist = \"exponential\", mean_ms = 100.0 }}\n"
    );
    Scenario::parse(&text, &()).unwrap_or_else(|error| panic!("{error}"))
}

fn result(algorithm: &str, rest: &str) -> RunResult {
    run(&scenario(algorithm, rest), &NoAutoscaler, 5, 0).unwrap()
}

#[test]
fn layer_4_with_one_request_a_connection_is_layer_7() {
    let trouble = "passive = { max_fails = 2, fail_timeout = \"20s\" }\n[retries]\n[timeouts]\nrequest = \"600ms\"\n\
                   [[faults]]\nkind = \"crash\"\nat = \"100s\"\nlasts = \"60s\"\nreplicas = 1\n";
    for algorithm in ["round_robin", "least_connections", "p2c", "random", "peak_ewma"] {
        for rest in ["", trouble] {
            let layer_7 = result(algorithm, rest);
            let mut layer_4 = result(algorithm, &format!("{rest}[connections]\npick = \"connection\"\nrequests = 1\nclients = 7\n"));
            // Not printed: a result has thousands of numbers.
            layer_4.connections = None;
            assert!(layer_4 == layer_7, "{algorithm} {rest}");
        }
    }
}

fn mean_ms(result: &RunResult) -> f64 {
    result.latency.mean().unwrap() / 1e6
}

#[test]
fn without_keep_alive_every_request_pays_for_its_handshake_and_with_it_hardly_any() {
    let free = result("round_robin", "");
    let dear = result("round_robin", "[connections]\nhandshake = \"30ms\"\nidle = 0\n");
    // All come 30 ms later and nobody's pick looks at the load: the queues are the same, but for the ends of the run.
    assert!((mean_ms(&dear) - mean_ms(&free) - 30.0).abs() < 0.05, "{} {}", mean_ms(&dear), mean_ms(&free));
    assert_eq!(dear.connections, Some(dear.counts.arrived));
    let kept = result("round_robin", "[connections]\nhandshake = \"30ms\"\n");
    assert!(kept.connections.unwrap() < 60, "{:?}", kept.connections);
    assert!(mean_ms(&kept) - mean_ms(&free) < 0.2, "{} {}", mean_ms(&kept), mean_ms(&free));
    let tenth = result("round_robin", "[connections]\nhandshake = \"30ms\"\nrequests = 10\n");
    let share = tenth.connections.unwrap() as f64 / tenth.counts.arrived as f64;
    assert!((share - 0.1).abs() < 0.002, "{share}");
    // Who needs a new connection mostly comes to a busy replica, and would have waited meanwhile.
    let costs = mean_ms(&tenth) - mean_ms(&free);
    assert!((0.5..3.0).contains(&costs), "{costs}");
    // A connection is seldom idle for 10 ms at most, so most are opened anew.
    let short = result("round_robin", "[connections]\nhandshake = \"30ms\"\nidle_timeout = \"10ms\"\n");
    let share = short.connections.unwrap() as f64 / short.counts.arrived as f64;
    assert!((0.5..1.0).contains(&share), "{share}");
}

/// Four more replicas after a third of the run.
struct Doubling;

impl AutoscalerFactory for Doubling {
    fn build(&self, _: Option<&toml::Table>, _: &Scenario, _: u64) -> Result<Box<dyn Autoscaler>, ScenarioError> {
        Ok(Box::new(Self))
    }
}

impl Autoscaler for Doubling {
    fn interval(&self) -> Nanos {
        Nanos::from_secs(300)
    }

    fn tick(&mut self, _: &Observation) -> Option<Orders> {
        Some(Orders { replicas: Some(8), ..Orders::default() })
    }
}

#[test]
fn long_connections_stick_to_the_old_replicas_after_a_scale_up() {
    let new_share = |connections: &str| {
        let text = format!("[autoscaler]\n[connections]\npick = \"connection\"\nclients = 40\nhandshake = \"2ms\"\n{connections}");
        let result = run(&scenario("least_connections", &text), &Doubling, 5, 0).unwrap();
        assert_eq!(result.backends.len(), 8);
        assert_eq!(result.counts.errors(), 0);
        let attempts = |of: &[simulator::BackendResult]| of.iter().map(|backend| backend.attempts).sum::<u64>() as f64;
        attempts(&result.backends[4..]) / attempts(&result.backends)
    };
    assert_eq!(new_share(""), 0.0);
    // 700 of the 950 s that count lie behind the scale-up, and half of their requests go to the new ones.
    let renewed = new_share("lasts = \"20s\"\n");
    assert!((0.33..0.40).contains(&renewed), "{renewed}");
    let counted = new_share("requests = 50\n");
    assert!((0.33..0.40).contains(&counted), "{counted}");
}

#[test]
fn keys_of_the_other_layer_and_what_cannot_be_together_are_refused() {
    let refused = |rest: &str| {
        let text = format!(
            "requests = 9\n[workload]\narrivals = {{ kind = \"poisson\", rate_rps = 6.4 }}\n[[pools]]\nconcurrency = 1\n\
             service_time = {{ dist = \"exponential\", mean_ms = 1.0 }}\n{rest}"
        );
        Scenario::parse(&text, &()).unwrap_err().to_string()
    };
    for (text, words) in [
        ("[connections]\nclients = 4", "line 8: `connections.clients` is 4; allowed: nothing: it belongs to pick = \"connection\""),
        (
            "[connections]\npick = \"connection\"\nidle = 4",
            "line 9: `connections.idle` is 4; allowed: nothing: it belongs to pick = \"request\"",
        ),
        ("[connections]\npick = \"packet\"", "line 8: `connections.pick` is \"packet\"; allowed: \"request\" (layer 7)"),
        ("[connections]\nidle_timeout = \"0s\"", "line 8: `connections.idle_timeout` is \"0s\"; allowed: a duration above 0"),
        ("[connections]\nhandshake = 3", "line 8: `connections.handshake` is 3; allowed: a duration like"),
        ("[broker]\n[connections]", "line 8: `connections` is there; allowed: no [connections] with a [broker]"),
    ] {
        let error = refused(text);
        assert!(error.starts_with(words), "{error}");
    }
}
