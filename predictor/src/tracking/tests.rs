use super::*;
use crate::{
    explanation::Explanation,
    forecast::{About, Point},
    paths::Maxima,
};

const MINUTE_MS: i64 = 60_000;
const LEVELS: [f64; 3] = [0.05, 0.5, 0.95];

/// A day ahead at ten minutes: 100, and `wide` to both sides on a scale of 20.
fn forecast(origin_ms: i64, wide: f64) -> Forecast {
    let value = |z: f64| 20.0 * libm::expm1(libm::log1p(5.0) + z);
    let step_ms = 10 * MINUTE_MS;
    let q = vec![value(-wide), value(0.0), value(wide)];
    let points = (1..=144).map(|i| Point { ts_ms: origin_ms + i * step_ms, mean: value(0.0), q: q.clone() }).collect();
    let about = About {
        origin_ms,
        step_ms,
        model: "auto".into(),
        basis: None,
        history_points: 1,
        quantiles: LEVELS.to_vec(),
        members: Vec::new(),
        cleaning: Vec::new(),
        explanation: Explanation::default(),
    };
    Forecast::new(points, about, Maxima { scale: 20.0, ..Maxima::default() })
}

/// Load whose z is evenly spread within ±1 of that of 100, the same numbers each time.
fn load(slot: i64) -> f64 {
    let mut x = (slot as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    x ^= x >> 29;
    x = x.wrapping_mul(0xBF58_476D_1CE4_E5B9);
    20.0 * libm::expm1(libm::log1p(5.0) + ((x >> 40) as f64 / f64::from(1 << 23) - 1.0))
}

fn series(steps: i64, load: impl Fn(i64) -> Option<f64>) -> Series {
    Series::try_new(0, 10 * MINUTE_MS, (0..=steps).map(load).collect()).unwrap()
}

/// The tracker after `steps` forecasts, each as wide as given, and the last of them.
fn run(tracker: &mut Tracker, from: i64, steps: i64, wide: f64, load: impl Fn(i64) -> Option<f64>) -> Forecast {
    let known = series(from + steps, load);
    let mut last = None;
    for step in from..from + steps {
        let origin_ms = step * 10 * MINUTE_MS;
        tracker.judge(&known, origin_ms);
        let mut made = forecast(origin_ms, wide);
        tracker.follow(&mut made);
        last = Some(made);
    }
    last.unwrap()
}

fn record(tracker: &Tracker, lead_ms: i64, level: f64) -> Record {
    tracker.records().find(|record| record.lead_ms == lead_ms && record.level == level).unwrap()
}

#[test]
fn quantiles_that_are_too_narrow_widen_until_they_cover_and_too_wide_ones_close() {
    for wide in [0.45, 1.7] {
        let mut tracker = Tracker::default();
        run(&mut tracker, 0, 8_000, wide, |slot| Some(load(slot)));
        let before = tracker.clone();
        run(&mut tracker, 8_000, 2_000, wide, |slot| Some(load(slot)));
        for (level, share) in [(0.95, 0.95), (0.05, 0.05)] {
            let (then, now) = (record(&before, 600_000, level), record(&tracker, 600_000, level));
            let covered = now.coverage * now.judged as f64 - then.coverage * then.judged as f64;
            let lately = covered / (now.judged - then.judged) as f64;
            assert!((lately - share).abs() < 0.015, "{wide}, q{level}: {lately} of the last days at {}", now.stretch);
            // 90 % of what is evenly spread within ±1 lies within ±0.9.
            assert!((now.stretch * wide - 0.9).abs() < 0.1, "{wide}, q{level}: {}", now.stretch);
        }
    }
}

#[test]
fn honest_quantiles_stay_where_they_are() {
    let mut tracker = Tracker::default();
    run(&mut tracker, 0, 3_000, 0.9, |slot| Some(load(slot)));
    for record in tracker.records() {
        assert!((record.stretch - 1.0).abs() < 0.08, "{record:?}");
    }
}

#[test]
fn the_distance_from_the_median_is_stretched_and_the_median_stays() {
    let mut tracker = Tracker::default();
    let narrow = run(&mut tracker, 0, 4_000, 0.3, |slot| Some(load(slot)));
    let plain = forecast(narrow.origin_ms, 0.3);
    let (own, usual) = (&narrow.points[0].q, &plain.points[0].q);
    assert!(own[0] < usual[0] && (own[1] - usual[1]).abs() < 1e-3 && own[2] > usual[2], "{own:?} {usual:?}");
    assert!(narrow.points.iter().all(|point| point.q.windows(2).all(|pair| pair[0] <= pair[1])));
    let stretch = record(&tracker, 600_000, 0.95).stretch;
    let expected = 20.0 * libm::expm1(libm::log1p(5.0) + 0.3 * stretch);
    assert!((own[2] - expected).abs() < 0.01 * expected, "{own:?} {expected}");
}

#[test]
fn a_step_without_a_value_is_not_judged_and_a_promise_is_taken_once() {
    let mut tracker = Tracker::default();
    run(&mut tracker, 0, 100, 0.9, |slot| (slot < 50).then(|| load(slot)));
    assert_eq!(record(&tracker, 600_000, 0.95).judged, 49);
    let before = tracker.clone();
    tracker.follow(&mut forecast(99 * 10 * MINUTE_MS, 0.9));
    assert_eq!(tracker, before);
}

#[test]
fn promises_are_few_and_other_levels_begin_anew() {
    let mut tracker = Tracker::default();
    run(&mut tracker, 0, 1_000, 0.9, |slot| Some(load(slot)));
    assert!(tracker.leads.iter().all(|lead| lead.open.len() <= PER_LEAD as usize + 1));
    let mut other = forecast(1_000 * 10 * MINUTE_MS, 0.9);
    other.quantiles = vec![0.1, 0.5, 0.9];
    tracker.follow(&mut other);
    assert!(tracker.records().all(|record| record.judged == 0 && record.stretch == 1.0));
}

#[test]
fn after_a_restart_it_goes_on_as_if_nothing_had_happened() {
    let (mut whole, mut first) = (Tracker::default(), Tracker::default());
    run(&mut whole, 0, 600, 0.5, |slot| Some(load(slot)));
    run(&mut first, 0, 300, 0.5, |slot| Some(load(slot)));
    let mut second: Tracker = rmp_serde::from_slice(&rmp_serde::to_vec(&first).unwrap()).unwrap();
    run(&mut second, 300, 300, 0.5, |slot| Some(load(slot)));
    assert_eq!(second, whole);
}

#[test]
fn leads_between_two_known_ones_are_between_them() {
    let known = vec![(600_000, vec![1.0]), (3_600_000, vec![2.0])];
    assert_eq!([60_000, 600_000, 3_600_000, 7_200_000].map(|lead_ms| stretch_at(&known, lead_ms, 0)), [1.0, 1.0, 2.0, 2.0]);
    let middle = stretch_at(&known, 1_469_694, 0);
    assert!((middle - 1.5).abs() < 1e-6, "{middle}");
    assert_eq!(stretch_at(&[], 60_000, 0), 1.0);
    assert_eq!(stretch_at(&known, 60_000, 7), 1.0, "a level that nobody tracked");
}
