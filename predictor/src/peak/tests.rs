use super::*;
use crate::{
    explanation::Explanation,
    forecast::{About, Point},
    paths::{Maxima, Past},
};

/// Ten steps of 100 ms around 100, with residual paths (predicted 100 everywhere) that were this much higher in thousandths of z.
fn forecast(medians: [f64; 10], residuals: &[[i16; 10]]) -> Forecast {
    let z = |value: f64| (1000.0 * libm::log1p(value / 20.0)) as i16;
    let points = medians.iter().enumerate().map(|(i, &mean)| Point { ts_ms: 1_000 + (i as i64 + 1) * 100, mean, q: vec![mean] }).collect();
    let past = residuals.iter().map(|errors| {
        let actual = errors.iter().map(|error| if *error == ABSENT { ABSENT } else { z(100.0) + error });
        Past { weight: 1.0, predicted: vec![z(100.0); 10], actual: actual.collect() }
    });
    let block = Block { bin_ms: 100, path: medians.map(z).to_vec(), past: past.collect() };
    let about = About {
        origin_ms: 1_000,
        step_ms: 100,
        model: "auto".into(),
        basis: None,
        history_points: 1,
        quantiles: vec![0.5],
        members: Vec::new(),
        cleaning: Vec::new(),
        explanation: Explanation::default(),
    };
    Forecast::new(points, about, Maxima { scale: 20.0, blocks: vec![block], ..Maxima::default() })
}

const HILL: [f64; 10] = [100.0, 100.0, 110.0, 120.0, 110.0, 100.0, 100.0, 100.0, 100.0, 100.0];

fn at(bin: usize, height: i16) -> [i16; 10] {
    let mut residuals = [0; 10];
    residuals[bin] = height;
    residuals
}

#[test]
fn without_errors_it_is_the_highest_step() {
    let sure = forecast(HILL, &[[0; 10], [0; 10]]);
    assert_eq!(sure.peak(1_000, 2_000), Some(Peak { at_ms: 1_400, from_ms: 1_300, to_ms: 1_400 }));
    assert_eq!(sure.peak(1_401, 2_000), Some(Peak { at_ms: 1_500, from_ms: 1_400, to_ms: 1_500 }), "a window's own");
}

#[test]
fn most_paths_decide_where_it_is_and_the_hill_which_step() {
    // Three of four past stretches had a burst late in the window, the hill is early.
    let late = forecast(HILL, &[at(8, 500), at(7, 500), at(8, 400), [0; 10]]);
    assert_eq!(late.peak(1_000, 2_000), Some(Peak { at_ms: 1_900, from_ms: 1_800, to_ms: 1_900 }));
    let early = forecast(HILL, &[at(2, 500), at(4, 500), [0; 10], at(8, 500)]);
    assert_eq!(early.peak(1_000, 2_000), Some(Peak { at_ms: 1_400, from_ms: 1_200, to_ms: 1_400 }));
}

#[test]
fn what_was_not_seen_is_no_peak_and_what_is_out_of_reach_is_none() {
    let gap = forecast(HILL, &[[ABSENT; 10]]);
    assert_eq!(gap.peak(1_000, 2_000), Some(Peak { at_ms: 1_400, from_ms: 1_000, to_ms: 2_000 }), "nothing is known of errors");
    assert_eq!(gap.peak(1_000, 2_001), None);
    assert_eq!(gap.peak(1_500, 1_400), None);
}

#[test]
fn an_event_on_the_points_moves_it() {
    let mut shown = forecast(HILL, &[[0; 10]]);
    shown.points[8].q[0] *= 3.0;
    assert_eq!(shown.peak(1_000, 2_000).unwrap().at_ms, 1_900);
}
