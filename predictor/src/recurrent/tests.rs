//! The network's answer against candle's, bytes that must be refused, and what the network does to a forecast.

use serde::Deserialize;

use super::*;
use crate::{
    Calendar, Forecast, ModelChoice, Request, Series,
    boosted::{FEATURES, Models},
    forecast_at, forecast_with,
    request::DAY_MS,
};

/// As `make train-lstm` writes it.
#[derive(Deserialize)]
struct Example {
    reader: Weights,
    teller: Weights,
    head: Vec<f32>,
    offset: f32,
    past: Vec<f32>,
    ahead: Vec<f32>,
    answer: Vec<f32>,
}

#[derive(Deserialize)]
struct Weights {
    of_input: Vec<f32>,
    of_state: Vec<f32>,
    bias: Vec<f32>,
}

fn layer(Weights { of_input, of_state, bias }: Weights) -> Layer {
    Layer { of_input, of_state, bias }
}

/// Answers always the same.
fn constant(z: f32) -> Network {
    let layer = |inputs: usize| Layer { of_input: vec![0.0; inputs * 4], of_state: vec![0.0; 4], bias: vec![0.0; 4] };
    Network { reader: layer(PAST), teller: layer(AHEAD), head: vec![0.0], offset: z }
}

/// Days at a quarter of an hour: quiet nights, busy days, none like the one before.
fn days(count: usize) -> Series {
    let load = |i: usize| 100.0 + if (32..72).contains(&(i % 96)) { 300.0 } else { 0.0 } + ((i * 37 + i / 96 * 11) % 23) as f64;
    Series::try_new(0, 15 * 60_000, (0..count * 96).map(|i| Some(load(i))).collect()).unwrap()
}

fn asked(series: &Series, networks: Networks) -> Forecast {
    let request = Request { model: ModelChoice::Named(Member::Lstm), ..Request::over(DAY_MS) };
    let models = Models::shipped().clone().with_networks(networks);
    forecast_with(series, series.timestamp_ms(series.len() - 1), &request, &models).unwrap()
}

fn middle(forecast: &Forecast) -> f64 {
    (0..96).map(|i| forecast.quantile_at(forecast.origin_ms + (i + 1) * 15 * 60_000, 0.5).unwrap()).sum::<f64>() / 96.0
}

#[test]
fn the_answer_is_that_of_candle() {
    let Example { reader, teller, head, offset, past, ahead, answer } = serde_json::from_str(include_str!("candle.json")).unwrap();
    let network = Network { reader: layer(reader), teller: layer(teller), head, offset };
    let ours = network.answer(past.as_chunks().0, ahead.as_chunks().0);
    assert_eq!(ours.len(), answer.len());
    assert!(ours.iter().zip(&answer).all(|(our, their)| (our - their).abs() < 1e-5), "{ours:?}\n{answer:?}");
    assert!(answer.windows(2).all(|two| (two[0] - two[1]).abs() > 1e-3), "an example that says something: {answer:?}");
}

#[test]
fn the_shipped_bytes_are_networks_that_are_written_as_they_were_read_and_are_small() {
    let bytes = include_bytes!("networks.bin");
    let networks = Networks::from_bytes(bytes).unwrap();
    assert!(!networks.near.head.is_empty() && !networks.far.head.is_empty());
    assert_eq!(networks.to_bytes(), bytes);
    assert!(bytes.len() < 500_000, "{}", bytes.len());
}

#[test]
fn bytes_that_are_no_networks_are_refused() {
    let networks = Networks { near: constant(1.0), far: constant(2.0) };
    let whole = networks.to_bytes();
    assert_eq!(Networks::from_bytes(&whole).unwrap(), networks);
    for end in 0..whole.len() {
        assert_eq!(Networks::from_bytes(&whole[..end]), Err(InvalidNetworks), "cut at {end}");
    }
    assert_eq!(Networks::from_bytes(&[&whole[..], &[0]].concat()), Err(InvalidNetworks));
    assert_eq!(Networks::from_bytes(&Networks { near: constant(f32::NAN), far: constant(0.0) }.to_bytes()), Err(InvalidNetworks));
    let mut many = whole;
    many[4..6].copy_from_slice(&u16::MAX.to_le_bytes());
    assert_eq!(Networks::from_bytes(&many), Err(InvalidNetworks));
}

