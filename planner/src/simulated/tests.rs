use super::*;
use simulator::{Arrivals, Report, ServiceDist, replicate};

const MIN: i64 = 60_000;

/// Ten replicas' worth of load by day, two by night, with a steep climb at nine.
fn rate(at_ms: i64) -> f64 {
    let hour = (at_ms.rem_euclid(86_400_000)) as f64 / 3_600_000.0;
    let climb = ((hour - 9.0) * 4.0).clamp(0.0, 1.0);
    let fall = ((hour - 17.0) * 2.0).clamp(0.0, 1.0);
    20.0 + 80.0 * (climb - fall)
}

/// Fourteen days that end at 08:00.
fn history() -> Series {
    let start_ms = 1_704_067_200_000 + 8 * 3_600_000;
    let minutes = 14 * 1_440;
    let values = (0..=minutes).map(|i| Some(rate(start_ms + i * MIN))).collect();
    Series::try_new(start_ms, MIN, values).unwrap()
}

/// Two and a half hours from 08:00 on, over the climb; replicas take 5 min to boot and hold 12 rps each.
fn climb(autoscaler: &str) -> Scenario {
    let rates_rps = (0..150).map(|i| rate((8 * 60 + i) * MIN)).collect();
    Scenario::builder("climb")
        .arrivals(Arrivals::Series { step: Nanos(60_000_000_000), rates_rps })
        .duration(Nanos(150 * 60_000_000_000))
        .replicas(3)
        .concurrency(4)
        .queue(Some(16))
        .service(ServiceDist::Exponential, 250.0)
        .boot_delay(Nanos(300_000_000_000))
        .slo(Nanos(1_000_000_000), 95.0)
        .timeline(true)
        .warmup(simulator::Warmup::Fixed(Nanos(0)))
        .autoscaler(autoscaler.parse().unwrap())
        .build()
        .unwrap()
}

fn report(factory: &Factory, autoscaler: &str) -> Report {
    replicate(&climb(autoscaler), factory, 7, 2, 1).unwrap()
}

fn violation_minutes(report: &Report) -> f64 {
    report.slo.unwrap().violation_minutes.unwrap()
}

const RAILS: &str = "min = 2\nmax = 20\nrps_per_replica = 12\n";

#[test]
fn prediction_is_ready_when_the_climb_begins_and_reaction_is_not() {
    let predictive = report(&Factory::with_history(history()), &format!("policy = \"predictive\"\n{RAILS}"));
    let hpa = report(&Factory::default(), &format!("policy = \"hpa\"\ntarget = 0.78\n{RAILS}"));
    let (ours, theirs) = (violation_minutes(&predictive), violation_minutes(&hpa));
    assert!(ours <= 1.0, "predictive: {ours} violation minutes");
    assert!(theirs >= 5.0, "hpa: {theirs} violation minutes");
    assert!(predictive.replica_hours < 1.3 * hpa.replica_hours, "{} against {}", predictive.replica_hours, hpa.replica_hours);
}

#[test]
fn without_history_it_is_a_cautious_reactive_rule() {
    let predictive = report(&Factory::default(), &format!("policy = \"predictive\"\n{RAILS}"));
    assert!(predictive.scaling_actions >= 2.0);
    assert!(predictive.requests.served > predictive.requests.arrived / 2);
}

#[test]
fn the_same_seed_gives_the_same_report() {
    let table = format!("policy = \"predictive\"\nramp = \"30s\"\n{RAILS}");
    let factory = Factory::with_history(history());
    let once = replicate(&climb(&table), &factory, 7, 3, 1).unwrap();
    let again = replicate(&climb(&table), &factory, 7, 3, 2).unwrap();
    assert_eq!(once, again);
}

#[test]
fn a_modelled_capacity_needs_no_number_and_static_needs_no_capacity() {
    let modelled = report(&Factory::default(), "policy = \"hpa\"\ntarget = 0.8\nmin = 2\nmax = 20\n");
    assert!(modelled.scaling_actions >= 1.0);
    let fixed = report(&Factory::default(), "policy = \"static\"\nreplicas = 12\n");
    assert_eq!(fixed.scaling_actions, 1.0);
    assert_eq!(violation_minutes(&fixed), 0.0);
    let none = climb("policy = \"static\"\nreplicas = 12\n");
    let none = Scenario { autoscaler: None, ..none };
    assert_eq!(replicate(&none, &Factory::default(), 7, 1, 1).unwrap().scaling_actions, 0.0);
}

