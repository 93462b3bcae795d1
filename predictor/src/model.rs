//! From a series to a forecast: clean, cut at a change of level, mix the members near and far, and lay the distribution on the series' own step.
//!
//! Two blends share the work. The near one sees the series' own step and is judged on the next hour and a half; the far one sees quarters of an
//! hour and is judged on the whole horizon. The near one speaks for the first hour and hands over during the next half.

use crate::{
    bins::{FAR_BIN_MS, scale_at, scale_of, slots, unit_of},
    boosted::Models,
    calendar::Calendar,
    clean::{self, Cleaned, Cleaning, CleaningKind},
    cold::Cold,
    explanation::Explanation,
    fitted::Fitted,
    forecast::{About, Basis, Forecast, MemberWeight, Point},
    frame::{Frame, points},
    grid::{Grid, HOUR_MS},
    holiday::{Effects, LEARNT_MS},
    paths::{Block, Maxima},
    request::{DAY_MS, ForecastError, MAX_HORIZON_MS, MIN_HISTORY_MS, Member, ModelChoice, Request},
    series::Series,
    shift,
    stretch::{Learnt, NEAR_MS, Stretch, explain, far, mixed_step, near, weights},
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
pub(crate) fn made(
    series: &Series,
    origin_ms: i64,
    request: &Request,
    calendar: &Calendar,
    models: &Models,
) -> Result<Forecast, ForecastError> {
    fit(series, origin_ms, request, calendar, models).map(|(forecast, _)| forecast)
}

/// [`forecast_in`] with trained models, and what it learnt, which [`Fitted::update`] makes later forecasts of; `None` for a cold start.
///
/// # Errors
/// [`ForecastError`].
pub fn fit(
    series: &Series,
    origin_ms: i64,
    request: &Request,
    calendar: &Calendar,
    models: &Models,
) -> Result<(Forecast, Option<Fitted>), ForecastError> {
    let quantiles = check(request)?;
    // The members must be judged on past origins; with less, a cold start answers in their place, unless one was asked for by name.
    let judged_ms = judged_ms(request);
    let need_ms = if request.model.is_mix() { MIN_HISTORY_MS } else { judged_ms };
    let Prepared { mut series, mut cleaning, have_ms, mut median, effects, highest } =
        prepare(series, origin_ms, need_ms, calendar, request.horizon_ms)?;
    let change = median.and_then(|median| cut_at_change(&mut series, median, calendar));
    if change.is_some() {
        median = clean::positive_median(series.raw());
    }
    cleaning.extend(change.clone());
    let scale = scale_at(median);
    let frame = Frame::of(&series, origin_ms, request.horizon_ms, (scale, median), calendar, models, &effects);
    let (answer, learnt) = mixed(&series, &frame, request, judged_ms, &quantiles)
        .map(|(answer, learnt)| (answer, Some(learnt)))
        .or_else(|| (request.model.is_mix()).then(|| cold(&series, &frame, &quantiles)).flatten().map(|answer| (answer, None)))
        .ok_or(ForecastError::NotEnoughHistory { have_ms, need_ms })?;
    let (step_ms, first_ms) = (series.step_ms(), series.start_ms());
    let fitted = learnt.map(|learnt| {
        let request = Request { quantiles: quantiles.clone(), ..*request };
        Fitted { at_ms: origin_ms, request, step_ms, change: change.map(|note| (first_ms, note)), scale, basis: answer.basis, learnt }
    });
    Ok((answered(&series, &frame, request.model, quantiles, cleaning, answer, highest), fitted))
}

/// A series that may be looked at.
pub(crate) struct Prepared {
    /// Up to the origin, cleaned, by the clocks, without what holidays did.
    pub series: Series,
    pub cleaning: Vec<Cleaning>,
    /// How much of it was observed [ms].
    have_ms: i64,
    /// Of its values above 0; `None` if there is none.
    pub median: Option<f64>,
    pub effects: Effects,
    /// The highest load, after cleaning.
    pub highest: f64,
}

/// Cuts, cleans and checks a history.
pub(crate) fn prepare(
    series: &Series,
    origin_ms: i64,
    need_ms: i64,
    calendar: &Calendar,
    horizon_ms: i64,
) -> Result<Prepared, ForecastError> {
    let known = series;
    let Cleaned { mut series, notes: cleaning, mut median } = clean::cleaned(known.between(origin_ms - MAX_HISTORY_MS, origin_ms));
    let have_ms = series.observed() as i64 * series.step_ms();
    if have_ms < need_ms {
        return Err(ForecastError::NotEnoughHistory { have_ms, need_ms });
    }
    let last = (0..series.len()).rev().find(|&i| series.value(i).is_some());
    let last_ms = last.map_or(series.start_ms(), |i| series.timestamp_ms(i));
    if origin_ms - last_ms > MAX_SILENCE_MS {
        return Err(ForecastError::NoRecentData { last_ms, origin_ms });
    }
    while series.end_ms() <= origin_ms {
        series.push(None);
    }
    let highest = series.raw().iter().copied().fold(0.0, f64::max);
    let same = calendar.holidays().is_empty() && !calendar.changes_in(series.start_ms(), series.end_ms() - series.start_ms());
    let mut series = calendar.localized(series);
    let effects = take_out_holidays(&mut series, known, origin_ms, calendar, horizon_ms);
    if !same {
        median = clean::positive_median(series.raw());
    }
    Ok(Prepared { series, cleaning, have_ms, median, effects, highest })
}

/// The forecast of an answer.
pub(crate) fn answered(
    series: &Series,
    frame: &Frame,
    model: ModelChoice,
    quantiles: Vec<f64>,
    cleaning: Vec<Cleaning>,
    answer: Answer,
    highest: f64,
) -> Forecast {
    let Answer { points, members, basis, blocks, explanation } = answer;
    let (model, basis, history_points) = (model.to_string(), Some(basis), series.observed());
    let (origin_ms, step_ms) = (frame.origin_ms, series.step_ms());
    let about = About { origin_ms, step_ms, model, basis, history_points, quantiles, members, cleaning, explanation };
    let blocks = blocks.into_iter().map(|block| frame.by_time(block)).collect();
    Forecast::new(points, about, Maxima { scale: frame.scale, blocks, stretches: Vec::new() }).bounded(highest)
}

/// What is said, by whom, and on what it rests.
pub(crate) struct Answer {
    points: Vec<Point>,
    members: Vec<MemberWeight>,
    basis: Basis,
    blocks: Vec<Block>,
    explanation: Explanation,
}

/// The blends' answer and what they learnt; `None` if the history is too short to judge the members.
fn mixed(series: &Series, frame: &Frame, request: &Request, judged_ms: i64, levels: &[f64]) -> Option<(Answer, (Learnt, Option<Learnt>))> {
    let observed_ms = series.observed() as i64 * series.step_ms();
    if observed_ms < judged_ms {
        return None;
    }
    let near = near(series, frame, request.model).learn(series, frame, levels)?;
    let far = match request.horizon_ms > NEAR_MS {
        true => Some(far(series, frame, request.model).learn(series, frame, levels)?),
        false => None,
    };
    let week = observed_ms >= 7 * DAY_MS + request.horizon_ms;
    let answer = Answer::of(frame, &near, far.as_ref(), if week { Basis::Week } else { Basis::Day }, levels.len());
    Some((answer, (near.into_learnt(), far.map(Stretch::into_learnt))))
}

impl Answer {
    /// Whether nothing in it is beyond what a number can hold.
    pub fn is_finite(&self) -> bool {
        self.points.iter().all(|point| point.q.iter().chain([&point.mean]).all(|value| value.is_finite()))
    }

    /// What the blends say, at so many levels.
    pub fn of(frame: &Frame, near: &Stretch, far: Option<&Stretch>, basis: Basis, levels: usize) -> Self {
        let points = points(frame, levels, |i, ts_ms, out| mixed_step(near, far, frame, (i, ts_ms), out));
        let blocks = std::iter::once(near).chain(far).map(|stretch| stretch.block.clone()).collect();
        Self { points, members: weights(far.unwrap_or(near)), basis, blocks, explanation: explain(near, far, frame.effects) }
    }
}

/// The answer of a cold start.
fn cold(series: &Series, frame: &Frame, levels: &[f64]) -> Option<Answer> {
    let observed_ms = series.observed() as i64 * series.step_ms();
    let leads = (frame.reach_ms() + frame.step_ms - 1) / frame.step_ms;
    // One more: an origin between two steps looks at the step after its own.
    let cold = Cold::new(series, frame.scale, observed_ms, leads as usize + 1, levels)?;
    let points = points(frame, levels.len(), |i, _, out| cold.step(i, out));
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
        ModelChoice::Named(Member::Ridge | Member::ElasticNet | Member::Tree) => 3 * DAY_MS + request.horizon_ms,
        _ => DAY_MS,
    };
    // The near blend looks an hour and a half ahead, and the oldest partial bins are lost.
    (2 * DAY_MS).max(reach_ms + request.horizon_ms.max(2 * HOUR_MS))
}

