use simulator::{Report, Scenario, ScenarioError, replicate};

use super::super::Factory;

fn scenario(autoscaler: &str, rest: &str) -> Scenario {
    let text = format!(
        "duration = \"40m\"\nwarmup = \"0s\"\n[workload]\narrivals = {{ kind = \"flash\", rate_rps = 4.0, peak_rps = 40.0, at = \"5m\", ramp = \"30s\", \
         hold = \"10m\" }}\n{rest}\n[autoscaler]\npolicy = \"backlog\"\n{autoscaler}\n[[pools]]\nreplicas = 2\nconcurrency = 4\nboot_delay = \"20s\"\n\
         service_time = {{ dist = \"exponential\", mean_ms = 1000.0 }}\n"
    );
    Scenario::parse(&text, &()).unwrap()
}

fn report(autoscaler: &str) -> Report {
    replicate(&scenario(autoscaler, "[broker]"), &Factory::default(), 3, 2, 2).unwrap()
}

#[test]
fn a_flood_brings_as_many_replicas_as_its_backlog_asks_for_and_they_go_again_after_the_window() {
    let report = report("per_replica = 4\nmin = 2\nmax = 30\nstabilisation = \"2m\"");
    let ready = |minute: usize| report.timeline[minute].ready;
    // Four a second of one second each are four in service: one replica's worth. Forty a second keep ten busy.
    assert!(ready(4) <= 3.0, "{}", ready(4));
    assert!((10.0..=16.0).contains(&ready(13)), "{}", ready(13));
    assert!(ready(39) <= 3.0, "{}", ready(39));
    assert_eq!(report.requests.errors(), 0);
    // A fleet that stays as it was drowns: 40 a second on 8 consumers.
    let fixed = replicate(&scenario("per_replica = 4\nmin = 2\nmax = 2", "[broker]"), &Factory::default(), 3, 2, 2).unwrap();
    assert!(fixed.broker.unwrap().longest_backlog > 10_000);
    assert!(report.broker.unwrap().longest_backlog < 2_500, "{:?}", report.broker);
}

#[test]
fn a_fleet_of_none_is_woken_by_the_first_request_and_sleeps_when_nothing_waits() {
    let table = "per_replica = 10\nmin = 0\nmax = 3\nstabilisation = \"30s\"";
    let mut quiet = scenario(table, "[broker]");
    quiet.arrivals = simulator::Arrivals::Log { at_ns: [600_000_000_000_u64, 601_000_000_000].into() };
    let report = replicate(&quiet, &Factory::default(), 1, 1, 1).unwrap();
    assert_eq!((report.timeline[5].ready, report.requests.served), (0.0, 2));
    assert_eq!(report.timeline[39].ready, 0.0);
    // Asked every 15 s, then 20 s of boot.
    let wait = report.queue_wait_ms.unwrap().mean;
    assert!((20_000.0..=36_000.0).contains(&wait), "{wait}");
}

#[test]
fn limits_of_the_hpa_hold_and_mistakes_are_named() {
    let slow = report("per_replica = 4\nmax = 30\nscale_up = { policies = [{ kind = \"pods\", value = 1, period = \"5m\" }] }");
    let most = slow.timeline.iter().take(14).map(|minute| minute.ready + minute.booting).fold(0.0, f64::max);
    assert!(most <= 5.0, "{most}");
    let refused = |table: &str, rest: &str| -> ScenarioError {
        match replicate(&scenario(table, rest), &Factory::default(), 1, 1, 1) {
            Err(simulator::SimError::Scenario(error)) => error,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(refused("per_replica = 4\nmax = 3", "").key, "autoscaler.policy");
    assert_eq!(refused("max = 3", "[broker]").key, "autoscaler.per_replica");
    assert_eq!(refused("per_replica = 0\nmax = 3", "[broker]").key, "autoscaler.per_replica");
    assert_eq!(refused("per_replica = 4\nmin = 5\nmax = 3", "[broker]").key, "autoscaler.max");
    assert_eq!(refused("per_replica = 4\nmax = 3\ntarget = 0.5", "[broker]").key, "autoscaler.target");
}
