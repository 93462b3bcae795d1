//! A source against a scripted server: what it asks, and what it makes of every good and bad answer.

mod bad_days;
mod check;
mod clocks;
mod readings;
mod server;

use std::time::Duration;

use super::*;
use server::{Asked, Fake, Reply};

/// Our time when a test begins: half a minute into a step of a minute.
const NOW_MS: i64 = 1_800_000_030_000;
/// End of the newest step.
const END_MS: i64 = 1_800_000_000_000;
const STEP_MS: i64 = 60_000;

fn options(fake: &Fake) -> Options {
    Options {
        url: fake.url(),
        credentials: None,
        ca_pem: None,
        allow_link_local: false,
        step_ms: STEP_MS,
        timeout: Duration::from_secs(20),
        queries: Queries { load: "sum(rate(requests_total[1m]))".into(), ..Queries::default() },
    }
}

fn source_with(fake: &Fake, change: impl FnOnce(&mut Options)) -> PrometheusSource {
    let mut options = options(fake);
    change(&mut options);
    PrometheusSource::new(options, fake.clock.clone()).unwrap()
}

fn source(fake: &Fake) -> PrometheusSource {
    source_with(fake, |_| ())
}

/// A server whose samples are five seconds old by its own clock, and whose load is the number of the minute.
fn healthy(asked: &Asked, theirs_ms: i64) -> Reply {
    if asked.range {
        return Reply::matrix(asked.grid().map(|at_ms| (at_ms, minute(at_ms).to_string())));
    }
    if asked.query.starts_with("max(timestamp(") {
        return Reply::vector(&((theirs_ms - 5_000) as f64 / 1_000.0).to_string());
    }
    Reply::vector(&minute(theirs_ms).to_string())
}

/// What [`healthy`] gives as the load at a time.
fn minute(at_ms: i64) -> i64 {
    at_ms.div_euclid(STEP_MS) % 1_000
}

fn loads(steps: &[Step]) -> Vec<(i64, f64)> {
    steps.iter().map(|step| ((step.from_ms - END_MS) / STEP_MS, step.load_rps)).collect()
}

async fn error(fake: &Fake) -> String {
    source(fake).read().await.unwrap_err()
}

#[track_caller]
fn says(error: &str, parts: &[&str]) {
    assert!(parts.iter().all(|part| error.contains(part)), "{parts:?} in {error:?}");
}
