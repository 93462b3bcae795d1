//! The whole thing through its real entrances: the binary, its API, its data folder.

mod bad_input;
mod crash;
mod demo;
mod support;
mod walls;
