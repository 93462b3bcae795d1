use super::*;

const SLO: SloLimits = SloLimits { latency_ms: 100.0, percentile: 99.0, errors: 0.005 };

fn minute(fast: u64, slow: u64, rejected: u64) -> MinuteSummary {
    let recorder = Recorder::new(SLO);
    let end = |count: u64, ending: Ending, ms: u64| {
        for _ in 0..count {
            recorder.ended(&recorder.due(61_000), ending, Duration::from_millis(ms));
        }
    };
    end(fast, Ending::Ok, 20);
    end(slow, Ending::Ok, 101);
    end(rejected, Ending::Rejected, 1);
    let minutes = recorder.minutes();
    assert_eq!(minutes.len(), 1);
    assert_eq!(minutes[0].start_ms, 60_000);
    minutes[0].clone()
}

#[test]
fn a_minute_violates_by_slowness_or_by_errors() {
    assert!(!minute(1_000, 0, 0).violated);
    assert!(!minute(990, 10, 0).violated, "exactly one percent is allowed");
    assert!(minute(989, 11, 0).violated);
    assert!(!minute(995, 0, 5).violated, "exactly half a percent of errors is allowed");
    assert!(minute(994, 0, 6).violated);
    assert!(minute(0, 0, 1).violated);
    assert_eq!(minute(990, 10, 3).slow, 10);
}

#[test]
fn rejected_answers_dont_make_latency_look_good() {
    let summary = minute(100, 0, 100_000);
    assert!(summary.p95_ms.unwrap() > 15.0, "{summary:?}");
}

#[test]
fn old_minutes_become_summaries_and_the_sums_hold() {
    let recorder = Recorder::new(SLO);
    for at in 0..200 {
        let ending = if at < 10 { Ending::Failed } else { Ending::Ok };
        recorder.ended(&recorder.due(at * MINUTE_MS), ending, Duration::from_millis(10));
    }
    let summary = recorder.summary();
    assert_eq!((summary.requests, summary.errors, summary.minutes, summary.violation_minutes), (200, 10, 200, 10));
    assert_eq!(recorder.books.lock().open.len(), OPEN_MINUTES);
    let starts: Vec<i64> = recorder.minutes().iter().map(|minute| minute.start_ms).collect();
    assert!(starts.is_sorted());
}

#[test]
fn a_request_that_is_under_way_is_counted_when_it_ends() {
    let recorder = Recorder::new(SLO);
    let line = recorder.due(0);
    assert_eq!(recorder.summary().requests, 0);
    assert!(!recorder.minutes()[0].violated);
    recorder.ended(&line, Ending::TimedOut, Duration::from_secs(5));
    assert_eq!((recorder.summary().requests, recorder.summary().timed_out), (1, 1));
}
