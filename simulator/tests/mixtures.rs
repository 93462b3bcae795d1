//! Brokers, connections, users, sessions, doors, faults and retries in mixtures that nobody would write: every request is accounted for, the
//! same seed gives the same result, and recording changes nothing.

// In tests a failed unwrap is a failed test.
#![allow(clippy::unwrap_used)]

use simulator::{Engine, NoAutoscaler, Scenario, TraceSpec, run, run_traced};

/// Small numbers out of one number (Knuth's MMIX constants).
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.throw(of.len() as u64) as usize]
    }
}

fn mixture(number: u64) -> String {
    let mut dice = Dice(number.wrapping_mul(0x9e37_79b9_7f4a_7c15) + 1);
    let broker = dice.throw(4) == 0;
    let closed = dice.throw(5) == 0;
    let mut text = format!("duration = \"{}s\"\nwarmup = \"{}s\"\n", 30 + dice.throw(100), dice.throw(20));
    text += "[timeouts]\nrequest = \"700ms\"\n[workload]\n";
    text += if closed {
        "arrivals = { kind = \"closed\", sessions = 40, think = { dist = \"exponential\", mean_ms = 900.0 } }\n"
    } else {
        dice.one(&["arrivals = { kind = \"poisson\", rate_rps = 40.0 }\n", "arrivals = { kind = \"constant\", rate_rps = 90.0 }\n"])
    };
    text += dice.one(&[
        "",
        "classes = [{ name = \"a\", share = 1, timeout = \"100ms\" }, { name = \"b\", share = 2, priority = 3, group = 1, work = 2.0 }]\n",
    ]);
    text += dice.one(&["", "[clients]\nretries = { max_attempts = 3, delay = \"200ms\", jitter = \"full\" }\n"]);
    if dice.throw(3) == 0 {
        text += if text.contains("[clients]") { "" } else { "[clients]\n" };
        text += "patience = { dist = \"exponential\", mean_ms = 400.0 }\n";
    }
    text += if closed { "" } else { "[users]\ncount = 30\nskew = 0.5\n" };
    text += dice.one(&[
        "",
        "[sessions]\nstore = { dist = \"exponential\", mean_ms = 3.0 }\n",
        "[sessions]\nstore = { dist = \"exponential\", mean_ms = 3.0 }\nlogin = { dist = \"exponential\", mean_ms = 90.0 }\n",
    ]);
    let sessions = text.contains("[sessions]");
    text += "[balancer]\n";
    text += dice.one(&[
        "algorithm = \"least_connections\"\n",
        "algorithm = \"rendezvous\"\nkey = \"user\"\n",
        "algorithm = \"p2c\"\nsticky = true\n",
    ]);
    text += dice.one(&["", "passive = { max_fails = 2, fail_timeout = \"4s\" }\n"]);
    text += dice.one(&["", "rate_limit = { rate = 60, burst = 5 }\n"]);
    text += dice.one(&["", "levels = { full_at = 2 }\n", "splits = [{ group = 0, weight = 3 }, { group = 1, weight = 1 }]\n"]);
    if broker {
        text += dice.one(&["[broker]\n", "[broker]\nqueue = 5\ndeliveries = 2\n"]);
    } else {
        text += dice.one(&[
            "",
            "concurrency = { fixed = 5 }\n",
            "concurrency = { gradient = { initial = 9 } }\nqueue = { length = 6, patience = \"300ms\" }\n",
        ]);
        text += dice.one(&["", "[retries]\nserver_errors = true\ntimeouts = true\n"]);
        text += dice.one(&[
            "",
            "[connections]\nhandshake = \"20ms\"\nidle = 2\nidle_timeout = \"1s\"\n",
            "[connections]\npick = \"connection\"\nhandshake = \"20ms\"\nclients = 6\nrequests = 9\n",
            "[connections]\npick = \"connection\"\nclients = 9\nlasts = \"3s\"\n",
        ]);
    }
    text + &fleet(&mut dice, broker, sessions)
}

