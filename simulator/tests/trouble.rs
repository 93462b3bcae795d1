//! Faults, dependencies, memory and users, on scenarios small enough to know the answer.

use balancer::Nanos;
use simulator::{NoAutoscaler, RunResult, Scenario, run};

/// One request a second from second 1 on, for ten and a half seconds, each 400 ms of work on one replica, with some keys added.
fn ten(pool: &str, rest: &str) -> RunResult {
    let text = format!(
        "duration = \"10.5s\"\nwarmup = \"0s\"\n[workload]\narrivals = {{ kind = \"constant\", rate_rps = 1.0 }}\n{rest}\n\
         [[pools]]\nname = \"app\"\nservice_time = {{ dist = \"deterministic\", mean_ms = 400 }}\n{pool}"
    );
    let scenario = Scenario::parse(&text, &()).unwrap_or_else(|error| panic!("{error}"));
    run(&scenario, &NoAutoscaler, 1, 0).expect("the run works")
}

fn slowest_ms(run: &RunResult) -> u64 {
    run.latency.max().expect("somebody was served") / 1_000_000
}

#[test]
fn a_crash_loses_what_is_there_and_refuses_what_comes_until_it_is_over() {
    // Dies at 3.2 s with the third request, is back at 5.7 s: 4 and 5 find nobody.
    let run = ten("concurrency = 1", "[[faults]]\nkind = \"crash\"\nat = \"3200ms\"\nlasts = \"2500ms\"");
    assert_eq!((run.counts.served, run.counts.failed), (7, 3), "{:?}", run.counts);
    assert_eq!(run.backends[0].crashes, 1);
    assert_eq!(run.backends[0].busy, 7 * 400_000_000 + 200_000_000);
    assert_eq!(run.backends[0].capacity, 8_000_000_000);
}

#[test]
fn a_flapping_replica_is_there_half_of_the_time() {
    // Down over [3.5, 4.5) and [5.5, 6.5); at 7.5 the fault is over.
    let fault = "[[faults]]\nkind = \"flapping\"\nat = \"3500ms\"\nlasts = \"4s\"\nperiod = \"2s\"";
    let run = ten("concurrency = 1", fault);
    assert_eq!((run.counts.failed, run.backends[0].crashes), (2, 2), "{:?}", run.counts);
}

#[test]
fn who_is_slow_takes_longer_for_what_begins_while_it_lasts() {
    let run = ten("concurrency = 9", "[[faults]]\nkind = \"slow\"\nat = \"3500ms\"\nlasts = \"2s\"\nfactor = 5.0");
    // Requests 4 and 5 take 2 s.
    assert_eq!((run.counts.served, slowest_ms(&run)), (10, 2_000), "{:?}", run.counts);
    assert_eq!(run.latency.mean(), Some(720_000_000.0));
}

#[test]
fn who_is_cut_off_answers_nobody_and_everybody_times_out() {
    let keys = "[timeouts]\nrequest = \"900ms\"\n[[faults]]\nkind = \"partition\"\nat = \"3200ms\"\nlasts = \"2s\"";
    let run = ten("concurrency = 1", keys);
    // The answer of 3 is lost, 4 and 5 reach nobody; the server itself has worked on 3.
    assert_eq!((run.counts.served, run.counts.timed_out), (7, 3), "{:?}", run.counts);
    assert_eq!(run.backends[0].busy, 8 * 400_000_000);
}

#[test]
fn a_replica_that_runs_out_of_memory_dies_with_all_that_it_has() {
    // Each takes 2.5 s, so three are there from 3 s on: 300 MiB and 100 for nobody are too much for 399.
    let memory = "concurrency = 9\nmemory = { limit_mib = 399, base_mib = 100, per_request_mib = 100, restart = \"1500ms\" }\nspeed = 0.16";
    let run = ten(memory, "");
    // 1, 2, 3 die at 3; 4 finds nobody; 5, 6, 7 die at 7; 8 finds nobody; 9 and 10 are in flight.
    assert_eq!((run.counts.failed, run.counts.in_flight_at_end, run.backends[0].crashes), (8, 2, 2), "{:?}", run.counts);
}

#[test]
fn a_worker_that_waits_for_a_dependency_serves_nobody_meanwhile() {
    let keys = |hold: bool| format!("concurrency = 1\ncalls = [{{ to = \"db\", hold = {hold} }}]");
    let db = "[[dependencies]]\nname = \"db\"\nconcurrency = 9\nservice_time = { dist = \"deterministic\", mean_ms = 1600 }";
    // 2 s each on one worker: the first is through at 3, the second at 5 …
    let held = ten(&keys(true), db);
    assert_eq!((held.counts.served, slowest_ms(&held)), (4, 5_000), "{:?}", held.counts);
    assert_eq!(held.backends[0].busy, 9_500_000_000);
    // Asynchronous: nobody waits.
    let free = ten(&keys(false), db);
    assert_eq!((free.counts.served, slowest_ms(&free)), (8, 2_000), "{:?}", free.counts);
    assert_eq!((free.wait.max(), free.backends[0].busy), (Some(0), 10 * 400_000_000));
}

