use super::*;
use crate::BoxFuture;
use crate::act::{ActError, Actuator};
use crate::clock::Clock;
use crate::collect::{LoadSource, Reading, Step};
use crate::demo::world;
use crate::runtime::Service;
use crate::store::{Store, StoreError};
use planner::{Event, Order, Replica, State};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// In their order.
type Labels = Vec<(String, String)>;

/// A family as a strict reader of the format sees it.
#[derive(Debug, Default)]
struct Family {
    kind: String,
    /// Name with suffix, labels, value.
    samples: Vec<(String, Labels, f64)>,
}

fn is_name(text: &str) -> bool {
    text.starts_with(|one: char| one.is_ascii_alphabetic() || one == '_')
        && text.chars().all(|one| one.is_ascii_alphanumeric() || one == '_')
}

/// `name="value"` pairs up to the closing brace, and what follows it.
fn labels(mut rest: &str) -> (Labels, &str) {
    let mut found = Vec::new();
    loop {
        let (name, after) = rest.split_once("=\"").expect("a label");
        assert!(is_name(name), "label {name:?}");
        let (mut value, mut chars) = (String::new(), after.char_indices());
        let end = loop {
            match chars.next().expect("a closing quote") {
                (at, '"') => break at,
                (_, '\\') => match chars.next().expect("an escaped character").1 {
                    'n' => value.push('\n'),
                    other => {
                        assert!(matches!(other, '\\' | '"'), "escape \\{other}");
                        value.push(other);
                    }
                },
                (_, other) => value.push(other),
            }
        };
        found.push((name.to_owned(), value));
        rest = &after[end + 1..];
        match rest.chars().next() {
            Some(',') => rest = &rest[1..],
            Some('}') => return (found, &rest[1..]),
            other => panic!("{other:?} after a label"),
        }
    }
}

/// Reads the text format 0.0.4 as its description has it, and refuses everything else.
fn parse(text: &str) -> BTreeMap<String, Family> {
    assert!(text.ends_with('\n'));
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    let (mut helped, mut seen, mut current) = (BTreeSet::new(), BTreeSet::new(), String::new());
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, words) = help.split_once(' ').expect("words of help");
            assert!(is_name(name) && !words.is_empty() && helped.insert(name.to_owned()), "HELP twice: {line}");
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').expect("a type");
            assert!(["counter", "gauge", "histogram"].contains(&kind) && helped.contains(name), "{line}");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
            let family = Family { kind: kind.to_owned(), samples: Vec::new() };
            assert!(families.insert(name.to_owned(), family).is_none(), "TYPE twice: {line}");
            name.clone_into(&mut current);
        } else {
            let name = line.split(['{', ' ']).next().expect("a name");
            let rest = &line[name.len()..];
            let (labels, rest) = if let Some(rest) = rest.strip_prefix('{') { labels(rest) } else { (Vec::new(), rest) };
            let value: f64 = rest.strip_prefix(' ').expect("a space").parse().expect("a number");
            let family = families.get_mut(&current).expect("a TYPE before the first sample");
            let suffixes: &[&str] = if family.kind == "histogram" { &["_bucket", "_sum", "_count"] } else { &[""] };
            assert!(suffixes.iter().any(|suffix| name == format!("{current}{suffix}")), "{line} among {current}");
            assert!(seen.insert(format!("{name}{labels:?}")), "sample twice: {line}");
            family.samples.push((name.to_owned(), labels, value));
        }
    }
    for (name, family) in families.iter().filter(|(_, family)| family.kind == "histogram") {
        check_histogram(name, family);
    }
    families
}

fn check_histogram(name: &str, family: &Family) {
    let buckets: Vec<(f64, f64)> =
        family.samples.iter().filter(|one| one.0.ends_with("_bucket")).map(|one| (one.1[0].1.parse().unwrap(), one.2)).collect();
    assert!(buckets.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1), "{name}: {buckets:?}");
    let count = family.samples.iter().find(|one| one.0.ends_with("_count")).expect("a count").2;
    assert_eq!(buckets.last().copied(), Some((f64::INFINITY, count)), "{name}");
    assert!(family.samples.iter().any(|one| one.0.ends_with("_sum")), "{name}");
}

