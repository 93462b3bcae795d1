//! What a crowd did so far, and how it goes on.

use super::{Expected, bins};
use crate::grid::Grid;

/// A rise goes on for that long [min].
const RISE_MIN: f64 = 5.0;
/// The level now is the mean of that long, …
const NOW_MIN: i64 = 3;
/// … and falls are measured over that long [min].
const BEFORE_MIN: i64 = 12;
/// A change of the level counts if it is that many times the noise.
const CLEAR: f64 = 2.0;
/// A crowd falls once it has lost that share of its height, …
const FALLEN: f64 = 0.1;
/// … and rises only as high as that share of its peak.
const RISEN: f64 = 0.95;
/// A rise or a fall has halted if the newest change is less than that share of it: a jump that is over goes on in neither way.
const HALTED: f64 = 0.5;
/// What is left of a crowd that is over goes in that time at the latest [min].
const OVER_MIN: f64 = 40.0;
/// So little above the expected level [z] is nothing left.
const OVER: f64 = 0.1;

/// A crowd so far, in the series' own unit.
pub(super) struct Shape {
    /// Level now.
    now: f64,
    /// Change a minute; 0 if it is within the noise.
    slope: f64,
    phase: Phase,
    /// Mean change of neighbouring bins [z].
    noise: f64,
}

#[derive(Clone, Copy, PartialEq)]
enum Phase {
    /// Rising or holding.
    Up,
    /// Clearly below its peak, and going down.
    Down,
    /// Below the limit of a crowd, but was above it within the last hour.
    Over,
}

impl Shape {
    pub fn read(grid: &Grid, scale: f64, expected: &Expected, age: usize, over: bool) -> Self {
        let end = grid.len() - 1;
        let value = |i: usize| scale * libm::expm1(grid.z[i]);
        let mean = |from: usize, to: usize| (from..to).map(value).sum::<f64>() / (to - from) as f64;
        let (short, long) = (bins(grid, NOW_MIN), bins(grid, BEFORE_MIN));
        let minutes = |bins: usize| grid.lead_hours(bins) * 60.0;
        let now = mean(end + 1 - short, end + 1);
        let lately = now - mean(end + 1 - 2 * short, end + 1 - short);
        let slowly = now - mean(end + 1 - long - short, end + 1 - long);
        let floor = scale * libm::expm1(expected.at(grid, end)).max(0.0);
        let start = end.saturating_sub(age.max(short));
        let peak = (start..=end + 1 - short).map(|i| mean(i, i + short)).fold(0.0, f64::max);
        let hour = grid.hour.min(end);
        let noise = (end - hour..end).map(|i| (grid.z[i + 1] - grid.z[i]).abs()).sum::<f64>() / hour as f64;
        let clear = CLEAR * noise / (short as f64).sqrt() * now;
        let down = -slowly > clear && now < peak - FALLEN * (peak - floor);
        let up = lately > clear && slowly > 0.0 && now >= RISEN * peak;
        // A jump that is over neither rises nor falls on: the newest change counts if it is less.
        let newest = if short > 1 { (value(end) - value(end + 1 - short)) / minutes(short - 1) } else { f64::INFINITY };
        let rises = lately / minutes(short);
        let half = (long / 2).max(1);
        let second_half = (now - mean(end + 1 - half - short, end + 1 - half)) / minutes(half);
        let falls = slowly / minutes(long);
        let halted = if lately > HALTED * falls * minutes(short) + clear { rises } else { second_half };
        let falls = if halted > HALTED * falls { halted.min(0.0) } else { falls };
        let (phase, slope) = match (over, down, up) {
            (true, ..) => (Phase::Over, falls.min(-(now - floor) / OVER_MIN)),
            (_, true, _) => (Phase::Down, falls),
            (.., true) => (Phase::Up, if newest < HALTED * rises { newest.max(0.0) } else { rises }),
            _ => (Phase::Up, 0.0),
        };
        Self { now, slope, phase, noise }
    }

    /// The median path, and the standard deviations below and above it.
    pub fn draw(&self, grid: &Grid, scale: f64, expected: &Expected, leads: usize) -> (Vec<f64>, Vec<(f64, f64)>) {
        let end = grid.len() - 1;
        let z = |value: f64| libm::log1p(value.max(0.0) / scale);
        let now = z(self.now);
        let excess = now - expected.at(grid, end);
        let at_lead = |h: usize| {
            let hours = grid.lead_hours(h);
            let floor = expected.at(grid, end + h).max(0.0);
            let (median, below, above) = match self.phase {
                Phase::Over if excess <= OVER => (floor + excess * libm::exp(-hours), OVER, OVER),
                Phase::Over | Phase::Down => {
                    let level = scale * libm::expm1(floor);
                    // The level now is a mean, and lies half of its minutes back.
                    let minutes = hours * 60.0 + (NOW_MIN - 1) as f64 / 2.0;
                    let median = z((self.now + self.slope * minutes).max(level.min(self.now)));
                    (median, 0.3 * (median - floor).max(0.0), 0.25 * (now - median).max(0.0))
                }
                Phase::Up => {
                    let height = (now - floor).max(0.0) * hours.min(1.0);
                    let top = z(self.now + self.slope * RISE_MIN * -libm::expm1(-hours * 60.0 / RISE_MIN));
                    (top - 0.2 * height, 0.5 * height, 0.5 * (top - now).max(0.0) + 0.1 * height)
                }
            };
            (median, (self.noise.hypot(below), self.noise.hypot(above)))
        };
        (1..=leads).map(at_lead).unzip()
    }
}
