//! Thousands of services: each forecast anew, and updated an hour later, from slices of the traces. CPU of all threads, wall, and memory.

use std::{fs, time::Instant};

use predictor::{Calendar, DAY_MS, Fitted, Request, Series, boosted::Models, fit};
use rayon::prelude::*;

use crate::measure::HOUR_MS;
use crate::traces::Trace;

/// Prints a line for each pass over all services.
pub fn report(services: usize, traces: &[Trace]) {
    println!(
        "{services} services from {} traces, 21 days of history at most, 24 h and 1 h ahead, {} threads",
        traces.len(),
        rayon::current_num_threads()
    );
    let (calendar, models, request) = (Calendar::default(), Models::shipped(), Request::over(DAY_MS));
    let fitted: Vec<Option<Fitted>> = measured("made anew", services, || {
        let one = |i| {
            let (history, origin_ms) = service(traces, i, services, 0);
            fit(&history, origin_ms, &request, &calendar, models).ok().and_then(|(_, fitted)| fitted)
        };
        (0..services).into_par_iter().map(one).collect()
    });
    let bytes: usize = fitted.iter().flatten().map(|fitted| rmp_serde::to_vec(fitted).map_or(0, |packed| packed.len())).sum();
    let updated: Vec<bool> = measured("updated an hour later", services, || {
        let one = |i: usize| {
            let (history, origin_ms) = service(traces, i, services, HOUR_MS);
            fitted[i].as_ref().is_some_and(|fitted| fitted.update(&history, origin_ms, &calendar, models).is_some())
        };
        (0..services).into_par_iter().map(one).collect()
    });
    let (made, again) = (fitted.iter().flatten().count(), updated.iter().filter(|done| **done).count());
    println!("{made} fits, {again} updates; {:.1} KB a service as it is kept", bytes as f64 / made.max(1) as f64 / 1e3);
}

/// A service's history and origin: an origin in the last 30 % of one of the traces, later by some time.
fn service(traces: &[Trace], i: usize, services: usize, later_ms: i64) -> (Series, i64) {
    let trace = &traces[i % traces.len()].series;
    let room = trace.len() * 3 / 10 - (later_ms / trace.step_ms()) as usize - 1;
    let origin_ms = trace.timestamp_ms(trace.len() * 7 / 10 + room * i / services) + later_ms;
    (trace.until(origin_ms).since(origin_ms - 21 * DAY_MS), origin_ms)
}

fn measured<T>(name: &str, services: usize, work: impl FnOnce() -> T) -> T {
    let (began, before) = (Instant::now(), cpu_s());
    let done = work();
    let (wall, cpu) = (began.elapsed().as_secs_f64(), cpu_s() - before);
    println!("{name:<22} {cpu:>6.1} s of CPU ({:.2} ms each), {wall:>6.1} s, peak memory {:.0} MB", cpu / services as f64 * 1e3, peak_mb());
    done
}

/// User and system time of the process [s], in ticks of 10 ms.
fn cpu_s() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = stat.rsplit(')').next().unwrap_or_default();
    after.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

fn peak_mb() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default().to_owned();
    line.split_whitespace().nth(1).and_then(|kb| kb.parse::<f64>().ok()).unwrap_or(f64::NAN) / 1e3
}