struct Idle;

impl Actuator for Idle {
    fn scale<'a>(&'a self, _: &'a Order) -> BoxFuture<'a, Result<(), ActError>> {
        Box::pin(async { Ok(()) })
    }

    fn observe(&self) -> BoxFuture<'_, Result<Vec<Replica>, ActError>> {
        Box::pin(async { Ok(Vec::new()) })
    }
}

impl LoadSource for Idle {
    fn read(&self) -> BoxFuture<'_, Result<Reading, String>> {
        Box::pin(async { Ok(Reading::default()) })
    }
}

/// What the loop publishes of two services, one of which has an awkward name.
async fn shared(folder: &std::path::Path) -> Shared {
    let config = |name: &str| planner::ServiceConfig { name: name.to_owned(), ..world::config(false, 0.9, 0.95) };
    let configs = vec![config("chat"), config("bl\"i\\nd")];
    let state = State::new(configs.clone()).unwrap();
    let service = |config: planner::ServiceConfig| {
        let name = config.name.clone();
        let idle = Arc::new(Idle);
        let observe_timeout = Duration::from_secs(2);
        let service = Service {
            config,
            actuator: idle.clone(),
            balancer: None,
            source: idle,
            step_ms: 60_000,
            scrape_every_ms: 15_000,
            observe_timeout,
        };
        (name, Arc::new(service))
    };
    let store = Arc::new(Store::open(&crate::store::Location::Folder(folder.to_path_buf())).await.unwrap());
    let (events, _) = tokio::sync::mpsc::channel(1);
    Shared::new(Clock::start(1_000_000_000_000, 1.0), store, events, configs.into_iter().map(service).collect(), &state, None)
}

fn value(families: &BTreeMap<String, Family>, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
    let wanted: Labels = labels.iter().map(|(label, text)| ((*label).to_owned(), (*text).to_owned())).collect();
    let family = families.get(name).unwrap_or_else(|| panic!("no {name}"));
    family.samples.iter().find(|(_, labels, _)| *labels == wanted).map(|(_, _, value)| *value)
}

#[tokio::test]
async fn everything_that_is_written_is_the_format_and_nothing_unknown_has_a_sample() {
    let folder = tempfile::tempdir().unwrap();
    let shared = shared(folder.path()).await;
    let now_ms = shared.clock.now_ms();
    let step = Step { from_ms: now_ms, load_rps: 120.5, saturated: false, error_ratio: None, latency_p95_ms: None };
    shared.publish_load("chat", Ok(Some((now_ms, step))));
    shared.publish_load("chat", Err("down".into()));
    shared.counts.actuator_failed("chat", Call::Scale, Failure::of(&ActError::lasting("no")));
    shared.counts.actuator_failed("stranger", Call::Scale, Failure::Timeout);
    shared.counts.loop_step.observe(Duration::from_millis(3));
    shared.counts.forecast.observe(Duration::from_secs(100));
    shared.store_failed(StoreWork::Journal, &StoreError::TimedOut { seconds: 20 });
    shared.publish_no_forecast("chat", "too short", None);

    let families = parse(&render(&shared));
    let chat = ("service", "chat");
    let blind = ("service", "bl\"i\\nd");
    assert_eq!(value(&families, "prescale_offered_load_rps", &[chat]), Some(120.5));
    assert_eq!(value(&families, "prescale_offered_load_rps", &[blind]), None, "absent is not zero");
    assert_eq!((value(&families, "prescale_data_ok", &[chat]), value(&families, "prescale_data_ok", &[blind])), (Some(1.0), Some(0.0)));
    assert_eq!(value(&families, "prescale_max_replicas", &[blind]), Some(30.0));
    assert_eq!(value(&families, "prescale_ready_replicas", &[chat]), None);
    assert_eq!(value(&families, "prescale_load_read_failures_total", &[chat]), Some(1.0));
    assert_eq!(value(&families, "prescale_forecast_failures_total", &[chat]), Some(1.0));
    assert_eq!(value(&families, "prescale_actuator_errors_total", &[chat, ("call", "scale"), ("kind", "lasting")]), Some(1.0));
    assert_eq!(families["prescale_actuator_errors_total"].samples.len(), 1, "only what is configured has a label");
    assert_eq!(value(&families, "prescale_store_errors_total", &[("work", "journal")]), Some(1.0));
    assert_eq!(value(&families, "prescale_store_ok", &[]), Some(0.0));
    assert_eq!(value(&families, "prescale_forecast_judged_points", &[chat]), Some(0.0));
    assert_eq!(value(&families, "prescale_forecast_error_ratio", &[chat]), None);
}

