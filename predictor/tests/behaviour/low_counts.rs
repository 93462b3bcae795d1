//! A handful of requests a step: whole numbers, and mostly small ones.

use predictor::{DAY_MS, Request, Series, forecast_at};

const MINUTE_MS: i64 = 60_000;
const DAYS: i64 = 12;

/// Numbers in [0, 1), the same each time.
fn uniform(i: u64) -> f64 {
    let mut x = i.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((x ^ (x >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

/// A Poisson number of that mean, by its distribution function.
fn poisson(mean: f64, u: f64) -> f64 {
    let (mut k, mut chance) = (0.0, libm::exp(-mean));
    let mut below = chance;
    while below < u && k < 100.0 {
        k += 1.0;
        chance *= mean / k;
        below += chance;
    }
    k
}

fn service(unit: f64) -> Series {
    let mean = |minute: i64| 1.0 - 0.6 * libm::cos((minute % 1440) as f64 / 1440.0 * std::f64::consts::TAU);
    let value = |minute: i64| unit * poisson(mean(minute), uniform(minute as u64));
    Series::try_new(20_000 * DAY_MS, MINUTE_MS, (0..DAYS * 1440).map(|minute| Some(value(minute))).collect()).unwrap()
}

/// Share of the next ten minutes' values at or below q.90 and q.95, over origins half an hour apart.
fn coverage(series: &Series) -> (f64, f64) {
    let (mut n, mut below) = (0.0, (0.0, 0.0));
    for origin in (10 * 1440..DAYS * 1440 - 10).step_by(30) {
        let forecast = forecast_at(series, series.timestamp_ms(origin as usize), &Request::over(DAY_MS / 24)).unwrap();
        for (ahead, point) in (1..=10).zip(&forecast.points) {
            let value = series.value(origin as usize + ahead).unwrap();
            below.0 += f64::from(u8::from(value <= point.q[4]));
            below.1 += f64::from(u8::from(value <= point.q[5]));
            n += 1.0;
        }
    }
    (below.0 / n, below.1 / n)
}

#[test]
fn quantiles_of_the_next_minutes_hold_for_a_handful_of_requests() {
    // Requests a minute, and the same as requests a second.
    for unit in [1.0, 1.0 / 60.0] {
        let (q90, q95) = coverage(&service(unit));
        assert!((0.88..0.95).contains(&q90) && (0.93..0.98).contains(&q95), "unit {unit}: {q90} {q95}");
    }
}
