//! The shell of Prescale: everything that touches the world.
//!
//! It collects samples, keeps history and journal in a database, feeds events into [`planner`]'s control step, executes the commands that
//! come out, and serves the API, the page and the command line. It decides nothing itself: which backend gets a request is `balancer`'s
//! business, how many replicas are needed is `planner`'s.
//!
//! ```
//! // Domain time runs `speed` times as fast as the wall: the demo uses that, `serve` runs at 1.
//! let clock = server::clock::Clock::start(1_000, 60.0);
//! assert!(clock.now_ms() >= 1_000);
//! ```

use std::future::Future;
use std::pin::Pin;

pub mod act;
pub mod api;
pub mod auth;
pub mod cli;
pub mod clock;
pub mod collect;
pub mod config;
pub mod demo;
pub mod events;
pub mod exposition;
pub mod import;
pub mod jobs;
pub mod log;
pub mod outgoing;
pub mod runtime;
pub mod secret;
pub mod series_file;
pub mod serve;
pub mod store;
pub mod tls;

/// A boxed future, for the traits that are used as objects.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
