//! The live data plane: HTTP in, the balancer decides, HTTP out.
//!
//! A reverse proxy for HTTP/1.1 with keep-alive on both sides, on hyper. Which backend gets a request, and whether it may be tried again,
//! is decided by the `balancer` crate: the code that the simulator runs.
//!
//! ```
//! use proxy::{Backend, ProxyConfig, WeightUpdate};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let proxy = proxy::start(ProxyConfig::new("127.0.0.1:0".parse()?)).await?;
//! // Weights come as whole, numbered snapshots; who isn't listed is drained.
//! let backends = vec![Backend::new(1, "127.0.0.1:9001".parse()?, 100)];
//! proxy.apply(&WeightUpdate { epoch: 7, backends: backends.clone() })?;
//! assert!(proxy.apply(&WeightUpdate { epoch: 6, backends: vec![] }).is_err());
//! assert_eq!(proxy.weights(), (Some(7), backends));
//! assert_eq!(proxy.drain(std::time::Duration::from_secs(1)).await.cut, 0);
//! # Ok(())
//! # }
//! ```
//!
//! # What it promises
//!
//! - A request is counted as offered once, however often it is tried; in-flight counts balance also when clients disappear.
//! - A retry never repeats a request that might have been carried out, unless its method is idempotent; it has a budget; it goes to
//!   another backend. A kept connection that its backend had closed is replaced without counting as a failure.
//! - 429 and 503 from a backend mean "busy": they are passed on, not retried, and don't eject it. The proxy's own 503 (nobody there) has
//!   Retry-After and says why.
//! - Bodies stream in both directions. Only short bodies of idempotent requests are kept, to be sent again.
//! - If the control plane dies, the last weights stay in force.
//!
//! # Two clocks
//!
//! Health timers and slow start run on the caller's domain clock, which a demo may speed up. Latency, time-outs and limits are wall time.
//!
//! # What it refuses
//!
//! A request that two parsers could read differently gets a 400 and the connection ends. hyper alone refuses unequal Content-Lengths,
//! another final coding than chunked, and what it can't parse; it would repair Content-Length beside Transfer-Encoding, repeated equal
//! Content-Lengths, bare line feeds, a missing or repeated Host, and a target that contradicts Host. All of these are refused here before
//! hyper sees them, and so are folded headers, control characters, and chunked bodies that aren't exact. CONNECT and TRACE get a 405.
//!
//! Hop-by-hop headers, and those that Connection names, end here in both directions; framing can't be removed that way. Trailers aren't
//! passed on. `X-Forwarded-For`, `-Proto` and `-Host` are rebuilt; a client's own are believed only from listed networks.
//!
//! # What it doesn't do yet
//!
//! TLS, HTTP/2 and upgrades: an `Upgrade` header is removed, so that a WebSocket client gets its backend's plain answer, and no request
//! can hide behind an upgrade.

mod admin;
mod admission;
mod body;
mod chunked;
mod config;
mod error;
mod flight;
mod forward;
mod gate;
mod handle;
mod headers;
mod health;
mod histogram;
mod listener;
mod metrics;
mod network;
mod refuse;
mod shared;
mod strict;
mod traffic;
mod upstream;
mod weights;

pub use config::{DomainClock, Limits, ProxyConfig};
pub use error::{InvalidConfig, StartError};
pub use handle::{Drained, ProxyHandle, start};
pub use histogram::{Histogram, HistogramSnapshot};
pub use metrics::{Classes, Counters};
pub use network::Network;
pub use traffic::{HashBy, Sticky, Traffic};
pub use weights::{AppliedWeights, Backend, WeightError, WeightUpdate};
