//! What the API answers, and the one number or the one series in it.
//!
//! Absent is not zero: an empty answer, NaN and the infinities are unknown. Two series are refused, never added up or chosen from.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::Problem;

/// Beyond this an answer is not read [bytes]. The longest that we ask for, 10,000 points, has less than half a megabyte.
pub const ANSWER_BYTES_MAX: usize = 8 << 20;

/// How many values of a label an error shows.
const VALUES_SHOWN: usize = 3;

/// The frame of every answer.
#[derive(Debug, Deserialize)]
pub struct Envelope<T> {
    pub status: String,
    pub error: Option<String>,
    pub warnings: Option<Vec<String>>,
    pub data: Option<T>,
}

/// What a query gives.
#[derive(Debug, Deserialize)]
#[serde(tag = "resultType", content = "result", rename_all = "lowercase")]
pub enum Data {
    Scalar(Sample),
    String(serde::de::IgnoredAny),
    Vector(Vec<Instant>),
    Matrix(Vec<Range>),
}

/// A time [epoch s] and a value as the API writes them.
#[derive(Debug, Clone, Deserialize)]
pub struct Sample(f64, String);

#[derive(Debug, Deserialize)]
pub struct Instant {
    metric: Labels,
    /// Absent for a native histogram.
    value: Option<Sample>,
}

#[derive(Debug, Deserialize)]
pub struct Range {
    metric: Labels,
    #[serde(default)]
    values: Vec<Sample>,
    #[serde(default)]
    histograms: Vec<serde::de::IgnoredAny>,
}

impl Data {
    /// Whether there is no series at all.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Vector(series) => series.is_empty(),
            Self::Matrix(series) => series.is_empty(),
            Self::Scalar(_) | Self::String(_) => false,
        }
    }
}

type Labels = BTreeMap<String, String>;

impl Sample {
    /// The value, if it is a number; what is no text of a float is an error.
    fn value(&self, name: &'static str) -> Result<Option<f64>, Problem> {
        let number = self.1.parse::<f64>().map_err(|_| Problem::Malformed { name, why: format!("the value {:?} is no number", self.1) })?;
        Ok(number.is_finite().then_some(number))
    }

    fn at_ms(&self) -> i64 {
        (self.0 * 1_000.0).round() as i64
    }
}

/// The number that an instant query gives; `None` = unknown.
pub fn number(name: &'static str, data: &Data) -> Result<Option<f64>, Problem> {
    match data {
        Data::Scalar(sample) => sample.value(name),
        Data::String(_) => Err(Problem::NoNumber { name, kind: "a string", hint: "" }),
        Data::Matrix(_) => Err(Problem::NoNumber { name, kind: "a range vector", hint: "; wrap it in rate(...)" }),
        Data::Vector(series) => {
            let Some(one) = only(name, series, |one| &one.metric)? else { return Ok(None) };
            one.value.as_ref().ok_or_else(|| histogram(name))?.value(name)
        }
    }
}

/// The points `(time [ms], value)` of a range query, in order and each time once; unknown ones are left out.
pub fn points(name: &'static str, data: &Data, step_ms: i64) -> Result<BTreeMap<i64, f64>, Problem> {
    let series = match data {
        Data::Matrix(series) => series,
        Data::String(_) => return Err(Problem::NoNumber { name, kind: "a string", hint: "" }),
        _ => return Err(Problem::Malformed { name, why: "a range query's answer is no matrix".into() }),
    };
    only(name, series, |one| &one.metric)?.map_or_else(|| Ok(BTreeMap::new()), |one| points_of(name, one, step_ms))
}

/// The points of each series of a range query by the value of a label, which must tell them apart.
pub fn by_label(name: &'static str, data: &Data, label: &str, step_ms: i64) -> Result<BTreeMap<String, BTreeMap<i64, f64>>, Problem> {
    let Data::Matrix(series) = data else { return Err(Problem::Malformed { name, why: "a range query's answer is no matrix".into() }) };
    let mut found = BTreeMap::new();
    for one in series {
        let value = one.metric.get(label).cloned().unwrap_or_default();
        if found.insert(value, points_of(name, one, step_ms)?).is_some() {
            let all: Vec<&Labels> = series.iter().map(|one| &one.metric).collect();
            return Err(Problem::Ambiguous { name, count: series.len(), labels: differing(&all) });
        }
    }
    Ok(found)
}

fn points_of(name: &'static str, one: &Range, step_ms: i64) -> Result<BTreeMap<i64, f64>, Problem> {
    if !one.histograms.is_empty() {
        return Err(histogram(name));
    }
    let mut points = BTreeMap::new();
    for sample in &one.values {
        let at_ms = sample.at_ms();
        if at_ms.rem_euclid(step_ms) != 0 {
            return Err(Problem::Malformed { name, why: format!("a point at {} s is not on the grid of {step_ms} ms", sample.0) });
        }
        match sample.value(name)? {
            Some(value) => points.insert(at_ms, value),
            None => points.remove(&at_ms),
        };
    }
    Ok(points)
}

fn histogram(name: &'static str) -> Problem {
    Problem::NoNumber { name, kind: "a native histogram", hint: "; take histogram_count(rate(...)) or histogram_quantile(0.95, rate(...))" }
}

fn only<'a, T>(name: &'static str, series: &'a [T], labels: impl Fn(&T) -> &Labels) -> Result<Option<&'a T>, Problem> {
    if series.len() < 2 {
        return Ok(series.first());
    }
    let all: Vec<&Labels> = series.iter().map(labels).collect();
    Err(Problem::Ambiguous { name, count: series.len(), labels: differing(&all) })
}

/// The labels whose values are not the same in all series, with some of them: `instance: "a", "b"`.
fn differing(all: &[&Labels]) -> String {
    let names: BTreeSet<&String> = all.iter().flat_map(|labels| labels.keys()).collect();
    let told = names.into_iter().filter_map(|name| {
        let values: BTreeSet<&str> = all.iter().map(|labels| labels.get(name).map_or("", String::as_str)).collect();
        let shown: Vec<String> = values.iter().take(VALUES_SHOWN).map(|value| format!("{value:?}")).collect();
        let more = values.len().saturating_sub(VALUES_SHOWN);
        let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
        (values.len() > 1).then(|| format!("{name}: {}{rest}", shown.join(", ")))
    });
    let told: Vec<String> = told.collect();
    if told.is_empty() { "nothing (the server repeats itself)".to_owned() } else { told.join("; ") }
}
