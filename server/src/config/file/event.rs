//! An event of a service's calendar.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::value::Span;

/// Which days aren't as their weekday, in one text or a list of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum HolidayList {
    /// A country (`DE`), a part of one (`US-CA`), an exchange (`XNYS`), or a day with its name (`2026-12-24 company holiday`).
    One(#[schemars(extend("x-kind" = "holidays"))] String),
    /// Several of them.
    Several(Vec<HolidayText>),
}

/// A country (`DE`), a part of one (`US-CA`), an exchange (`XNYS`), or a day with its name (`2026-12-24 company holiday`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend("x-kind" = "holidays"))]
pub struct HolidayText(String);

impl Default for HolidayList {
    fn default() -> Self {
        Self::Several(Vec::new())
    }
}

impl HolidayList {
    /// Without one.
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Several(list) if list.is_empty())
    }

    /// Each text.
    pub fn texts(&self) -> Vec<&str> {
        match self {
            Self::One(text) => vec![text],
            Self::Several(list) => list.iter().map(|text| text.0.as_str()).collect(),
        }
    }
}

/// What is known of the days ahead and no history tells: a market that opens, a sale. At least one of `multiplier`, `floor`, `ceiling` and `learn`.
/// Events may overlap. A multiplier is of the usual load: what the history shows of the event already is taken out of it before the load is
/// forecast, as far as it really rose then, so that nothing counts twice. A `floor` leaves the load alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Event {
    /// For people: decisions name it.
    #[schemars(length(min = 1, max = 100))]
    pub name: String,
    /// When it begins, local to the service's `time_zone`: a time and its days, such as `09:30 mon-fri`, `20:00 sat,sun` or `06:00 daily`, or one
    /// day, `2026-11-27T09:30`. A time that a clock change skips is later by as much, one that it repeats counts once, the first time.
    #[schemars(extend("x-kind" = "event time"))]
    pub at: String,
    /// Not on days before this one, such as `2026-11-01`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-kind" = "day"))]
    pub from: Option<String>,
    /// Not on days after this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-kind" = "day"))]
    pub until: Option<String>,
    /// How long it lasts, at most `7d`: time that passes, also when the clocks change meanwhile.
    pub lasts: Span,
    /// The forecast load is multiplied by this while it lasts. Of events at the same time the multipliers multiply. Without a forecast, the load
    /// now is multiplied a lead time before it begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.01, max = 1000.0))]
    pub multiplier: Option<f64>,
    /// At least so many replicas while it lasts, within the rails. They are ordered a lead time before it begins, so that they are ready then, also
    /// while the load is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100_000))]
    pub floor: Option<u32>,
    /// At most so many replicas while it lasts, within the rails: a fleet that is larger is brought down at once. Where another event's floor says
    /// otherwise, this counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100_000))]
    pub ceiling: Option<u32>,
    /// What multiplies the load is learnt from the event's earlier occurrences in the history, in pieces of five minutes (or the step), and drawn
    /// towards 1 while they are few; without any, nothing is multiplied. Not beside a `multiplier` or a `floor`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub learn: bool,
}
