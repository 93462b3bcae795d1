//! From a series to a forecast: clean, cut at a change of level, mix the members near and far, and lay the distribution on the series' own step.
//!
//! Two blends share the work. The near one sees the series' own step and is judged on the next hour and a half; the far one sees quarters of an
//! hour and is judged on the whole horizon. The near one speaks for the first hour and hands over during the next half.

use crate::{
    blend::{self, Blend, Spec},
    calendar::Calendar,
    clean::{self, Cleaning, CleaningKind},
    cold::Cold,
    crowd::Crowd,
    forecast::{About, Basis, Forecast, MemberWeight, Point},
    frame::{Frame, points},
    grid::{Grid, HOUR_MS},
    interval::{Reading, Spread, path_at},
    paths::{Block, Maxima},
    request::{DAY_MS, ForecastError, MAX_HORIZON_MS, MIN_HISTORY_MS, Member, ModelChoice, Request},
    series::Series,
    shift,
};

/// Older rows are not looked at.
const MAX_HISTORY_MS: i64 = 42 * DAY_MS;
/// Longer silence before the origin is not bridged.
const MAX_SILENCE_MS: i64 = DAY_MS;
/// The near blend's finest bin.
const NEAR_BIN_MS: i64 = 60_000;
/// The near blend speaks alone up to here, …
const NEAR_MS: i64 = HOUR_MS;
/// … and is silent from here on.
const NEAR_END_MS: i64 = HOUR_MS * 3 / 2;
/// The far blend's bin.
const FAR_BIN_MS: i64 = 15 * 60_000;
/// Unit of the log scale, as a share of the median of the positive values.
const SCALE_OF_MEDIAN: f64 = 0.2;
/// A finer unit would make ratios that no number can hold.
const LEAST_SCALE: f64 = 1e-12;

/// Weight of a past origin's maxima against those of the one after it.
const MAXIMA_DECAY: f64 = 0.97;

const NEAR_MEMBERS: &[Member] = &[
    Member::SeasonalNaiveDay,
    Member::SeasonalNaiveWeek,
    Member::SeasonalNaiveDayLevel,
    Member::SeasonalNaiveWeekLevel,
    Member::CalendarNear,
    Member::Ridge,
    Member::LastValue,
];

const FAR_MEMBERS: &[Member] = &[
    Member::SeasonalNaiveDay,
    Member::SeasonalNaiveWeek,
    Member::SeasonalNaiveDayLevel,
    Member::SeasonalNaiveWeekLevel,
    Member::Calendar,
    Member::CalendarSmooth,
    Member::CalendarWeekday,
    Member::CalendarWeekdaySmooth,
    Member::CalendarSlow,
    Member::CalendarSlowSmooth,
    Member::CalendarLevel,
    Member::Ridge,
];

/// One blend with its distribution.
struct Stretch {
    slots: usize,
    blend: Blend,
    usual: Vec<f64>,
    spread: Spread,
    block: Block,
    crowd: Option<Crowd>,
}

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
    let scale = clean::positive_median(series.raw()).map_or(1.0, |median| six_digits(unit_of(median)));
    let frame = Frame { calendar, origin_ms, step_ms: series.step_ms(), end_ms: series.end_ms(), scale, horizon_ms: request.horizon_ms };
    let answer = mixed(&series, &frame, request, judged_ms, &quantiles)
        .or_else(|| (request.model == ModelChoice::Auto).then(|| cold(&series, &frame, &quantiles)).flatten())
        .ok_or(too_little)?;
    let Answer { points, members, basis, blocks } = answer;
    let (model, basis, history_points) = (request.model.to_string(), Some(basis), series.observed());
    let about = About { origin_ms, step_ms: series.step_ms(), model, basis, history_points, quantiles, members, cleaning };
    let blocks = blocks.into_iter().map(|block| frame.by_time(block)).collect();
    Ok(Forecast::new(points, about, Maxima { scale, blocks }))
}

