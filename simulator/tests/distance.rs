//! Levels by distance: where requests go when their own region can't take them, and what the way costs.

// In tests a failed unwrap is a failed test.
#![allow(clippy::unwrap_used)]

use simulator::{NoAutoscaler, RunResult, Scenario, run};

/// Regions by name, share of users, what they are part of, and replicas of five servers each, 100 ms a request.
struct Place(&'static str, f64, Option<&'static str>, u32);

fn text(places: &[Place], round_trip_ms: &str, rate_rps: f64, rest: &str) -> String {
    let mut text = format!(
        "duration = \"600s\"\nwarmup = \"0s\"\n[workload]\narrivals = {{ kind = \"poisson\", rate_rps = {rate_rps} }}\n\
         [network]\nround_trip_ms = {round_trip_ms}\n[dns]\nttl = \"0s\"\ncheck = \"1h\"\n{rest}"
    );
    for Place(name, users, part_of, replicas) in places {
        let part_of = part_of.map_or(String::new(), |whole| format!("part_of = \"{whole}\"\n"));
        text += &format!(
            "[[regions]]\nname = \"{name}\"\nusers = {users}\n{part_of}[[pools]]\nname = \"{name}\"\nregion = \"{name}\"\n\
             replicas = {replicas}\nconcurrency = 5\nservice_time = {{ dist = \"deterministic\", mean_ms = 100.0 }}\n"
        );
    }
    text
}

fn run_it(text: &str) -> RunResult {
    run(&Scenario::parse(text, &()).unwrap_or_else(|error| panic!("{error}")), &NoAutoscaler, 7, 0).unwrap()
}

/// Share of the attempts that each pool had.
fn shares(result: &RunResult) -> Vec<f64> {
    let pools = result.backends.iter().map(|backend| backend.pool).max().unwrap() as usize + 1;
    let of =
        |pool: usize| result.backends.iter().filter(|backend| backend.pool as usize == pool).map(|backend| backend.attempts).sum::<u64>();
    let all: u64 = (0..pools).map(of).sum();
    (0..pools).map(|pool| of(pool) as f64 / all as f64).collect()
}

fn erlang_b(servers: u32, offered: f64) -> f64 {
    (1..=servers).fold(1.0, |blocked, n| offered * blocked / (f64::from(n) + offered * blocked))
}

const PROBES: &str = "active = { interval = \"1s\", timeout = \"500ms\", rise = 1, fall = 1 }\n";
const NEAR_AND_FAR: &str = "[[0, 20, 100], [20, 0, 80], [100, 80, 0]]";

#[test]
fn a_region_that_loses_capacity_spills_to_the_nearest_and_to_the_farther_only_when_that_is_full() {
    // Six at once on average; each region could take twenty.
    let of = |near: u32, lost: u32| {
        let places = [Place("home", 1.0, None, 4), Place("far", 0.0, None, 4), Place("near", 0.0, None, near)];
        let balancer = format!("[balancer]\nlevels = {{ by = \"distance\", full_at = 5 }}\n{PROBES}");
        let faults = format!("[[faults]]\nkind = \"crash\"\npool = \"home\"\nat = \"0s\"\nlasts = \"600s\"\nreplicas = {lost}\n");
        let faults = if lost > 0 { faults } else { String::new() };
        let result = run_it(&text(&places, "[[0, 100, 20], [100, 0, 80], [20, 80, 0]]", 60.0, &(balancer + &faults)));
        // The first second knows nothing of what died at its beginning.
        assert!(result.counts.errors() < 70, "{:?}", result.counts);
        shares(&result)
    };
    let well = of(4, 0);
    assert!(well[0] > 0.999, "{well:?}");
    // A quarter is left, which at 140 % takes 35 %; what finds its five servers full goes on as well.
    let struck = of(4, 3);
    assert!((0.30..0.36).contains(&struck[0]) && struck[1] < 1e-3, "{struck:?}");
    // The nearest has room for five at once, each for its work and its way: what is beyond goes farther, as Erlang's loss formula says.
    let both = of(1, 3);
    let spilt = both[1] + both[2];
    let beyond = erlang_b(5, 60.0 * spilt * 0.12);
    assert!((0.30..0.36).contains(&both[0]) && (both[1] / spilt / beyond - 1.0).abs() < 0.03, "{both:?} {beyond}");
    // Nothing is left at home: all go to the nearest, at first.
    let lost = of(4, 4);
    assert!(lost[2] > 0.99 && lost[1] < 1e-3, "{lost:?}");
}

