use simulator::{Trace, run_all_traced};

use super::*;
use crate::cli::simulate::planner_for;

const SCALED: &str = "seed = 4\nduration = \"10m\"\nwarmup = \"60s\"\n[workload]\n\
     arrivals = { kind = \"flash\", rate_rps = 5.0, peak_rps = 30.0, at = \"2m\", ramp = \"1m\", hold = \"4m\" }\n\
     classes = [{ name = \"buy\", share = 1.0 }, { name = \"look\", share = 3.0 }]\n\
     [autoscaler]\npolicy = \"hpa\"\ntarget = 0.8\nmax = 9\nrps_per_replica = 9.0\n\
     [[pools]]\nreplicas = 1\nconcurrency = 1\nqueue = 9\nboot_delay = \"20s\"\nservice_time = { dist = \"exponential\", mean_ms = 100.0 }\n";

fn traced(sample: f64) -> (Scenario, Vec<Trace>) {
    let scenario = Scenario::parse(SCALED, &()).unwrap();
    let planner = planner_for(&scenario).unwrap();
    let runs = run_all_traced(&scenario, &planner, 4, 2, 2, &spec(sample, 2)).unwrap();
    (scenario, runs.into_iter().map(|(_, trace)| trace).collect())
}

fn texts<'a>(columns: &'a [(&str, Values)], name: &str) -> Vec<Option<&'a str>> {
    match columns.iter().find(|(found, _)| *found == name) {
        Some((_, Values::Text(values))) => values.iter().map(Option::as_deref).collect(),
        other => panic!("{name}: {other:?}"),
    }
}

fn numbers(columns: &[(&str, Values)], name: &str) -> Vec<Option<f64>> {
    match columns.iter().find(|(found, _)| *found == name) {
        Some((_, Values::Number(values))) => values.clone(),
        other => panic!("{name}: {other:?}"),
    }
}

#[test]
fn the_log_of_decisions_says_what_the_planner_wanted_and_why_and_what_became_of_it() {
    let (scenario, traces) = traced(0.0);
    let columns = columns(&scenario, &lines(&traces, false, true), false, true);
    let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["replication", "t_s", "kind", "backend", "from", "to", "reason"]);
    let (kinds, from, to) = (texts(&columns, "kind"), texts(&columns, "from"), texts(&columns, "to"));
    let reasons = texts(&columns, "reason");
    let up = (0..kinds.len()).find(|at| kinds[*at] == Some("autoscaler") && from[*at] == Some("1") && to[*at] != Some("1")).unwrap();
    let at_s = numbers(&columns, "t_s");
    // The climb begins at two minutes.
    assert!((120.0..200.0).contains(&at_s[up].unwrap()), "{:?}", at_s[up]);
    assert!(reasons[up].unwrap().contains("replica"), "{:?}", reasons[up]);
    assert_eq!((kinds[up + 1], to[up + 1], reasons[up + 1]), (Some("replica"), Some("booting"), Some("ordered")));
    let booted = (up..kinds.len()).find(|at| to[*at] == Some("ready")).unwrap();
    assert_eq!(at_s[booted].unwrap() - at_s[up].unwrap(), 20.0);
    // Two runs of ten minutes, asked every 15 s, the first time after one interval.
    assert_eq!(kinds.iter().filter(|kind| **kind == Some("autoscaler")).count(), 2 * 40);
}

#[test]
fn one_file_holds_requests_and_decisions_in_the_order_of_time() {
    let (scenario, traces) = traced(0.5);
    let columns = columns(&scenario, &lines(&traces, true, true), true, true);
    let (kinds, at_s) = (texts(&columns, "kind"), numbers(&columns, "t_s"));
    let turns = at_s.windows(2).filter(|pair| pair[0] > pair[1]).count();
    assert_eq!(turns, 1, "in order, but for the beginning of the second run");
    let requests = traces.iter().map(|trace| trace.requests.len()).sum::<usize>();
    assert!(requests > 3_000, "{requests}");
    assert_eq!(kinds.iter().filter(|kind| **kind == Some("request")).count(), requests);
    let (outcomes, classes) = (texts(&columns, "outcome"), texts(&columns, "class"));
    let (wait, service, latency) = (numbers(&columns, "wait_ms"), numbers(&columns, "service_ms"), numbers(&columns, "latency_ms"));
    for at in 0..kinds.len() {
        assert_eq!(kinds[at] == Some("request"), outcomes[at].is_some() && matches!(classes[at], Some("buy" | "look")));
        if outcomes[at] == Some("served") {
            let parts = wait[at].unwrap() + service[at].unwrap();
            assert!((parts - latency[at].unwrap()).abs() < 1e-6, "{parts} {:?}", latency[at]);
        } else {
            assert_eq!((wait[at], service[at]), (None, None));
        }
    }
    assert!(outcomes.contains(&Some("rejected")));
}

#[test]
fn a_share_is_a_number_from_0_to_1() {
    assert_eq!(share("0.25"), Ok(0.25));
    assert_eq!((share("0"), share("1")), (Ok(0.0), Ok(1.0)));
    for text in ["-0.1", "1.01", "NaN", "inf", "half", ""] {
        assert_eq!(share(text), Err("allowed is a share of the requests from 0 to 1, like 0.01".to_owned()), "{text}");
    }
}

#[test]
fn what_did_not_fit_is_said() {
    assert_eq!(spec(0.5, 4).most_requests, 250_000);
    assert_eq!(spec(0.5, u32::MAX).most_decisions, 1);
    let trace = |sample, decisions_left_out| Trace { sample, decisions_left_out, ..Trace::default() };
    assert_eq!(cut_short(0.01, &[trace(0.01, 0)]), Vec::<String>::new());
    let said = cut_short(0.5, &[trace(0.5, 0), trace(0.125, 7)]);
    assert!(said[0].contains("a sample of 0.5 has more than 1000000 requests, so it was thinned to 0.125"), "{said:?}");
    assert!(said[1].contains("7 decisions are left out"), "{said:?}");
}
