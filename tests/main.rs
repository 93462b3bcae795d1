//! The whole thing through its real entrances: the binary, its API, its data folder.

// In tests a failed unwrap is a failed test, also in the helpers that clippy does not recognise as tests.
#![allow(clippy::unwrap_used)]

mod access;
mod bad_input;
mod calibrate;
mod canary;
mod check;
mod cluster;
mod crash;
mod demo;
mod events;
mod hard_data;
mod history;
mod import;
mod jobs;
mod operations;
mod outages;
mod prometheus;
mod reload;
mod running;
mod serve;
mod support;
mod sweep;
mod traffic;
mod walls;
mod webhook;
