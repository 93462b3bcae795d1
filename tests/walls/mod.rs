//! The walls of the house as tests: who may know whom, what pure code must not touch, how long a file may get, what we may ship.

mod header;
mod licence;
mod purity;
mod size;
mod source;
pub mod workspace;