#[test]
fn a_dependency_that_is_full_fails_the_request_and_frees_its_worker() {
    let db = "[[dependencies]]\nname = \"db\"\nconcurrency = 1\nqueue = 0\nservice_time = { dist = \"deterministic\", mean_ms = 1500 }";
    let run = ten("concurrency = 2\ncalls = [{ to = \"db\" }]", db);
    // In the database over [1.4, 2.9], [3.4, 4.9] …: every second request finds it busy.
    assert_eq!((run.counts.served, run.counts.failed), (4, 5), "{:?}", run.counts);
    let database = &run.dependencies[0];
    assert_eq!((database.attempts, database.errors, database.served), (10, 5, 4), "{database:?}");
}

#[test]
fn users_try_again_after_their_back_off() {
    let clients = "[clients]\nretries = { max_attempts = 3, delay = \"500ms\", factor = 3.0 }\n\
                   [[faults]]\nkind = \"crash\"\nat = \"2500ms\"\nlasts = \"1200ms\"";
    // 3 comes at 3 and 3.5, and is served when it comes at 5.
    let run = ten("concurrency = 9", clients);
    assert_eq!((run.counts.served, run.counts.retried, slowest_ms(&run)), (10, 2, 2_400), "{:?}", run.counts);
}

#[test]
fn patience_runs_out_in_the_queue_only() {
    // Work of 2 s; 1 over [1, 3], then 3 over [3, 5] …; 2, 4 … leave after 800 ms of waiting. Who is served is not given up at 800 ms.
    let clients = "[clients]\npatience = { dist = \"deterministic\", mean_ms = 800 }";
    let run = ten("concurrency = 1\nspeed = 0.2", clients);
    assert_eq!((run.counts.served, run.counts.timed_out, run.counts.in_flight_at_end), (4, 4, 2), "{:?}", run.counts);
    assert_eq!(run.waited, 5);
}

#[test]
fn a_preempted_request_goes_on_where_it_stopped() {
    // Classes alternate by chance; what holds whatever they are: the important are never later than their work after one another.
    let classes = "classes = [{ name = \"vip\", share = 1.0 }, { name = \"bulk\", share = 1.0, priority = 1 }]";
    let text = format!(
        "duration = \"200.5s\"\nwarmup = \"0s\"\n[workload]\narrivals = {{ kind = \"constant\", rate_rps = 1.0 }}\n{classes}\n[[pools]]\n\
         concurrency = 1\ndiscipline = \"preemptive_priority\"\nservice_time = {{ dist = \"deterministic\", mean_ms = 990 }}"
    );
    let run = run(&Scenario::parse(&text, &()).unwrap_or_else(|error| panic!("{error}")), &NoAutoscaler, 1, 0).expect("the run works");
    assert_eq!(run.classes[0].latency.max(), Some(990_000_000));
    assert!(run.classes[0].arrived > 70 && run.classes[1].arrived > 70, "{:?}", run.counts);
    assert_eq!(run.counts.served, 199);
}

#[test]
fn a_closed_session_asks_again_only_after_its_answer() {
    let text = "duration = \"100s\"\nwarmup = \"0s\"\n[workload]\narrivals = { kind = \"closed\", sessions = 3, \
                think = { dist = \"deterministic\", mean_ms = 600 } }\n[[pools]]\nconcurrency = 3\n\
                service_time = { dist = \"deterministic\", mean_ms = 400 }";
    let run = run(&Scenario::parse(text, &()).unwrap_or_else(|error| panic!("{error}")), &NoAutoscaler, 1, 0).expect("the run works");
    assert_eq!((run.counts.arrived, run.counts.served, run.end), (300, 300, Nanos::from_secs(100)));
    assert_eq!(run.latency.max(), Some(400_000_000));
}

