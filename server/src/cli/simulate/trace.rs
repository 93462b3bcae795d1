//! `--trace-out`: what happened in the runs, row by row, as Parquet.

use std::path::{Path, PathBuf};

use simulator::units::{as_ms, as_s};
use simulator::{DecisionRow, RequestRow, Scenario, Trace, TraceSpec};
use tables::Values;

use crate::cli::{CliError, report_file};

/// Requests that are kept in memory, all replications together: some 400 MB until they are written.
const MOST_REQUESTS: usize = 1_000_000;
/// Decisions that are kept, all replications together.
const MOST_DECISIONS: usize = 500_000;
/// How the option is called in errors.
const OPTION: &str = "--trace-out";

/// A share, as an argument.
pub fn share(text: &str) -> Result<f64, String> {
    let allowed = "a share of the requests from 0 to 1, like 0.01";
    text.parse().ok().filter(|share| (0.0..=1.0).contains(share)).ok_or_else(|| format!("allowed is {allowed}"))
}

/// Where the rows go.
pub enum Out {
    /// Requests and decisions in one table, in the order of time.
    File(PathBuf),
    /// A table each.
    Folder { requests: PathBuf, decisions: PathBuf },
}

impl Out {
    /// A name that ends in `.parquet` is a file, anything else a folder, which is made.
    ///
    /// # Errors
    /// [`CliError::BadInput`] when it can't be written there.
    pub fn at(path: &Path) -> Result<Self, CliError> {
        if path.extension().is_some_and(|ending| ending == "parquet") {
            report_file::check(OPTION, Some(path))?;
            return Ok(Self::File(path.to_path_buf()));
        }
        std::fs::create_dir_all(path).map_err(|error| {
            CliError::BadInput(format!("{OPTION} {}: {error}; name a file that ends in .parquet, or a folder", path.display()))
        })?;
        let [requests, decisions] = ["requests.parquet", "decisions.parquet"].map(|name| path.join(name));
        report_file::check(OPTION, Some(&requests))?;
        report_file::check(OPTION, Some(&decisions))?;
        Ok(Self::Folder { requests, decisions })
    }

    /// Writes the traces, which are in the order of replications.
    ///
    /// # Errors
    /// [`CliError::Failed`] when it can't be written.
    pub fn write(&self, scenario: &Scenario, traces: &[Trace]) -> Result<(), CliError> {
        match self {
            Self::File(file) => table(file, scenario, traces, true, true),
            Self::Folder { requests, decisions } => {
                table(requests, scenario, traces, true, false)?;
                table(decisions, scenario, traces, false, true)
            }
        }
    }
}

/// What is recorded of each replication.
pub fn spec(sample: f64, replications: u32) -> TraceSpec {
    let each = |most: usize| (most / replications.max(1) as usize).max(1);
    TraceSpec { sample, most_requests: each(MOST_REQUESTS), most_decisions: each(MOST_DECISIONS) }
}

/// Says what didn't fit, if anything.
pub fn cut_short(asked: f64, traces: &[Trace]) -> Vec<String> {
    let mut said = Vec::new();
    let smallest = traces.iter().map(|trace| trace.sample).fold(1.0, f64::min);
    // A share is kept in parts of 2^-63.
    if smallest < asked * 0.75 {
        said.push(format!(
            "{OPTION}: a sample of {asked} has more than {MOST_REQUESTS} requests, so it was thinned to {smallest} and more"
        ));
    }
    let left_out: u64 = traces.iter().map(|trace| trace.decisions_left_out).sum();
    if left_out > 0 {
        said.push(format!("{OPTION}: {left_out} decisions are left out, the last ones of each run: {MOST_DECISIONS} are kept"));
    }
    said
}

/// One line of a table.
struct Line<'a> {
    replication: u32,
    sample: f64,
    what: What<'a>,
}

enum What<'a> {
    Request(&'a RequestRow),
    Decision(&'a DecisionRow),
}

impl<'a> Line<'a> {
    fn at(&self) -> u64 {
        match self.what {
            What::Request(row) => row.arrived.0,
            What::Decision(row) => row.at.0,
        }
    }

    fn request(&self) -> Option<&'a RequestRow> {
        if let What::Request(row) = self.what { Some(row) } else { None }
    }

    fn decision(&self) -> Option<&'a DecisionRow> {
        if let What::Decision(row) = self.what { Some(row) } else { None }
    }
}

