//! Weight updates: what the control plane sends, checked before anything changes.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use balancer::{Applied, BackendId, BackendWeight, ChangeError, Place, WEIGHT_MAX, WeightSnapshot};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::InvalidConfig;

/// More backends than this in one pool is a mistake, not a fleet.
const BACKENDS_MAX: usize = 10_000;

/// A backend: who, where, and its share of the traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Backend {
    /// Unique within the pool, for ever: a backend that moves gets a new id.
    pub id: u32,
    /// Where it listens: an IP address and a port.
    pub address: SocketAddr,
    /// Relative to the others; 0 = stays known, gets nothing.
    pub weight: u32,
    /// Level, group and role among the others.
    #[serde(default, skip_serializing_if = "ordinary")]
    pub place: Place,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn ordinary(place: &Place) -> bool {
    *place == Place::default()
}

impl Backend {
    /// A backend on the first level.
    #[must_use]
    pub fn new(id: u32, address: SocketAddr, weight: u32) -> Self {
        Self { id, address, weight, place: Place::default() }
    }
}

/// The whole truth about a pool, numbered: who isn't listed is drained and leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeightUpdate {
    /// Grows with every change of the sender's mind; lower ones are refused.
    pub epoch: u64,
    /// Every backend, each id once.
    pub backends: Vec<Backend>,
}

/// An update that was refused. Nothing was changed then, not even in part.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WeightError {
    /// Older than what is in force, or something else under the same number. Sending it again won't help.
    #[error("stale epoch: epoch {current_epoch} is in force")]
    StaleEpoch {
        /// In force.
        current_epoch: u64,
    },
    /// Something in it can't be.
    #[error(transparent)]
    Invalid(#[from] InvalidConfig),
}

impl From<ChangeError> for WeightError {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::StaleEpoch { current_epoch, .. } => Self::StaleEpoch { current_epoch },
            ChangeError::DuplicateBackend(id) => InvalidConfig::new("backends.id", id, "each id once").into(),
            ChangeError::UnknownBackend(id) => InvalidConfig::new("backends.id", id, "an id of this pool").into(),
            ChangeError::WeightTooLarge { weight, .. } => {
                InvalidConfig::new("backends.weight", weight, format!("a whole number from 0 to {WEIGHT_MAX}")).into()
            }
        }
    }
}

/// What an accepted update did.
pub type AppliedWeights = Applied;

impl WeightUpdate {
    /// Reads an update from JSON.
    ///
    /// # Errors
    /// Names the key, its value and what is allowed.
    pub fn parse(json: &[u8]) -> Result<Self, InvalidConfig> {
        let value: Value =
            serde_json::from_slice(json).map_err(|error| InvalidConfig::new("body", error, "a JSON object {\"epoch\", \"backends\"}"))?;
        let top = object("body", &value, &["epoch", "backends"])?;
        let epoch = whole("epoch", top.get("epoch"), u64::MAX)?;
        let list = top.get("backends").and_then(Value::as_array);
        let list = list.ok_or_else(|| wrong("backends", top.get("backends"), "a list of {\"id\", \"address\", \"weight\"}"))?;
        if list.len() > BACKENDS_MAX {
            return Err(InvalidConfig::new("backends", format!("{} entries", list.len()), format!("at most {BACKENDS_MAX}")));
        }
        let mut backends = Vec::with_capacity(list.len());
        for (at, entry) in list.iter().enumerate() {
            let key = |field: &str| format!("backends[{at}].{field}");
            let entry = object(&format!("backends[{at}]"), entry, &["id", "address", "weight", "place"])?;
            let place = entry.get("place").map(|value| serde_json::from_value(value.clone())).transpose();
            let address = entry.get("address").and_then(Value::as_str).and_then(|text| text.parse().ok());
            backends.push(Backend {
                // Both are limited to what fits: the conversions never fail.
                id: u32::try_from(whole(&key("id"), entry.get("id"), u64::from(u32::MAX))?).unwrap_or(u32::MAX),
                address: address
                    .ok_or_else(|| wrong(&key("address"), entry.get("address"), "an IP address with a port, such as \"10.0.0.1:8080\""))?,
                weight: u32::try_from(whole(&key("weight"), entry.get("weight"), u64::from(WEIGHT_MAX))?).unwrap_or(WEIGHT_MAX),
                place: place
                    .map_err(|_| wrong(&key("place"), entry.get("place"), "an object with the keys group, backup, level"))?
                    .unwrap_or_default(),
            });
        }
        let update = Self { epoch, backends };
        update.validate()?;
        Ok(update)
    }

