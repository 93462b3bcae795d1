//! Flash crowds: a load that the calendar did not foresee and that the past of this series can't judge.
//!
//! In a crowd every member but the last value is wrong, and past origins say the opposite, because crowds are rare. So a crowd is recognised by
//! itself: the mean of the last two minutes lies above the expected level (the same time of up to seven days, moved by how the load stood to it
//! two to three hours ago) by more than the series is used to. Then the near forecast leaves the blend: while the load rises it goes on for some
//! minutes and levels out, while it falls it goes on falling to the expected level, and how far it may be wrong comes from the crowd's own height.
//!
//! Where higher bursts of the last days ended, this one is expected to end too; the upper quantiles allow for one that goes on.
//!
//! Short of the limit a crowd is possible but not sure. Then the forecast is a mixture of both: the median hardly moves, but the upper quantiles are
//! soon those of the crowd, because what is ambiguous must not lower a forecast.

mod shape;

use self::shape::Shape;
use crate::{grid::Grid, normal};

/// Days whose mean is the expected level.
const DAYS: usize = 7;
/// Share of the deviation of two to three hours ago that is believed.
const BELIEVED: f64 = 0.7;
/// A crowd is that many standard deviations of the half-hourly changes around that time of day above the expected level, …
const SIGMAS: f64 = 2.0;
/// … and at least that much [z].
const LEAST: f64 = 0.35;
/// From that share of the limit on a crowd is possible.
const SUSPICION: f64 = 0.6;
/// What became of earlier excesses is looked at so much later [min].
const LATER_MIN: i64 = 30;
/// Earlier excesses count if they were that many times as high.
const HIGHER: f64 = 1.2;
/// Standard deviation above a burst that is expected to end, as a share of what it would be without its end.
const GOES_ON: f64 = 0.8;
/// Bins coarser than this see a crowd too late.
const MAX_BIN_MS: i64 = 5 * 60_000;
/// Levels over which a mean is taken.
const MEAN_LEVELS: usize = 19;
/// A crowd's age is looked for that far back [min].
const MAX_AGE_MIN: i64 = 180;
/// How long a crowd that is over keeps the blend out [min].
const AFTERMATH_MIN: i64 = 60;

/// What the next minutes look like in a crowd.
pub(crate) struct Crowd {
    /// How sure it is that this is one, 0 … 1.
    pub belief: f64,
    /// Median path over the leads [z].
    pub path: Vec<f64>,
    /// Standard deviation to both sides per lead [z]: (below, above).
    sides: Vec<(f64, f64)>,
    /// The levels asked for, …
    levels: Vec<f64>,
    /// … and their standard normal quantiles.
    scores: Vec<f64>,
}

impl Crowd {
    /// Looks for a crowd at the grid's end; `None` if there is none, or a history of less than a day can't tell.
    pub fn find(grid: &Grid, scale: f64, leads: usize, levels: &[f64]) -> Option<Self> {
        let end = grid.len() - 1;
        if grid.bin_ms > MAX_BIN_MS || !grid.seen[end] {
            return None;
        }
        let expected = Expected::new(grid, end)?;
        let past = past_excesses(grid);
        let limit = expected.limit(grid).max(usual_excess(&past));
        let pair = bins(grid, 2);
        let excess = |at: usize| expected.excess(grid, at, pair);
        // Its aftermath lasts as long as the blend's last hour remembers it. There one noisy bin is not enough.
        let above = |ago: usize| end >= ago + 2 * pair && excess(end - ago) > limit;
        let recent = || (1..bins(grid, AFTERMATH_MIN)).find(|&ago| above(ago) && excess(end - ago - pair) > 0.8 * limit);
        let suspicion = ((excess(end) / limit - SUSPICION) / (1.0 - SUSPICION)).clamp(0.0, 1.0);
        let (last, belief) = match recent() {
            _ if above(0) => (0, 1.0),
            Some(ago) => (ago, 1.0),
            None if suspicion > 0.0 => (0, suspicion * suspicion),
            None => return None,
        };
        let age = (last..bins(grid, MAX_AGE_MIN)).find(|&ago| !above(ago)).unwrap_or_else(|| bins(grid, MAX_AGE_MIN));
        let (mut path, mut sides) = Shape::read(grid, scale, &expected, age, last > 0).draw(grid, scale, &expected, leads);
        let left = kept(grid, &past, excess(end));
        for (h, (z, sides)) in (1..).zip(path.iter_mut().zip(&mut sides)) {
            let floor = expected.at(grid, end + h);
            let ended = floor + (*z - floor) * libm::pow(left, 2.0 * grid.lead_hours(h));
            sides.1 = sides.1.hypot(GOES_ON * (*z - ended).max(0.0));
            *z = ended;
        }
        Some(Self { belief, path, sides, levels: levels.to_vec(), scores: levels.iter().map(|&level| normal::quantile(level)).collect() })
    }

    /// z at the levels, ascending if the levels are.
    pub fn quantiles(&self, path: f64, lead: usize) -> impl Iterator<Item = f64> {
        self.scores.iter().map(move |&score| path + self.away(lead, score))
    }

    /// Share of the crowd in a level's value: the upper quantiles of a mixture are those of its upper part as soon as that is likely enough.
    pub fn share(&self, index: usize) -> f64 {
        let level = self.levels[index];
        libm::pow(self.belief, (2.0 * (1.0 - level)).min(1.0))
    }

    /// Mean of e^z at a lead.
    pub fn growth(&self, path: f64, lead: usize) -> f64 {
        let even = (0..MEAN_LEVELS).map(|i| (i as f64 + 0.5) / MEAN_LEVELS as f64);
        even.map(|level| libm::exp(path + self.away(lead, normal::quantile(level)))).sum::<f64>() / MEAN_LEVELS as f64
    }