fn lines(traces: &[Trace], requests: bool, decisions: bool) -> Vec<Line<'_>> {
    let mut lines = Vec::new();
    for (replication, trace) in (0..).zip(traces) {
        let line = |what| Line { replication, sample: trace.sample, what };
        let from = lines.len();
        if decisions {
            lines.extend(trace.decisions.iter().map(|row| line(What::Decision(row))));
        }
        if requests {
            lines.extend(trace.requests.iter().map(|row| line(What::Request(row))));
        }
        // Stable: at one moment the decision comes first.
        lines[from..].sort_by_key(Line::at);
    }
    lines
}

fn table(file: &Path, scenario: &Scenario, traces: &[Trace], requests: bool, decisions: bool) -> Result<(), CliError> {
    let columns = columns(scenario, &lines(traces, requests, decisions), requests, decisions);
    let failed = |error: &dyn std::fmt::Display| CliError::Failed(format!("{OPTION} {}: {error}", file.display()));
    let opened = std::fs::File::create(file).map_err(|error| failed(&error))?;
    tables::write(std::io::BufWriter::new(opened), columns).map_err(|error| failed(&error))
}

fn columns(scenario: &Scenario, lines: &[Line], requests: bool, decisions: bool) -> Vec<(&'static str, Values)> {
    let mut columns = vec![
        ("replication", Values::Whole(lines.iter().map(|line| Some(u64::from(line.replication))).collect())),
        ("t_s", Values::Number(lines.iter().map(|line| Some(as_s(line.at()))).collect())),
    ];
    if decisions {
        let kind = |line: &Line| Some(line.decision().map_or("request", |row| row.kind.name()).to_owned());
        columns.push(("kind", Values::Text(lines.iter().map(kind).collect())));
    }
    let backend = |line: &Line| line.request().map_or_else(|| line.decision()?.backend, |row| row.backend);
    columns.push(("backend", Values::Whole(lines.iter().map(|line| backend(line).map(u64::from)).collect())));
    if requests {
        columns.extend(of_requests(lines, scenario));
    }
    if decisions {
        let text = |of: fn(&DecisionRow) -> Option<String>| Values::Text(lines.iter().map(|line| of(line.decision()?)).collect());
        columns.push(("from", text(|row| row.from.clone())));
        columns.push(("to", text(|row| Some(row.to.clone()))));
        columns.push(("reason", text(|row| row.reason.clone())));
    }
    columns
}

fn of_requests(lines: &[Line], scenario: &Scenario) -> Vec<(&'static str, Values)> {
    let whole = |of: &dyn Fn(&RequestRow) -> u64| Values::Whole(lines.iter().map(|line| Some(of(line.request()?))).collect());
    let number = |of: &dyn Fn(&RequestRow) -> Option<f64>| Values::Number(lines.iter().map(|line| of(line.request()?)).collect());
    let text = |of: &dyn Fn(&RequestRow) -> Option<String>| Values::Text(lines.iter().map(|line| of(line.request()?)).collect());
    let class = |row: &RequestRow| Some(scenario.classes.get(usize::from(row.class))?.name.clone());
    let region = |at: u8| Some(scenario.network.as_ref()?.regions.get(usize::from(at))?.name.clone());
    // The times of a row are ordered: arrived, started, served, ended.
    let since = |from: balancer::Nanos, to: balancer::Nanos| as_ms((to.0 - from.0) as f64);
    vec![
        ("request", whole(&|row| row.number)),
        ("counted", Values::Flag(lines.iter().map(|line| Some(line.request()?.counted)).collect())),
        ("class", text(&class)),
        ("user_region", text(&|row| region(row.home))),
        ("region", text(&|row| region(row.region))),
        ("attempts", whole(&|row| u64::from(row.attempts))),
        ("user_retries", whole(&|row| u64::from(row.user_retries))),
        ("wait_ms", number(&|row| Some(since(row.arrived, row.started?)))),
        ("service_ms", number(&|row| Some(since(row.started?, row.served?)))),
        ("latency_ms", number(&|row| Some(since(row.arrived, row.ended?)))),
        ("outcome", text(&|row| Some(row.outcome.name().to_owned()))),
        ("sample", Values::Number(lines.iter().map(|line| line.request().map(|_| line.sample)).collect())),
    ]
}

#[cfg(test)]
mod tests;
