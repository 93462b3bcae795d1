//! Checks what is asked, key by key, once: behind this every request is in its normal form, with every default filled in.

use std::str::FromStr;

use balancer::Algorithm;
use predictor::ModelChoice;
use simulator::ScenarioError;
use simulator::scenario::Reader;

use super::plan::{self, Plan};
use crate::api::control::ControlError;
use crate::api::dto::{BacktestJob, JobRequest, LoadOrigin, ScenarioJob, Shape, WhatIf};
use crate::cli::parse_duration;

/// Cells in one job.
const CELLS_MAX: usize = 24;
/// Requests that one job may simulate: ten minutes or so.
pub const REQUESTS_MAX: u64 = 500_000_000;
/// A longer window is a typing error: the series would not fit.
pub const WINDOW_MS_MAX: i64 = 31 * 86_400_000;
/// A shorter run says nothing.
pub const WINDOW_MS_MIN: i64 = 600_000;

const KINDS: &str = "\"what_if\", \"scenario\", \"backtest\"";
const SERVICE: &str = "the name of a service";

pub fn bad_input(error: ScenarioError) -> ControlError {
    ControlError::BadInput { key: error.key, value: error.value, allowed: error.allowed }
}

/// Reads a request.
pub fn read(table: &toml::Table) -> Result<JobRequest, ControlError> {
    let mut root = Reader::new("", table);
    checked(&mut root).map_err(bad_input)
}

fn checked(root: &mut Reader<'_>) -> Result<JobRequest, ScenarioError> {
    let kind = root.string("kind", KINDS)?;
    match root.required(kind, "kind", KINDS)? {
        "what_if" => what_if(root).map(JobRequest::WhatIf),
        "scenario" => {
            root.only(&["kind", "scenario"])?;
            let scenario = root.string("scenario", "the text of a scenario")?;
            let scenario = root.required(scenario, "scenario", "the text of a scenario")?.to_owned();
            Ok(JobRequest::Scenario(ScenarioJob { scenario }))
        }
        "backtest" => backtest(root).map(JobRequest::Backtest),
        _ => Err(root.error("kind", KINDS)),
    }
}

const WHAT_IF_KEYS: [&str; 11] =
    ["kind", "service", "traffic", "service_time", "algorithms", "plans", "seeds", "seed", "requests", "replica_hour", "source"];

fn what_if(root: &mut Reader<'_>) -> Result<WhatIf, ScenarioError> {
    const FACTOR: &str = "a factor from 0.01 to 100";
    root.only(&WHAT_IF_KEYS)?;
    let service = text(root, "service", SERVICE)?;
    let factor = |x: f64| (0.01..=100.0).contains(&x);
    let traffic = root.number("traffic", FACTOR, factor)?.unwrap_or(1.0);
    let service_time = root.number("service_time", FACTOR, factor)?.unwrap_or(1.0);
    let algorithms: Vec<Algorithm> = list(root, "algorithms", &format!("a list of {}", Algorithm::NAMES.join(", ")))?;
    let plans: Vec<Plan> = list(root, "plans", &format!("a list of {}", plan::ALLOWED))?;
    if algorithms.len().max(1) * plans.len().max(1) > CELLS_MAX {
        return Err(ScenarioError::new(
            "plans",
            format!("{} plans for {} algorithms", plans.len(), algorithms.len()),
            format!("at most {CELLS_MAX} cells"),
        ));
    }
    let seeds = root.integer("seeds", 1, 50)?.unwrap_or(5) as u32;
    let seed = root.integer("seed", 0, i64::MAX as u64)?.unwrap_or(1);
    let requests = root.integer("requests", 10_000, REQUESTS_MAX)?.unwrap_or(50_000_000);
    let replica_hour = root.number("replica_hour", "a price from 0 on", |price| price >= 0.0)?;
    let source = root.table("source")?;
    let source = source_of(root.required(source, "source", "a table like { kind = \"recorded\", last = \"7d\" }")?)?;
    let names = |algorithms: Vec<Algorithm>| algorithms.into_iter().map(|algorithm| algorithm.name().to_owned()).collect();
    let plans = if plans.is_empty() { vec![Plan::Planner(0)] } else { plans };
    let plans = plans.iter().map(Plan::to_string).collect();
    Ok(WhatIf { service, traffic, service_time, algorithms: names(algorithms), plans, seeds, seed, requests, replica_hour, source })
}