#[test]
fn errors_name_the_key_the_value_and_what_is_allowed() {
    let error = |table: &str| {
        let scenario = climb(table);
        Factory::default().build(scenario.autoscaler.as_ref(), &scenario, 1).err().map(|e| e.to_string()).unwrap_or_default()
    };
    for (table, expected) in [
        ("policy = \"magic\"", "`autoscaler.policy` is \"magic\"; allowed: \"predictive\", \"hpa\", \"static\", \"schedule\", \"backlog\""),
        ("target = 0.5", "`autoscaler.policy` is missing; allowed: \"predictive\", \"hpa\", \"static\", \"schedule\", \"backlog\""),
        ("policy = \"hpa\"", "`autoscaler.max` is missing; allowed: a whole number from 1 on"),
        ("policy = \"hpa\"\nmin = 9\nmax = 3", "`autoscaler.max` is 3; allowed: at least rails.min = 9"),
        (
            "policy = \"hpa\"\nmax = 3\nquantile = 0.9",
            "`autoscaler.quantile` is an unknown key (with the value 0.9); allowed: the keys interval, policy,",
        ),
        ("policy = \"predictive\"\nmax = 3\nquantile = 9", "`autoscaler.quantile` is 9; allowed: 0.5 to below 1"),
        (
            "policy = \"predictive\"\nmax = 3\nholidays = \"Germany\"",
            "`autoscaler.holidays` is \"Germany\"; allowed: a country such as \"DE\"",
        ),
        ("policy = \"predictive\"\nmax = 3\nholidays = [\"DE\", 3]", "`autoscaler.holidays` is "),
        ("policy = \"predictive\"\nmax = 3\ncool_down = 30", "`autoscaler.cool_down` is 30; allowed:"),
    ] {
        assert!(error(table).starts_with(expected), "{}", error(table));
    }
}

#[test]
fn a_fleet_on_a_timetable_is_ready_at_each_time() {
    let table =
        "policy = \"schedule\"\nsteps = [{ at = \"0s\", replicas = 3 }, { at = \"60m\", replicas = 12 }, { at = \"2h\", replicas = 5 }]";
    let report = report(&Factory::default(), table);
    let ready = |minute: usize| report.timeline[minute].ready;
    assert_eq!((ready(10), ready(58), ready(60), ready(118), ready(120)), (3.0, 3.0, 12.0, 12.0, 5.0));
    let unsorted = climb("policy = \"schedule\"\nsteps = [{ at = \"5m\", replicas = 3 }, { at = \"1m\", replicas = 1 }]");
    let error = Factory::default().build(unsorted.autoscaler.as_ref(), &unsorted, 1).err().unwrap().to_string();
    assert!(error.starts_with("`autoscaler.steps[1].at` is \"1m\"; allowed: a later time"), "{error}");
}

#[test]
fn fewer_or_more_than_the_plan_leaves_the_plan_as_it_is() {
    let with = |more: i32, ramp: &str| {
        let factory = Factory::with_history(history());
        let table = format!("policy = \"predictive\"\nmore = {more}\nramp = \"{ramp}\"\n{RAILS}");
        let scenario = climb(&table);
        let pools = vec![simulator::PoolSpec { replicas: 5_u32.saturating_add_signed(more), ..scenario.pools[0].clone() }];
        replicate(&Scenario { pools, ..scenario }, &factory, 7, 1, 1).unwrap()
    };
    for ramp in ["0s", "30s"] {
        let (plan, fewer, more) = (with(0, ramp), with(-2, ramp), with(2, ramp));
        for minute in [20, 70, 100, 140] {
            let ready = |report: &Report| report.timeline[minute].ready;
            assert_eq!((ready(&fewer), ready(&more)), (ready(&plan) - 2.0, ready(&plan) + 2.0), "minute {minute}, ramp {ramp}");
        }
        assert!(fewer.latency_ms.unwrap().p99 > plan.latency_ms.unwrap().p99);
        // The plan is ample: two more help a little.
        assert!(more.latency_ms.unwrap().mean < plan.latency_ms.unwrap().mean);
    }
}

