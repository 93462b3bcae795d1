//! `prometheus:http://host:9090?query=…&start=…&end=…&step=60s` instead of a file: the same client as the live loop's, so that a backtest sees
//! what `serve` would have seen. A row's timestamp is the start of its step, and its value what the query gives at the step's end.

use std::time::Duration;

use predictor::MAX_SLOTS;
use reqwest::Url;

use super::{SeriesFile, SeriesFileError};
use crate::cli::{parse_duration, parse_time, show_time};
use crate::clock::Clock;
use crate::collect::prometheus::{Credentials, Options, Problem, PrometheusSource, Queries};
use crate::secret::Secret;

/// What an input begins with that is no file.
pub const SCHEME: &str = "prometheus:";

/// Token for servers that ask for one: an argument would be seen in the list of processes.
const TOKEN_VARIABLE: &str = "PRESCALE_PROMETHEUS_TOKEN";
/// A person waits for this, no loop.
const TIMEOUT: Duration = Duration::from_secs(60);
/// How far back without `start`.
const DAYS: i64 = 28;
const DAY_MS: i64 = 86_400_000;

/// What the address asks for.
#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    url: String,
    query: String,
    from_ms: i64,
    to_ms: i64,
    step_ms: i64,
}

/// Reads the series that `input` (with its [`SCHEME`]) describes.
pub fn read(input: &str) -> Result<SeriesFile, SeriesFileError> {
    let now_ms = jiff::Timestamp::now().as_millisecond();
    let wanted = parse(input, now_ms).map_err(|problem| SeriesFileError::Address { input: input.to_owned(), problem })?;
    let token = Secret::from_env(TOKEN_VARIABLE).map_err(|problem| SeriesFileError::Address { input: input.to_owned(), problem })?;
    let failed = |problem: Problem| SeriesFileError::Prometheus { query: wanted.query.clone(), problem };
    let options = Options {
        url: wanted.url.clone(),
        credentials: token.map(Credentials::Bearer),
        ca_pem: None,
        allow_link_local: false,
        step_ms: wanted.step_ms,
        timeout: TIMEOUT,
        queries: Queries { load: wanted.query.clone(), ..Queries::default() },
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|source| SeriesFileError::Read { file: input.to_owned(), source })?;
    let source = PrometheusSource::new(options, Clock::start(now_ms, 1.0)).map_err(failed)?;
    let steps = runtime.block_on(source.history(wanted.from_ms, wanted.to_ms)).map_err(failed)?;
    if steps.is_empty() {
        let (from, to) = (show_time(wanted.from_ms), show_time(wanted.to_ms));
        return Err(failed(Problem::Unknown { name: "query", what: format!("no value from {from} to {to}") }));
    }
    let points = steps.into_iter().map(|step| (step.from_ms, step.load_rps)).collect();
    Ok(SeriesFile { name: wanted.query, points })
}

fn parse(input: &str, now_ms: i64) -> Result<Wanted, String> {
    // A plus in a query adds; only forms write it for a blank.
    let address = input.strip_prefix(SCHEME).unwrap_or(input).replace('+', "%2B");
    let mut url =
        Url::parse(&address).map_err(|_| "an address is allowed: prometheus:http://host:9090?query=…&start=…&end=…&step=60s".to_owned())?;
    let (mut query, mut start, mut end, mut step_ms) = (None, None, None, 60_000);
    for (key, value) in url.query_pairs() {
        let named = |problem: String| format!("{key} = {problem}");
        match &*key {
            "query" => query = Some(value.into_owned()),
            "start" => start = Some(time(&value).map_err(named)?),
            "end" => end = Some(time(&value).map_err(named)?),
            "step" => step_ms = parse_duration(&value).map_err(named)?,
            _ => return Err(format!("unknown key {key:?}: query, start, end and step are allowed (write & within a query as %26)")),
        }
    }
    let query = query
        .filter(|query| !query.trim().is_empty())
        .ok_or("query is missing: a PromQL query is needed, such as query=sum(rate(http_requests_total[2m]))")?;
    let to_ms = end.unwrap_or(now_ms);
    let from_ms = start.unwrap_or(to_ms - DAYS * DAY_MS);
    let slots = (to_ms - from_ms) / step_ms.max(1);
    if slots < 1 || slots > MAX_SLOTS as i64 {
        return Err(format!("{slots} steps from start to end: 1 to {MAX_SLOTS} are allowed"));
    }
    url.set_query(None);
    Ok(Wanted { url: url.to_string(), query, from_ms, to_ms, step_ms })
}

/// RFC 3339 or, as in Prometheus' own API, epoch seconds.
fn time(text: &str) -> Result<i64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if seconds.abs() < 1e11 => Ok((seconds * 1_000.0).round() as i64),
        _ => parse_time(text).map_err(|problem| format!("{problem}, or seconds since 1970")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_MS: i64 = 1_767_225_600_000;

    #[test]
    fn an_address_holds_query_range_and_step() {
        let input =
            "prometheus:https://host/prefix?query=sum(rate(a{x=\"y z\"}[2m]))+b&start=2025-12-01T00:00:00+01:00&end=1767225000&step=5m";
        let wanted = parse(input, NOW_MS).unwrap();
        assert_eq!(wanted.url, "https://host/prefix");
        assert_eq!(wanted.query, "sum(rate(a{x=\"y z\"}[2m]))+b");
        assert_eq!((wanted.from_ms, wanted.to_ms, wanted.step_ms), (1_764_543_600_000, 1_767_225_000_000, 300_000));
        let wanted = parse("prometheus:http://host:9090?query=a%2Bb", NOW_MS).unwrap();
        assert_eq!((wanted.query.as_str(), wanted.to_ms - wanted.from_ms, wanted.step_ms), ("a+b", 28 * DAY_MS, 60_000));
    }

    #[test]
    fn what_is_wrong_in_an_address_is_named() {
        for (input, parts) in [
            ("prometheus:", &["http://host:9090?query="][..]),
            ("prometheus:http://h:9090", &["query is missing"]),
            ("prometheus:http://h:9090?query=a&from=1", &["\"from\"", "start"]),
            ("prometheus:http://h:9090?query=a&start=yesterday", &["start = \"yesterday\"", "RFC 3339", "seconds"]),
            ("prometheus:http://h:9090?query=a&step=5", &["step = \"5\"", "15m"]),
            ("prometheus:http://h:9090?query=a&start=20&end=10", &["0 steps", "start"]),
        ] {
            let error = parse(input, NOW_MS).unwrap_err();
            assert!(parts.iter().all(|part| error.contains(part)), "{input}: {error}");
        }
    }
}