#[tokio::test]
async fn the_wanted_number_is_there_from_recommend_on_and_stays_while_nothing_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let shared = shared(folder.path()).await;
    let now_ms = shared.clock.now_ms();
    let config = |mode| planner::ServiceConfig {
        name: "chat".into(),
        mode,
        capacity: planner::Capacity::Declared { rps_per_replica: 10.0 },
        ..world::config(false, 0.9, 0.95)
    };
    let shown = |mode: planner::Mode, hours_later: i64| {
        let mut state = State::new(vec![config(mode)]).unwrap();
        let (service, replicas) = (|| "chat".to_owned(), crate::act::gauge::counted(4.0).unwrap());
        let mut tell = |event, at_ms| drop(planner::step(&mut state, event, at_ms));
        tell(Event::Fleet { service: service(), at_ms: now_ms, replicas }, now_ms);
        tell(Event::Sample { service: service(), at_ms: now_ms, load_rps: Some(60.0), saturated: false }, now_ms);
        tell(Event::Tick { service: service() }, now_ms);
        tell(Event::Tick { service: service() }, now_ms + hours_later * 3_600_000);
        shared.publish(&mut state, Some("chat"), &[]);
        value(&parse(&render(&shared)), "prescale_desired_replicas", &[("service", "chat")])
    };
    // 60 rps at a utilisation of 60 % are ten replicas of 10 rps.
    assert_eq!(shown(planner::Mode::Observe, 0), None);
    assert_eq!(shown(planner::Mode::Recommend, 0), Some(10.0));
    assert_eq!(shown(planner::Mode::Recommend, 30), Some(10.0), "absent is not zero, and not nothing either");
    assert_eq!(shown(planner::Mode::Approve, 0), Some(4.0), "what there is, as long as nobody has approved more");
    assert_eq!(shown(planner::Mode::Automatic, 0), Some(10.0));
}

#[tokio::test]
async fn a_forecast_and_what_came_are_shown_by_quantile() {
    let folder = tempfile::tempdir().unwrap();
    let shared = shared(folder.path()).await;
    let origin_ms = shared.clock.now_ms() - 600_000;
    let point = |minute: i64| predictor::Point { ts_ms: origin_ms + minute * 60_000, mean: 100.0, q: vec![100.0, 120.0, 130.0] };
    let forecast = predictor::Forecast::from_quantiles(origin_ms, 60_000, vec![0.5, 0.9, 0.95], (1..600).map(point).collect()).unwrap();
    shared.publish_forecast("chat", forecast.clone(), forecast, planner::Needs::default());
    // The lead time of the demo is seven minutes: the step at minute 8 was promised.
    let from_ms = origin_ms + 8 * 60_000;
    let step = Step { from_ms, load_rps: 125.0, saturated: false, error_ratio: None, latency_p95_ms: None };
    shared.counts.of("chat", |counts| counts.accuracy.judge(&[step]));
    let families = parse(&render(&shared));
    let at = |name: &str, quantile: &str| value(&families, name, &[("service", "chat"), ("q", quantile)]);
    assert_eq!(at("prescale_forecast_at_lead_rps", "0.95"), Some(130.0));
    assert_eq!(at("prescale_forecast_for_now_rps", "0.5"), Some(100.0));
    assert_eq!((at("prescale_forecast_coverage_ratio", "0.9"), at("prescale_forecast_coverage_ratio", "0.95")), (Some(0.0), Some(1.0)));
    assert_eq!(value(&families, "prescale_forecast_error_ratio", &[("service", "chat")]), Some(0.2));
    let age = value(&families, "prescale_forecast_age_seconds", &[("service", "chat")]).unwrap();
    assert!((600.0..660.0).contains(&age), "{age}");
}