fn source_of(mut source: Reader<'_>) -> Result<LoadOrigin, ScenarioError> {
    const SOURCES: &str = "\"recorded\", \"forecast\", \"synthetic\"";
    let kind = source.string("kind", SOURCES)?;
    let origin = match source.required(kind, "kind", SOURCES)? {
        "recorded" => recorded(&mut source)?,
        "forecast" => {
            let quantile = source.number("quantile", "a quantile between 0 and 1", |q| q > 0.0 && q < 1.0)?.unwrap_or(0.9);
            LoadOrigin::Forecast { quantile, lasts: window(&mut source, "lasts")?.unwrap_or_else(|| "12h".to_owned()) }
        }
        "synthetic" => {
            const RATE: &str = "a number of requests/s above 0, at most 10^6";
            let rate = |x: f64| x > 0.0 && x <= 1e6;
            let shape = match source.string("shape", "\"constant\", \"ramp\", \"spike\"")?.unwrap_or("constant") {
                "constant" => Shape::Constant,
                "ramp" => Shape::Ramp,
                "spike" => Shape::Spike,
                _ => return Err(source.error("shape", "\"constant\", \"ramp\", \"spike\"")),
            };
            let rps = source.number("rps", RATE, rate)?;
            let rps = source.required(rps, "rps", RATE)?;
            let peak_rps = source.number("peak_rps", RATE, rate)?;
            match shape {
                Shape::Constant if peak_rps.is_some() => return Err(source.error("peak_rps", "nothing: a constant load has no peak")),
                Shape::Ramp | Shape::Spike if peak_rps.is_none() => return Err(source.error("peak_rps", RATE)),
                _ => {}
            }
            LoadOrigin::Synthetic { shape, rps, peak_rps, lasts: window(&mut source, "lasts")?.unwrap_or_else(|| "2h".to_owned()) }
        }
        _ => return Err(source.error("kind", SOURCES)),
    };
    source.finish()?;
    Ok(origin)
}

fn recorded(source: &mut Reader<'_>) -> Result<LoadOrigin, ScenarioError> {
    const TIME: &str = "an RFC 3339 time with a zone, such as 2026-06-04T12:00:00Z";
    let last = window(source, "last")?;
    let from = source.string("from", TIME)?.map(|text| text.parse().map_err(|_| source.error("from", TIME))).transpose()?;
    let to = source.string("to", TIME)?.map(|text| text.parse().map_err(|_| source.error("to", TIME))).transpose()?;
    match (&last, from, to) {
        (None, Some(from), Some(to)) => {
            let (from, to): (crate::api::time::Time, crate::api::time::Time) = (from, to);
            let length = to.0.saturating_sub(from.0);
            if !(WINDOW_MS_MIN..=WINDOW_MS_MAX).contains(&length) {
                return Err(source.error("to", format!("10 min to 31 d after from ({from})")));
            }
            Ok(LoadOrigin::Recorded { from: Some(from), to: Some(to), last: None })
        }
        (Some(_), None, None) => Ok(LoadOrigin::Recorded { from: None, to: None, last }),
        (None, None, None) => Ok(LoadOrigin::Recorded { from: None, to: None, last: Some("7d".to_owned()) }),
        (None, None, Some(_)) => Err(source.error("from", TIME)),
        (None, Some(_), None) => Err(source.error("to", TIME)),
        (Some(_), _, _) => Err(source.error("last", "either last, or from and to")),
    }
}

/// A length of time that can be simulated, as it is written.
fn window(source: &mut Reader<'_>, key: &'static str) -> Result<Option<String>, ScenarioError> {
    const LENGTH: &str = "a duration from 10m to 31d, such as 90m, 12h or 7d";
    let text = source.string(key, LENGTH)?;
    let fits = |text: &&str| parse_duration(text).is_ok_and(|ms| (WINDOW_MS_MIN..=WINDOW_MS_MAX).contains(&ms));
    match text {
        None => Ok(None),
        Some(text) if fits(&text) => Ok(Some(text.to_owned())),
        Some(_) => Err(source.error(key, LENGTH)),
    }
}

fn backtest(root: &mut Reader<'_>) -> Result<BacktestJob, ScenarioError> {
    root.only(&["kind", "service", "horizon", "origins", "last", "models", "step"])?;
    let service = text(root, "service", SERVICE)?;
    let horizon = duration(root, "horizon", "24h", (60_000, predictor::MAX_HORIZON_MS), "a duration from 1m to 7d")?;
    let origins = root.integer("origins", 1, 200)?.unwrap_or(12) as u32;
    let last = root.number("last", "a share above 0, at most 0.9", |share| share > 0.0 && share <= 0.9)?.unwrap_or(0.3);
    let models: Vec<ModelChoice> = list(root, "models", &format!("a list of {}", model_names().join(", ")))?;
    let models = if models.is_empty() { vec![ModelChoice::Auto] } else { models };
    let step = duration(root, "step", "15m", (60_000, 3_600_000), "a duration from 1m to 1h, a multiple of the stored step")?;
    Ok(BacktestJob { service, horizon, origins, last, models: models.iter().map(ModelChoice::to_string).collect(), step })
}

fn model_names() -> Vec<&'static str> {
    ["auto", "auto_wide"].into_iter().chain(predictor::Member::ALL.iter().map(|member| member.name())).collect()
}

