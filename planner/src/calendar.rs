//! What a person knows of the days ahead and no history tells: a market that opens at 09:30, a sale on one evening.
//!
//! Times are local to the service's zone, so that an event stays at 09:30 when the clocks change. An event that the change skips (02:30 in a
//! night without one) begins by as much later as the clock jumps; one that the change repeats takes place once, the first time. `lasts` is time
//! that passes, not what a clock on the wall shows.
//!
//! Zones come from the data that is compiled in: the same file gives the same plan on every machine, and nothing is read.

use std::cmp::Reverse;

use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, ToSpan};
use predictor::{Forecast, Series};
use serde::{Deserialize, Serialize};

use crate::config::ServiceConfig;
use crate::text;

mod at;
mod clocks;
mod spoken;
pub use at::{At, Day};
pub use clocks::clocks;

/// An event in a service's calendar.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CalendarEvent {
    /// For people: decisions name it.
    pub name: String,
    /// When it begins, in the service's zone.
    pub at: At,
    /// Not on days before this one.
    #[serde(default)]
    pub from: Option<Day>,
    /// Not on days after this one.
    #[serde(default)]
    pub until: Option<Day>,
    /// How long it lasts, up to [`MOST_MS`].
    pub lasts_ms: i64,
    /// The forecast load is multiplied by this. Of events at the same time the multipliers multiply.
    #[serde(default)]
    pub multiplier: Option<f64>,
    /// At least so many replicas, ready when it begins.
    #[serde(default)]
    pub floor: Option<u32>,
    /// At most so many replicas; where a floor says otherwise, this counts.
    #[serde(default)]
    pub ceiling: Option<u32>,
}

/// Longest event: what takes longer than a week is not an event but a new normal, which the rails are for.
pub const MOST_MS: i64 = 7 * 86_400_000;

/// The zone of this name in the IANA database.
pub fn zone(name: &str) -> Option<TimeZone> {
    TimeZoneDatabase::bundled().get(name).ok()
}

/// One time that an event takes place.
#[derive(Clone, Debug)]
pub(crate) struct Occurrence<'a> {
    pub event: &'a CalendarEvent,
    /// Begin.
    pub from_ms: i64,
    /// End; not part of it any more.
    pub until_ms: i64,
}

impl Occurrence<'_> {
    fn holds(&self, at_ms: i64) -> bool {
        (self.from_ms..self.until_ms).contains(&at_ms)
    }
}

/// The events of a service in its zone.
#[derive(Clone, Debug)]
pub(crate) struct Calendar<'a> {
    config: &'a ServiceConfig,
    zone: TimeZone,
}

impl<'a> Calendar<'a> {
    /// `None` for a service without events: most have none, and their decisions shouldn't pay for it.
    pub fn of(config: &'a ServiceConfig) -> Option<Calendar<'a>> {
        if config.events.is_empty() {
            return None;
        }
        // A name that isn't one never gets past the check of the configuration.
        Some(Calendar { config, zone: zone(&config.time_zone).unwrap_or(TimeZone::UTC) })
    }

    /// What overlaps with `[from_ms, to_ms]`, by begin.
    pub fn occurrences(&self, from_ms: i64, to_ms: i64) -> Vec<Occurrence<'a>> {
        let mut found = Vec::new();
        for event in &self.config.events {
            let Some(begins) = self.begins(event, from_ms.saturating_sub(event.lasts_ms), to_ms) else { continue };
            let occurrence = |from_ms: i64| Occurrence { event, from_ms, until_ms: from_ms.saturating_add(event.lasts_ms) };
            found.extend(begins.into_iter().map(occurrence).filter(|one| one.from_ms <= to_ms && one.until_ms > from_ms));
        }
        found.sort_by_key(|one| (one.from_ms, one.until_ms));
        found
    }

    /// When an event begins in `[from_ms, to_ms]`, and perhaps a little outside; `None` for times that no calendar has.
    fn begins(&self, event: &CalendarEvent, from_ms: i64, to_ms: i64) -> Option<Vec<i64>> {
        let local = |at_ms: i64| Some(Timestamp::from_millisecond(at_ms).ok()?.to_zoned(self.zone.clone()).date());
        // A skipped hour moves a begin into the next day at most.
        let (mut day, last) = (local(from_ms)?.checked_sub(1.day()).ok()?, local(to_ms)?);
        let mut begins = Vec::new();
        while day <= last {
            let known = event.from.is_none_or(|from| from.0 <= day) && event.until.is_none_or(|until| day <= until.0);
            if let Some(at) = event.at.on(day).filter(|_| known) {
                // Skipped: later by the length of the gap. Repeated: the first of the two.
                begins.push(self.zone.to_ambiguous_timestamp(at).compatible().ok()?.as_millisecond());
            }
            day = day.tomorrow().ok()?;
        }
        Some(begins)
    }

