//! Configurations of others as drafts of ours: `nginx.conf`, HorizontalPodAutoscaler and ScaledObject in; a scenario for `prescale simulate`
//! and a part of `prescale.toml` out. Text to text, no I/O: what `include` names is brought by the caller.
//!
//! Nothing is dropped silently: each directive or field that was read is in the [`Draft`]'s notes, as carried over, approximated, or not
//! carried over and why. What these files can't say (load, service time) is assumed, and noted as such.

pub mod draft;
pub mod kubernetes;
pub mod nginx;
#[cfg(test)]
mod tests;
mod text;

pub use draft::{Assumed, Draft, ImportError, Note, Status};