#[test]
fn each_region_has_a_ranking_of_its_own_and_the_way_there_and_back_is_paid() {
    // On a line, twenty milliseconds apart; nobody serves at its ends.
    let line = "[[4, 20, 40, 60], [20, 4, 20, 40], [40, 20, 4, 20], [60, 40, 20, 4]]";
    let at = |users: [f64; 4]| {
        let places = [
            Place("west", users[0], None, 0),
            Place("midwest", users[1], None, 4),
            Place("mideast", users[2], None, 4),
            Place("east", users[3], None, 0),
        ];
        run_it(&text(&places, line, 20.0, "[balancer]\nlevels = { by = \"distance\" }\n"))
    };
    let (west, east) = (at([1.0, 0.0, 0.0, 0.0]), at([0.0, 0.0, 0.0, 1.0]));
    assert!(west.backends.iter().all(|backend| (backend.pool == 1) == (backend.attempts > 0)));
    assert!(east.backends.iter().all(|backend| (backend.pool == 2) == (backend.attempts > 0)));
    // 4 ms from the user to the region's balancer and back, 20 ms from there to the next region and back, 100 ms of work.
    assert_eq!((west.latency.quantile(0.0), west.latency.max()), (Some(124e6), Some(124_000_000)));
    // The way is no waiting.
    assert_eq!((west.wait.max(), west.waited), (Some(0), 0));
    let own = at([0.0, 1.0, 0.0, 0.0]);
    assert_eq!((own.latency.max(), own.backends.iter().filter(|backend| backend.attempts > 0).count()), (Some(104_000_000), 4));
}

#[test]
fn zones_of_one_region_come_before_other_regions_however_near_these_are() {
    let of = |part_of| {
        let places = [Place("eu-a", 1.0, part_of, 0), Place("us", 0.0, None, 2), Place("eu-b", 0.0, part_of, 2)];
        shares(&run_it(&text(&places, "[[0, 20, 30], [20, 0, 50], [30, 50, 0]]", 10.0, "[balancer]\nlevels = { by = \"distance\" }\n")))
    };
    assert_eq!(of(None), [0.0, 1.0, 0.0]);
    assert_eq!(of(Some("eu")), [0.0, 0.0, 1.0]);
}

#[test]
fn connections_to_another_region_belong_to_one_balancer_and_cost_its_way_besides() {
    let places = [Place("home", 1.0, None, 0), Place("near", 1.0, None, 1), Place("far", 0.0, None, 1)];
    let connections = "[balancer]\nlevels = { by = \"distance\" }\n[connections]\nhandshake = \"7ms\"\n";
    let result = run_it(&text(&places, NEAR_AND_FAR, 2.0, connections));
    // The first of each balancer waits for its handshake; home's are twenty milliseconds away.
    assert_eq!(result.latency.max(), Some(127_000_000));
    assert!((2..20).contains(&result.connections.unwrap()), "{:?}", result.connections);
}

#[test]
fn without_the_option_a_balancer_has_its_own_region_alone_and_what_cannot_be_is_refused() {
    let places = || [Place("home", 1.0, None, 1), Place("near", 0.0, None, 1), Place("far", 0.0, None, 1)];
    let own = run_it(&text(&places(), NEAR_AND_FAR, 100.0, "[balancer]\nlevels = { full_at = 5 }\n[timeouts]\nrequest = \"1s\"\n"));
    assert_eq!(shares(&own), [1.0, 0.0, 0.0]);
    let refused = |text: &str| Scenario::parse(text, &()).unwrap_err().to_string();
    let by = |by: &str| text(&places(), NEAR_AND_FAR, 1.0, &format!("[balancer]\nlevels = {{ by = \"{by}\" }}\n"));
    assert!(refused(&by("cost")).contains("`balancer.levels.by` is \"cost\"; allowed: \"pool\""));
    let by_hand = by("distance").replace("region = \"near\"\n", "region = \"near\"\nlevel = 2\n");
    assert!(refused(&by_hand).contains("`pools[1].level` is 2; allowed: no level with balancer.levels.by"));
    let nowhere = "requests = 9\n[workload]\narrivals = { kind = \"poisson\", rate_rps = 1.0 }\n[balancer]\nlevels = { by = \"distance\" }\n\
                   [[pools]]\nconcurrency = 1\nservice_time = { dist = \"deterministic\", mean_ms = 1.0 }\n";
    assert!(refused(nowhere).contains("`balancer.levels.by` is \"distance\"; allowed: \"distance\" with [[regions]] only"));
}
