//! Why a forecast says what it says.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a forecast rests on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Explanation {
    /// The mix that speaks for the next hour; absent for a cold start, which has no members.
    #[schema(required)]
    pub near: Option<ForecastMix>,
    /// The mix that speaks for the rest.
    #[schema(required)]
    pub far: Option<ForecastMix>,
    /// How sure it is that the load is in a flash crowd, which the next hour then follows: 0 (there is none) … 1.
    pub crowd: f64,
    /// How the quantiles that were issued so far did: per lead and level that was judged at least once.
    pub record: Vec<TrackRecord>,
    /// The public holidays from the forecast's day to the horizon's end.
    pub holidays: Vec<ForecastHoliday>,
    /// What was done to the history before it was learnt from.
    pub cleaning: Vec<String>,
}

/// A day that isn't as its weekday, and what is expected of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ForecastHoliday {
    /// The day by the service's clocks, such as `2026-12-25`.
    pub date: String,
    /// The holiday.
    pub name: String,
    /// What the load of the whole day is multiplied by, on average; 1 while nothing is known of such days.
    pub factor: f64,
    /// How often the history showed this holiday; without it, Sundays and other holidays stand for it.
    pub earlier: u64,
}

/// The members of a mix as they were judged, and how many errors its quantiles come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ForecastMix {
    /// Everybody who was asked.
    pub members: Vec<JudgedMember>,
    /// Past errors behind the quantiles.
    pub residuals: u64,
    /// What they are worth as equally weighted ones; older ones weigh less.
    pub effective_residuals: f64,
}

/// A member of a mix, and how good it was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct JudgedMember {
    /// The model's name.
    pub name: String,
    /// Its share; all shares add up to 1.
    pub weight: f64,
    /// Its mean error at past origins of this series, relative to that of the best member (1); absent if it could not be judged.
    #[schema(required)]
    pub loss: Option<f64>,
    /// Past origins that it was judged at.
    pub origins: u64,
}

/// How a quantile did at a lead, and what is made of it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TrackRecord {
    /// Seconds from the forecast to what it was about.
    pub lead_s: f64,
    /// The quantile's level.
    pub level: f64,
    /// Steps that it was judged at.
    pub judged: u64,
    /// Share of them whose load was at most the quantile.
    pub coverage: f64,
    /// What its distance from the median is multiplied by for that (1: nothing).
    pub stretch: f64,
}

impl Explanation {
    /// As the predictor gave it.
    #[must_use]
    pub fn of(forecast: &predictor::Forecast) -> Self {
        let predictor::Explanation { near, far, crowd, record, holidays } = &*forecast.explanation;
        Self {
            near: near.as_ref().map(ForecastMix::from),
            far: far.as_ref().map(ForecastMix::from),
            crowd: *crowd,
            record: record.iter().map(TrackRecord::from).collect(),
            holidays: holidays.iter().map(ForecastHoliday::from).collect(),
            cleaning: forecast.cleaning.iter().map(ToString::to_string).collect(),
        }
    }
}

impl From<&predictor::ExpectedHoliday> for ForecastHoliday {
    fn from(holiday: &predictor::ExpectedHoliday) -> Self {
        let predictor::ExpectedHoliday { date, name, factor, earlier } = holiday;
        Self { date: date.clone(), name: name.clone(), factor: *factor, earlier: *earlier as u64 }
    }
}

impl From<&predictor::Record> for TrackRecord {
    fn from(record: &predictor::Record) -> Self {
        let predictor::Record { lead_ms, level, judged, coverage, stretch } = *record;
        Self { lead_s: lead_ms as f64 / 1e3, level, judged, coverage, stretch }
    }
}

impl From<&predictor::Mix> for ForecastMix {
    fn from(mix: &predictor::Mix) -> Self {
        let judged = |member: &predictor::JudgedMember| JudgedMember {
            name: member.name.clone(),
            weight: member.weight,
            loss: member.loss,
            origins: member.origins as u64,
        };
        Self {
            members: mix.members.iter().map(judged).collect(),
            residuals: mix.residuals as u64,
            effective_residuals: mix.effective_residuals,
        }
    }
}
