//! An instant on the wire: RFC 3339, UTC, to the millisecond at most.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// An instant of domain time in epoch milliseconds, written as `1998-06-04T12:00:00Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(
    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub i64,
);

/// What is wrong with a text that should be a [`Time`].
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not an RFC 3339 time with a zone, such as 1998-06-04T12:00:00Z")]
pub struct BadTime(String);

impl fmt::Display for Time {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Timestamp::from_millisecond(self.0) {
            Ok(at) => write!(out, "{at}"),
            // Beyond year 9999 there is no RFC 3339 text; refuse instead of inventing one.
            Err(_) => Err(fmt::Error),
        }
    }
}

impl FromStr for Time {
    type Err = BadTime;

    fn from_str(text: &str) -> Result<Self, BadTime> {
        let at = text.parse::<Timestamp>().map_err(|_| BadTime(text.to_owned()))?;
        Ok(Time(at.as_millisecond()))
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        let at = Timestamp::from_millisecond(self.0).map_err(serde::ser::Error::custom)?;
        out.collect_str(&at)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let text = String::deserialize(input)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl PartialSchema for Time {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .description(Some("An instant, RFC 3339, UTC"))
            .into()
    }
}

impl ToSchema for Time {}

#[cfg(test)]
mod tests {
    use super::Time;

    #[test]
    fn a_time_survives_the_wire() {
        let at = Time(896_961_600_000);
        assert_eq!(serde_json::to_string(&at).unwrap(), "\"1998-06-04T12:00:00Z\"");
        assert_eq!(serde_json::from_str::<Time>("\"1998-06-04T14:00:00+02:00\"").unwrap(), at);
    }

    #[test]
    fn a_time_without_a_zone_is_refused() {
        let error = "1998-06-04T12:00:00".parse::<Time>().unwrap_err();
        assert!(error.to_string().contains("1998-06-04T12:00:00Z"), "{error}");
    }

    #[test]
    fn a_time_beyond_rfc_3339_is_an_error_and_no_panic() {
        assert!(serde_json::to_string(&Time(i64::MAX)).is_err());
    }
}