/// The holidays' effects, out of the series by the clocks. Last year's holidays teach too, if the history goes back so far.
fn take_out_holidays(series: &mut Series, known: &Series, origin_ms: i64, calendar: &Calendar, horizon_ms: i64) -> Effects {
    if calendar.holidays().is_empty() {
        return Effects::default();
    }
    let whole = calendar.localized(known.between(origin_ms - LEARNT_MS, origin_ms));
    let until_ms = calendar.local_ms(origin_ms + horizon_ms);
    let scale = scale_of(series);
    Effects::take_out(&whole, series, calendar.holidays(), scale, until_ms)
}

/// Leaves out what lies before a lasting change of level, and says so.
fn cut_at_change(series: &mut Series, median: f64, calendar: &Calendar) -> Option<Cleaning> {
    let daily = Grid::build(series, slots(series, FAR_BIN_MS), unit_of(median));
    let days = shift::days_since_change(&daily)?;
    let kept = series.since(series.end_ms() - series.step_ms() * daily.slots as i64 * daily.lag(days) as i64);
    let rows = (series.observed() - kept.observed()) as u64;
    let (first_ms, last_ms) = (calendar.utc_ms(series.start_ms()), calendar.utc_ms(kept.start_ms() - series.step_ms()));
    *series = kept;
    Some(Cleaning { kind: CleaningKind::LevelShift, rows, first_ms, last_ms })
}
