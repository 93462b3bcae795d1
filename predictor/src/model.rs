//! From a series to a forecast: clean, cut at a change of level, mix the members near and far, and lay the distribution on the series' own step.
//!
//! Two blends share the work. The near one sees the series' own step and is judged on the next hour and a half; the far one sees quarters of an
//! hour and is judged on the whole horizon. The near one speaks for the first hour and hands over during the next half.

use crate::{
    blend::{self, Blend, Spec},
    boosted::Models,
    clean::{self, Cleaning, CleaningKind},
    crowd::Crowd,
    forecast::{About, Forecast, MemberWeight, Point},
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
    Member::Boosted,
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
    forecast_with(series, origin_ms, request, Models::shipped())
}

/// [`forecast_at`] with other trained models than those in the binary, such as those that never saw a series that is scored.
///
/// # Errors
/// [`ForecastError`].
pub fn forecast_with(series: &Series, origin_ms: i64, request: &Request, models: &Models) -> Result<Forecast, ForecastError> {
    let quantiles = check(request)?;
    let series = series.until(origin_ms).since(origin_ms - MAX_HISTORY_MS);
    let (mut series, mut cleaning) = clean::clean(&series);
    let need_ms = need_ms(request);
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
    cut_at_change(&mut series, &mut cleaning, need_ms);
    let scale = scale_of(&series);
    let near = near(&series, scale, request, models, &quantiles).ok_or_else(|| too_little.clone())?;
    let far = if request.horizon_ms > NEAR_MS { Some(far(&series, scale, request, models, &quantiles).ok_or(too_little)?) } else { None };
    let points = points(&series, origin_ms, request.horizon_ms, scale, &near, far.as_ref());
    let members = weights(far.as_ref().unwrap_or(&near));
    let model = request.model.to_string();
    let about = About { origin_ms, step_ms: series.step_ms(), model, history_points: series.observed(), quantiles, members, cleaning };
    let blocks = std::iter::once(near.block).chain(far.map(|far| far.block)).collect();
    Ok(Forecast::new(points, about, Maxima { scale, blocks }))
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

/// Two days, and a day more than the horizon; a member that looks further back needs that much and one horizon to be judged on.
fn need_ms(request: &Request) -> i64 {
    let reach_ms = match request.model {
        ModelChoice::Named(Member::SeasonalNaiveWeek | Member::SeasonalNaiveWeekLevel) => 7 * DAY_MS,
        ModelChoice::Named(Member::Ridge) => 3 * DAY_MS + request.horizon_ms,
        _ => DAY_MS,
    };
    // The near blend looks an hour and a half ahead, and the oldest partial bins are lost.
    MIN_HISTORY_MS.max(reach_ms + request.horizon_ms.max(2 * HOUR_MS))
}

fn cut_at_change(series: &mut Series, cleaning: &mut Vec<Cleaning>, need_ms: i64) {
    let Some(median) = clean::positive_median(series.raw()) else { return };
    let daily = Grid::build(series, slots(series, FAR_BIN_MS), unit_of(median));
    let least = (need_ms as usize).div_ceil(DAY_MS as usize);
    let Some(days) = shift::days_since_change(&daily, least) else { return };
    let kept = series.since(series.end_ms() - series.step_ms() * daily.slots as i64 * daily.lag(days) as i64);
    let rows = (series.observed() - kept.observed()) as u64;
    let (first_ms, last_ms) = (series.start_ms(), kept.start_ms() - series.step_ms());
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

/// Slots of a bin, and bins of a horizon, of the near blend.
pub(crate) fn near_bins(series: &Series) -> (usize, usize) {
    let slots = slots(series, NEAR_BIN_MS);
    (slots, (NEAR_END_MS / (series.step_ms() * slots as i64)).max(1) as usize)
}

/// The same of the far blend.
pub(crate) fn far_bins(series: &Series, horizon_ms: i64) -> (usize, usize) {
    let slots = slots(series, FAR_BIN_MS);
    (slots, (horizon_ms as usize).div_ceil(series.step_ms() as usize * slots))
}

/// Unit of the log scale.
pub(crate) fn scale_of(series: &Series) -> f64 {
    clean::positive_median(series.raw()).map_or(1.0, |median| six_digits(unit_of(median)))
}

fn near(series: &Series, scale: f64, request: &Request, models: &Models, levels: &[f64]) -> Option<Stretch> {
    let (slots, horizon) = near_bins(series);
    let bin_ms = series.step_ms() * slots as i64;
    let model = request.model;
    let spec = Spec {
        members: members(model, NEAR_MEMBERS),
        trees: &models.near,
        near: true,
        horizon,
        newest: (HOUR_MS * 3 / 4 / bin_ms) as usize,
        every: (77 * 60_000 / bin_ms).max(1) as usize,
        count: 40,
        decay: 0.97,
    };
    // A model that was asked for by name answers alone.
    let reading = Reading { decay: 0.97, median: 0.25, stretch: 1.02, lead_power: 0.7, crowds: model == ModelChoice::Auto };
    stretch(series, scale, slots, &spec, &reading, 18, levels)
}

fn far(series: &Series, scale: f64, request: &Request, models: &Models, levels: &[f64]) -> Option<Stretch> {
    let (slots, horizon) = far_bins(series, request.horizon_ms);
    let bin_ms = series.step_ms() * slots as i64;
    let spec = Spec {
        members: members(request.model, FAR_MEMBERS),
        trees: &models.far,
        near: false,
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

fn points(series: &Series, origin_ms: i64, horizon_ms: i64, scale: f64, near: &Stretch, far: Option<&Stretch>) -> Vec<Point> {
    let step_ms = series.step_ms();
    // How far the origin lies after the last slot: the grid of the answer is that of the origin.
    let phase = (origin_ms - (series.end_ms() - step_ms)) as f64 / step_ms as f64;
    let rounding = Rounding::new(scale);
    let count = (horizon_ms + step_ms - 1) / step_ms;
    let slot = |i: usize| {
        let lead_ms = (i as i64 + 1) * step_ms;
        let share = far.map_or(1.0, |_| ((NEAR_END_MS - lead_ms) as f64 / (NEAR_END_MS - NEAR_MS) as f64).clamp(0.0, 1.0));
        let of_near = (share > 0.0).then(|| slot_of(near, i, origin_ms + lead_ms, share));
        let of_far = far.filter(|_| share < 1.0).map(|far| slot_of(far, i, origin_ms + lead_ms, 1.0 - share));
        add(of_near, of_far)
    };
    (0..count as usize)
        .map(|i| {
            let (mut z, mut growth) = slot(i);
            if phase > 0.0 {
                let (later, later_growth) = slot(i + 1);
                growth += phase * (later_growth - growth);
                z.iter_mut().zip(later).for_each(|(z, later)| *z += phase * (later - *z));
            }
            let q = z.iter().map(|z| rounding.of(scale * libm::expm1(*z))).collect();
            Point { ts_ms: origin_ms + (i as i64 + 1) * step_ms, mean: rounding.of(scale * (growth - 1.0)), q }
        })
        .collect()
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

/// Six digits of the usual value: what lies below is noise that would only make answers long.
struct Rounding {
    /// The last digit's unit, or its inverse where that is the whole number.
    unit: f64,
    inverse: bool,
}

impl Rounding {
    fn new(scale: f64) -> Self {
        let digits = 4 - libm::floor(libm::log10(scale)) as i32;
        Self { unit: libm::pow(10.0, f64::from(digits.abs())), inverse: digits > 0 }
    }

    /// Never negative, never −0.
    fn of(&self, value: f64) -> f64 {
        let value = value.max(0.0);
        if self.inverse { libm::round(value * self.unit) / self.unit } else { libm::round(value / self.unit) * self.unit }
    }
}
