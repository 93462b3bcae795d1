//! The work itself, without a board: what comes out, and that it ends when it is told to.

use std::time::{Duration, Instant};

use predictor::backtest::Setup;
use simulator::replicate;

use super::live::{Live, Stop};
use super::work::{self, Ended};
use crate::api::dto::{BacktestJob, JobSize};

const HOUR: Duration = Duration::from_secs(3_600);

fn endless() -> String {
    "name = \"endless\"\nrequests = 400_000_000\nreplications = 1\nwarmup = \"1s\"\ntimeline = false\n[workload]\n\
     arrivals = { kind = \"poisson\", rate_rps = 500.0 }\n[[pools]]\nreplicas = 8\nconcurrency = 8\n\
     service_time = { dist = \"exponential\", mean_ms = 100.0 }\n"
        .to_owned()
}

#[test]
fn a_scenario_gives_what_the_simulator_gives() {
    let text = endless().replace("400_000_000", "40_000").replace("replications = 1", "replications = 3");
    let live = Live::new(1, HOUR);
    work::scenario(&live, &text).unwrap();
    let seen = live.seen();
    let scenario = work::parse_alone(&text).unwrap();
    let report = replicate(&scenario, &planner::simulated::Factory::default(), 1, 3, 1).unwrap();
    assert_eq!(seen.result.cells[0].figures["latency_p99_ms"].value, report.latency_ms.unwrap().p99);
    assert_eq!(seen.result.cells[0].requests, report.requests.arrived);
    assert_eq!((seen.now.cells, seen.now.seed, seen.now.seeds), (1, 3, 3));
}

#[test]
fn a_job_ends_within_a_second_of_being_told_and_when_it_takes_too_long() {
    let live = Live::new(1, HOUR);
    std::thread::scope(|scope| {
        let job = scope.spawn(|| work::scenario(&live, &endless()));
        while live.seen().progress == 0.0 {
            assert!(!job.is_finished());
            std::thread::yield_now();
        }
        let told = Instant::now();
        live.stop(Stop::Cancelled);
        assert!(matches!(job.join().unwrap(), Err(Ended::Stopped(Stop::Cancelled))));
        assert!(told.elapsed() < Duration::from_secs(1), "{:?}", told.elapsed());
    });
    let late = Live::new(2, Duration::from_millis(20));
    assert!(matches!(work::scenario(&late, &endless()), Err(Ended::Stopped(Stop::TooLong))));
}

#[test]
fn hopeless_overload_is_the_result_of_its_cell_and_files_are_refused() {
    let live = Live::new(1, HOUR);
    // Without an algorithm that looks at the load it would be the recursion, which keeps nobody in memory.
    let text = endless().replace("replicas = 8", "replicas = 2").replace("timeline = false", "max_in_flight = 1000");
    let text = text + "[balancer]\nalgorithm = \"least_connections\"\n";
    work::scenario(&live, &text).unwrap();
    let error = live.seen().result.cells[0].error.clone().unwrap();
    assert!(error.contains("more than 1000 requests are in flight"), "{error}");
    let file = endless().replace("kind = \"poisson\", rate_rps = 500.0", "kind = \"trace\", file = \"/etc/passwd\"");
    let refused = work::parse_alone(&file).unwrap_err().to_string();
    assert!(refused.contains("workload.arrivals.file") && refused.contains("a job has no files"), "{refused}");
}

#[test]
fn a_backtest_scores_every_model_as_the_command_does() {
    let values = (0..12 * 96).map(|slot| Some(100.0 + 50.0 * f64::from(slot % 96) / 96.0 + f64::from(slot % 7))).collect();
    let series = predictor::Series::try_new(1_767_225_600_000, 900_000, values).unwrap();
    let setup = Setup { horizon_ms: 6 * 3_600_000, origins: 3, last: 0.3, history_ms: 21 * 86_400_000, ..Setup::default() };
    let models = vec!["seasonal_naive_day".to_owned(), "seasonal_naive_week".to_owned(), "last_value".to_owned()];
    let job = BacktestJob { service: "shop".into(), horizon: "6h".into(), origins: 3, last: 0.3, models, step: "15m".into() };
    let live = Live::new(1, HOUR);
    let size = JobSize { runs: 9, requests: 0, seconds: 0.9 };
    let prepared = super::backtest::Prepared { series, setup, lead_ms: 1_800_000, notes: Vec::new(), size };
    work::backtest(&live, &job, &prepared).unwrap();
    let found = live.seen().result.models;
    assert_eq!(found.iter().map(|model| model.model.as_str()).collect::<Vec<_>>(), job.models);
    let report = predictor::backtest::run(&prepared.series, &prepared.setup, "last_value".parse().unwrap()).unwrap();
    assert_eq!((found[2].relative, found[2].points), (report.relative(), report.model.points));
    let lead = found[2].lead.as_ref().unwrap();
    assert_eq!((lead.lead_s, lead.against_persistence), (1_800.0, Some(0.0)), "held against itself");
    assert!(found[0].lead.as_ref().unwrap().against_seasonal_naive.is_some() && found[0].peak_error.is_some());
    let stopped = Live::new(1, HOUR);
    stopped.stop(Stop::Ending);
    assert!(matches!(work::backtest(&stopped, &job, &prepared), Err(Ended::Stopped(Stop::Ending))));
}
