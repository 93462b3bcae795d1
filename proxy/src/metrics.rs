//! What the proxy counts, as numbers for the embedding program and as Prometheus text.
//!
//! Labels are bounded: status classes, refusal reasons and the ids of the backends that are in the pool now.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use balancer::{BackendState, BackendView};
use http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::histogram::{Histogram, HistogramSnapshot};
use crate::refuse::Refusal;

/// Upper bounds of the histogram that Prometheus sees, in microseconds.
const BOUNDS_US: [u64; 16] = [
    1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 75_000, 100_000, 250_000, 500_000, 750_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000,
    30_000_000,
];
/// Every reason for which a request isn't offered to the service, so that each series exists from the start.
const REFUSED: [&str; 8] =
    ["malformed", "version", "head_too_large", "head_timeout", "body_too_large", "body_timeout", "method", "expectation"];

#[derive(Debug, Default)]
pub(crate) struct Metrics {
    pub(crate) offered: AtomicU64,
    pub(crate) in_flight: AtomicU64,
    pub(crate) aborted: AtomicU64,
    pub(crate) retries: AtomicU64,
    pub(crate) shed: AtomicU64,
    pub(crate) upstream_failures: AtomicU64,
    pub(crate) connections: AtomicU64,
    classes: [AtomicU64; 5],
    busy: AtomicU64,
    timeouts: AtomicU64,
    refused: [AtomicU64; REFUSED.len()],
    latency: Histogram,
    bounds: [AtomicU64; BOUNDS_US.len()],
}

impl Metrics {
    pub(crate) fn class(&self, status: StatusCode) {
        let class = usize::from(status.as_u16() / 100).clamp(1, 5) - 1;
        self.classes[class].fetch_add(1, Relaxed);
        if status == StatusCode::TOO_MANY_REQUESTS || status == StatusCode::SERVICE_UNAVAILABLE {
            self.busy.fetch_add(1, Relaxed);
        }
        if status == StatusCode::GATEWAY_TIMEOUT {
            self.timeouts.fetch_add(1, Relaxed);
        }
    }

    pub(crate) fn latency(&self, latency: Duration) {
        self.latency.record(latency);
        let us = latency.as_micros();
        if let Some(bound) = BOUNDS_US.iter().position(|&bound| us <= u128::from(bound)) {
            self.bounds[bound].fetch_add(1, Relaxed);
        }
    }

    pub(crate) fn refused(&self, refusal: Refusal) {
        if let Some(at) = REFUSED.iter().position(|&label| label == refusal.label()) {
            self.refused[at].fetch_add(1, Relaxed);
        }
    }

    pub(crate) fn counters(&self) -> Counters {
        let [informational, success, redirection, client_error, server_error] = self.classes.each_ref().map(|class| class.load(Relaxed));
        Counters {
            offered: self.offered.load(Relaxed),
            answered: Classes { informational, success, redirection, client_error, server_error },
            aborted: self.aborted.load(Relaxed),
            busy: self.busy.load(Relaxed),
            shed: self.shed.load(Relaxed),
            timeouts: self.timeouts.load(Relaxed),
            upstream_failures: self.upstream_failures.load(Relaxed),
            retries: self.retries.load(Relaxed),
            refused: self.refused.iter().map(|count| count.load(Relaxed)).sum(),
            in_flight: self.in_flight.load(Relaxed),
            connections: self.connections.load(Relaxed),
            latency: self.latency.snapshot(),
        }
    }

    /// The Prometheus text format, version 0.0.4.
    pub(crate) fn render(&self, backends: &[BackendView], epoch: Option<u64>) -> String {
        let mut text = String::with_capacity(8 * 1024);
        let counters = self.counters();
        let classes = &counters.answered;
        family(&mut text, "requests_total", "counter", "Requests by the class of their answer; aborted = the client went away before it.");
        let by_class = [
            ("1xx", classes.informational),
            ("2xx", classes.success),
            ("3xx", classes.redirection),
            ("4xx", classes.client_error),
            ("5xx", classes.server_error),
            ("aborted", counters.aborted),
        ];
        for (class, count) in by_class {
            line(&mut text, "requests_total", &format!("class=\"{class}\""), count);
        }
        let singles = [
            ("offered_total", "counter", "Requests that clients asked for: whatever became of them, retries left out.", counters.offered),
            ("busy_total", "counter", "Requests answered 429 or 503, by a backend or by the proxy.", counters.busy),
            ("shed_total", "counter", "Requests answered 503 by the proxy because no backend could take them.", counters.shed),
            ("timeouts_total", "counter", "Requests answered 504.", counters.timeouts),
            ("upstream_failures_total", "counter", "Attempts that a backend failed.", counters.upstream_failures),
            ("retries_total", "counter", "Attempts after the first.", counters.retries),
            ("in_flight", "gauge", "Requests begun and not finished.", counters.in_flight),
            ("connections", "gauge", "Open client connections.", counters.connections),
            ("epoch", "gauge", "Epoch of the weights in force; 0 before the first.", epoch.unwrap_or(0)),
        ];
        for (name, kind, help, value) in singles {
            family(&mut text, name, kind, help);
            line(&mut text, name, "", value);
        }
        family(&mut text, "refused_total", "counter", "Requests that broke HTTP or a limit and were not offered to the service.");
        for (reason, count) in REFUSED.iter().zip(&self.refused) {
            line(&mut text, "refused_total", &format!("reason=\"{reason}\""), count.load(Relaxed));
        }
        self.render_latency(&mut text, &counters.latency);
        render_backends(&mut text, backends);
        text
    }