    /// Says what is wrong with it by itself, if anything.
    pub(crate) fn validate(&self) -> Result<(), InvalidConfig> {
        let mut seen = BTreeMap::new();
        for (at, backend) in self.backends.iter().enumerate() {
            if seen.insert(backend.id, at).is_some() {
                return Err(InvalidConfig::new(format!("backends[{at}].id"), backend.id, "each id once"));
            }
            if backend.weight > WEIGHT_MAX {
                let key = format!("backends[{at}].weight");
                return Err(InvalidConfig::new(key, backend.weight, format!("a whole number from 0 to {WEIGHT_MAX}")));
            }
            if backend.address.port() == 0 {
                return Err(InvalidConfig::new(format!("backends[{at}].address"), backend.address, "a port above 0"));
            }
        }
        Ok(())
    }

    pub(crate) fn snapshot(&self) -> WeightSnapshot {
        let weights = self.backends.iter().map(|backend| BackendWeight { id: BackendId(backend.id), weight: backend.weight });
        WeightSnapshot { epoch: self.epoch, weights: weights.collect() }
    }
}

fn wrong(key: &str, value: Option<&Value>, allowed: &str) -> InvalidConfig {
    // A value that was sent by mistake may be large; the beginning is enough to find it.
    let shown: String = value.map_or_else(|| "nothing".to_owned(), |value| value.to_string().chars().take(80).collect());
    InvalidConfig::new(key, shown, allowed)
}

fn object<'a>(key: &str, value: &'a Value, allowed: &[&str]) -> Result<&'a Map<String, Value>, InvalidConfig> {
    let names = allowed.join(", ");
    let map = value.as_object().ok_or_else(|| wrong(key, Some(value), &format!("an object with the keys {names}")))?;
    match map.iter().find(|(name, _)| !allowed.contains(&name.as_str())) {
        Some((name, value)) => Err(wrong(&format!("{key}.{name}"), Some(value), &format!("the keys {names}"))),
        None => Ok(map),
    }
}

fn whole(key: &str, value: Option<&Value>, max: u64) -> Result<u64, InvalidConfig> {
    let number = value.and_then(Value::as_u64).filter(|&number| number <= max);
    number.ok_or_else(|| wrong(key, value, &format!("a whole number from 0 to {max}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_is_read() {
        let update = WeightUpdate::parse(br#"{"epoch":7,"backends":[{"id":1,"address":"127.0.0.1:9001","weight":100}]}"#).unwrap();
        let expected = Backend::new(1, "127.0.0.1:9001".parse().unwrap(), 100);
        assert_eq!(update, WeightUpdate { epoch: 7, backends: vec![expected] });
    }

    #[test]
    fn bad_input_names_key_value_and_what_is_allowed() {
        let cases = [
            ("", "body", "JSON"),
            ("[]", "body = []", "epoch, backends"),
            (r#"{"backends":[]}"#, "epoch = nothing", "whole number"),
            (r#"{"epoch":-1,"backends":[]}"#, "epoch = -1", "whole number"),
            (r#"{"epoch":1.5,"backends":[]}"#, "epoch = 1.5", "whole number"),
            (r#"{"epoch":1}"#, "backends = nothing", "list"),
            (r#"{"epoch":1,"backends":[],"extra":2}"#, "body.extra = 2", "epoch, backends"),
            (r#"{"epoch":1,"backends":[3]}"#, "backends[0] = 3", "id, address, weight"),
            (r#"{"epoch":1,"backends":[{"id":1,"address":"a:1","weight":1}]}"#, r#"backends[0].address = "a:1""#, "IP address"),
            (r#"{"epoch":1,"backends":[{"id":1,"address":"127.0.0.1","weight":1}]}"#, "backends[0].address", "port"),
            (r#"{"epoch":1,"backends":[{"id":1,"address":"127.0.0.1:0","weight":1}]}"#, "backends[0].address", "port above 0"),
            (r#"{"epoch":1,"backends":[{"id":1,"address":"127.0.0.1:1","weight":1000001}]}"#, "backends[0].weight = 1000001", "1000000"),
            (r#"{"epoch":1,"backends":[{"id":1,"address":"127.0.0.1:1","wait":1}]}"#, "backends[0].wait = 1", "weight"),
            (
                r#"{"epoch":1,"backends":[{"id":1,"address":"127.0.0.1:1","weight":1},{"id":1,"address":"127.0.0.1:2","weight":1}]}"#,
                "backends[1].id = 1",
                "once",
            ),
        ];
        for (json, start, allowed) in cases {
            let error = WeightUpdate::parse(json.as_bytes()).unwrap_err().to_string();
            assert!(error.starts_with(start) && error.contains(allowed), "{json}: {error}");
        }
    }
}
