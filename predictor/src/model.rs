//! From a series to a forecast: clean, cut at a change of level, mix the members near and far, and lay the distribution on the series' own step.
//!
//! Two blends share the work. The near one sees the series' own step and is judged on the next hour and a half; the far one sees quarters of an
//! hour and is judged on the whole horizon. The near one speaks for the first hour and hands over during the next half.

use crate::{
    bins::{FAR_BIN_MS, scale_of, slots, unit_of},
    boosted::Models,
    calendar::Calendar,
    clean::{self, Cleaning, CleaningKind},
    cold::Cold,
    explanation::Explanation,
    forecast::{About, Basis, Forecast, MemberWeight, Point},
    frame::{Frame, points},
    grid::{Grid, HOUR_MS},
    paths::{Block, Maxima},
    request::{DAY_MS, ForecastError, MAX_HORIZON_MS, MIN_HISTORY_MS, Member, ModelChoice, Request},
    series::Series,
    shift,
    stretch::{NEAR_MS, explain, far, mixed_step, near, weights},
};

/// Older rows are not looked at.
const MAX_HISTORY_MS: i64 = 42 * DAY_MS;
/// Longer silence before the origin is not bridged.
const MAX_SILENCE_MS: i64 = DAY_MS;

/// The forecast at `origin_ms` from the rows with a timestamp ≤ `origin_ms`.
///
/// # Errors
/// [`ForecastError`].
pub fn forecast_at(series: &Series, origin_ms: i64, request: &Request) -> Result<Forecast, ForecastError> {
    forecast_in(series, origin_ms, request, &Calendar::default())
}

/// [`forecast_at`] for a service whose days go by the clocks of a place.
///
/// # Errors
/// [`ForecastError`].
pub fn forecast_in(series: &Series, origin_ms: i64, request: &Request, calendar: &Calendar) -> Result<Forecast, ForecastError> {
    made(series, origin_ms, request, calendar, Models::shipped())
}

/// [`forecast_at`] with other trained models than those in the binary, such as those that never saw a series that is scored.
///
/// # Errors
/// [`ForecastError`].
pub fn forecast_with(series: &Series, origin_ms: i64, request: &Request, models: &Models) -> Result<Forecast, ForecastError> {
    made(series, origin_ms, request, &Calendar::default(), models)
}

/// A forecast by a calendar, with trained models.
fn made(series: &Series, origin_ms: i64, request: &Request, calendar: &Calendar, models: &Models) -> Result<Forecast, ForecastError> {
    let quantiles = check(request)?;
    let series = series.until(origin_ms).since(origin_ms - MAX_HISTORY_MS);
    let (mut series, mut cleaning) = clean::clean(&series);
    // The members must be judged on past origins; with less, a cold start answers in their place, unless one was asked for by name.
    let judged_ms = judged_ms(request);
    let need_ms = if request.model == ModelChoice::Auto { MIN_HISTORY_MS } else { judged_ms };
    let have_ms = series.observed() as i64 * series.step_ms();
    let too_little = ForecastError::NotEnoughHistory { have_ms, need_ms };
    if have_ms < need_ms {
        return Err(too_little);
    }
    let last = (0..series.len()).rev().find(|&i| series.value(i).is_some());
    let last_ms = last.map_or(series.start_ms(), |i| series.timestamp_ms(i));
    if origin_ms - last_ms > MAX_SILENCE_MS {
        return Err(ForecastError::NoRecentData { last_ms, origin_ms });
    }
    while series.end_ms() <= origin_ms {
        series.push(None);
    }
    let mut series = calendar.localized(&series);
    cut_at_change(&mut series, &mut cleaning, calendar);
    let scale = scale_of(&series);
    let (step_ms, end_ms, horizon_ms) = (series.step_ms(), series.end_ms(), request.horizon_ms);
    let frame = Frame { calendar, models, origin_ms, step_ms, end_ms, scale, horizon_ms };
    let answer = mixed(&series, &frame, request, judged_ms, &quantiles)
        .or_else(|| (request.model == ModelChoice::Auto).then(|| cold(&series, &frame, &quantiles)).flatten())
        .ok_or(too_little)?;
    let Answer { points, members, basis, blocks, explanation } = answer;
    let (model, basis, history_points) = (request.model.to_string(), Some(basis), series.observed());
    let about = About { origin_ms, step_ms: series.step_ms(), model, basis, history_points, quantiles, members, cleaning, explanation };
    let blocks = blocks.into_iter().map(|block| frame.by_time(block)).collect();
    Ok(Forecast::new(points, about, Maxima { scale, blocks }))
}