#[test]
fn circles_and_unknown_names_are_refused_with_their_line() {
    let refused = |text: &str| {
        let head = "duration = \"10s\"\n[workload]\narrivals = { kind = \"poisson\", rate_rps = 1.0 }\n[[pools]]\nconcurrency = 1\n\
                    service_time = { dist = \"exponential\", mean_ms = 1 }\n";
        Scenario::parse(&format!("{head}{text}"), &()).map(|_| ()).expect_err("this must be refused").to_string()
    };
    let node = |name: &str, to: &str| {
        format!(
            "[[dependencies]]\nname = \"{name}\"\nconcurrency = 1\nservice_time = {{ dist = \"exponential\", mean_ms = 1 }}\n\
             calls = [{{ to = \"{to}\" }}]\n"
        )
    };
    let circle = refused(&format!("{}{}", node("a", "b"), node("b", "a")));
    let expected =
        "line 11: `dependencies[0].calls` is part of a circle: a, b call each other; allowed: calls that never come back to who called";
    assert_eq!(circle, expected);
    assert_eq!(refused(&node("a", "c")), "line 11: `dependencies[0].calls[0].to` is \"c\"; allowed: a");
    let fault = "[[faults]]\nkind = \"crash\"\nat = \"1s\"\nlasts = \"1s\"\npool = \"db\"";
    assert_eq!(refused(fault), "line 11: `faults[0].pool` is \"db\"; allowed: one of the pools and dependencies pool");
    let partition = "[[faults]]\nkind = \"partition\"\nat = \"1s\"\nlasts = \"1s\"";
    assert!(refused(partition).starts_with("line 8: `faults[0].kind` is \"partition\"; allowed: a partition with timeouts.request"));
}

/// A file system of request logs.
struct Logs;

impl simulator::SeriesSource for Logs {
    fn load(&self, file: &str) -> Result<simulator::SeriesData, String> {
        Err(format!("{file} is no series"))
    }

    fn load_log(&self, file: &str) -> Result<Vec<f64>, String> {
        match file {
            "good.csv" => Ok(vec![100.0, 100.5, 100.5, 104.0]),
            "back.csv" => Ok(vec![1.0, 0.5]),
            _ => Ok(Vec::new()),
        }
    }
}

#[test]
fn a_request_log_is_played_scaled_and_stretched_and_a_bad_one_is_refused() {
    let logged = |keys: &str| {
        let text = format!(
            "[workload]\narrivals = {{ kind = \"log\", {keys} }}\n[[pools]]\nconcurrency = 9\n\
             service_time = {{ dist = \"deterministic\", mean_ms = 100 }}"
        );
        Scenario::parse(&text, &Logs).map_err(|error| error.to_string())
    };
    let played =
        run(&logged("file = \"good.csv\", scale = 1.5, stretch = 2.0").unwrap_or_else(|error| panic!("{error}")), &NoAutoscaler, 1, 0);
    let played = played.expect("the run works");
    // 1, 2, 1 and 2 times; the last come at 8 s, when the log ends.
    assert_eq!((played.counts.arrived, played.counts.in_flight_at_end), (6, 2), "{:?}", played.counts);
    assert_eq!(played.end, Nanos(8_000_000_001));
    let allowed = "a request log with ascending offsets in seconds, spanning at most 100 years";
    let refused = |file: &str| logged(&format!("file = \"{file}\"")).expect_err("this must be refused");
    assert_eq!(refused("empty.csv"), format!("line 2: `workload.arrivals.file` is \"empty.csv\" with no requests; allowed: {allowed}"));
    assert_eq!(
        refused("back.csv"),
        format!("line 2: `workload.arrivals.file` is \"back.csv\" with 0.5 after 1 in row 1; allowed: {allowed}")
    );
}

#[test]
fn the_nearest_region_is_the_quickest_and_the_way_there_counts() {
    let text = "duration = \"10.5s\"\nwarmup = \"0s\"\n[workload]\narrivals = { kind = \"constant\", rate_rps = 1.0 }\n[[regions]]\nname = \"eu\"\n\
                users = 0\n[[regions]]\nname = \"us\"\n[network]\nround_trip_ms = [[1, 50], [80, 20]]\n[[pools]]\nname = \"eu\"\nregion = \"eu\"\n\
                concurrency = 1\nservice_time = { dist = \"deterministic\", mean_ms = 100 }\n[[pools]]\nname = \"us\"\nregion = \"us\"\n\
                concurrency = 1\nservice_time = { dist = \"deterministic\", mean_ms = 100 }\n[[faults]]\nkind = \"crash\"\nregion = \"us\"\n\
                at = \"500ms\"\nlasts = \"30s\"\n[dns]\nttl = \"0s\"\ncheck = \"1500ms\"\nfall = 2\n";
    let scenario = Scenario::parse(text, &()).unwrap_or_else(|error| panic!("{error}"));
    let run = run(&scenario, &NoAutoscaler, 1, 0).expect("the run works");
    // Checks fail at 1.5 and 3: the requests of 1, 2 are lost, and that of 3, which comes just after; from then on 80 ms there and back.
    assert_eq!((run.counts.failed, run.counts.served), (2, 8), "{:?}", run.counts);
    assert_eq!(run.latency.max(), Some(180_000_000));
    assert_eq!((run.backends[0].served, run.backends[1].crashes), (8, 1));
}
