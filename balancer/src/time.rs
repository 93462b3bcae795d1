//! Time as the balancer sees it: a count of nanoseconds that the caller hands in.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::Add;

/// A point in time or a span, in nanoseconds since an arbitrary origin. Monotonic: the caller never lets it run backwards (if it does,
/// spans saturate to zero and nothing breaks). Serialised as a plain integer; in configuration files spans carry their unit ([`span`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Nanos(pub u64);

impl Nanos {
    /// The origin, or a span of no length.
    pub const ZERO: Nanos = Nanos(0);
    /// Later than everything: "never".
    pub const MAX: Nanos = Nanos(u64::MAX);

    /// A span of whole seconds, saturating.
    pub const fn from_secs(seconds: u64) -> Nanos {
        Nanos(seconds.saturating_mul(1_000_000_000))
    }

    /// A span of whole milliseconds, saturating.
    pub const fn from_millis(millis: u64) -> Nanos {
        Nanos(millis.saturating_mul(1_000_000))
    }

    /// A span of seconds with a fraction; negative and not-a-number become zero, too large becomes [`Nanos::MAX`].
    pub fn from_secs_f64(seconds: f64) -> Nanos {
        // `as` from float to integer saturates and maps NaN to zero, which is what the doc promises.
        Nanos((seconds * 1e9) as u64)
    }

    /// In seconds.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// In milliseconds.
    pub fn as_millis_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// The span from `earlier` to `self`; zero if `earlier` is later.
    pub const fn since(self, earlier: Nanos) -> Nanos {
        Nanos(self.0.saturating_sub(earlier.0))
    }

    /// `self + span`, stopping at [`Nanos::MAX`].
    pub const fn saturating_add(self, span: Nanos) -> Nanos {
        Nanos(self.0.saturating_add(span.0))
    }
}

impl Add for Nanos {
    type Output = Nanos;
    /// Saturates: a time-out of "for ever" added to now stays "for ever".
    fn add(self, span: Nanos) -> Nanos {
        self.saturating_add(span)
    }
}

impl fmt::Display for Nanos {
    /// The largest unit that shows the span exactly: `1500ms`, `10s`, `5m`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (factor, unit) =
            UNITS.iter().rev().find(|(factor, _)| self.0 != 0 && self.0.is_multiple_of(*factor)).copied().unwrap_or((1, "ns"));
        write!(f, "{}{unit}", self.0 / factor)
    }
}

const UNITS: [(u64, &str); 6] =
    [(1, "ns"), (1_000, "us"), (1_000_000, "ms"), (1_000_000_000, "s"), (60_000_000_000, "m"), (3_600_000_000_000, "h")];

/// What [`span::parse`] accepts, for messages.
const SPAN_FORM: &str = "a whole number with a unit of ns, us, ms, s, m or h, such as \"500ms\" or \"10s\"";

/// Spans in configuration files: text with a unit (`"500ms"`, `"10s"`, `"5m"`), so that nobody has to guess whether `10` is seconds.
/// Use it as `#[serde(with = "balancer::span")]`.
pub mod span {
    use super::{Nanos, SPAN_FORM, UNITS};
    use serde::{Deserialize, Deserializer, Serializer};

    /// Reads `"10s"`. The error says what is allowed.
    pub fn parse(text: &str) -> Result<Nanos, String> {
        let wrong = || format!("`{text}` is no time span; allowed is {SPAN_FORM}");
        let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, unit) = text.split_at(digits);
        let number: u64 = number.parse().map_err(|_| wrong())?;
        let (factor, _) = UNITS.iter().find(|(_, name)| *name == unit).ok_or_else(wrong)?;
        number.checked_mul(*factor).map(Nanos).ok_or_else(wrong)
    }

    /// For `serde(with)`.
    pub fn serialize<S: Serializer>(span: &Nanos, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(span)
    }

    /// For `serde(with)`.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Nanos, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Raw {
            Text(String),
            Number(f64),
        }
        match Raw::deserialize(deserializer)? {
            Raw::Text(text) => parse(&text).map_err(serde::de::Error::custom),
            Raw::Number(number) => Err(serde::de::Error::custom(format!("{number} has no unit; allowed is {SPAN_FORM}"))),
        }
    }
}
