//! How sure the blend is: its own residuals on past origins, recent ones counting more, scaled by the time of day.

use serde::{Deserialize, Serialize};

use crate::{
    blend::Blend,
    grid::{Grid, HOUR_MS},
    log::ln,
    paths::{Samples, weighted_quantiles},
    request::DAY_MS,
    series::Series,
};

/// Slots of the day's error profile (half an hour each).
const PROFILE: usize = 48;
/// An hour to each side is averaged.
const PROFILE_HALF: usize = 2;
/// How much of the profile is believed.
const PROFILE_POWER: f64 = 0.6;
/// Weight of the overall error in each slot, as a share of the mean weight of a slot's window.
const PROFILE_PRIOR: f64 = 0.3;
/// Parts of the horizon whose errors are told apart.
const LEADS: usize = 6;
/// More residuals than this only cost time.
const MOST_RESIDUALS: usize = 3_600;
/// Levels over which the mean is taken.
const MEAN_LEVELS: usize = 19;

/// How a blend's residuals are read.
pub(crate) struct Reading {
    /// Weight of a past origin against the one after it.
    pub decay: f64,
    /// Share of the residuals' median that the blend's median is moved by.
    pub median: f64,
    /// The same share for the outermost levels; those between lie between.
    pub tails: f64,
    /// Distances from the median are stretched: residuals of weights that were chosen on the same origins are a little too small.
    pub stretch: f64,
    /// How much of the errors' growth with the lead is believed, 0 … 1.
    pub lead_power: f64,
    /// Whether a flash crowd takes the blend's place.
    pub crowds: bool,
}

/// The distribution around a blend's path, at the series' own step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Spread {
    /// Residual quantiles [z], in the order of the levels asked for.
    offsets: Vec<f64>,
    /// Residual quantiles at evenly spread levels, for the mean.
    even: Vec<f64>,
    /// Scale by time of day.
    profile: Vec<f64>,
    /// Scale by lead, evenly over the blend's leads.
    by_lead: [f64; LEADS],
    /// Leads of the blend, in slots of the series.
    leads: usize,
    pub sample: Sample,
}

/// How much a distribution was learnt from.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sample {
    /// Residuals.
    pub count: usize,
    /// What they are worth as equally weighted ones.
    pub effective: f64,
}

impl Sample {
    fn of(residuals: &[Residual]) -> Self {
        let (sum, squares) = residuals.iter().fold((0.0, 0.0), |(sum, squares), r| (sum + r.weight, squares + r.weight * r.weight));
        Self { count: residuals.len(), effective: if squares > 0.0 { sum * sum / squares } else { 0.0 } }
    }
}

impl Spread {
    /// From the residuals of past origins.
    pub fn learn(series: &Series, grid: &Grid, blend: &Blend, scale: f64, reading: &Reading, levels: &[f64]) -> Self {
        let residuals = residuals(series, grid, blend, scale, reading.decay);
        let profile = profile(&residuals);
        let leads = blend.path.len() * grid.slots;
        let by_lead = by_lead(&residuals, &profile, leads, reading.lead_power);
        let scaled = |r: &Residual| r.value / (profile[r.slot] * by_lead[part(r.lead, leads)]);
        let mut samples: Samples = residuals.iter().map(|r| (scaled(r), r.weight)).collect();
        samples.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let even: Vec<f64> = (0..MEAN_LEVELS).map(|i| (i as f64 + 0.5) / MEAN_LEVELS as f64).collect();
        let at = |levels: &[f64]| weighted_quantiles(&samples, levels).unwrap_or_else(|| vec![0.0; levels.len()]);
        let (median, even) = (at(&[0.5])[0], at(&even));
        let share = |q: f64| reading.median + (reading.tails - reading.median) * (2.0 * q - 1.0).abs();
        let moved = |(found, q): (f64, &f64)| share(*q) * median + reading.stretch * (found - median);
        let offsets = at(levels).into_iter().zip(levels).map(moved).collect();
        Self { offsets, even, profile, by_lead, leads, sample: Sample::of(&residuals) }
    }

    /// Whether it is a distribution at so many levels over so many leads, and not something that was read from a damaged place.
    pub fn is_sound(&self, levels: usize, leads: usize) -> bool {
        let numbers = self.offsets.iter().chain(&self.even).chain(&self.profile).chain(&self.by_lead);
        let lengths = self.offsets.len() == levels && self.even.len() == MEAN_LEVELS && self.profile.len() == PROFILE;
        lengths && self.leads == leads && leads > 0 && numbers.into_iter().all(|number| number.is_finite())
    }

    /// Scale at a time [epoch ms] and a lead (slots of the series, from 0).
    pub fn scale_at(&self, ts_ms: i64, lead: usize) -> f64 {
        self.profile[slot(ts_ms)] * self.by_lead[part(lead, self.leads)]
    }

