//! The embedded proxy's counters as a source of load, read in this process.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use proxy::ProxyHandle;

use super::{Bounds, LoadSource, Rates, Reading, Scrape};
use crate::BoxFuture;
use crate::api::dto;
use crate::clock::Clock;

/// Latency buckets for the page's percentile [wall ms]: fine around the SLO's half second.
const BOUNDS: Bounds = &[
    10.0, 20.0, 50.0, 75.0, 100.0, 150.0, 200.0, 250.0, 300.0, 350.0, 400.0, 450.0, 500.0, 600.0, 750.0, 1_000.0, 1_500.0, 2_500.0, 5_000.0,
];

/// Reads one proxy.
pub struct ProxySource {
    proxy: Arc<ProxyHandle>,
    clock: Clock,
    started: Instant,
    rates: Mutex<Rates>,
}

impl ProxySource {
    /// A source that stamps its readings with this clock, for a series with a step of `step_ms`.
    #[must_use]
    pub fn new(proxy: Arc<ProxyHandle>, clock: Clock, step_ms: i64) -> Self {
        Self { proxy, clock, started: Instant::now(), rates: Mutex::new(Rates::new(step_ms, BOUNDS)) }
    }

    fn scrape(&self) -> Scrape {
        let counters = self.proxy.counters();
        let mut within: Vec<u64> =
            BOUNDS.iter().map(|bound| counters.latency.count_within(Duration::from_secs_f64(bound / 1_000.0))).collect();
        within.push(counters.latency.count);
        let below = std::iter::once(0).chain(within.iter().copied());
        let latency = within.iter().zip(below).map(|(now, below)| now.saturating_sub(below)).collect();
        Scrape {
            at_ms: self.clock.now_ms(),
            wall: self.started.elapsed(),
            offered: counters.offered,
            shed: counters.busy,
            failed: counters.answered.server_error,
            latency,
        }
    }
}

impl LoadSource for ProxySource {
    fn read(&self) -> BoxFuture<'_, Result<Reading, String>> {
        Box::pin(async move { Ok(self.rates.lock().read(self.scrape())) })
    }

    fn proxy(&self) -> Option<dto::Proxy> {
        let (_, listed) = self.proxy.weights();
        let backends = self
            .proxy
            .pool_view()
            .iter()
            .map(|view| dto::Backend {
                id: view.id.0,
                address: listed.iter().find(|one| one.id == view.id.0).map_or_else(String::new, |one| one.address.to_string()),
                weight: view.weight,
                in_flight: view.in_flight,
                state: format!("{:?}", view.state).to_lowercase(),
            })
            .collect();
        Some(dto::Proxy { listen: self.proxy.data_addr().to_string(), backends })
    }
}
