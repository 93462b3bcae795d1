//! The HTTP face of the control plane: JSON under `/api/v1`, health, metrics, and the embedded page.
//!
//! It asks everything of a [`control::Control`] and decides nothing itself. It is the only place in the workspace that knows HTTP status
//! codes (in `problem.rs`).

pub mod control;
pub mod dto;
pub mod time;