#[test]
fn other_networks_give_another_forecast_and_absurd_ones_are_held() {
    let series = days(8);
    let always = |z| Networks { near: constant(z), far: constant(z) };
    let [none, up, down, absurd] = [0.0, 0.5, -0.5, 1e30].map(|z| middle(&asked(&series, always(z))));
    // Not by how much: the median is moved by what the model was wrong by before, which takes most of a constant back.
    assert!(up != none && down != none && up != down, "{down} {none} {up}");
    assert!(absurd < 3.0 * none, "{absurd} {none}");
    assert!((none - middle(&asked(&series, Networks::default()))).abs() < 1e-9);
}

#[test]
fn the_network_answers_by_its_name_from_little_history_and_is_one_of_the_wide_mix() {
    for count in [3, 8, 30] {
        let forecast = asked(&days(count), Networks::shipped());
        assert_eq!(forecast.model, "lstm");
        assert!(forecast.points.iter().all(|point| point.q.iter().all(|q| q.is_finite() && *q >= 0.0)));
    }
    let series = days(8);
    let at = |model| forecast_at(&series, series.timestamp_ms(series.len() - 1), &Request { model, ..Request::over(DAY_MS) }).unwrap();
    let weight = |forecast: &Forecast, name: &str| forecast.members.iter().find(|member| member.name == name).map(|member| member.weight);
    let (auto, wide) = (at(ModelChoice::Auto), at(ModelChoice::AutoWide));
    for name in ["lstm", "elastic_net", "tree"] {
        assert!(weight(&wide, name).is_some_and(|weight| weight > 0.0), "{name}: {:?}", wide.members);
        assert_eq!(weight(&auto, name), None);
    }
    assert_eq!((auto.model.as_str(), wide.model.as_str()), ("auto", "auto_wide"));
}

#[test]
fn a_wide_mix_is_fitted_anew_each_time() {
    let series = days(8);
    let (at_ms, calendar) = (series.timestamp_ms(series.len() - 1), Calendar::default());
    let kept = |model| {
        let request = Request { model, ..Request::over(DAY_MS) };
        let (_, fitted) = crate::fit(&series, at_ms, &request, &calendar, Models::shipped()).unwrap();
        fitted.unwrap().update(&series, at_ms, &calendar, Models::shipped())
    };
    assert!(kept(ModelChoice::Auto).is_some());
    assert_eq!(kept(ModelChoice::AutoWide), None);
    assert!(kept(ModelChoice::Named(Member::Lstm)).is_some());
}

#[test]
fn corrections_lie_on_lines_between_the_steps_and_are_held_at_the_ends() {
    let corrections = [1.0, 2.0, -9.0];
    let at = [-0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 7.0].map(|place| between(&corrections, place));
    assert_eq!(at, [1.0, 1.0, 1.5, 2.0, -0.5, -MOST_UNITS, -MOST_UNITS]);
    assert_eq!(between(&[], 0.0), 0.0);
}

#[test]
fn sequences_for_training_are_the_same_each_time_and_have_their_shape() {
    let series = days(12);
    for (near, steps) in [(true, 6), (false, 24)] {
        let made = sequences(&series, near, 100);
        assert_eq!(made, sequences(&series, near, 100));
        assert_eq!((made.count, made.steps), (100, steps));
        assert_eq!((made.past.len(), made.ahead.len()), (100 * READ * PAST, 100 * steps * AHEAD));
        assert!(made.targets.len() == 100 * steps && made.weights.iter().all(|weight| *weight > 0.0));
        assert!(made.past.iter().chain(&made.ahead).all(|x| x.abs() <= 5.0));
        let mut twice = made.clone();
        twice.extend(&made);
        assert_eq!((twice.count, twice.targets.len()), (200, 200 * steps));
    }
    // Hours: the next hour's network has one step of them, the others no weight.
    let hourly = sequences(&series.resample(3_600_000).unwrap(), true, 50);
    assert!(hourly.weights.chunks(6).all(|weights| weights[0] > 0.0 && weights[1..].iter().all(|weight| *weight == 0.0)));
    assert_eq!(AHEAD, FEATURES + 2);
}
