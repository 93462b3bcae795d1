//! Measurements from a Prometheus.

use std::collections::BTreeMap;
use std::time::Duration;

use super::observed::{Observed, Step, sort_out};
use super::{Args, CliError};
use crate::cli::{block_on, show_time};
use crate::clock::Clock;
use crate::collect::prometheus::grouped::{Grouped, Points, Range};
use crate::collect::prometheus::{Credentials, Options, Problem, Queries};
use crate::secret::Secret;

/// Token for servers that ask for one: an argument would be seen in the list of processes.
const TOKEN_VARIABLE: &str = "PRESCALE_PROMETHEUS_TOKEN";
/// A person waits for this, no loop.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Most steps: three months of minutes would be more than any calibration needs.
const STEPS_MAX: i64 = 50_000;
/// Buckets that a histogram may have; the default is eleven.
const BUCKETS: i64 = 60;

/// The queries of a calibration.
struct Asked {
    buckets: String,
    seconds: String,
    load: String,
    /// `None` where a number was given.
    replicas: Option<String>,
}

impl Asked {
    fn of(args: &Args) -> Result<Self, CliError> {
        let histogram = args.histogram.as_deref().unwrap_or_default().trim();
        let (metric, labels) = match histogram.split_once('{') {
            Some((metric, rest)) => (metric.trim(), rest.trim_end().strip_suffix('}')),
            None => (histogram, Some("")),
        };
        let metric = metric.strip_suffix("_bucket").unwrap_or(metric);
        let named = !metric.is_empty() && metric.chars().all(|letter| letter.is_ascii_alphanumeric() || "_:".contains(letter));
        let (true, Some(labels)) = (named, labels) else {
            let allowed = "METRIC or METRIC{label=\"value\"} is allowed, without _bucket";
            return Err(CliError::BadInput(format!("--histogram {histogram}: {allowed}")));
        };
        let window = format!("{}ms", args.step);
        let rate = |ending: &str, by: &str| format!("sum{by}(rate({metric}_{ending}{{{labels}}}[{window}]))");
        let fixed = args.replicas.trim().parse::<f64>().is_ok();
        Ok(Self {
            buckets: rate("bucket", " by (le) "),
            seconds: rate("sum", ""),
            load: args.load.clone().unwrap_or_else(|| rate("count", "")),
            replicas: (!fixed).then(|| args.replicas.clone()),
        })
    }
}

pub fn read(args: &Args) -> Result<Observed, CliError> {
    let asked = Asked::of(args)?;
    let now_ms = jiff::Timestamp::now().as_millisecond();
    let to_ms = args.end.unwrap_or(now_ms).div_euclid(args.step) * args.step;
    let steps = args.range / args.step;
    if !(1..=STEPS_MAX).contains(&steps) {
        let what = format!("--range holds {steps} steps of --step; 1 to {STEPS_MAX} are allowed");
        return Err(CliError::BadInput(what));
    }
    // The first window ends a step after the range's beginning.
    let range = Range { from_ms: to_ms - (steps - 1) * args.step, to_ms, step_ms: args.step };
    let token = Secret::from_env(TOKEN_VARIABLE).map_err(|problem| CliError::BadInput(format!("{TOKEN_VARIABLE}: {problem}")))?;
    let options = Options {
        url: args.prometheus.clone().unwrap_or_default(),
        credentials: token.map(Credentials::Bearer),
        ca_pem: None,
        allow_link_local: false,
        step_ms: args.step,
        timeout: TIMEOUT,
        queries: Queries { load: asked.load.clone(), ..Queries::default() },
    };
    let grouped = Grouped::new(&options, Clock::start(now_ms, 1.0), range).map_err(blame)?;
    let answers = block_on(Answers::ask(&grouped, &asked))?.map_err(blame)?;
    let (bounds_ms, steps) = answers.steps(args)?;
    if steps.is_empty() {
        let (from, to) = (show_time(range.from_ms), show_time(range.to_ms));
        let what =
            format!("--histogram: no step from {from} to {to} has buckets, _sum, load and replicas; is --step at least four scrapes?");
        return Err(CliError::BadInput(what));
    }
    let histogram = args.histogram.clone().unwrap_or_default();
    let name = histogram.split('{').next().unwrap_or_default().trim_end_matches("_bucket").to_owned();
    sort_out(name, &bounds_ms, &steps, args.quiet).map_err(|error| CliError::BadInput(format!("--histogram: {error}")))
}

