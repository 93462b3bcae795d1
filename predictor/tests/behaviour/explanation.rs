//! A forecast says what it rests on.

use predictor::{DAY_MS, Explanation, Forecast, Member, Mix, ModelChoice, Request, Series, forecast};

use super::support::{HOUR_MS, MINUTE_MS, noise, series, service, shape};

fn day(series: &Series) -> Forecast {
    forecast(series, &Request::over(DAY_MS)).unwrap()
}

fn sound(mix: &Mix) {
    let sum: f64 = mix.members.iter().map(|member| member.weight).sum();
    assert!((sum - 1.0).abs() < 0.002, "{sum}");
    let best = mix.members.iter().filter_map(|member| member.loss).fold(f64::INFINITY, f64::min);
    assert_eq!(best, 1.0, "{mix:?}");
    for (one, other) in mix.members.iter().flat_map(|one| mix.members.iter().map(move |other| (one, other))) {
        if let (Some(loss), Some(more)) = (one.loss, other.loss) {
            assert!(loss > more || one.weight >= other.weight, "{one:?} is better than {other:?} and weighs less");
        }
        assert_eq!(one.loss.is_some(), one.origins > 0, "{one:?}");
    }
    assert!(mix.effective_residuals > 10.0 && mix.effective_residuals < mix.residuals as f64, "{mix:?}");
}

#[test]
fn both_mixes_show_their_members_losses_and_what_the_quantiles_rest_on() {
    let forecast = day(&service(21.0, 5 * MINUTE_MS));
    let Explanation { near: Some(near), far: Some(far), crowd, record, .. } = &*forecast.explanation else {
        panic!("{:?}", forecast.explanation)
    };
    sound(near);
    sound(far);
    let shares: Vec<(&str, f64)> = far.members.iter().map(|member| (member.name.as_str(), member.weight)).collect();
    assert_eq!(shares, forecast.members.iter().map(|member| (member.name.as_str(), member.weight)).collect::<Vec<_>>());
    let origins = |mix: &Mix| mix.members.iter().map(|member| member.origins).max();
    assert_eq!((origins(near), origins(far)), (Some(40), Some(36)));
    assert!(near.members.iter().any(|member| member.name == "last_value") && far.members.iter().all(|member| member.name != "last_value"));
    assert!(*crowd == 0.0 && record.is_empty(), "one forecast has no record");
}

#[test]
fn a_member_that_needs_a_week_was_judged_less_often() {
    let far = day(&service(10.0, 15 * MINUTE_MS)).explanation.far.unwrap();
    let origins = |name: &str| far.members.iter().find(|member| member.name == name).unwrap().origins;
    assert!(origins("seasonal_naive_week") < origins("seasonal_naive_day"), "{far:?}");
}

#[test]
fn a_flash_crowd_that_is_followed_is_said() {
    let flash = |minutes: usize| {
        let end = 9 * 1440 + 600;
        let value = |i: usize, ts_ms: i64| Some(shape(ts_ms) * (1.0 + 0.02 * noise(3, i)) * if i + minutes >= end { 5.0 } else { 1.0 });
        day(&series(9.0 + 600.0 / 1440.0, MINUTE_MS, value)).explanation.crowd
    };
    assert_eq!((flash(0), flash(20)), (0.0, 1.0));
}

#[test]
fn a_short_horizon_has_one_mix_a_named_model_one_member_and_a_cold_start_none() {
    let week = service(9.0, 5 * MINUTE_MS);
    assert!(forecast(&week, &Request::over(HOUR_MS)).unwrap().explanation.far.is_none());
    let named = Request { model: ModelChoice::Named(Member::Calendar), ..Request::over(DAY_MS) };
    let far = forecast(&week, &named).unwrap().explanation.far.unwrap();
    assert_eq!((far.members.len(), far.members[0].loss, far.members[0].weight), (1, Some(1.0), 1.0));
    assert_eq!(day(&service(0.5, 5 * MINUTE_MS)).explanation, Box::<Explanation>::default());
}

#[test]
fn a_forecast_that_was_kept_without_an_explanation_is_still_read() {
    let made = day(&service(3.0, 15 * MINUTE_MS));
    let mut kept = serde_json::to_value(&made).unwrap();
    assert!(kept.as_object_mut().unwrap().remove("explanation").is_some());
    let read: Forecast = serde_json::from_value(kept).unwrap();
    assert_eq!((read.points.len(), read.explanation), (made.points.len(), Box::<Explanation>::default()));
}
