//! What came in since a day was last sealed: sixty slots of a day as bytes, of one size from the first sample on, so that a row never grows.
//!
//! A slot that nothing was written into is not the same as one that was cleared (NaN): only the second covers what lies below.

use super::StoreError;

/// Slots of a block: an hour of minutes.
pub const SLOTS: usize = 60;

const VERSION: u8 = 1;
/// The version, which slots were written, the values.
const BYTES: usize = 1 + 8 + 4 * SLOTS;

/// A decoded block: `None` where nothing was written, NaN where a value was cleared.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    pub slots: [Option<f32>; SLOTS],
}

impl Default for Block {
    fn default() -> Self {
        Self { slots: [None; SLOTS] }
    }
}

impl Block {
    pub fn encode(&self) -> Vec<u8> {
        let written = self.slots.iter().enumerate().fold(0_u64, |bits, (at, slot)| bits | u64::from(slot.is_some()) << at);
        let mut bytes = Vec::with_capacity(BYTES);
        bytes.push(VERSION);
        bytes.extend_from_slice(&written.to_le_bytes());
        for slot in &self.slots {
            bytes.extend_from_slice(&slot.unwrap_or(0.0).to_le_bytes());
        }
        bytes
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        let corrupt = |why: String| StoreError::Corrupt { what: "a block of the newest history".into(), why };
        if bytes.len() != BYTES || bytes[0] != VERSION {
            return Err(corrupt(format!("{} bytes of format {:?} are no block", bytes.len(), bytes.first())));
        }
        let mut written = [0; 8];
        written.copy_from_slice(&bytes[1..9]);
        let written = u64::from_le_bytes(written);
        let mut block = Self::default();
        for (at, (slot, raw)) in block.slots.iter_mut().zip(bytes[9..].as_chunks::<4>().0).enumerate() {
            *slot = (written >> at & 1 == 1).then(|| f32::from_le_bytes(*raw));
        }
        Ok(block)
    }
}
