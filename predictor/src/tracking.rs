//! Quantiles that learn from their own record: each level of each lead is moved by whether it covered what came.
//!
//! Method: conformal PID control (Angelopoulos, Candès, Tibshirani, 2023, arXiv 2307.16895) on the distance of a quantile from the median on
//! the log scale. Quantile tracking moves it a little after each step that it was judged at, up by a miss, down by a hit, so that in the long
//! run each level covers its share whatever the load does; the integral term moves it more where the record stays off. The forecast itself
//! foretells how errors change with the time of day and the lead.
//!
//! Errors of neighbouring origins at the same lead are nearly the same error. So promises are taken twelve times per lead, and each counts as a
//! twelfth.

use std::{cmp::Ordering, collections::VecDeque};

use serde::{Deserialize, Serialize};

use crate::{explanation::four_decimals, forecast::Forecast, series::Series};

/// Leads at which promises are judged [ms]; between them the stretch is interpolated by the logarithm of the lead.
const LEADS_MS: [i64; 4] = [600_000, 3_600_000, 21_600_000, 86_400_000];
/// How far a miss moves a quantile at each of them, as a share of its distance from the median: less at those that are judged rarely, where a
/// bad day would move it for weeks.
const STEPS: [f64; 4] = [0.1, 0.07, 0.03, 0.02];
/// Promises per lead.
const PER_LEAD: i64 = 12;
/// Strength of the integral term, …
const INTEGRAL: f64 = 0.1;
/// … and the mean error of the coverage, times the logarithm of the record's length, at which it saturates.
const SATURATION: f64 = 0.7;
/// Judged promises after which the integral forgets as much as it learns.
const MEMORY: f64 = 600.0;
/// A distance is stretched by at least and at most this.
const LIMITS: (f64, f64) = (0.5, 4.0);

/// The record of a service's forecasts and what it says about the next ones. Small, and survives being written down.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tracker {
    /// Ascending; a forecast with other levels begins anew.
    levels: Vec<f64>,
    leads: Vec<Lead>,
}

/// The record at one lead.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Lead {
    /// Not yet judged, by time: (end of the step [epoch ms], what was promised at each level).
    open: VecDeque<(i64, Vec<f64>)>,
    /// The origin of the newest promise [epoch ms].
    newest_ms: i64,
    judged: u64,
    tracks: Vec<Track>,
}

/// One level's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Track {
    /// What tracking adds to a stretch of 1.
    moved: f64,
    /// Sum of the errors of the coverage, forgotten slowly, and its weight.
    sum: f64,
    weight: f64,
    /// How many of the judged steps were at or below the level.
    covered: u64,
}

/// How a level did at a lead.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The lead [ms].
    pub lead_ms: i64,
    /// The level.
    pub level: f64,
    /// Steps it was judged at.
    pub judged: u64,
    /// Share of them that it covered.
    pub coverage: f64,
    /// What its distance from the median is multiplied by now.
    pub stretch: f64,
}

impl Tracker {
    /// Judges what was promised about steps up to `until_ms` that the series knows. A step without a value is not judged.
    pub fn judge(&mut self, series: &Series, until_ms: i64) {
        let (levels, last_ms) = (&self.levels, until_ms.min(series.end_ms() - series.step_ms()));
        for (lead, step) in self.leads.iter_mut().zip(STEPS) {
            while let Some((ts_ms, promised)) = lead.open.pop_front_if(|(ts_ms, _)| *ts_ms <= last_ms) {
                let slot = usize::try_from((ts_ms - series.start_ms()).div_euclid(series.step_ms())).ok();
                if let Some(value) = slot.and_then(|slot| series.value(slot)) {
                    lead.judge(levels, &promised, value, step);
                }
            }
        }
    }