    fn render_latency(&self, text: &mut String, latency: &HistogramSnapshot) {
        family(text, "request_duration_seconds", "histogram", "From a request's head to the end of its answer.");
        let mut below = 0;
        for (bound, count) in BOUNDS_US.iter().zip(&self.bounds) {
            below += count.load(Relaxed);
            let label = format!("le=\"{}\"", *bound as f64 / 1e6);
            line(text, "request_duration_seconds_bucket", &label, below);
        }
        // Counts race with this reading: +Inf may not be smaller than what was read before it.
        let count = latency.count.max(below);
        line(text, "request_duration_seconds_bucket", "le=\"+Inf\"", count);
        line(text, "request_duration_seconds_sum", "", latency.sum_us as f64 / 1e6);
        line(text, "request_duration_seconds_count", "", count);
    }
}

fn family(text: &mut String, name: &str, kind: &str, help: &str) {
    // Writing into a String can't fail.
    let _ = writeln!(text, "# HELP prescale_proxy_{name} {help}\n# TYPE prescale_proxy_{name} {kind}");
}

fn line(text: &mut String, name: &str, labels: &str, value: impl std::fmt::Display) {
    let _ = if labels.is_empty() {
        writeln!(text, "prescale_proxy_{name} {value}")
    } else {
        writeln!(text, "prescale_proxy_{name}{{{labels}}} {value}")
    };
}

fn render_backends(text: &mut String, backends: &[BackendView]) {
    family(text, "backend_in_flight", "gauge", "Requests in flight per backend.");
    for backend in backends {
        line(text, "backend_in_flight", &format!("backend=\"{}\"", backend.id), backend.in_flight);
    }
    family(text, "backend_weight", "gauge", "Weight per backend as configured.");
    for backend in backends {
        line(text, "backend_weight", &format!("backend=\"{}\"", backend.id), backend.weight);
    }
    family(text, "backend_effective_weight", "gauge", "Weight per backend as the pick uses it: health and slow start included.");
    for backend in backends {
        line(text, "backend_effective_weight", &format!("backend=\"{}\"", backend.id), backend.effective_weight);
    }
    family(text, "backend_state", "gauge", "1 for the state that a backend is in.");
    let states = [
        ("up", BackendState::Up),
        ("warming", BackendState::Warming),
        ("ejected", BackendState::Ejected),
        ("down", BackendState::Down),
        ("draining", BackendState::Draining),
    ];
    for backend in backends {
        for (name, state) in states {
            line(text, "backend_state", &format!("backend=\"{}\",state=\"{name}\"", backend.id), u8::from(backend.state == state));
        }
    }
}

/// Answers by the class of their status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Classes {
    /// 1xx.
    pub informational: u64,
    /// 2xx.
    pub success: u64,
    /// 3xx.
    pub redirection: u64,
    /// 4xx.
    pub client_error: u64,
    /// 5xx.
    pub server_error: u64,
}

/// What was counted since the start. Windows are differences.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counters {
    /// Requests that clients asked for, whatever became of them: the demand. Retries are left out, and so are requests that broke HTTP
    /// or a limit.
    pub offered: u64,
    /// Requests by the class of the answer that was begun.
    pub answered: Classes,
    /// Requests whose client went away before an answer.
    pub aborted: u64,
    /// Requests answered 429 or 503, by a backend or by the proxy: the mark of saturation.
    pub busy: u64,
    /// Of `busy`: by the proxy, because no backend could take them.
    pub shed: u64,
    /// Requests answered 504.
    pub timeouts: u64,
    /// Attempts that a backend failed: no connection, a broken answer, a time-out, a 5xx other than 503.
    pub upstream_failures: u64,
    /// Attempts after the first.
    pub retries: u64,
    /// Requests that broke HTTP or a limit and were not offered to the service.
    pub refused: u64,
    /// Requests begun and not finished, now.
    pub in_flight: u64,
    /// Open client connections, now.
    pub connections: u64,
    /// From a request's head to the end of its answer, wall time. Retries are inside.
    pub latency: HistogramSnapshot,
}
