//! Answers of hand-made trees, bytes that must be refused, and what the trees do to a forecast.

use super::{training::rows, *};
use crate::{Forecast, ModelChoice, Request, Series, forecast, forecast_with, request::DAY_MS};

/// Adds `below` or `above` by the first feature.
fn tree(below: f32, above: f32) -> Tree {
    Tree { questions: vec![(0, 0.5)], leaves: vec![below, above] }
}

/// Days at a quarter of an hour: quiet nights, busy days, none like the one before.
fn days(count: usize) -> Series {
    let load = |i: usize| 100.0 + if (32..72).contains(&(i % 96)) { 300.0 } else { 0.0 } + ((i * 37 + i / 96 * 11) % 23) as f64;
    Series::try_new(0, 15 * 60_000, (0..count * 96).map(|i| Some(load(i))).collect()).unwrap()
}

fn asked(series: &Series, models: &Models) -> Forecast {
    let request = Request { model: ModelChoice::Named(Member::Boosted), ..Request::over(DAY_MS) };
    forecast_with(series, series.timestamp_ms(series.len() - 1), &request, models).unwrap()
}

fn middle(forecast: &Forecast) -> f64 {
    (0..96).map(|i| forecast.quantile_at(forecast.origin_ms + (i + 1) * 15 * 60_000, 0.5).unwrap()).sum::<f64>() / 96.0
}

#[test]
fn the_shipped_bytes_are_models_that_are_written_as_they_were_read_and_are_small() {
    let bytes = include_bytes!("models.bin");
    let models = Models::from_bytes(bytes).unwrap();
    assert!(!models.near.0.is_empty() && !models.far.0.is_empty());
    assert_eq!(models.to_bytes(), bytes);
    assert!(bytes.len() < 500_000, "{}", bytes.len());
}

#[test]
fn trees_add_what_the_answers_to_their_questions_lead_to() {
    let two = Tree { questions: vec![(0, 0.5), (1, 0.0)], leaves: vec![1.0, 2.0, 3.0, 4.0] };
    let trees = Trees(vec![two, tree(10.0, 20.0)]);
    // The first question is the lowest bit; a value on the threshold is not above it.
    assert_eq!(trees.answer(&[vec![0.5, 1.0, 0.0, 1.0], vec![-1.0, -1.0, 1.0, 1.0]]), [11.0, 22.0, 13.0, 24.0]);
    assert_eq!(Trees::default().answer(&[vec![7.0]]), [0.0]);
}

#[test]
fn bytes_that_are_no_models_are_refused() {
    let models = Models { near: Trees(vec![tree(1.0, 2.0)]), far: Trees(vec![tree(3.0, 4.0)]), ..Models::default() };
    let whole = models.to_bytes();
    assert_eq!(Models::from_bytes(&whole).unwrap(), models);
    for end in 0..whole.len() {
        assert_eq!(Models::from_bytes(&whole[..end]), Err(InvalidModels), "cut at {end}");
    }
    assert_eq!(Models::from_bytes(&[&whole[..], &[0]].concat()), Err(InvalidModels));
    let with = |tree| Models { near: Trees(vec![tree]), ..Models::default() }.to_bytes();
    assert_eq!(Models::from_bytes(&with(Tree { questions: vec![(FEATURES as u8, 0.0)], leaves: vec![0.0; 2] })), Err(InvalidModels));
    assert_eq!(Models::from_bytes(&with(tree(f32::NAN, 0.0))), Err(InvalidModels));
    assert_eq!(Models::from_bytes(&with(Tree { questions: vec![(0, 0.0); 9], leaves: vec![0.0; 512] })), Err(InvalidModels));
}

#[test]
fn other_models_give_another_forecast_and_absurd_ones_are_held() {
    let series = days(8);
    let always = |z| Models { near: Trees(vec![tree(z, z)]), far: Trees(vec![tree(z, z)]), ..Models::default() };
    let [none, up, down, absurd] = [0.0, 0.5, -0.5, 1e30].map(|z| middle(&asked(&series, &always(z))));
    // Not by how much: the median is moved by what the model was wrong by before, which takes most of a constant back.
    assert!(up != none && down != none && up != down, "{down} {none} {up}");
    assert!(absurd < 3.0 * none, "{absurd} {none}");
    assert!((none - middle(&asked(&series, &Models::default()))).abs() < 1e-9);
}

#[test]
fn the_model_answers_by_its_name_from_little_history_and_is_one_of_the_mix() {
    for count in [3, 8, 30] {
        let forecast = asked(&days(count), Models::shipped());
        assert_eq!(forecast.model, "boosted");
        assert!(forecast.points.iter().all(|point| point.q.iter().all(|q| q.is_finite() && *q >= 0.0)));
    }
    let mixed = forecast(&days(8), &Request::over(DAY_MS)).unwrap();
    assert!(mixed.members.iter().any(|member| member.name == "boosted" && member.weight > 0.0), "{:?}", mixed.members);
}

#[test]
fn rows_for_training_are_the_same_each_time_and_hold_a_target_for_each() {
    let series = days(12);
    let (one, other) = (rows(&series, false, 500), rows(&series, false, 500));
    assert_eq!(one, other);
    assert!(one.targets.len() > 400);
    assert!(one.columns.len() == FEATURES && one.columns.iter().all(|column| column.len() == one.targets.len()));
    assert!(one.weights.len() == one.targets.len() && one.weights.iter().all(|weight| *weight > 0.0));
}