#[test]
fn a_prepared_factory_gives_the_same_report() {
    let scenario = climb("policy = \"hpa\"\ntarget = 0.8\nmin = 2\nmax = 20\n");
    let fresh = replicate(&scenario, &Factory::default(), 7, 1, 1).unwrap();
    assert_eq!(fresh, replicate(&scenario, &Factory::default().prepared(&scenario), 7, 1, 1).unwrap());
}

#[test]
fn the_behaviour_of_an_hpa_limits_how_fast_it_goes() {
    let ready = |extra: &str| {
        let rails = "min = 3\nmax = 20\nrps_per_replica = 12\n";
        let report = report(&Factory::default(), &format!("policy = \"hpa\"\ntarget = 0.78\n{rails}{extra}"));
        // Within the first half hour of the climb.
        report.timeline.iter().take(85).map(|minute| minute.ready + minute.booting).fold(0.0, f64::max)
    };
    let (free, slow) = (ready(""), ready("scale_up = { policies = [{ kind = \"pods\", value = 1, period = \"30m\" }] }\n"));
    // A pod in half an hour: from three to four.
    assert!(free >= 9.0 && slow <= 4.0 && slow > 3.0, "{free} {slow}");
    let held = ready("scale_up = { select = \"disabled\" }\n");
    assert!(held <= 3.0, "{held}");
    let refused = |extra: &str| {
        let scenario = climb(&format!("policy = \"hpa\"\nmax = 9\nrps_per_replica = 12\n{extra}"));
        replicate(&scenario, &Factory::default(), 1, 1, 1).unwrap_err().to_string()
    };
    let error = refused("scale_down = { policies = [{ kind = \"pods\", value = 1, period = \"2h\" }] }");
    assert_eq!(error, "`autoscaler.scale_down.policies[0].period` is \"2h\"; allowed: a duration from 1ms to 30m");
    let error = refused("scale_up = { select = \"most\" }");
    assert_eq!(error, "`autoscaler.scale_up.select` is \"most\"; allowed: \"max\", \"min\", \"disabled\"");
}

#[test]
fn forecasts_go_by_the_clocks_of_the_services_place_as_they_do_live() {
    // New York's clocks went forward at 07:00 UTC, an hour before the end; it is busy there from 9 to 17.
    let changed_ms = 1_772_953_200_000;
    let end_ms = changed_ms + 60 * MIN;
    let local_hour = |at_ms: i64| (at_ms / 3_600_000 - if at_ms < changed_ms { 5 } else { 4 }) % 24;
    let load = |at_ms: i64| if (9..17).contains(&local_hour(at_ms)) { 400.0 } else { 100.0 };
    let start_ms = end_ms - 20 * 96 * 15 * MIN;
    let history = Series::try_new(start_ms, 15 * MIN, (0..=20 * 96).map(|i| Some(load(start_ms + i * 15 * MIN))).collect()).unwrap();
    for (zone, closes_on_time) in [("America/New_York", true), ("UTC", false)] {
        let scenario = climb(&format!("policy = \"predictive\"\ntime_zone = \"{zone}\"\nlead_time = \"14h\"\n{RAILS}"));
        let Ok(Choice::Planned { config, extra }) = table::read(scenario.autoscaler.as_ref().unwrap(), &scenario) else {
            panic!("not a planned one")
        };
        let mut planned = Planned::try_new(*config, extra, Observed::after(Some(history.clone())), Curves::default()).unwrap();
        let Event::Forecast { forecast, .. } = planned.forecast(end_ms) else { panic!("no forecast") };
        // 17:30 there; until yesterday it was 16:30 at this time of the day in UTC.
        let after_closing = forecast.quantile_at(changed_ms + 14 * 60 * MIN + 30 * MIN, 0.5).unwrap();
        assert_eq!(after_closing < 110.0, closes_on_time, "{zone}: {after_closing}");
    }
}

