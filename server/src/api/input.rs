//! Turns unchecked input (a query, a JSON body, a path segment) into checked values, once, at the edge. Every refusal names the key, the
//! value and what is allowed; serde's own messages can't promise that, so the fields are taken one by one.

mod access;

use std::collections::BTreeMap;

use axum::extract::{FromRequestParts, Path, Request};
use axum::http::request::Parts;
use serde_json::Value;

use super::body;
use super::control::{Metric, SeriesRequest};
use super::dto::{Mode, Pause};
use super::problem::Problem;
use super::time::Time;

/// Values in one answer of the series: a fortnight by 60 s.
pub const SERIES_VALUES_MAX: i64 = 20_160;
/// Decisions in one answer.
pub const DECISIONS_MAX: u64 = 500;
/// Bytes of a reason that is kept in the journal.
const REASON_BYTES_MAX: usize = 1000;

const INSTANT: &str = "an RFC 3339 time with a zone, such as 1998-06-04T12:00:00Z (a + must be written %2B)";

/// The fields of a request, each still unchecked.
#[derive(Debug)]
pub struct Fields(BTreeMap<String, Value>);

impl Fields {
    /// Reads a body that must be a JSON object with only `known` keys.
    pub async fn from_body(request: Request, known: &[&str]) -> Result<Self, Problem> {
        let allowed = format!("a JSON object with {}", quoted(known));
        let map = body::object(request, body::BYTES_MAX, &allowed).await?;
        Fields(map.into_iter().collect()).only(known)
    }

    /// The same where the body may be left out; `None` without one.
    pub async fn from_body_if_any(request: Request, known: &[&str]) -> Result<Option<Self>, Problem> {
        if axum::body::HttpBody::is_end_stream(request.body()) {
            return Ok(None);
        }
        Self::from_body(request, known).await.map(Some)
    }

    /// Reads a query that may have only `known` keys, each at most once.
    pub fn from_query(query: Option<&str>, known: &[&str]) -> Result<Self, Problem> {
        let mut fields = BTreeMap::new();
        for (key, value) in form_pairs(query.unwrap_or_default()) {
            if fields.insert(key.clone(), Value::String(value.clone())).is_some() {
                return Err(Problem::bad_input(key, value, "given once"));
            }
        }
        Fields(fields).only(known)
    }

    fn only(self, known: &[&str]) -> Result<Self, Problem> {
        match self.0.iter().find(|(key, _)| !known.contains(&key.as_str())) {
            None => Ok(self),
            Some((key, value)) => {
                let allowed = if known.is_empty() { "no keys at all".to_owned() } else { format!("the keys {}", quoted(known)) };
                Err(Problem::bad_input(key.clone(), shown(value), allowed))
            }
        }
    }

    /// Takes a text; `allowed` describes it for the refusal. `None` when the key is absent.
    fn text(&self, key: &str, allowed: &str) -> Result<Option<&str>, Problem> {
        match self.0.get(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(Problem::bad_input(key, shown(other), allowed)),
        }
    }

    fn parsed<T>(&self, key: &str, allowed: &str, parse: impl Fn(&str) -> Option<T>) -> Result<Option<T>, Problem> {
        let Some(text) = self.text(key, allowed)? else { return Ok(None) };
        parse(text).map(Some).ok_or_else(|| Problem::bad_input(key, shorten(text), allowed))
    }

    fn required<T>(&self, key: &str, allowed: &str, parse: impl Fn(&str) -> Option<T>) -> Result<T, Problem> {
        self.parsed(key, allowed, parse)?.ok_or_else(|| Problem::bad_input(key, "absent", allowed))
    }

    /// `mode`.
    pub fn mode(&self) -> Result<Mode, Problem> {
        self.required("mode", "\"observe\", \"recommend\", \"approve\", \"automatic\"", |text| match text {
            "observe" => Some(Mode::Observe),
            "recommend" => Some(Mode::Recommend),
            "approve" => Some(Mode::Approve),
            "automatic" => Some(Mode::Automatic),
            _ => None,
        })
    }

    /// `pause`.
    pub fn pause(&self) -> Result<Pause, Problem> {
        self.required("pause", "\"up\", \"down\", \"both\"", |text| match text {
            "up" => Some(Pause::Up),
            "down" => Some(Pause::Down),
            "both" => Some(Pause::Both),
            _ => None,
        })
    }

    /// `reason`: a person's words.
    pub fn reason(&self) -> Result<String, Problem> {
        let allowed = format!("a text of 1 to {REASON_BYTES_MAX} bytes");
        self.required("reason", &allowed, |text| {
            let text = text.trim();
            (!text.is_empty() && text.len() <= REASON_BYTES_MAX).then(|| text.to_owned())
        })
    }

