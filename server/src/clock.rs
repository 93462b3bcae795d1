//! The clock that everything below the command line is given.
//!
//! *Domain time* is what the trace, the forecast, the control loop and all slow timers live in: start + wall × speed. Latency, service
//! time and request time-outs are wall time and don't come from here. `serve` runs at speed 1 from now; the demo runs faster.

use std::time::{Duration, Instant};

use balancer::Nanos;

/// A domain clock. Clones share the same start.
#[derive(Debug, Clone)]
pub struct Clock {
    start_ms: i64,
    started: Instant,
    speed: f64,
}

impl Clock {
    /// A clock that shows `start_ms` (epoch milliseconds) now and runs `speed` times as fast as the wall.
    ///
    /// A speed that isn't a positive number is taken as 1; the command line refuses it before.
    #[must_use]
    pub fn start(start_ms: i64, speed: f64) -> Self {
        let speed = if speed.is_finite() && speed > 0.0 { speed } else { 1.0 };
        Self { start_ms, started: Instant::now(), speed }
    }

    /// Domain time now, epoch milliseconds.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        self.start_ms + (self.started.elapsed().as_secs_f64() * self.speed * 1_000.0) as i64
    }

    /// Domain time since the clock started, for the balancer's timers: monotonic.
    #[must_use]
    pub fn nanos(&self) -> Nanos {
        Nanos((self.started.elapsed().as_secs_f64() * self.speed * 1e9) as u64)
    }

    /// How many domain seconds pass in a wall second.
    #[must_use]
    pub fn speed(&self) -> f64 {
        self.speed
    }

    /// How long the wall takes for a domain duration.
    #[must_use]
    pub fn wall_of(&self, domain: Duration) -> Duration {
        domain.div_f64(self.speed)
    }

    /// Sleeps for a domain duration.
    pub async fn sleep_domain(&self, domain: Duration) {
        tokio::time::sleep(self.wall_of(domain)).await;
    }

    /// Sleeps until the clock shows `domain_ms`; returns at once when it already does.
    pub async fn sleep_until(&self, domain_ms: i64) {
        let ahead = (domain_ms - self.start_ms) as f64 / 1_000.0 / self.speed;
        if ahead > 0.0 {
            tokio::time::sleep_until((self.started + Duration::from_secs_f64(ahead)).into()).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn domain_time_runs_speed_times_as_fast_as_the_wall() {
        let clock = Clock::start(1_000_000, 600.0);
        // The domain stretch lies within an outer and around an inner wall stretch, however busy the machine is.
        let outer = Instant::now();
        let first = clock.now_ms();
        let inner = Instant::now();
        clock.sleep_domain(Duration::from_secs(12)).await;
        let least = inner.elapsed();
        let domain = (clock.now_ms() - first) as f64;
        let most = outer.elapsed();
        assert!(domain + 1.0 >= least.as_secs_f64() * 600_000.0, "{domain} ms in at least {least:?}");
        assert!(domain - 1.0 <= most.as_secs_f64() * 600_000.0, "{domain} ms in at most {most:?}");
        clock.sleep_until(1_030_000).await;
        assert!(clock.now_ms() >= 1_030_000);
    }
}