    /// Everything that may limit the fleet within `[from_ms, to_ms]`: what runs then, and what begins so soon after that it casts its floor ahead.
    pub fn limits(&self, from_ms: i64, to_ms: i64, lead_ms: i64) -> Vec<Occurrence<'a>> {
        let highest = self.config.events.iter().filter_map(|event| event.floor).max();
        let ahead_ms = highest.map_or(0, |floor| self.ahead_ms(lead_ms, floor));
        self.occurrences(from_ms, to_ms.saturating_add(ahead_ms))
    }

    /// The largest floor among `limits` that must be asked for at a moment: of an event that runs, or that begins so soon that an order placed
    /// later would be too late.
    pub fn floor<'b>(&self, limits: &'b [Occurrence<'a>], at_ms: i64, lead_ms: i64) -> Option<(u32, &'b Occurrence<'a>)> {
        let floors = limits.iter().filter(|one| at_ms < one.until_ms).filter_map(|one| Some((one.event.floor?, one)));
        let due = floors.filter(|(floor, one)| one.from_ms.saturating_sub(self.ahead_ms(lead_ms, *floor)) <= at_ms);
        due.max_by_key(|(floor, one)| (*floor, Reverse(one.from_ms)))
    }

    /// How long before an event its floor is asked for: the lead time, a tick, and a tick more for each step that the rails cut it into.
    fn ahead_ms(&self, lead_ms: i64, floor: u32) -> i64 {
        let rails = &self.config.rails;
        let steps = floor.saturating_sub(rails.min).div_ceil(rails.step_up.max(1));
        lead_ms.saturating_add(self.config.tick_ms.saturating_mul(i64::from(steps).saturating_add(1)))
    }

    /// What is least at a moment, in words; `None` when no event says so.
    pub fn least(&self, now_ms: i64, lead_ms: i64) -> Option<(u32, String)> {
        let limits = self.limits(now_ms, now_ms, lead_ms);
        self.floor(&limits, now_ms, lead_ms).map(|(floor, one)| (floor, self.at_least(floor, one)))
    }

    /// The lowest ceiling in force at a moment.
    pub fn ceiling(&self, now_ms: i64) -> Option<(u32, Occurrence<'a>)> {
        let limits = self.occurrences(now_ms, now_ms);
        ceiling(&limits, now_ms).map(|(replicas, one)| (replicas, one.clone()))
    }

    /// What multiplies the load within `[from_ms, to_ms]`.
    pub fn multipliers(&self, from_ms: i64, to_ms: i64) -> Vec<Occurrence<'a>> {
        let mut found = self.occurrences(from_ms, to_ms);
        found.retain(|one| one.event.multiplier.is_some());
        found
    }

    /// When the multiplier changes within `(from_ms, to_ms)`, ascending.
    pub fn cuts(&self, from_ms: i64, to_ms: i64) -> Vec<i64> {
        pieces(&self.multipliers(from_ms, to_ms), from_ms, to_ms).into_iter().skip(1).map(|(cut, _)| cut).collect()
    }

    /// The largest product of multipliers at any moment of `[from_ms, to_ms]`.
    pub fn highest_factor(&self, from_ms: i64, to_ms: i64) -> f64 {
        let found = self.multipliers(from_ms, to_ms);
        pieces(&found, from_ms, to_ms).into_iter().map(|(from, _)| factor(&found, from)).fold(0.0, f64::max)
    }

    /// As [`Forecast::window_max`], with the load multiplied where an event says so. Each stretch of the window with the same multiplier is asked
    /// for its own maximum, and the largest counts.
    pub fn window_max(&self, forecast: &Forecast, from_ms: i64, to_ms: i64, quantile: f64) -> Option<f64> {
        let found = self.multipliers(from_ms, to_ms);
        let mut highest = None;
        for (from, to) in pieces(&found, from_ms, to_ms) {
            let rps = factor(&found, from) * forecast.window_max(from, to, quantile)?;
            highest = Some(f64::max(rps, highest.unwrap_or(0.0)));
        }
        highest
    }
}

/// The lowest ceiling among events at a moment.
pub(crate) fn ceiling<'b, 'a>(limits: &'b [Occurrence<'a>], at_ms: i64) -> Option<(u32, &'b Occurrence<'a>)> {
    let now = limits.iter().filter(|one| one.holds(at_ms)).filter_map(|one| Some((one.event.ceiling?, one)));
    now.min_by_key(|(ceiling, one)| (*ceiling, one.from_ms))
}

/// What multiplies the load at a moment.
fn factor(found: &[Occurrence], at_ms: i64) -> f64 {
    found.iter().filter(|one| one.holds(at_ms)).filter_map(|one| one.event.multiplier).product()
}

/// A window cut where an event begins or ends.
fn pieces(found: &[Occurrence], from_ms: i64, to_ms: i64) -> Vec<(i64, i64)> {
    let ends = found.iter().flat_map(|one| [one.from_ms, one.until_ms]);
    let mut cuts: Vec<i64> = ends.filter(|&cut| from_ms < cut && cut < to_ms).chain([from_ms]).collect();
    cuts.sort_unstable();
    cuts.dedup();
    let ends = cuts.iter().skip(1).copied().chain([to_ms]).collect::<Vec<_>>();
    cuts.into_iter().zip(ends).collect()
}

/// The series without what a multiplying event that runs now has shown so far: the forecast is of the load without the event, and is multiplied
/// afterwards. Learnt from, the event would count twice.
pub fn without_running_events(series: Series, config: &ServiceConfig, now_ms: i64) -> Series {
    let running = Calendar::of(config).map(|calendar| calendar.multipliers(now_ms, now_ms)).unwrap_or_default();
    let Some(from_ms) = running.iter().map(|one| one.from_ms).min() else { return series };
    let step_ms = series.step_ms();
    let mut kept = series.until(from_ms.saturating_sub(step_ms));
    for _ in kept.len()..series.len() {
        kept.push(None);
    }
    kept
}

#[cfg(test)]
mod tests;