    /// Moves a forecast's quantiles as the record says, and takes down what it promises now.
    pub fn follow(&mut self, forecast: &mut Forecast) {
        if self.levels != forecast.quantiles {
            *self = Self { levels: forecast.quantiles.clone(), leads: LEADS_MS.map(|_| Lead::new(&forecast.quantiles)).into() };
        }
        let stretches: Vec<(i64, Vec<f64>)> =
            LEADS_MS.iter().zip(&self.leads).map(|(lead_ms, lead)| (*lead_ms, lead.tracks.iter().map(Track::stretch).collect())).collect();
        forecast.stretch(stretches);
        for (lead_ms, lead) in LEADS_MS.iter().zip(&mut self.leads) {
            lead.promise(*lead_ms, forecast);
        }
        forecast.explanation.record = self.records().filter(|record| record.judged > 0).collect();
    }

    /// How each level did at each lead, in this order.
    pub fn records(&self) -> impl Iterator<Item = Record> {
        LEADS_MS.iter().zip(&self.leads).flat_map(|(lead_ms, lead)| {
            self.levels.iter().zip(&lead.tracks).map(|(level, track)| Record {
                lead_ms: *lead_ms,
                level: *level,
                judged: lead.judged,
                coverage: four_decimals(track.covered as f64 / lead.judged.max(1) as f64),
                stretch: four_decimals(track.stretch()),
            })
        })
    }
}

impl Lead {
    fn new(levels: &[f64]) -> Self {
        Self { open: VecDeque::new(), newest_ms: i64::MIN, judged: 0, tracks: vec![Track::default(); levels.len()] }
    }

    fn promise(&mut self, lead_ms: i64, forecast: &Forecast) {
        let due_ms = self.newest_ms.saturating_add(lead_ms / PER_LEAD);
        let step = ((lead_ms + forecast.step_ms - 1) / forecast.step_ms) as usize;
        let Some(point) = step.checked_sub(1).and_then(|step| forecast.points.get(step)) else { return };
        if forecast.origin_ms < due_ms || self.open.back().is_some_and(|(ts_ms, _)| *ts_ms >= point.ts_ms) {
            return;
        }
        self.newest_ms = forecast.origin_ms;
        self.open.push_back((point.ts_ms, point.q.clone()));
    }

    fn judge(&mut self, levels: &[f64], promised: &[f64], value: f64, step: f64) {
        self.judged += 1;
        for ((level, promised), track) in levels.iter().zip(promised).zip(&mut self.tracks) {
            let covered = value <= *promised;
            track.covered += u64::from(covered);
            // How much farther from the median it should have been: the lower half is a mirror of the upper one.
            let error = match level.total_cmp(&0.5) {
                Ordering::Greater => f64::from(u8::from(!covered)) - (1.0 - level),
                Ordering::Less => f64::from(u8::from(value < *promised)) - level,
                Ordering::Equal => 0.0,
            };
            track.learn(error / PER_LEAD as f64, step);
        }
    }
}

impl Track {
    fn learn(&mut self, error: f64, step: f64) {
        self.moved = (self.moved + step * error).clamp(LIMITS.0 - 1.0, LIMITS.1 - 1.0);
        self.sum += error - self.sum / MEMORY;
        self.weight += 1.0 / PER_LEAD as f64 - self.weight / MEMORY;
    }

    fn stretch(&self) -> f64 {
        let angle = self.sum / self.weight.max(1.0) * libm::log1p(self.weight) / SATURATION;
        let integral = INTEGRAL * libm::tan(angle.clamp(-1.5, 1.5));
        let stretch = (1.0 + self.moved + integral).clamp(LIMITS.0, LIMITS.1);
        // What was read from a damaged place may be no number.
        if stretch.is_finite() { stretch } else { 1.0 }
    }
}

/// The stretch of each level at a lead [ms], between the leads that are known.
pub(crate) fn stretch_at(known: &[(i64, Vec<f64>)], lead_ms: i64, level: usize) -> f64 {
    let of = |at: usize| known[at].1.get(level).copied().unwrap_or(1.0);
    let above = known.partition_point(|(known_ms, _)| *known_ms < lead_ms);
    match above {
        _ if known.is_empty() => 1.0,
        0 => of(0),
        _ if above == known.len() => of(above - 1),
        _ => {
            let (low, high) = (known[above - 1].0 as f64, known[above].0 as f64);
            let share = libm::log(lead_ms as f64 / low) / libm::log(high / low);
            of(above - 1) + share * (of(above) - of(above - 1))
        }
    }
}

#[cfg(test)]
mod tests;
