//! What a forecast learnt of a history, kept: the members' weights, the regression, the distribution of their errors. Forecasts of the next
//! minutes are made of it and of what was observed meanwhile, without judging every member at every past origin again.

use serde::{Deserialize, Serialize};

use crate::{
    boosted::Models,
    calendar::Calendar,
    clean::{self, Cleaning},
    forecast::{Basis, Forecast},
    frame::Frame,
    model::{Answer, answered, prepare},
    request::{MIN_HISTORY_MS, Request},
    series::Series,
    stretch::{Learnt, far, near},
};

/// Longer after the fit, what it learnt is old.
const MAX_AGE_MS: i64 = 6 * 3_600_000;

/// What [`crate::fit`] learnt of a series. It can be written down and read again; what was read from a damaged place makes no forecast, and
/// never panics.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fitted {
    pub(crate) at_ms: i64,
    /// With ascending quantiles.
    pub(crate) request: Request,
    pub(crate) step_ms: i64,
    /// The first row after a lasting change of level, by the clocks [ms], and the note of what was left out.
    pub(crate) change: Option<(i64, Cleaning)>,
    pub(crate) scale: f64,
    pub(crate) basis: Basis,
    /// Of the next hour, and of the rest.
    pub(crate) learnt: (Learnt, Option<Learnt>),
}

impl Fitted {
    /// The origin of the fit [epoch ms].
    #[must_use]
    pub fn at_ms(&self) -> i64 {
        self.at_ms
    }

    /// Whether it is what was learnt for this request, with the quantiles in any order.
    #[must_use]
    pub fn answers(&self, request: &Request) -> bool {
        let mut quantiles = request.quantiles.clone();
        quantiles.sort_by(f64::total_cmp);
        quantiles.dedup();
        self.request == Request { quantiles, ..*request }
    }

    /// The forecast at a later origin of the same series: weights and errors are those of the fit, levels, lags and flash crowds those of the
    /// series as it is now. At the fit's own origin it is the fit's forecast, to the byte.
    ///
    /// `None` when a new fit is due: the origin lies before this one or more than six hours after it, the series has another step, the clocks
    /// change within the horizon, nothing can be forecast at all (a fit says why), or this was read from a damaged place.
    #[must_use]
    pub fn update(&self, series: &Series, origin_ms: i64, calendar: &Calendar, models: &Models) -> Option<Forecast> {
        let age_ms = origin_ms.checked_sub(self.at_ms)?;
        if !(0..=MAX_AGE_MS).contains(&age_ms) || series.step_ms() != self.step_ms || !(self.scale.is_finite() && self.scale > 0.0) {
            return None;
        }
        let prepared = prepare(series, origin_ms, MIN_HISTORY_MS, calendar, self.request.horizon_ms).ok()?;
        let (mut series, mut cleaning, mut median) = (prepared.series, prepared.cleaning, prepared.median);
        if let Some((since_ms, note)) = &self.change {
            series = series.since(*since_ms);
            cleaning.push(note.clone());
            median = clean::positive_median(series.raw());
        }
        let frame = Frame::of(&series, origin_ms, self.request.horizon_ms, (self.scale, median), calendar, models, &prepared.effects);
        let levels = &self.request.quantiles;
        let model = self.request.model;
        let near = near(&series, &frame, model).again(&series, &frame, levels, &self.learnt.0)?;
        let far = match &self.learnt.1 {
            Some(learnt) => Some(far(&series, &frame, model).again(&series, &frame, levels, learnt)?),
            None => None,
        };
        let answer = Answer::of(&frame, &near, far.as_ref(), self.basis, levels.len());
        answer.is_finite().then(|| answered(&series, &frame, model, levels.clone(), cleaning, answer, prepared.highest))
    }
}

#[cfg(test)]
mod tests;
