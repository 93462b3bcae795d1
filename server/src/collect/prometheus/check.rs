//! Everything that `prescale check` asks a Prometheus before a service depends on it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::client::{Ask, Client};
use super::reading::CATCH_UP_STEPS;
use super::{Freshness, Problem, PrometheusSource, Queries, Skew, answer, selector, steps};

const DAY_MS: i64 = 86_400_000;
const HOUR_MS: i64 = 3_600_000;
/// How far back the beginning of the history is looked for [days].
const REACH_DAYS: i64 = 400;
/// Fewer points than this say nothing about whether a load ever falls.
const POINTS_MIN: usize = 30;

/// What a source gives at this moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Checked {
    /// `Prometheus 2.42.0`, `VictoriaMetrics`, or `a server with Prometheus' API`.
    pub server: String,
    /// The load now [requests/s].
    pub load: f64,
    /// Series that the load query's selectors read; `None` if they can't be told.
    pub series: Option<u64>,
    /// Who tells the samples' age.
    pub freshness: Freshness,
    /// Age of the newest sample [ms]; `None` = unknown, so that the load counts as missing: give `fresh`, unless nobody tells it
    /// ([`Freshness::Points`]).
    pub age_ms: Option<i64>,
    /// Their clock minus ours [ms], zero below what can be told; `None` = the answers have no `Date`.
    pub skew_ms: Option<i64>,
    /// Since when there is a load, to the hour [epoch ms by their clock]; looked for up to 400 days back.
    pub history_from_ms: Option<i64>,
    /// The other queries that are configured, with their values now, or what is wrong with each; `None` = nothing to divide by, since nobody
    /// asks the service anything.
    pub others: Vec<(&'static str, Result<Option<f64>, Problem>)>,
    /// The server's own warnings about the load query.
    pub warnings: Vec<String>,
}

/// Runs all checks; the load first, since nothing works without it.
pub async fn run(source: &PrometheusSource) -> Result<Checked, Problem> {
    let (client, queries) = (&source.client, &source.queries);
    let answer = client.instant(Ask { name: "load", query: &queries.load }).await?;
    if let Some(skew) = answer.skew {
        skew.check(&client.url())?;
    }
    let skew_ms = answer.skew.map(Skew::ahead_ms);
    let load = known("load", &answer.data)?;
    source.refuse_counter().await?;
    let others = others(client, queries, load).await;
    let newest = source.newest().await?;
    let now_ms = source.clock.now_ms();
    let stamp = source.stamped(&newest, now_ms, skew_ms.unwrap_or(0))?;
    Ok(Checked {
        server: server(client).await,
        load,
        series: series(client, &source.freshness, &queries.load).await?,
        freshness: source.freshness.clone(),
        age_ms: stamp.map(|(at_ms, _)| now_ms - at_ms),
        skew_ms,
        history_from_ms: history_from(client, &queries.load, now_ms).await?,
        others,
        warnings: answer.warnings,
    })
}

fn known(name: &'static str, data: &answer::Data) -> Result<f64, Problem> {
    let unknown = |what: &str| Problem::Unknown { name, what: what.to_owned() };
    match answer::number(name, data)? {
        Some(value) if value < 0.0 => Err(Problem::Implausible { name, value: value.to_string(), allowed: "0 or more is allowed" }),
        Some(value) => Ok(value),
        None if data.is_empty() => {
            Err(unknown("no series: no metric of that name has these labels and a sample within its window; check both, and the scrape"))
        }
        None => Err(unknown("NaN or an infinity: a division by zero, or a rate of nothing; a number is needed")),
    }
}

/// The values of the other queries, each by itself: one that is wrong hides none of the others.
async fn others(client: &Client, queries: &Queries, load: f64) -> Vec<(&'static str, Result<Option<f64>, Problem>)> {
    let all = [("replicas", &queries.replicas), ("latency", &queries.latency_ms), ("errors", &queries.errors), ("shed", &queries.shed)];
    let mut found = Vec::new();
    for (name, query) in all {
        if let Some(query) = query {
            let answer = client.instant(Ask { name, query }).await;
            found.push((name, answer.and_then(|answer| other(name, &answer.data, load))));
        }
    }
    found
}

/// One that is configured is wanted, so that no answer is a problem too: a reading would only say that nothing is known.
fn other(name: &'static str, data: &answer::Data, load: f64) -> Result<Option<f64>, Problem> {
    let unknown = |what: String| Err(Problem::Unknown { name, what });
    let wrong = |value: f64, allowed| Err(Problem::Implausible { name, value: value.to_string(), allowed });
    match answer::number(name, data)? {
        Some(value) if value < 0.0 => wrong(value, "0 or more is allowed"),
        Some(value) if name == "errors" && value > 1.0 => {
            wrong(value, "a share from 0 to 1 is allowed: divide the failing requests/s by all requests/s")
        }
        Some(value) => Ok(Some(value)),
        None if data.is_empty() => {
            unknown(format!("no answer: no metric of that name has these labels and a sample now; {}", advice(name)))
        }
        // A share or a quantile of no requests at all.
        None if load == 0.0 && matches!(name, "latency" | "errors") => Ok(None),
        None => unknown("no answer but NaN or an infinity: a division by zero, or a quantile of nothing; a number is needed".into()),
    }
}

