//! A report as a table for people, and as CSV.

use std::fmt::Write as _;

use serde_json::Value;
use simulator::Report;

use crate::cli::CliError;

/// Timeline rows of a table that a person reads.
const TABLE_ROWS: usize = 24;

/// "1.23" or "–" for what isn't there.
fn number(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.digits$}"))
}

pub fn table(report: &Report) -> String {
    let mut out = String::new();
    let counts = report.requests;
    let mut line = |name: &str, text: String| {
        // Writing to a String can't fail.
        let _ = writeln!(out, "{name:<18}{text}");
    };
    line("scenario", format!("{} (seed {}, {} replications)", report.scenario, report.seed, report.replications));
    line("simulated", format!("{:.1} s each, of which {:.1} s warm-up were cut", report.simulated_s, report.warmup_cut_s));
    line("arrived", counts.arrived.to_string());
    line("  served", counts.served.to_string());
    line("  rejected", counts.rejected.to_string());
    line("  timed out", counts.timed_out.to_string());
    line("  failed", counts.failed.to_string());
    line("  in flight", format!("{} at the end", counts.in_flight_at_end));
    line("retried", counts.retried.to_string());
    if let Some(latency) = report.latency_ms {
        let (p50, p95, p99) = (latency.p50, latency.p95, latency.p99);
        line("latency [ms]", format!("mean {:.2}  p50 {p50:.2}  p95 {p95:.2}  p99 {p99:.2}  p99.9 {:.2}", latency.mean, latency.p999));
    }
    if let Some(wait) = report.queue_wait_ms {
        let (p50, p95, p99) = (wait.p50, wait.p95, wait.p99);
        line("queue wait [ms]", format!("mean {:.2}  p50 {p50:.2}  p95 {p95:.2}  p99 {p99:.2}  p99.9 {:.2}", wait.mean, wait.p999));
    }
    if let Some(ci95) = report.ci95 {
        let interval =
            |found: Option<simulator::stats::Interval>| found.map_or("–".to_owned(), |ci| format!("{:.4} to {:.4}", ci.0, ci.1));
        line("95 % confidence", format!("mean {}, p99 {}", interval(ci95.latency_mean), interval(ci95.latency_p99)));
    }
    line("throughput", format!("{:.2} requests/s", report.throughput_rps));
    line("errors", format!("{} %", number(report.error_ratio.map(|ratio| ratio * 100.0), 4)));
    line("utilisation", format!("{} %", number(report.utilisation.map(|share| share * 100.0), 2)));
    line("in the system", format!("{:.3} on average", report.mean_in_system));
    line("replica-hours", format!("{:.3}, {:.1} scaling actions", report.replica_hours, report.scaling_actions));
    if let Some(cost) = report.cost {
        line("cost", format!("{cost:.2}"));
    }
    if let Some(slo) = report.slo {
        let ratio = number(slo.violation_ratio.map(|ratio| ratio * 100.0), 3);
        line("SLO violated", format!("{ratio} % of requests, {} minutes", number(slo.violation_minutes, 1)));
    }
    out + &timeline(report)
}

/// At most [`TABLE_ROWS`] minutes, evenly spread.
fn timeline(report: &Report) -> String {
    let mut out = String::new();
    if report.timeline.is_empty() {
        return out;
    }
    let _ = writeln!(
        out,
        "\n{:>8} {:>12} {:>12} {:>10} {:>12} {:>7} {:>8}",
        "minute", "arrived", "served", "errors", "p95 [ms]", "ready", "booting"
    );
    for row in report.timeline.iter().step_by(report.timeline.len().div_ceil(TABLE_ROWS)) {
        let p95 = number(row.p95_ms, 2);
        let (arrived, served, errors) = (row.arrived, row.served, row.errors);
        let minute = row.t_s / 60;
        let _ =
            writeln!(out, "{minute:>8} {arrived:>12.1} {served:>12.1} {errors:>10.1} {p95:>12} {:>7.1} {:>8.1}", row.ready, row.booting);
    }
    out
}

/// One line a number; lists (backends, timeline) are left to JSON.
pub fn csv(report: &Report) -> Result<String, CliError> {
    let value = serde_json::to_value(report).map_err(|error| CliError::Failed(format!("writing CSV: {error}")))?;
    let mut out = "metric,value\n".to_owned();
    flatten("", &value, &mut out);
    Ok(out)
}

fn flatten(path: &str, value: &Value, out: &mut String) {
    match value {
        Value::Object(fields) => {
            for (key, field) in fields {
                flatten(&if path.is_empty() { key.clone() } else { format!("{path}.{key}") }, field, out);
            }
        }
        // An interval.
        Value::Array(ends) if ends.len() == 2 && ends.iter().all(Value::is_number) => {
            for (end, value) in ["low", "high"].iter().zip(ends) {
                flatten(&format!("{path}.{end}"), value, out);
            }
        }
        Value::Array(_) | Value::Null => {}
        Value::String(text) => {
            let _ = writeln!(out, "{path},\"{}\"", text.replace('"', "\"\""));
        }
        Value::Bool(_) | Value::Number(_) => {
            let _ = writeln!(out, "{path},{value}");
        }
    }
}
