//! What can be asked, and why it may be refused.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The quantiles that the planner and the page use.
pub const DEFAULT_QUANTILES: [f64; 7] = [0.05, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99];

/// No forecast is made from less than this.
pub const MIN_HISTORY_MS: i64 = 3_600_000;

/// The longest horizon.
pub const MAX_HORIZON_MS: i64 = 7 * DAY_MS;

/// A day [ms].
pub const DAY_MS: i64 = 86_400_000;

/// Which model answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelChoice {
    /// All members, mixed by a power of their loss on past origins.
    #[default]
    Auto,
    /// The same with the members that cost too much for every minute: elastic net, regression trees and the recurrent network.
    AutoWide,
    /// One member alone, with intervals made the same way.
    Named(Member),
}

macro_rules! members {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal,)+) => {
        /// A member of the blend.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Member {
            $($(#[doc = $doc])+ #[serde(rename = $name)] $variant,)+
        }

        impl Member {
            /// All members, in the order of their names in results.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The member's name on the command line and in results.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }
    };
}

members! {
    /// Yesterday's value at this time.
    SeasonalNaiveDay = "seasonal_naive_day",
    /// Last week's value at this time.
    SeasonalNaiveWeek = "seasonal_naive_week",
    /// Yesterday's value, moved by what the last hour differs; that fades.
    SeasonalNaiveDayLevel = "seasonal_naive_day_level",
    /// Last week's value, moved by the level's lasting change and by what the last hour differs beyond it.
    SeasonalNaiveWeekLevel = "seasonal_naive_week_level",
    /// Averages of whole-day lags by calendar class, corrected by the level's change.
    Calendar = "calendar",
    /// The same with smoothed lags.
    CalendarSmooth = "calendar_smooth",
    /// The same weekday above all, long memory.
    CalendarWeekday = "calendar_weekday",
    /// The same with smoothed lags.
    CalendarWeekdaySmooth = "calendar_weekday_smooth",
    /// A long memory, nearly all days alike.
    CalendarSlow = "calendar_slow",
    /// The same with smoothed lags.
    CalendarSlowSmooth = "calendar_slow_smooth",
    /// Lightly smoothed lags; the last hour's level is kept for half a day.
    CalendarLevel = "calendar_level",
    /// Smoothed over a quarter of an hour, for the next hour.
    CalendarNear = "calendar_near",
    /// Direct ridge regression on lags, Fourier terms and calendar.
    Ridge = "ridge",
    /// The same with an elastic net, which takes columns out.
    ElasticNet = "elastic_net",
    /// Boosted regression trees of the very series.
    Tree = "tree",
    /// Gradient-boosted trees, trained in advance on many services.
    Boosted = "boosted",
    /// A small recurrent network, trained in advance on many services.
    Lstm = "lstm",
    /// The recent level, held.
    LastValue = "last_value",
}

impl ModelChoice {
    /// Whether members are mixed, not one asked by its name.
    #[must_use]
    pub fn is_mix(self) -> bool {
        !matches!(self, Self::Named(_))
    }
}

impl fmt::Display for ModelChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::AutoWide => f.write_str("auto_wide"),
            Self::Named(member) => f.write_str(member.name()),
        }
    }
}

/// A model name that doesn't exist.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("model = {name:?}: auto, auto_wide, {} are allowed", allowed_members())]
pub struct UnknownModel {
    /// The name given.
    pub name: String,
}

fn allowed_members() -> String {
    Member::ALL.iter().map(|member| member.name()).collect::<Vec<_>>().join(", ")
}

impl FromStr for ModelChoice {
    type Err = UnknownModel;

    fn from_str(name: &str) -> Result<Self, UnknownModel> {
        if name == "auto" {
            return Ok(Self::Auto);
        }
        if name == "auto_wide" {
            return Ok(Self::AutoWide);
        }
        let member = Member::ALL.iter().copied().find(|member| member.name() == name);
        member.map(Self::Named).ok_or_else(|| UnknownModel { name: name.to_owned() })
    }
}

/// What is asked of [`crate::forecast`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// How far to look ahead [ms]; a multiple of the series' step is reached, rounded up.
    pub horizon_ms: i64,
    /// Levels in (0, 1), in any order; stored sorted.
    pub quantiles: Vec<f64>,
    /// Which model answers.
    pub model: ModelChoice,
}

impl Request {
    /// The blend's forecast over `horizon_ms` at [`DEFAULT_QUANTILES`].
    #[must_use]
    pub fn over(horizon_ms: i64) -> Self {
        Self { horizon_ms, quantiles: DEFAULT_QUANTILES.to_vec(), model: ModelChoice::Auto }
    }
}

/// Why there is no forecast. None of these is ever a number.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ForecastError {
    /// The observed history is too short: an hour is needed, and more by a member that is asked for by name.
    #[error("not enough history: {} observed, {} needed", Span(*have_ms), Span(*need_ms))]
    NotEnoughHistory {
        /// Observed values times the step [ms].
        have_ms: i64,
        /// What would be enough [ms].
        need_ms: i64,
    },
    /// Nothing was observed for so long before the origin that the level is unknown.
    #[error("no observation for {} before the origin: at most 24 h are bridged", Span(origin_ms - last_ms))]
    NoRecentData {
        /// Timestamp of the last observation [epoch ms].
        last_ms: i64,
        /// The origin asked for [epoch ms].
        origin_ms: i64,
    },
    /// The horizon is outside of what is allowed.
    #[error("horizon = {horizon_ms} ms: more than 0 and at most {MAX_HORIZON_MS} ms (7 d) is allowed")]
    Horizon {
        /// The horizon asked for [ms].
        horizon_ms: i64,
    },
    /// A quantile level is outside of (0, 1), or there is none.
    #[error("quantiles = {quantiles:?}: at least one level is needed, each between 0 and 1, both excluded")]
    Quantiles {
        /// The levels asked for.
        quantiles: Vec<f64>,
    },
}

/// A stretch of time for people.
struct Span(i64);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let minutes = self.0 / 60_000;
        match (minutes / 1_440, minutes % 1_440 / 60, minutes % 60) {
            (0, 0, m) => write!(f, "{m} min"),
            (0, h, 0) => write!(f, "{h} h"),
            (0, h, m) => write!(f, "{h} h {m} min"),
            (d, 0, 0) => write!(f, "{d} d"),
            (d, h, 0) => write!(f, "{d} d {h} h"),
            (d, h, m) => write!(f, "{d} d {h} h {m} min"),
        }
    }
}