fn advice(name: &str) -> &'static str {
    match name {
        "errors" => "check both. If nothing failed yet, there is no such series yet: write (sum(...) or vector(0)) / sum(...)",
        "shed" => "check both. If nothing was turned away yet, there is no such series yet: append `or vector(0)`",
        "replicas" => "check both, and that their exporter (kube-state-metrics, as a rule) is scraped",
        _ => "check both, or leave the query out",
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct BuildInfo {
    version: String,
}

/// Name and version. VictoriaMetrics tells Grafana the version of a Prometheus, so it is known by a function of its own.
async fn server(client: &Client) -> String {
    if client.instant(Ask { name: "server", query: "now()" }).await.is_ok() {
        return "VictoriaMetrics".to_owned();
    }
    match client.get::<BuildInfo>("server", "api/v1/status/buildinfo", &[]).await {
        Ok(info) if !info.data.version.is_empty() => format!("Prometheus {}", info.data.version),
        _ => "a server with Prometheus' API".to_owned(),
    }
}

async fn series(client: &Client, freshness: &Freshness, load: &str) -> Result<Option<u64>, Problem> {
    let selectors = match freshness {
        Freshness::Selectors(selectors) => selectors.clone(),
        _ => selector::scan(load).map(|scan| scan.selectors).unwrap_or_default(),
    };
    let mut sum = None;
    for selector in selectors {
        let query = format!("count({selector})");
        let ask = Ask { name: "number of the series", query: &query };
        if let Some(count) = answer::number(ask.name, &client.instant(ask).await?.data)? {
            sum = Some(sum.unwrap_or(0) + count as u64);
        }
    }
    Ok(sum)
}

/// The first time of day like now, and then the first hour of the day before it, that has a load.
async fn history_from(client: &Client, load: &str, now_ms: i64) -> Result<Option<i64>, Problem> {
    let hour = now_ms.div_euclid(HOUR_MS) * HOUR_MS;
    let days = (hour - REACH_DAYS * DAY_MS, hour, DAY_MS);
    // On a grid of hours, also for the step of a day: its points are at this hour of each day.
    let Some(day) = first_point(client, load, days).await? else { return Ok(None) };
    first_point(client, load, (day - DAY_MS, day, HOUR_MS)).await
}

async fn first_point(client: &Client, load: &str, (first_ms, last_ms, step_ms): (i64, i64, i64)) -> Result<Option<i64>, Problem> {
    let answer = client.range(Ask { name: "load", query: load }, first_ms, last_ms, step_ms).await?;
    Ok(answer::points("load", &answer.data, HOUR_MS)?.into_keys().next())
}

/// The type of a metric, as its exporter tells it.
#[derive(Debug, Deserialize)]
struct Metadata {
    r#type: String,
}

/// Functions that make something else of a counter.
fn tames(function: &str) -> bool {
    ["rate", "increase", "deriv", "delta", "changes", "resets", "count", "absent", "timestamp", "group", "histogram"]
        .iter()
        .any(|part| function.contains(part))
}

/// A counter as the load would be forecast to rise for ever.
pub(super) async fn refuse_counter(source: &PrometheusSource) -> Result<(), Problem> {
    let (client, load) = (&source.client, &source.queries.load);
    let Some(scan) = selector::scan(load) else { return Ok(()) };
    if scan.functions.iter().any(|function| tames(function)) {
        return Ok(());
    }
    let instead = || format!("sum(rate({}[2m]))", scan.selectors.first().map_or("", String::as_str));
    let names: BTreeSet<&str> = scan.selectors.iter().map(|one| name(one)).filter(|name| !name.is_empty()).collect();
    for name in names {
        // Not every server has metadata; the values tell, too.
        let Ok(told) = client.get::<BTreeMap<String, Vec<Metadata>>>("load", "api/v1/metadata", &[("metric", name)]).await else {
            continue;
        };
        if told.data.get(name).is_some_and(|all| all.iter().any(|one| one.r#type == "counter")) {
            return Err(Problem::Counter { evidence: format!("{name} is a counter"), instead: instead() });
        }
    }
    let now_ms = source.clock.now_ms();
    let last_ms = now_ms.div_euclid(source.step_ms) * source.step_ms;
    let steps_a_day = (DAY_MS / source.step_ms).min(CATCH_UP_STEPS);
    let only_load = Queries { load: load.clone(), ..Queries::default() };
    let day = steps::read(client, &only_load, source.step_ms, last_ms - steps_a_day * source.step_ms, last_ms).await?.steps;
    let pairs = || day.windows(2).map(|pair| pair[1].load_rps - pair[0].load_rps);
    let rises = pairs().filter(|rise| *rise > 0.0).count();
    if day.len() >= POINTS_MIN && pairs().all(|rise| rise >= 0.0) && rises * 2 > day.len() {
        let evidence = format!("its value never fell in the last {} steps and rose in {rises} of them", day.len());
        return Err(Problem::Counter { evidence, instead: instead() });
    }
    Ok(())
}

/// The metric's name at the beginning of a selector; empty where labels alone select.
fn name(selector: &str) -> &str {
    selector.split(|letter: char| letter == '{' || letter.is_whitespace()).next().unwrap_or_default()
}
