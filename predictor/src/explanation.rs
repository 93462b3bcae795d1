//! Why a forecast says what it says: who was listened to and how good they were, whether a flash crowd is followed, and what its width
//! rests on.

use serde::{Deserialize, Serialize};

use crate::{holiday::ExpectedHoliday, tracking::Record};

/// What a forecast rests on. A cold start and a forecast that somebody else made have no mix.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    /// The mix that speaks for the next hour.
    pub near: Option<Mix>,
    /// The mix that speaks for the rest; `None` where the horizon is an hour or less.
    pub far: Option<Mix>,
    /// How sure it is that the load is in a flash crowd, which the next hour then follows: 0 (there is none) … 1.
    pub crowd: f64,
    /// How the quantiles of the forecasts that were issued before did, and what became of these for it ([`crate::Tracker`]); empty without any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub record: Vec<Record>,
    /// The holidays from the origin's day to the horizon's end, and what they are expected to do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holidays: Vec<ExpectedHoliday>,
}

/// The members of a mix as they were judged, and how many errors its quantiles come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mix {
    /// Everybody who was asked.
    pub members: Vec<JudgedMember>,
    /// Past errors behind the quantiles.
    pub residuals: usize,
    /// What they are worth as equally weighted ones: (Σw)² / Σw², for older ones weigh less.
    pub effective_residuals: f64,
}

/// A member of a mix, and how good it was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JudgedMember {
    /// The member.
    pub name: String,
    /// Its share in the mix, 0 … 1.
    pub weight: f64,
    /// Its mean error at past origins of this series, relative to that of the best member (1.0); `None` if it could not be judged.
    pub loss: Option<f64>,
    /// Past origins that it was judged at.
    pub origins: usize,
}

/// Digits beyond these are noise, and make answers long.
pub(crate) fn four_decimals(value: f64) -> f64 {
    libm::round(value * 1e4) / 1e4
}
