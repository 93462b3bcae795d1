//! What the boosted trees see of one origin and lead: other members' answers and the level's recent changes, all as differences in units of the
//! series' usual change from day to day, so that services of any size and noise look alike.

use crate::{blend::Said, grid::Grid, member::days_ahead, request::Member};

/// Numbers per row.
pub(crate) const FEATURES: usize = 32;

/// Days over which the usual change is taken.
const UNIT_DAYS: usize = 7;
/// Changes from day to day below this [z] are nothing.
const UNIT_FLOOR: f64 = 0.02;

/// The members that the trees hear for the day; the mean of those who spoke is what they correct.
const INPUTS: &[Member] = &[
    Member::CalendarSmooth,
    Member::CalendarSlowSmooth,
    Member::CalendarWeekdaySmooth,
    Member::SeasonalNaiveWeekLevel,
    Member::SeasonalNaiveDayLevel,
    Member::Ridge,
];
/// Those for the next hour.
const NEAR_INPUTS: &[Member] =
    &[Member::CalendarNear, Member::SeasonalNaiveWeekLevel, Member::SeasonalNaiveDayLevel, Member::Ridge, Member::LastValue];

/// The members that the trees hear.
pub(crate) fn inputs(near: bool) -> &'static [Member] {
    if near { NEAR_INPUTS } else { INPUTS }
}

/// What doesn't depend on the origin.
pub(crate) struct Context<'a> {
    grid: &'a Grid,
    /// Sums of |z − z a day before| and of |z − z a bin before|.
    daily: Vec<f64>,
    rough: Vec<f64>,
    half: usize,
}

/// One origin: rows of features are asked of it.
pub(crate) struct Origin<'a> {
    context: &'a Context<'a>,
    said: &'a Said,
    /// The last known bin.
    pub at: usize,
    /// Input by input, in the order of [`inputs`].
    paths: Vec<Option<&'a Vec<f64>>>,
    /// Mean of the inputs' paths: what the trees correct.
    pub base: Vec<f64>,
    /// The usual change from day to day [z].
    pub unit: f64,
    rough: f64,
}

impl<'a> Context<'a> {
    pub fn new(grid: &'a Grid, near: bool) -> Self {
        let change = |lag: usize| {
            let mut sum = 0.0;
            let changes = grid.z.iter().zip(grid.z.iter().skip(lag)).map(|(then, now)| (now - then).abs());
            let sums = changes.map(|change| {
                sum += change;
                sum
            });
            std::iter::repeat_n(0.0, lag.min(grid.len()) + 1).chain(sums).collect()
        };
        let half = if near { 7 * 60_000 } else { 45 * 60_000 } / grid.bin_ms;
        Self { grid, daily: change(grid.lag(1)), rough: change(1), half: half as usize }
    }

    /// `None` if no input spoke. `paths` are the inputs' in the order of [`inputs`].
    pub fn at(&'a self, said: &'a Said, paths: Vec<Option<&'a Vec<f64>>>) -> Option<Origin<'a>> {
        let spoke: Vec<&Vec<f64>> = paths.iter().flatten().copied().collect();
        let mut base = vec![0.0; spoke.first()?.len()];
        for path in &spoke {
            base.iter_mut().zip(path.iter()).for_each(|(z, said)| *z += said / spoke.len() as f64);
        }
        let (grid, at) = (self.grid, said.at);
        let from = (at + 1).saturating_sub(grid.lag(UNIT_DAYS)).max(grid.lag(1)).min(at);
        let mean = |sums: &[f64]| (sums[at + 1] - sums[from]).max(0.0) / (at + 1 - from) as f64;
        Some(Origin { context: self, said, at, paths, base, unit: mean(&self.daily) + UNIT_FLOOR, rough: mean(&self.rough) })
    }
}

impl Origin<'_> {
    /// The features of lead `h` (from 0).
    pub fn row(&self, h: usize) -> [f32; FEATURES] {
        let (grid, at, unit) = (self.context.grid, self.at, self.unit);
        let base = self.base[h];
        let half = self.context.half;
        let nearest = days_ahead(grid, h) + 1;
        let lag = |days: usize| if days <= self.said.lags { (at + 1 + h).checked_sub(grid.lag(days)) } else { None };
        let smooth = |i: usize| grid.mean(i.saturating_sub(half), (i + half).min(at) + 1);
        let week = nearest.div_ceil(7) * 7;
        let beyond = |days: usize| lag(days).map_or(0.0, |i| smooth(i) - base);
        let raw = |days: usize| lag(days).map_or(0.0, |i| grid.z[i] - smooth(i));
        let hour = grid.hour_mean(at);
        let since = |days: usize| at.checked_sub(grid.lag(days)).map_or(0.0, |i| hour - grid.hour_mean(i));
        let day = |days: usize| (at + 1).checked_sub(grid.lag(days + 1)).map(|from| grid.mean(from, at + 1 - grid.lag(days)));
        let today = day(0).unwrap_or(hour);
        let change = |days: usize| day(days).map_or(0.0, |then| today - then);
        let input = |i: usize| self.paths.get(i).copied().flatten().map_or(0.0, |path| path[h] - base);
        let ago = |bins: usize| at.checked_sub(bins).map_or(0.0, |i| hour - grid.hour_mean(i));
        let target = at + 1 + h;
        let weekend = |i: usize| f64::from(u8::from(grid.weekday(i) >= 5));
        let lags: Vec<f64> = [nearest, nearest + 1, nearest + 2, week].into_iter().filter_map(lag).map(smooth).collect();
        let middle = lags.iter().sum::<f64>() / lags.len().max(1) as f64;
        let spread = lags.iter().map(|z| (z - middle).abs()).sum::<f64>() / lags.len().max(1) as f64;
        let differences = [
            input(0),
            input(1),
            input(2),
            input(3),
            input(4),
            input(5),
            beyond(nearest),
            beyond(nearest + 1),
            beyond(nearest + 2),
            beyond(week),
            beyond(week + 7),
            raw(nearest),
            raw(nearest + 1),
            raw(week),
            change(1),
            change(7),
            since(1),
            since(7),
            hour - today,
            base - today,
            base - hour,
            grid.z[at] - hour,
            ago(grid.hour),
            ago(3 * grid.hour),
            spread,
            self.rough,
        ];
        let mut row = [0.0; FEATURES];
        for (x, difference) in row.iter_mut().zip(differences) {
            *x = (difference / unit) as f32;
        }
        let others = [
            grid.lead_hours(h + 1).min(24.0),
            weekend(target),
            weekend(target) - weekend(target - grid.lag(1).min(target)),
            self.said.lags.min(28) as f64,
            unit,
            base,
        ];
        for (x, other) in row[differences.len()..].iter_mut().zip(others) {
            *x = other as f32;
        }
        row
    }
}