    /// `replicas`: a whole number.
    pub fn replicas(&self) -> Result<u32, Problem> {
        let allowed = "a whole number of replicas, such as 8";
        let Some(value) = self.0.get("replicas") else { return Err(Problem::bad_input("replicas", "absent", allowed)) };
        let count = value.as_u64().and_then(|count| u32::try_from(count).ok());
        count.ok_or_else(|| Problem::bad_input("replicas", shown(value), allowed))
    }

    /// `at`: an instant; `None` when absent.
    pub fn at(&self) -> Result<Option<Time>, Problem> {
        self.parsed("at", INSTANT, |text| text.parse().ok())
    }

    /// `limit`, 50 when absent.
    pub fn limit(&self) -> Result<u32, Problem> {
        self.limit_or(50)
    }

    fn limit_or(&self, usual: u32) -> Result<u32, Problem> {
        let allowed = format!("a whole number from 1 to {DECISIONS_MAX}");
        let limit =
            self.parsed("limit", &allowed, |text| text.parse::<u32>().ok().filter(|n| (1..=DECISIONS_MAX).contains(&u64::from(*n))))?;
        Ok(limit.unwrap_or(usual))
    }

    /// `before`: a decision's id.
    pub fn before(&self) -> Result<Option<u64>, Problem> {
        self.parsed("before", "the id of a decision", |text| text.parse().ok())
    }

    /// `baseline`: a cell's number.
    pub fn baseline(&self) -> Result<Option<u32>, Problem> {
        self.parsed("baseline", "the number of a cell, from 0", |text| text.parse().ok())
    }

    /// `metric`, `from`, `to`, `step`.
    pub fn series(&self) -> Result<SeriesRequest, Problem> {
        let names = Metric::ALL.map(Metric::name).join(", ");
        let metric = self.required("metric", &names, |text| Metric::ALL.into_iter().find(|metric| metric.name() == text))?;
        let from: Time = self.required("from", INSTANT, |text| text.parse().ok())?;
        let to: Time = self.required("to", INSTANT, |text| text.parse().ok())?;
        let step_ms = self.parsed("step", "a duration such as 60s, 15m, 24h, 7d", duration_ms)?.unwrap_or(60_000);
        if to <= from {
            return Err(Problem::bad_input("to", to.to_string(), format!("a time after from ({from})")));
        }
        let values = (to.0 - from.0) / step_ms;
        if values > SERIES_VALUES_MAX {
            let allowed = format!("a step that gives at most {SERIES_VALUES_MAX} values between from and to (this one gives {values})");
            return Err(Problem::bad_input("step", format!("{} s", step_ms as f64 / 1000.0), allowed));
        }
        Ok(SeriesRequest { metric, from, to, step_ms })
    }
}

/// `90s`, `15m`, `24h`, `7d` → milliseconds, positive.
fn duration_ms(text: &str) -> Option<i64> {
    let split = text.find(|c: char| !c.is_ascii_digit())?;
    let (count, unit) = text.split_at(split);
    let unit_ms = match unit {
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    count.parse::<i64>().ok()?.checked_mul(unit_ms).filter(|ms| *ms > 0)
}

/// The pairs of `a=b&c=d`, percent-decoded; a byte sequence that isn't UTF-8 becomes U+FFFD and fails the checks that follow.
fn form_pairs(query: &str) -> Vec<(String, String)> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(key, value)| (percent_decoded(key), percent_decoded(value)))
        .collect()
}

fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = bytes.get(at + 1..at + 3).and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        match (bytes[at], hex) {
            (b'%', Some(byte)) => {
                out.push(byte);
                at += 3;
                continue;
            }
            (b'+', _) => out.push(b' '),
            (byte, _) => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn quoted(keys: &[&str]) -> String {
    keys.iter().map(|key| format!("{key:?}")).collect::<Vec<_>>().join(", ")
}

pub fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => shorten(text),
        other => shorten(&other.to_string()),
    }
}

/// Keeps a refusal readable when the input is long.
pub fn shorten(text: &str) -> String {
    match text.char_indices().nth(80) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

/// The one segment of a path that names something.
pub struct Segment(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Segment {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = parts.uri.path().to_owned();
        let taken = Path::<String>::from_request_parts(parts, state).await;
        taken.map(|Path(text)| Segment(text)).map_err(|_| Problem::bad_input("path", path, "UTF-8, percent-encoded"))
    }
}

impl Segment {
    /// The segment as a job's id.
    pub fn job(&self) -> Result<u64, Problem> {
        self.0.parse().map_err(|_| Problem::bad_input("id", shorten(&self.0), "the id of a job, a whole number"))
    }

    /// The segment as a cell's number.
    pub fn cell(&self) -> Result<u32, Problem> {
        self.0.parse().map_err(|_| Problem::bad_input("cell", shorten(&self.0), "the number of a cell, from 0"))
    }

    /// The segment as a decision's id.
    pub fn decision(&self) -> Result<u64, Problem> {
        self.0.parse().map_err(|_| Problem::bad_input("id", shorten(&self.0), "the id of a decision, a whole number"))
    }
}

#[cfg(test)]
mod tests;