fn fleet(dice: &mut Dice, broker: bool, sessions: bool) -> String {
    let mut text = String::new();
    for at in 0..1 + dice.throw(3) {
        let discipline = if broker { "" } else { dice.one(&["", "discipline = \"ps\"\n", "queue = 3\n", "discipline = \"priority\"\n"]) };
        let place = dice.one(&["", "level = 1\n", "backup = true\n", "group = 1\n", "failure = 0.1\n"]);
        text += &format!(
            "[[pools]]\nname = \"p{at}\"\nreplicas = {}\nconcurrency = {}\n{discipline}{place}\
             service_time = {{ dist = \"exponential\", mean_ms = 60.0 }}\n",
            1 + dice.throw(3),
            1 + dice.throw(3)
        );
    }
    for _ in 0..dice.throw(4) {
        let kind = dice.one(&[
            "kind = \"crash\"",
            "kind = \"partition\"",
            "kind = \"flapping\"\nperiod = \"3s\"",
            "kind = \"slow\"\nfactor = 8",
            "kind = \"store\"",
        ]);
        if sessions || !kind.contains("store") {
            text += &format!("[[faults]]\n{kind}\nat = \"{}s\"\nlasts = \"{}s\"\n", dice.throw(25), 1 + dice.throw(20));
        }
    }
    text
}

/// The same with each pool in a region of its own, and balancers that spill by distance; `None` for what doesn't go with regions.
fn by_distance(text: &str) -> Option<String> {
    if text.contains("[broker]") || text.contains("pick = \"connection\"") {
        return None;
    }
    let text = text.replace("levels = { full_at = 2 }\n", "").replace("level = 1\n", "");
    let mut text = text.replace("[balancer]\n", "[balancer]\nlevels = { by = \"distance\", full_at = 2 }\n");
    let regions = (0..3).filter(|at| text.contains(&format!("name = \"p{at}\""))).count();
    for at in 0..regions {
        text = text.replace(&format!("name = \"p{at}\"\n"), &format!("name = \"p{at}\"\nregion = \"r{at}\"\n"));
        text += &format!("[[regions]]\nname = \"r{at}\"\n");
    }
    let matrix = ["[[2]]", "[[2, 30], [30, 2]]", "[[2, 30, 90], [30, 2, 60], [90, 60, 2]]"][regions - 1];
    Some(text + &format!("[network]\nround_trip_ms = {matrix}\n"))
}

#[test]
fn every_request_of_any_mixture_is_accounted_for_whatever_is_recorded() {
    all_accounted_for((0..400).map(|number| (number, mixture(number))));
}

#[test]
fn so_is_every_request_that_may_go_to_another_region() {
    all_accounted_for((0..400).filter_map(|number| Some((number, by_distance(&mixture(number))?))));
}

fn all_accounted_for(mixtures: impl Iterator<Item = (u64, String)>) {
    let (mut arrived, mut served) = (0, 0);
    for (number, text) in mixtures {
        let scenario = Scenario::parse(&text, &()).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let result = run(&scenario, &NoAutoscaler, number, 0).unwrap();
        let counts = result.counts;
        assert_eq!(counts.arrived, counts.served + counts.errors() + counts.in_flight_at_end, "{counts:?}\n{text}");
        let spec = TraceSpec { sample: 1.0, most_requests: 1_000_000, most_decisions: 1_000 };
        let (again, trace) = run_traced(Engine::Auto, &scenario, &NoAutoscaler, number, 0, &spec).unwrap();
        assert!(again == result, "recording changed something in\n{text}");
        assert_eq!(trace.requests.iter().filter(|row| row.counted).count() as u64, counts.arrived, "{text}");
        for row in &trace.requests {
            let times = [Some(row.arrived), row.started, row.served, row.ended];
            assert!(times.iter().flatten().is_sorted(), "{row:?}\n{text}");
        }
        let busy: u128 = result.backends.iter().map(|backend| backend.busy).sum();
        let capacity: u128 = result.backends.iter().map(|backend| backend.capacity).sum();
        assert!(busy <= capacity, "{busy} of {capacity}\n{text}");
        arrived += counts.arrived;
        served += counts.served;
    }
    // Else it would prove little.
    assert!(served > arrived / 4 && served < arrived, "{served} of {arrived}");
}