fn blame(problem: Problem) -> CliError {
    match problem {
        Problem::Option { .. } | Problem::Refused { .. } | Problem::Ambiguous { .. } | Problem::NoNumber { .. } => {
            CliError::BadInput(problem.to_string())
        }
        _ => CliError::Failed(problem.to_string()),
    }
}

struct Answers {
    buckets: BTreeMap<String, Points>,
    seconds: Points,
    load: Points,
    replicas: Option<Points>,
}

impl Answers {
    async fn ask(grouped: &Grouped, asked: &Asked) -> Result<Self, Problem> {
        // A query without grouping gives one series, whose label is empty whatever it is called.
        let one = async |name, query: &str| {
            let mut answer = grouped.ask(name, query, "", 1).await?;
            Ok::<Points, Problem>(answer.remove("").unwrap_or_default())
        };
        Ok(Self {
            buckets: grouped.ask("histogram", &asked.buckets, "le", BUCKETS).await?,
            seconds: one("histogram", &asked.seconds).await?,
            load: one("load", &asked.load).await?,
            replicas: match &asked.replicas {
                Some(query) => Some(one("replicas", query).await?),
                None => None,
            },
        })
    }

    /// Bounds [ms] and the steps in which everything is known.
    fn steps(&self, args: &Args) -> Result<(Vec<f64>, Vec<Step>), CliError> {
        let bound = |le: &str| le.parse::<f64>().ok().filter(|bound| !bound.is_nan());
        let mut series: Vec<(f64, &Points)> = self.buckets.iter().filter_map(|(le, points)| Some((bound(le)?, points))).collect();
        series.sort_by(|left, right| left.0.total_cmp(&right.0));
        if series.last().is_none_or(|(le, _)| le.is_finite()) {
            let what =
                format!("--histogram: {} has no buckets with `le` up to +Inf in this range", args.histogram.as_deref().unwrap_or(""));
            return Err(CliError::BadInput(what));
        }
        let fixed = args.replicas.trim().parse::<f64>().unwrap_or(0.0);
        if self.replicas.is_none() && !(1.0..=1e5).contains(&fixed) {
            return Err(CliError::BadInput(format!("--replicas {}: a number from 1 to 100000, or PromQL, is allowed", args.replicas)));
        }
        let (bounds, counts): (Vec<f64>, Vec<&Points>) = series.into_iter().unzip();
        let seconds = args.step as f64 / 1_000.0;
        let latency_s = args.unit.in_ms() / 1_000.0;
        let step = |(at_ms, rps): (&i64, &f64)| {
            let count = |points: &&Points| points.get(at_ms).map(|rate| rate * seconds);
            let cumulative = counts.iter().map(count).collect::<Option<Vec<f64>>>()?;
            // Mean latency × load: the histogram may have seen only a part of the requests.
            let measured = cumulative.last().copied().filter(|count| *count > 0.0)? / seconds;
            let in_system = self.seconds.get(at_ms)? * latency_s / measured * rps;
            let replicas = match &self.replicas {
                Some(points) => *points.get(at_ms)?,
                None => fixed,
            };
            Some(Step { cumulative, rps: *rps, in_system, replicas })
        };
        let steps = self.load.iter().filter_map(step).collect();
        Ok((bounds.into_iter().filter(|bound| bound.is_finite()).map(|bound| bound * args.unit.in_ms()).collect(), steps))
    }
}
