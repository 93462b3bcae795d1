//! A run that is watched: it can be ended, and is the same otherwise.

// In tests a failed unwrap is a failed test.
#![allow(clippy::unwrap_used)]

use std::ops::ControlFlow;
use std::sync::Mutex;

use simulator::{NoAutoscaler, Progress, Scenario, SimError, run, run_watched};

/// Once in the event loop, once in the recursion.
fn scenarios() -> [Scenario; 2] {
    let scenario = |replicas, algorithm| {
        let builder = Scenario::builder("watched").poisson(50.0).replicas(replicas).concurrency(4).requests(100_000);
        builder.algorithm(algorithm).build().unwrap()
    };
    [scenario(4, balancer::Algorithm::LeastConnections), scenario(4, balancer::Algorithm::RoundRobin)]
}

#[test]
fn watching_changes_nothing_and_sees_time_and_requests_grow() {
    for scenario in scenarios() {
        let seen = Mutex::new(Vec::<Progress>::new());
        let watched = run_watched(&scenario, &NoAutoscaler, 1, 2, &|progress| {
            seen.lock().unwrap().push(progress);
            ControlFlow::Continue(())
        });
        assert_eq!(watched, run(&scenario, &NoAutoscaler, 1, 2));
        let seen = seen.into_inner().unwrap();
        assert!(seen.len() > 10 && seen.iter().all(|progress| progress.replication == 2), "{}", seen.len());
        // The automatic warm-up cut runs it twice.
        let starts = seen.windows(2).filter(|pair| pair[1].arrived < pair[0].arrived || pair[1].now < pair[0].now).count();
        assert!(starts <= 1, "{starts}");
    }
}

#[test]
fn a_watcher_ends_a_run() {
    for scenario in scenarios() {
        let ended = run_watched(&scenario, &NoAutoscaler, 1, 0, &|progress| {
            if progress.arrived > 20_000 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        assert_eq!(ended, Err(SimError::Stopped));
    }
}