/// What is said, by whom, and on what it rests.
struct Answer {
    points: Vec<Point>,
    members: Vec<MemberWeight>,
    basis: Basis,
    blocks: Vec<Block>,
}

/// The blends' answer; `None` if the history is too short to judge the members.
fn mixed(series: &Series, frame: &Frame, request: &Request, judged_ms: i64, levels: &[f64]) -> Option<Answer> {
    let observed_ms = series.observed() as i64 * series.step_ms();
    if observed_ms < judged_ms {
        return None;
    }
    let near = near(series, frame.scale, request.model, levels)?;
    let far = if request.horizon_ms > NEAR_MS { Some(far(series, frame.scale, request.model, frame.reach_ms(), levels)?) } else { None };
    let points = points(frame, |i, ts_ms| mixed_step(&near, far.as_ref(), frame.step_ms, i, ts_ms));
    let members = weights(far.as_ref().unwrap_or(&near));
    let week = observed_ms >= 7 * DAY_MS + request.horizon_ms;
    let blocks = std::iter::once(near.block).chain(far.map(|far| far.block)).collect();
    Some(Answer { points, members, basis: if week { Basis::Week } else { Basis::Day }, blocks })
}

/// The answer of a cold start.
fn cold(series: &Series, frame: &Frame, levels: &[f64]) -> Option<Answer> {
    let observed_ms = series.observed() as i64 * series.step_ms();
    let leads = (frame.reach_ms() + frame.step_ms - 1) / frame.step_ms;
    // One more: an origin between two steps looks at the step after its own.
    let cold = Cold::new(series, frame.scale, observed_ms, leads as usize + 1, levels)?;
    let points = points(frame, |i, _| cold.step(i));
    let members = vec![MemberWeight { name: cold.basis.name().to_owned(), weight: 1.0 }];
    Some(Answer { points, members, basis: cold.basis, blocks: vec![cold.block] })
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

/// Unit of the log scale for a series with that median.
fn unit_of(median: f64) -> f64 {
    (SCALE_OF_MEDIAN * median).max(LEAST_SCALE)
}

/// How many of the series' slots make a bin of about that length.
fn slots(series: &Series, bin_ms: i64) -> usize {
    (bin_ms / series.step_ms()).max(1) as usize
}

fn near(series: &Series, scale: f64, model: ModelChoice, levels: &[f64]) -> Option<Stretch> {
    let slots = slots(series, NEAR_BIN_MS);
    let bin_ms = series.step_ms() * slots as i64;
    let spec = Spec {
        members: members(model, NEAR_MEMBERS),
        horizon: (NEAR_END_MS / bin_ms).max(1) as usize,
        newest: (HOUR_MS * 3 / 4 / bin_ms) as usize,
        every: (77 * 60_000 / bin_ms).max(1) as usize,
        count: 40,
        decay: 0.97,
    };
    // A model that was asked for by name answers alone.
    let reading = Reading { decay: 0.97, median: 0.25, stretch: 1.02, lead_power: 0.7, crowds: model == ModelChoice::Auto };
    stretch(series, scale, slots, &spec, &reading, 18, levels)
}

fn far(series: &Series, scale: f64, model: ModelChoice, horizon_ms: i64, levels: &[f64]) -> Option<Stretch> {
    let slots = slots(series, FAR_BIN_MS);
    let bin_ms = series.step_ms() * slots as i64;
    let horizon = (horizon_ms as usize).div_ceil(bin_ms as usize);
    let spec = Spec {
        members: members(model, FAR_MEMBERS),
        horizon,
        newest: horizon / 4,
        every: (6 * HOUR_MS / bin_ms) as usize,
        count: 36,
        decay: 0.99,
    };
    stretch(series, scale, slots, &spec, &Reading { decay: 0.95, median: 1.0, stretch: 1.05, lead_power: 0.3, crowds: false }, 96, levels)
}

fn members(model: ModelChoice, all: &[Member]) -> Vec<Member> {
    match model {
        ModelChoice::Auto => all.to_vec(),
        ModelChoice::Named(member) => vec![member],
    }
}

fn stretch(series: &Series, scale: f64, slots: usize, spec: &Spec, reading: &Reading, bins: usize, levels: &[f64]) -> Option<Stretch> {
    let grid = Grid::build(series, slots, scale);
    let mut blend = blend::blend(&grid, spec)?;
    let spread = Spread::learn(series, &grid, &blend, scale, reading, levels);
    let usual = blend.path.clone();
    let crowd = if reading.crowds { Crowd::find(&grid, scale, spec.horizon, levels) } else { None };
    if let Some(crowd) = &crowd {
        let share = crowd.belief;
        blend.path.iter_mut().zip(&crowd.path).for_each(|(path, crowd)| *path += share * (crowd - *path));
    }
    let block = Block::new(series, &grid, &blend, scale, MAXIMA_DECAY, bins);
    Some(Stretch { slots, blend, usual, spread, block, crowd })
}

fn weights(stretch: &Stretch) -> Vec<MemberWeight> {
    let rounded = |weight: f64| libm::round(weight * 1e4) / 1e4;
    stretch.blend.weights.iter().map(|(member, weight)| MemberWeight { name: member.name().to_owned(), weight: rounded(*weight) }).collect()
}

/// The near blend's step, then the far one's, mixed where the one hands over to the other.
fn mixed_step(near: &Stretch, far: Option<&Stretch>, step_ms: i64, i: usize, ts_ms: i64) -> (Vec<f64>, f64) {
    let lead_ms = (i as i64 + 1) * step_ms;
    let share = far.map_or(1.0, |_| ((NEAR_END_MS - lead_ms) as f64 / (NEAR_END_MS - NEAR_MS) as f64).clamp(0.0, 1.0));
    let of_near = (share > 0.0).then(|| slot_of(near, i, ts_ms, share));
    let of_far = far.filter(|_| share < 1.0).map(|far| slot_of(far, i, ts_ms, 1.0 - share));
    add(of_near, of_far)
}

/// Quantiles of z and the mean of e^z in one slot, times the share.
fn slot_of(stretch: &Stretch, i: usize, ts_ms: i64, share: f64) -> (Vec<f64>, f64) {
    let path = path_at(&stretch.usual, stretch.slots, i);
    let scale = stretch.spread.scale_at(ts_ms, i);
    let usual = stretch.spread.quantiles(path, scale);
    let growth = libm::exp(path) * stretch.spread.mean_factor(scale);
    let Some(crowd) = &stretch.crowd else { return (usual.map(|z| share * z).collect(), share * growth) };
    let lead = (i / stretch.slots).min(crowd.path.len() - 1);
    let path = path_at(&crowd.path, stretch.slots, i);
    let crowded = usual.zip(crowd.quantiles(path, lead)).enumerate();
    let mut mixed: Vec<f64> = crowded.map(|(level, (usual, crowded))| share * (usual + crowd.share(level) * (crowded - usual))).collect();
    for i in 1..mixed.len() {
        mixed[i] = mixed[i].max(mixed[i - 1]);
    }
    (mixed, share * (growth + crowd.belief * (crowd.growth(path, lead) - growth)))
}

fn add(one: Option<(Vec<f64>, f64)>, other: Option<(Vec<f64>, f64)>) -> (Vec<f64>, f64) {
    match (one, other) {
        (Some((mut z, growth)), Some((more, further))) => {
            z.iter_mut().zip(more).for_each(|(z, more)| *z += more);
            (z, growth + further)
        }
        (Some(only), None) | (None, Some(only)) => only,
        (None, None) => (Vec::new(), 1.0),
    }
}

/// A scale that survives being written as text and read again.
fn six_digits(value: f64) -> f64 {
    let unit = libm::pow(10.0, f64::from((libm::floor(libm::log10(value)) as i32 - 5).abs()));
    if value < 1e5 { libm::round(value * unit) / unit } else { libm::round(value / unit) * unit }
}