    /// z at the levels, ascending if the levels are.
    pub fn quantiles(&self, path: f64, scale: f64) -> impl Iterator<Item = f64> {
        self.offsets.iter().map(move |offset| path + scale * offset)
    }

    /// Mean of e^(scale · residual): what the mean of 1 + y/s is above e^path.
    pub fn mean_factor(&self, scale: f64) -> f64 {
        self.even.iter().map(|offset| libm::exp(scale * offset)).sum::<f64>() / MEAN_LEVELS as f64
    }
}

struct Residual {
    value: f64,
    weight: f64,
    slot: usize,
    /// Slots of the series after its origin, from 0.
    lead: usize,
}

/// The part of the horizon that a lead belongs to.
fn part(lead: usize, leads: usize) -> usize {
    (lead * LEADS / leads).min(LEADS - 1)
}

/// [mean |residual| in a part of the horizon ÷ overall]^power, after the time of day was taken out.
fn by_lead(residuals: &[Residual], profile: &[f64], leads: usize, power: f64) -> [f64; LEADS] {
    let (mut sums, mut weights) = ([0.0; LEADS], [0.0; LEADS]);
    for residual in residuals {
        sums[part(residual.lead, leads)] += residual.weight * (residual.value / profile[residual.slot]).abs();
        weights[part(residual.lead, leads)] += residual.weight;
    }
    let overall = sums.iter().sum::<f64>() / weights.iter().sum::<f64>();
    let scale = |i: usize| if sums[i] > 0.0 { libm::pow(sums[i] / weights[i] / overall, power) } else { 1.0 };
    std::array::from_fn(scale)
}

/// A path's value in the `i`-th slot (from 0) of the series: straight lines between the middles of bins.
pub(crate) fn path_at(path: &[f64], slots: usize, i: usize) -> f64 {
    if slots == 1 {
        return path[i.min(path.len() - 1)];
    }
    let position = (i as f64 + 0.5) / slots as f64 - 0.5;
    if position <= 0.0 {
        return path[0];
    }
    let left = position as usize;
    if left + 1 >= path.len() {
        return path[path.len() - 1];
    }
    path[left] + (path[left + 1] - path[left]) * (position - left as f64)
}

fn residuals(series: &Series, grid: &Grid, blend: &Blend, scale: f64, decay: f64) -> Vec<Residual> {
    let skipped = series.len() - grid.len() * grid.slots;
    let leads = blend.path.len() * grid.slots;
    let every = (leads * blend.past.len()).div_ceil(MOST_RESIDUALS);
    let mut found = Vec::with_capacity(leads * blend.past.len() / every + blend.past.len());
    let mut weight = 1.0;
    for (age, past) in blend.past.iter().enumerate() {
        let first = skipped + (past.at + 1) * grid.slots;
        // Another phase each time, so that no minute of the hour is left out.
        for i in (age * 7 % every..leads).step_by(every) {
            if let Some(value) = series.value(first + i) {
                // Where a bin is a slot, the grid has it already.
                let z = if grid.slots == 1 { grid.z[past.at + 1 + i] } else { ln(1.0 + value / scale) };
                let slot = slot(series.timestamp_ms(first + i));
                found.push(Residual { value: z - path_at(&past.path, grid.slots, i), weight, slot, lead: i });
            }
        }
        weight *= decay;
    }
    found
}

fn slot(ts_ms: i64) -> usize {
    (ts_ms.rem_euclid(DAY_MS) / (HOUR_MS / 2)) as usize % PROFILE
}

/// [mean |residual| around a time of day ÷ overall]^power, drawn to 1 where little was seen.
fn profile(residuals: &[Residual]) -> Vec<f64> {
    let (mut sums, mut weights) = ([0.0; PROFILE], [0.0; PROFILE]);
    for residual in residuals {
        sums[residual.slot] += residual.weight * residual.value.abs();
        weights[residual.slot] += residual.weight;
    }
    let (sum, weight): (f64, f64) = (sums.iter().sum(), weights.iter().sum());
    let mut profile = vec![1.0; PROFILE];
    if sum <= 0.0 {
        return profile;
    }
    let overall = sum / weight;
    let window = (2 * PROFILE_HALF + 1) as f64;
    let prior = PROFILE_PRIOR * weight / PROFILE as f64 * window;
    for (i, scale) in profile.iter_mut().enumerate() {
        let around = (0..=2 * PROFILE_HALF).map(|k| (i + PROFILE + k - PROFILE_HALF) % PROFILE);
        let (near, n) = around.fold((0.0, 0.0), |(s, w), k| (s + sums[k], w + weights[k]));
        *scale = libm::pow((near + prior * overall) / (n + prior) / overall, PROFILE_POWER);
    }
    profile
}

#[cfg(test)]
mod tests;