fn duration(root: &mut Reader<'_>, key: &'static str, usual: &str, range: (i64, i64), allowed: &str) -> Result<String, ScenarioError> {
    let text = root.string(key, allowed)?.unwrap_or(usual);
    let fits = parse_duration(text).is_ok_and(|ms| (range.0..=range.1).contains(&ms));
    if fits { Ok(text.to_owned()) } else { Err(root.error(key, allowed)) }
}

fn text(root: &mut Reader<'_>, key: &'static str, allowed: &str) -> Result<String, ScenarioError> {
    let found = root.string(key, allowed)?;
    root.required(found, key, allowed).map(str::to_owned)
}

/// A list without repetitions; empty when absent.
fn list<T: FromStr + PartialEq>(root: &mut Reader<'_>, key: &'static str, allowed: &str) -> Result<Vec<T>, ScenarioError> {
    let values = match root.value(key) {
        None => return Ok(Vec::new()),
        Some(toml::Value::Array(values)) => values,
        Some(_) => return Err(root.error(key, allowed)),
    };
    let mut read = Vec::with_capacity(values.len());
    for (at, value) in values.iter().enumerate() {
        let wrong = |allowed: &str| ScenarioError::new(format!("{}[{at}]", root.name(key)), value.to_string(), allowed);
        let one = value.as_str().and_then(|text| text.parse().ok()).ok_or_else(|| wrong(allowed))?;
        if read.contains(&one) {
            return Err(wrong("each once"));
        }
        read.push(one);
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> (String, String) {
        match read(&text.parse().unwrap()) {
            Err(ControlError::BadInput { key, allowed, .. }) => (key, allowed),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_normal_form_has_every_default_and_comes_back_from_toml() {
        let text = "kind = \"what_if\"\nservice = \"shop\"\nalgorithms = [\"p2c\"]\nplans = [\"planner\", \"planner:-3\"]\n[source]\nkind = \"recorded\"\n";
        let request = read(&text.parse().unwrap()).unwrap();
        let JobRequest::WhatIf(what_if) = &request else { panic!("{request:?}") };
        assert_eq!((what_if.traffic, what_if.seeds, what_if.requests), (1.0, 5, 50_000_000));
        assert_eq!(what_if.source, LoadOrigin::Recorded { from: None, to: None, last: Some("7d".to_owned()) });
        let again = toml::to_string(&request).unwrap();
        assert_eq!(read(&again.parse().unwrap()).unwrap(), request, "{again}");
        let backtest = read(&"kind = \"backtest\"\nservice = \"shop\"".parse().unwrap()).unwrap();
        assert_eq!(read(&toml::to_string(&backtest).unwrap().parse().unwrap()).unwrap(), backtest);
    }

    #[test]
    fn a_refusal_names_key_and_what_is_allowed() {
        let what_if = |more: &str| format!("kind = \"what_if\"\nservice = \"shop\"\n{more}");
        let source = "[source]\nkind = \"recorded\"\n";
        for (text, key, allowed) in [
            ("kind = \"magic\"".to_owned(), "kind", "what_if"),
            (String::new(), "kind", "what_if"),
            ("kind = \"what_if\"".to_owned(), "service", "name of a service"),
            (what_if(""), "source", "recorded"),
            (what_if(&format!("plan = 3\n{source}")), "plan", "plans"),
            (what_if(&format!("plans = [\"planner\", \"few\"]\n{source}")), "plans[1]", "planner:-3"),
            (what_if(&format!("plans = [\"planner\", \"planner:0\"]\n{source}")), "plans[1]", "once"),
            (what_if(&format!("algorithms = [\"fastest\"]\n{source}")), "algorithms[0]", "p2c"),
            (what_if(&format!("traffic = 0\n{source}")), "traffic", "0.01 to 100"),
            (what_if(&format!("requests = 1\n{source}")), "requests", "500000000"),
            (what_if("[source]\nkind = \"recorded\"\nlast = \"1s\""), "source.last", "10m to 31d"),
            (what_if("[source]\nkind = \"recorded\"\nfrom = \"2026-01-01T00:00:00Z\""), "source.to", "RFC 3339"),
            (what_if("[source]\nkind = \"recorded\"\nfrom = \"2026-01-01T00:00:00Z\"\nto = \"2025-01-01T00:00:00Z\""), "source.to", "31 d"),
            (what_if("[source]\nkind = \"synthetic\"\nshape = \"spike\"\nrps = 5"), "source.peak_rps", "above 0"),
            ("kind = \"backtest\"\nservice = \"shop\"\nmodels = [\"oracle\"]".to_owned(), "models[0]", "auto"),
            ("kind = \"backtest\"\nservice = \"shop\"\nhorizon = \"9d\"".to_owned(), "horizon", "7d"),
        ] {
            let found = refusal(&text);
            assert!(found.0 == key && found.1.contains(allowed), "{text}: {found:?}");
        }
    }
}
