//! CPU of a forecast: 21 days at one minute, 24 h ahead (the next hour at the native step is part of it). `cargo bench -p predictor`.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "its output is the table")]

use std::{fs, time::Instant};

use predictor::{Calendar, DAY_MS, Request, Series, boosted::Models, fit, forecast};

const MINUTE_MS: i64 = 60_000;

fn main() {
    // A day cycle, quieter weekends, growth, and noise that is the same in each run.
    let mut state = 1_u64;
    let mut noise = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as f64 / f64::from(1_u32 << 31) - 0.5
    };
    let value = |i: i64, noise: f64| {
        let (day, minute) = (i / 1440, (i % 1440) as f64);
        let week = if day % 7 >= 5 { 0.6 } else { 1.0 };
        (200.0 - 150.0 * (minute / 1440.0 * std::f64::consts::TAU).cos()) * week * (1.0 + 0.01 * day as f64) * (1.0 + 0.3 * noise)
    };
    let values = (0..21 * 1440).map(|i| Some(value(i, noise()))).collect();
    let Ok(series) = Series::try_new(0, MINUTE_MS, values) else { return };
    for (name, horizon_ms) in [("24 h and 1 h", DAY_MS), ("1 h", DAY_MS / 24)] {
        let request = Request::over(horizon_ms);
        measure(name, || drop(std::hint::black_box(forecast(std::hint::black_box(&series), &request))));
    }
    let (calendar, models, origin_ms) = (Calendar::default(), Models::shipped(), series.end_ms() - MINUTE_MS);
    let Ok((_, Some(fitted))) = fit(&series, origin_ms, &Request::over(DAY_MS), &calendar, models) else { return };
    measure("update", || drop(std::hint::black_box(fitted.update(std::hint::black_box(&series), origin_ms, &calendar, models))));
}

fn measure(name: &str, work: impl Fn()) {
    let rounds = 200;
    let (started, before) = (Instant::now(), cpu_ns());
    (0..rounds).for_each(|_| work());
    let used = cpu_ns().zip(before).map(|(after, before)| (after - before) / 1e9);
    let ms = used.unwrap_or_else(|| started.elapsed().as_secs_f64()) * 1e3 / f64::from(rounds);
    println!("forecast {name:<14} {ms:>7.2} ms a series, 10,000 series in {:.0} s on one core", ms * 10.0);
}

/// Linux's account of this thread on a processor [ns]; elsewhere the wall clock has to do.
fn cpu_ns() -> Option<f64> {
    fs::read_to_string("/proc/thread-self/schedstat").ok()?.split_whitespace().next()?.parse().ok()
}
