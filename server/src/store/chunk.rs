//! One UTC day of one series as bytes: a version byte, the step, then one f32 a slot; NaN means that nothing is known.
//!
//! f32 keeps seven digits, more than any rate is known to. A day has a slot for each step, so that a value's place is its time and writing
//! a sample twice changes nothing.

use super::StoreError;

/// Milliseconds in a day.
pub const DAY_MS: i64 = 86_400_000;

const VERSION: u8 = 1;
const HEADER: usize = 9;

/// A decoded day.
#[derive(Debug, Clone, PartialEq)]
pub struct Day {
    pub step_ms: i64,
    pub values: Vec<f32>,
}

impl Day {
    /// A day of which nothing is known yet.
    pub fn empty(step_ms: i64) -> Self {
        Self { step_ms, values: vec![f32::NAN; usize::try_from(DAY_MS / step_ms).unwrap_or(0)] }
    }

    /// Puts a value into the slot of `ts_ms`.
    pub fn put(&mut self, ts_ms: i64, value: f64) {
        let slot = usize::try_from(ts_ms.rem_euclid(DAY_MS) / self.step_ms).unwrap_or(usize::MAX);
        if let Some(place) = self.values.get_mut(slot) {
            *place = value as f32;
        }
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER + self.values.len() * 4);
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.step_ms.to_le_bytes());
        for value in &self.values {
            bytes.extend_from_slice(&value.to_le_bytes());
        }
        bytes
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        let corrupt = |why: &str| StoreError::Corrupt { what: "a history chunk".into(), why: why.into() };
        let (header, body) = bytes.split_at_checked(HEADER).ok_or_else(|| corrupt("shorter than its header"))?;
        if header[0] != VERSION {
            return Err(corrupt(&format!("format {} is unknown", header[0])));
        }
        let step: [u8; 8] = header[1..].try_into().map_err(|_| corrupt("broken header"))?;
        let step_ms = i64::from_le_bytes(step);
        if step_ms <= 0 || DAY_MS % step_ms != 0 || body.len() as i64 != DAY_MS / step_ms * 4 {
            return Err(corrupt(&format!("{} bytes don't hold a day at {step_ms} ms", body.len())));
        }
        let values = body.as_chunks::<4>().0.iter().map(|raw| f32::from_le_bytes(*raw)).collect();
        Ok(Self { step_ms, values })
    }
}
