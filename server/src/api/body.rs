//! JSON bodies, read up to a limit.

use axum::extract::Request;
use axum::http::header;
use serde_json::Value;

use super::input::{shorten, shown};
use super::problem::Problem;

/// No order is longer than this; a longer body is refused before it is read.
pub const BYTES_MAX: usize = 16 * 1024;
/// A job's body holds a scenario, perhaps.
const JOB_BYTES_MAX: usize = 256 * 1024;

/// The JSON object in a body; `allowed` describes it for the refusal.
pub async fn object(request: Request, bytes_max: usize, allowed: &str) -> Result<serde_json::Map<String, Value>, Problem> {
    let is_json = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(|value| {
        let essence = value.split(';').next().unwrap_or_default().trim();
        essence.eq_ignore_ascii_case("application/json")
    });
    if !is_json {
        return Err(Problem::WrongMediaType);
    }
    let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|bytes| bytes > bytes_max) {
        return Err(Problem::TooLarge { bytes_max });
    }
    let bytes = read_limited(request.into_body(), bytes_max).await?;
    let value: Value = serde_json::from_slice(&bytes)
        .map_err(|error| Problem::bad_input("body", shorten(&String::from_utf8_lossy(&bytes)), format!("{allowed} ({error})")))?;
    match value {
        Value::Object(map) => Ok(map),
        other => Err(Problem::bad_input("body", shorten(&other.to_string()), allowed)),
    }
}

/// A job's request as a TOML table, whether it came as JSON or as TOML in `toml`. Its keys are checked by whoever works it out.
pub async fn job_request(request: Request) -> Result<toml::Table, Problem> {
    let map = object(request, JOB_BYTES_MAX, "a JSON object with the keys of a job, or with \"toml\"").await?;
    if let Some(text) = map.get("toml") {
        let allowed = "the whole request as TOML text, and no other key";
        let text = text.as_str().filter(|_| map.len() == 1).ok_or_else(|| Problem::bad_input("toml", shown(text), allowed))?;
        return text.parse().map_err(|error: toml::de::Error| {
            let line = error.span().map_or(0, |span| text[..span.start].matches('\n').count() + 1);
            Problem::bad_input(format!("toml, line {line}"), error.message().replace('\n', ", "), "valid TOML")
        });
    }
    // TOML has no null: an absent key says the same.
    let known: serde_json::Map<String, Value> = map.into_iter().filter_map(|(key, value)| Some((key, without_nulls(value)?))).collect();
    toml::Table::try_from(known).map_err(|error| Problem::bad_input("body", error.to_string(), "numbers up to 2^63 - 1"))
}

fn without_nulls(value: Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::Object(map) => Some(Value::Object(map.into_iter().filter_map(|(key, value)| Some((key, without_nulls(value)?))).collect())),
        Value::Array(values) => Some(Value::Array(values.into_iter().filter_map(without_nulls).collect())),
        other => Some(other),
    }
}

async fn read_limited(body: axum::body::Body, bytes_max: usize) -> Result<bytes::Bytes, Problem> {
    use http_body_util::{BodyExt, LengthLimitError, Limited};
    match Limited::new(body, bytes_max).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Problem::TooLarge { bytes_max }),
        Err(_) => Err(Problem::BodyLost),
    }
}