/// What is said, by whom, and on what it rests.
struct Answer {
    points: Vec<Point>,
    members: Vec<MemberWeight>,
    basis: Basis,
    blocks: Vec<Block>,
    explanation: Explanation,
}

/// The blends' answer; `None` if the history is too short to judge the members.
fn mixed(series: &Series, frame: &Frame, request: &Request, judged_ms: i64, levels: &[f64]) -> Option<Answer> {
    let observed_ms = series.observed() as i64 * series.step_ms();
    if observed_ms < judged_ms {
        return None;
    }
    let near = near(series, frame, request.model, levels)?;
    let far = if request.horizon_ms > NEAR_MS { Some(far(series, frame, request.model, levels)?) } else { None };
    let points = points(frame, |i, ts_ms| mixed_step(&near, far.as_ref(), frame.step_ms, i, ts_ms));
    let members = weights(far.as_ref().unwrap_or(&near));
    let explanation = explain(&near, far.as_ref());
    let week = observed_ms >= 7 * DAY_MS + request.horizon_ms;
    let blocks = std::iter::once(near.block).chain(far.map(|far| far.block)).collect();
    Some(Answer { points, members, basis: if week { Basis::Week } else { Basis::Day }, blocks, explanation })
}

/// The answer of a cold start.
fn cold(series: &Series, frame: &Frame, levels: &[f64]) -> Option<Answer> {
    let observed_ms = series.observed() as i64 * series.step_ms();
    let leads = (frame.reach_ms() + frame.step_ms - 1) / frame.step_ms;
    // One more: an origin between two steps looks at the step after its own.
    let cold = Cold::new(series, frame.scale, observed_ms, leads as usize + 1, levels)?;
    let points = points(frame, |i, _| cold.step(i));
    let members = vec![MemberWeight { name: cold.basis.name().to_owned(), weight: 1.0 }];
    Some(Answer { points, members, basis: cold.basis, blocks: vec![cold.block], explanation: Explanation::default() })
}

fn check(request: &Request) -> Result<Vec<f64>, ForecastError> {
    if request.horizon_ms <= 0 || request.horizon_ms > MAX_HORIZON_MS {
        return Err(ForecastError::Horizon { horizon_ms: request.horizon_ms });
    }
    let mut quantiles = request.quantiles.clone();
    quantiles.sort_by(f64::total_cmp);
    quantiles.dedup();
    if quantiles.is_empty() || quantiles.iter().any(|&q| !(q > 0.0 && q < 1.0)) {
        return Err(ForecastError::Quantiles { quantiles: request.quantiles.clone() });
    }
    Ok(quantiles)
}

/// What the members need to be judged: two days, and a day more than the horizon; one that looks further back needs that much and a horizon.
fn judged_ms(request: &Request) -> i64 {
    let reach_ms = match request.model {
        ModelChoice::Named(Member::SeasonalNaiveWeek | Member::SeasonalNaiveWeekLevel) => 7 * DAY_MS,
        ModelChoice::Named(Member::Ridge) => 3 * DAY_MS + request.horizon_ms,
        _ => DAY_MS,
    };
    // The near blend looks an hour and a half ahead, and the oldest partial bins are lost.
    (2 * DAY_MS).max(reach_ms + request.horizon_ms.max(2 * HOUR_MS))
}

fn cut_at_change(series: &mut Series, cleaning: &mut Vec<Cleaning>, calendar: &Calendar) {
    let Some(median) = clean::positive_median(series.raw()) else { return };
    let daily = Grid::build(series, slots(series, FAR_BIN_MS), unit_of(median));
    let Some(days) = shift::days_since_change(&daily) else { return };
    let kept = series.since(series.end_ms() - series.step_ms() * daily.slots as i64 * daily.lag(days) as i64);
    let rows = (series.observed() - kept.observed()) as u64;
    let (first_ms, last_ms) = (calendar.utc_ms(series.start_ms()), calendar.utc_ms(kept.start_ms() - series.step_ms()));
    cleaning.push(Cleaning { kind: CleaningKind::LevelShift, rows, first_ms, last_ms });
    *series = kept;
}