    fn away(&self, lead: usize, score: f64) -> f64 {
        let (below, above) = self.sides[lead];
        score * if score < 0.0 { below } else { above }
    }
}

/// What the load would be without a crowd.
struct Expected {
    days: usize,
    /// What the load stood above the days' mean two to three hours ago, as far as it is believed.
    moved: f64,
}

impl Expected {
    /// As it is expected at a bin; `None` with less than a day and three hours before it.
    fn new(grid: &Grid, end: usize) -> Option<Self> {
        let days = grid.days_before(end.checked_sub(grid.hour * 3 + 1)?).min(DAYS);
        let (from, to) = (end + 1 - 3 * grid.hour, end + 1 - 2 * grid.hour);
        let then = (1..=days).map(|k| grid.mean(from - grid.lag(k), to - grid.lag(k))).sum::<f64>() / days as f64;
        (days > 0).then(|| Self { days, moved: BELIEVED * (grid.mean(from, to) - then) })
    }

    /// How far the last two minutes lie above the highest that was expected around a bin.
    fn excess(&self, grid: &Grid, at: usize, pair: usize) -> f64 {
        grid.mean(at + 1 - pair, at + 1) - self.highest(grid, at, pair)
    }

    /// At a bin, which may lie up to a day after the grid's end.
    fn at(&self, grid: &Grid, bin: usize) -> f64 {
        let half = grid.hour / 8;
        let mean = |k: usize| {
            let middle = bin.saturating_sub(grid.lag(k));
            grid.mean(middle.saturating_sub(half), (middle + half + 1).min(grid.len()))
        };
        (1..=self.days).map(mean).sum::<f64>() / self.days as f64 + self.moved
    }

    /// The highest that is expected around a bin: what comes every day, but some minutes earlier or later, is no crowd.
    fn highest(&self, grid: &Grid, bin: usize, pair: usize) -> f64 {
        let half = grid.hour / 8;
        let highest = |k: usize| {
            let middle = bin.saturating_sub(grid.lag(k));
            // A loop: this is asked thousands of times, and a range with steps isn't free.
            let (mut highest, mut i) = (0.0_f64, middle.saturating_sub(half).max(pair));
            while i <= middle + half {
                highest = highest.max(grid.mean(i + 1 - pair, i + 1));
                i += pair;
            }
            highest
        };
        (1..=self.days).map(highest).sum::<f64>() / self.days as f64 + self.moved
    }

    /// How far above the expected level the series may be without a crowd.
    fn limit(&self, grid: &Grid) -> f64 {
        let (half_hour, pair, end) = ((grid.hour / 2).max(1), bins(grid, 2), grid.len() - 1);
        let every = (grid.hour / 12).max(1);
        let deviation = |k: usize| {
            let middle = end - grid.lag(k);
            let ats = (middle.saturating_sub(2 * grid.hour).max(half_hour + pair)..middle + 2 * grid.hour).step_by(every);
            let change = |at: usize| grid.mean(at + 1 - pair, at + 1) - grid.mean(at + 1 - pair - half_hour, at + 1 - half_hour);
            ats.fold((0.0, 0.0), |(squares, n), at| (squares + change(at) * change(at), n + 1.0))
        };
        let (squares, n) = (1..=self.days).map(deviation).fold((0.0, 0.0), |sum, day| (sum.0 + day.0, sum.1 + day.1));
        (SIGMAS * (squares / f64::max(n, 1.0)).sqrt()).max(LEAST)
    }
}

/// When and how far above its expected level the series was now and then in the last days.
fn past_excesses(grid: &Grid) -> Vec<(usize, f64)> {
    let (pair, every, later) = (bins(grid, 2), bins(grid, 22), bins(grid, LATER_MIN));
    let ats = (1..5 * grid.lag(1) / every).map_while(|i| (grid.len() - 1).checked_sub(later + i * every));
    ats.map_while(|at| {
        let expected = Expected::new(grid, at)?;
        Some((at, expected.excess(grid, at, pair)))
    })
    .collect()
}

/// A crowd is rarer than what the series was above its expected level now and then, so that noise is no crowd.
fn usual_excess(past: &[(usize, f64)]) -> f64 {
    let mut found: Vec<f64> = past.iter().map(|(_, excess)| *excess).collect();
    let rank = found.len() * 97 / 100;
    if rank + 1 >= found.len() {
        return 0.0;
    }
    let (_, usual, _) = found.select_nth_unstable_by(rank, f64::total_cmp);
    *usual * 1.1
}

/// What half an hour left of earlier excesses that were clearly higher than this one, 0 … 1; 1 without any.
fn kept(grid: &Grid, past: &[(usize, f64)], excess: f64) -> f64 {
    let (mut n, mut sum, mut left) = (0.0, 0.0, 0.0);
    for (at, then) in past.iter().filter(|(_, then)| *then > HIGHER * excess.max(LEAST)) {
        let later = Expected::new(grid, *at).map_or(0.0, |expected| expected.excess(grid, at + bins(grid, LATER_MIN), bins(grid, 2)));
        n += 1.0;
        sum += then;
        left += later.clamp(0.0, *then);
    }
    // One that never ends is among them beforehand.
    if n == 0.0 { 1.0 } else { (1.0 + n * left / sum) / (1.0 + n) }
}

/// Bins of so many minutes, at least one.
fn bins(grid: &Grid, minutes: i64) -> usize {
    (minutes * 60_000 / grid.bin_ms).max(1) as usize
}

#[cfg(test)]
mod tests;
