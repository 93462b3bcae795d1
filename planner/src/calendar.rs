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
use predictor::Forecast;
use serde::{Deserialize, Serialize};

use crate::config::ServiceConfig;
use crate::text;

mod at;
mod clocks;
mod forecast;
mod history;
mod holidays;
mod learn;
mod spoken;
pub use at::{At, Day};
pub use clocks::clocks;
pub(crate) use forecast::Usual;
pub use forecast::{Outlined, forecast, forecast_with};
pub use history::without_events;
pub use holidays::{Holidays, holidays};
pub use learn::{Uplift, learn};

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
    /// What multiplies the load is learnt from earlier occurrences; not beside a multiplier or a floor.
    #[serde(default)]
    pub learn: bool,
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
    /// What was learnt of it, from at least one occurrence.
    pub uplift: Option<&'a Uplift>,
    /// Begin.
    pub from_ms: i64,
    /// End; not part of it any more.
    pub until_ms: i64,
}

impl Occurrence<'_> {
    fn holds(&self, at_ms: i64) -> bool {
        (self.from_ms..self.until_ms).contains(&at_ms)
    }

    /// What it multiplies the load by at a moment of it.
    fn factor(&self, at_ms: i64) -> f64 {
        let learnt = || self.uplift.map(|uplift| uplift.at(at_ms.saturating_sub(self.from_ms)));
        self.event.multiplier.or_else(learnt).unwrap_or(1.0)
    }

    /// When what it multiplies by may change.
    fn cuts(&self) -> impl Iterator<Item = i64> + use<> {
        let (from_ms, until_ms) = (self.from_ms, self.until_ms);
        let (piece_ms, pieces) = self.uplift.map_or((0, 0), |uplift| (uplift.piece_ms, uplift.factors.len() as i64));
        let inner = (1..pieces).map(move |piece| from_ms.saturating_add(piece_ms.saturating_mul(piece)));
        inner.filter(move |cut| *cut < until_ms).chain([from_ms, until_ms])
    }
}

/// Where and when a load goes up and down: whose clocks, and which events.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// A name of the IANA time zone database.
    pub time_zone: &'a str,
    /// What is planned, in that zone.
    pub events: &'a [CalendarEvent],
    /// Which days aren't as their weekday there.
    pub holidays: &'a [Holidays],
}

impl<'a> From<&'a ServiceConfig> for Place<'a> {
    fn from(config: &'a ServiceConfig) -> Self {
        Place { time_zone: &config.time_zone, events: &config.events, holidays: &config.holidays }
    }
}

/// The events of a service in its zone.
#[derive(Clone, Debug)]
pub(crate) struct Calendar<'a> {
    place: Place<'a>,
    /// Where replicas are ordered.
    config: Option<&'a ServiceConfig>,
    zone: TimeZone,
    learnt: &'a [Uplift],
}

impl<'a> Calendar<'a> {
    /// `None` for a service without events: most have none, and their decisions shouldn't pay for it.
    pub fn of(config: &'a ServiceConfig) -> Option<Calendar<'a>> {
        Calendar::at(Place::from(config), &[]).map(|calendar| Calendar { config: Some(config), ..calendar })
    }

    /// The events of a place, with what was learnt of them.
    pub fn at(place: Place<'a>, learnt: &'a [Uplift]) -> Option<Calendar<'a>> {
        // A name that isn't one never gets past the check of the configuration.
        let zone = || zone(place.time_zone).unwrap_or(TimeZone::UTC);
        (!place.events.is_empty()).then(|| Calendar { place, config: None, zone: zone(), learnt })
    }

    /// With what was learnt of its events.
    pub fn knowing(self, learnt: &'a [Uplift]) -> Calendar<'a> {
        Calendar { learnt, ..self }
    }

    /// What overlaps with `[from_ms, to_ms]`, by begin.
    pub fn occurrences(&self, from_ms: i64, to_ms: i64) -> Vec<Occurrence<'a>> {
        let mut found = Vec::new();
        for event in self.place.events {
            let Some(begins) = self.begins(event, from_ms.saturating_sub(event.lasts_ms), to_ms) else { continue };
            let uplift = self.learnt.iter().find(|uplift| event.learn && uplift.event == event.name && !uplift.factors.is_empty());
            let occurrence = |from_ms: i64| Occurrence { event, uplift, from_ms, until_ms: from_ms.saturating_add(event.lasts_ms) };
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
        let highest = self.place.events.iter().filter_map(|event| event.floor).max();
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
        let Some(ServiceConfig { rails, tick_ms, .. }) = self.config else { return lead_ms };
        let steps = floor.saturating_sub(rails.min).div_ceil(rails.step_up.max(1));
        lead_ms.saturating_add(tick_ms.saturating_mul(i64::from(steps).saturating_add(1)))
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
        found.retain(|one| one.event.multiplier.is_some() || one.uplift.is_some());
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
    found.iter().filter(|one| one.holds(at_ms)).map(|one| one.factor(at_ms)).product()
}

/// A window cut where an event begins or ends.
fn pieces(found: &[Occurrence], from_ms: i64, to_ms: i64) -> Vec<(i64, i64)> {
    let ends = found.iter().flat_map(Occurrence::cuts);
    let mut cuts: Vec<i64> = ends.filter(|&cut| from_ms < cut && cut < to_ms).chain([from_ms]).collect();
    cuts.sort_unstable();
    cuts.dedup();
    let ends = cuts.iter().skip(1).copied().chain([to_ms]).collect::<Vec<_>>();
    cuts.into_iter().zip(ends).collect()
}

#[cfg(test)]
mod tests;