#[test]
fn a_scenario_names_the_holidays_of_its_place() {
    let listed = |table: &str| {
        let scenario = climb(&format!("policy = \"predictive\"\n{table}\n{RAILS}"));
        let Ok(Choice::Planned { config, .. }) = table::read(scenario.autoscaler.as_ref().unwrap(), &scenario) else {
            panic!("not a planned one")
        };
        config.holidays.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(listed("holidays = \"US-CA\""), ["US-CA"]);
    assert_eq!(listed("holidays = [\"DE-BE\", \"2026-12-24 company holiday\"]"), ["DE-BE", "2026-12-24 company holiday"]);
    assert!(listed("").is_empty());
}

/// Lines and keys of all that is wrong.
fn mistakes(text: &str) -> Vec<(usize, String)> {
    let errors = Scenario::parse_all(text, &(), &Factory::default()).map(|_| ()).unwrap_err();
    errors.into_iter().map(|error| (error.line.unwrap_or(0), error.key)).collect()
}

const PLAIN: &str = "requests = 10\n[workload]\narrivals = { kind = \"poisson\", rate_rps = 6.4 }\n[slo]\nlatency_ms = 500\npercentile = 95\n\
                     [[pools]]\nname = \"app\"\nservice_time = { dist = \"exponential\", mean_ms = 40 }\nconcurrency = 4\n";

#[test]
fn the_mistakes_of_an_autoscaler_are_among_those_of_its_scenario() {
    let autoscaler = "[autoscaler]\npolicy = \"hpa\"\nmin = 0\nmax = 0\ntarget = 7\ncool_down = 30\ncolour = \"red\"\n\
                      scale_up = { select = \"most\" }\nscale_down = { policies = [{ kind = \"pods\", value = 1, period = \"2h\" }] }\n";
    let text = PLAIN.replace("rate_rps = 6.4", "rate_rps = -1").replace("concurrency = 4", "concurrency = 0") + autoscaler;
    let keys = ["min", "max", "target", "cool_down", "colour", "scale_up.select", "scale_down.policies[0].period"];
    let of_autoscaler = (13..=19).zip(keys).map(|(line, key)| (line, format!("autoscaler.{key}")));
    let others = [(3, "workload.arrivals.rate_rps"), (10, "pools[0].concurrency")].map(|(line, key)| (line, key.to_owned()));
    assert_eq!(mistakes(&text), others.into_iter().chain(of_autoscaler).collect::<Vec<_>>());
}

#[test]
fn the_schema_of_scenarios_has_the_keys_of_the_table() {
    let text = PLAIN.to_owned() + "[autoscaler]\nzzz = 1\n";
    let errors = Scenario::parse_all(&text, &(), &Factory::default()).unwrap_err();
    let mut known: Vec<&str> = errors[0].allowed.strip_prefix("the keys ").unwrap().split(", ").collect();
    let schema: serde_json::Value = serde_json::from_str(simulator::scenario::SCHEMA).unwrap();
    let mut described: Vec<&String> = schema["properties"]["autoscaler"]["properties"].as_object().unwrap().keys().collect();
    known.sort_unstable();
    described.sort_unstable();
    assert_eq!(described, known);
}

#[test]
fn a_capacity_that_is_missed_for_want_of_an_objective_is_no_mistake_of_its_own() {
    let hpa = "[autoscaler]\npolicy = \"hpa\"\nmax = 9\n";
    assert!(Scenario::parse_all(&(PLAIN.to_owned() + hpa), &(), &Factory::default()).is_ok());
    let wrong = PLAIN.replace("percentile = 95", "percentile = 950") + hpa;
    assert_eq!(mistakes(&wrong), [(6, "slo.percentile".to_owned())]);
    let without = PLAIN.replace("[slo]\nlatency_ms = 500\npercentile = 95\n", "") + hpa;
    assert_eq!(mistakes(&without), [(8, "autoscaler.rps_per_replica".to_owned())]);
    let misspelt = PLAIN.to_owned() + "[autoscaler]\npolicy = \"hpa\"\nmaks = 9\n";
    assert_eq!(mistakes(&misspelt), [(13, "autoscaler.maks".to_owned())]);
}
