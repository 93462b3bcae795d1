//! A service's forecasts from one to the next: made anew now and then, updated between, and followed by what came of the earlier ones.

use predictor::{Fitted, ForecastError, Record, Request, Series, Tracker, boosted::Models};
use serde::{Deserialize, Serialize};

use crate::calendar::{CalendarEvent, Holidays, Outlined, Place, Usual};

/// What is kept of a service's forecasts: what the last one learnt of the history, and the record of all. It can be written down and read
/// again, so that a restart neither judges every member anew nor forgets the record.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Forecaster {
    fitted: Option<Fitted>,
    /// Of which place `fitted` is: its zone and what it had planned.
    place: (String, Vec<CalendarEvent>),
    /// Its holidays.
    holidays: Vec<Holidays>,
    tracker: Tracker,
}

/// What is asked of a [`Forecaster`].
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Whose clocks, events and holidays.
    pub place: Place<'a>,
    /// Rows after this aren't looked at [epoch ms].
    pub origin_ms: i64,
    /// How far ahead, at which levels, by which model.
    pub request: &'a Request,
    /// How long an update may rest on the same fit [ms]; 0 = every forecast is made anew.
    pub refit_ms: i64,
    /// The trained models that are asked.
    pub models: &'a Models,
}

impl Forecaster {
    /// The forecast of a series: its quantiles follow the record of the earlier ones, which the same series judges first. Rows after the
    /// origin aren't looked at.
    ///
    /// # Errors
    /// As [`predictor::forecast`]; the record stays as it is.
    pub fn forecast(&mut self, series: &Series, asked: &Asked) -> Result<Outlined, ForecastError> {
        let Asked { place, origin_ms, request, refit_ms, models } = *asked;
        let Usual { series, learnt, clocks } = Usual::of(series, place, origin_ms, request.horizon_ms);
        let kept = self.fitted.take().filter(|fitted| {
            let age_ms = origin_ms.saturating_sub(fitted.at_ms());
            let of_here = self.place.0 == place.time_zone && self.place.1 == place.events && self.holidays == place.holidays;
            of_here && (0..refit_ms).contains(&age_ms) && fitted.answers(request)
        });
        let updated = kept.and_then(|kept| Some((kept.update(&series, origin_ms, &clocks, models)?, kept)));
        let mut forecast = match updated {
            Some((forecast, kept)) => {
                self.fitted = Some(kept);
                forecast
            }
            None => {
                let (forecast, fitted) = predictor::fit(&series, origin_ms, request, &clocks, models)?;
                self.fitted = fitted;
                self.place = (place.time_zone.to_owned(), place.events.to_vec());
                self.holidays = place.holidays.to_vec();
                forecast
            }
        };
        self.tracker.judge(&series, origin_ms);
        self.tracker.follow(&mut forecast);
        Ok(Outlined { forecast, learnt })
    }

    /// How the quantiles did so far, by lead and level.
    pub fn records(&self) -> impl Iterator<Item = Record> {
        self.tracker.records()
    }

    /// The origin of the fit that updates rest on [epoch ms]; `None` where the last forecast was a cold start, or there was none.
    #[must_use]
    pub fn fitted_ms(&self) -> Option<i64> {
        self.fitted.as_ref().map(Fitted::at_ms)
    }
}

#[cfg(test)]
mod tests;
