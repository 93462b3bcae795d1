use super::*;
use crate::request::Member;

const HOURLY_MS: i64 = 3_600_000;

fn hours(n: usize, value: impl Fn(usize) -> f64) -> Series {
    Series::try_new(0, HOURLY_MS, (0..n).map(|i| Some(value(i))).collect()).unwrap()
}

fn setup(origins: usize) -> Setup {
    Setup { horizon_ms: DAY_MS, origins, last: 0.3, history_ms: 21 * DAY_MS, ..Setup::default() }
}

#[test]
fn origins_are_spread_from_the_first_scored_row_to_the_last_whole_horizon() {
    let series = hours(1000, |_| 1.0);
    assert_eq!(origins(&series, &setup(4)).unwrap(), [700, 791, 883, 975]);
    assert_eq!(origins(&series, &setup(1)).unwrap(), [700]);
    assert_eq!(origins(&hours(40, |_| 1.0), &setup(4)), Err(BacktestError::TooShort { have: 11, need: 24 }));
}

#[test]
fn the_yardstick_repeats_yesterday_with_gaussian_intervals_of_its_errors() {
    // Every day is 2 higher than the one before: all errors of a day are 2.
    let series = hours(240, |i| (i % 24) as f64 + 2.0 * (i / 24) as f64);
    let rows = seasonal_naive(&series, 48);
    assert_eq!(rows[0][0], 18.0);
    assert!((rows[0][1] - (18.0 + 2.0 * NORMAL[1])).abs() < 1e-9);
    assert!((rows[24][1] - (18.0 + 2.0 * NORMAL[1] * 2.0_f64.sqrt())).abs() < 1e-9, "the second day is less sure");
}

#[test]
fn too_little_history_at_an_origin_is_named_with_the_origin() {
    let series = hours(120, |i| i as f64);
    let short = Setup { last: 0.8, ..setup(2) };
    assert!(matches!(
        run(&series, &short, ModelChoice::Named(Member::SeasonalNaiveDay)),
        Err(BacktestError::Forecast { origin_ms: 86_400_000, .. })
    ));
}

#[test]
fn the_report_is_the_same_with_any_number_of_threads() {
    let series = hours(600, |i| 100.0 + 50.0 * libm::sin(i as f64 / 24.0 * std::f64::consts::TAU) + (i * 7 % 13) as f64);
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| run(&series, &setup(5), ModelChoice::Auto).unwrap())
    };
    let one = with(1);
    assert_eq!(one, with(3));
    assert!(one.relative().unwrap() < 1.0);
}

#[test]
fn the_error_of_peaks_is_the_median_over_origins() {
    let report = |maxima| Report { model: Tally::new(&[]), yardstick: Tally::new(&[]), maxima };
    // Off by 0.1, 0.5 and 0.2 of what came; the second alone was above its q.90.
    let odd = report(vec![(110.0, 130.0, 100.0), (50.0, 90.0, 100.0), (8.0, 10.0, 10.0)]);
    assert!((odd.peak_error().unwrap() - 0.2).abs() < 1e-12 && (odd.peaks_below_q90().unwrap() - 2.0 / 3.0).abs() < 1e-12);
    let even = report(vec![(110.0, 130.0, 100.0), (50.0, 90.0, 100.0)]);
    assert!((even.peak_error().unwrap() - 0.3).abs() < 1e-12);
    let quiet = report(vec![(1.0, 1.0, 0.0)]);
    assert_eq!((quiet.peak_error(), quiet.peaks_below_q90()), (None, None));
}
