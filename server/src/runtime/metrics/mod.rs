//! What `/metrics` says. It reads what the loop has published and asks nobody: it must answer when the database doesn't.

pub mod accuracy;
mod counts;
mod gauges;

use std::sync::atomic::Ordering;

use super::Shared;
use crate::exposition::{Exposition, Kind};

pub use counts::{Call, Counts, Failure, StoreWork};

/// Everything, in the Prometheus text format.
pub fn render(shared: &Shared) -> String {
    let mut out = Exposition::default();
    gauges::write(&mut out, shared);
    write_counts(&mut out, &shared.counts);
    write_counts_by_code(&mut out, &shared.counts);
    out.finish()
}

type Count = (&'static str, &'static str, fn(&counts::ServiceCounts) -> u64);

/// One count a service.
const COUNTS: [Count; 4] = [
    ("prescale_orders_total", "Orders issued.", |counts| counts.orders),
    ("prescale_order_failures_total", "Attempts at orders that failed.", |counts| counts.order_failures),
    ("prescale_load_read_failures_total", "Readings of the load that failed.", |counts| counts.load_read_failures),
    ("prescale_forecast_failures_total", "Forecasts that could not be made, too little history included.", |counts| {
        counts.forecast_failures
    }),
];

fn write_counts(out: &mut Exposition, counts: &Counts) {
    let mut steps = out.family("prescale_loop_steps_total", Kind::Counter, "Steps of the control loop.");
    steps.sample(&[], counts.steps.load(Ordering::Relaxed) as f64);
    let help = "Time a step of the control loop took, its journal included [wall seconds].";
    out.histogram("prescale_loop_step_duration_seconds", help, &counts.loop_step);
    let help = "Time a forecast took, reading its history included [wall seconds].";
    out.histogram("prescale_forecast_duration_seconds", help, &counts.forecast);
    let mut errors = out.family("prescale_store_errors_total", Kind::Counter, "Writes to the database that failed, by work.");
    for (work, count) in counts.store_errors() {
        errors.sample(&[("work", work)], count as f64);
    }
    for (name, help, count) in COUNTS {
        let mut family = out.family(name, Kind::Counter, help);
        counts.each(|service, counts| family.sample(&[("service", service)], count(counts) as f64));
    }
}

/// Only codes that have occurred have a sample: of the many reasons most never do.
fn write_counts_by_code(out: &mut Exposition, counts: &Counts) {
    let help = "Decisions journalled, also those to do nothing, by reason code.";
    let mut family = out.family("prescale_decisions_total", Kind::Counter, help);
    counts.each(|service, counts| {
        for (reason, count) in &counts.decisions {
            family.sample(&[("service", service), ("reason", reason)], *count as f64);
        }
    });
    let mut family = out.family("prescale_alerts_total", Kind::Counter, "Alerts raised, by code.");
    counts.each(|service, counts| {
        for (code, count) in &counts.alerts {
            family.sample(&[("service", service), ("code", code)], *count as f64);
        }
    });
    let help = "Failures of whoever runs the replicas (scale, observe, release) or balances over them (weights), by call and kind.";
    let mut family = out.family("prescale_actuator_errors_total", Kind::Counter, help);
    counts.each(|service, counts| {
        for ((call, kind), count) in &counts.actuator_errors {
            family.sample(&[("service", service), ("call", call.name()), ("kind", kind.name())], *count as f64);
        }
    });
}

#[cfg(test)]
mod tests;
