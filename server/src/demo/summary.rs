//! What a measured window came to, in the words of the README: for people as a table, for programs as JSON.

use std::fmt::Write;

use serde::Serialize;

use super::timeline::HeadStart;

/// The figures of one window.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// `predictive` or `reactive`.
    pub policy: String,
    /// Utilisation that the reactive term aims at.
    pub target: f64,
    /// Beginning of the window in the trace's own time.
    pub from: String,
    /// Length of the window [domain minutes].
    pub minutes: i64,
    /// Requests sent.
    pub requests: u64,
    /// Requests that failed: 429, 503, other errors, time-outs.
    pub errors: u64,
    /// Of the errors, those that the generator never sent because too many were under way.
    pub not_sent: u64,
    /// 50th percentile of the latency [wall ms].
    pub p50_ms: Option<f64>,
    /// 95th percentile of the latency [wall ms].
    pub p95_ms: Option<f64>,
    /// 99th percentile of the latency [wall ms].
    pub p99_ms: Option<f64>,
    /// Domain minutes in which the SLO didn't hold.
    pub violation_minutes: u64,
    /// Replica-hours, domain time: boot and drain included.
    pub replica_hours: f64,
    /// Decisions, also those to do nothing.
    pub decisions: u64,
    /// Orders to add replicas.
    pub orders_up: u64,
    /// Orders to take replicas away.
    pub orders_down: u64,
    /// Orders to add after which the load passed the old capacity.
    pub needed: u32,
    /// Of those, orders whose replicas were all ready at least a domain minute before.
    pub in_time: u32,
    /// The smallest head start of those [domain seconds]; negative = late.
    pub least_head_start_s: Option<f64>,
}

impl Summary {
    /// Takes over the head start.
    #[must_use]
    pub fn with_head_start(mut self, head: HeadStart) -> Self {
        self.needed = head.needed;
        self.in_time = head.in_time;
        self.least_head_start_s = head.least_ms.map(|ms| ms as f64 / 1_000.0);
        self
    }

    /// As a table for people.
    #[must_use]
    pub fn table(&self) -> String {
        let ms = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |ms| format!("{ms:.0} ms"));
        let head = match self.least_head_start_s {
            None => "the load never passed a capacity that had been raised".to_owned(),
            Some(least) => format!("{} of {} in time, the closest {least:.0} s before the load", self.in_time, self.needed),
        };
        let rows = [
            ("window", format!("{} + {} min, {} at target {}", self.from, self.minutes, self.policy, self.target)),
            ("requests", self.requests.to_string()),
            ("errors", format!("{} ({:.3} %)", self.errors, 100.0 * self.errors as f64 / (self.requests.max(1)) as f64)),
            ("latency p50 / p95 / p99", format!("{} / {} / {}", ms(self.p50_ms), ms(self.p95_ms), ms(self.p99_ms))),
            ("SLO-violation minutes", format!("{} of {}", self.violation_minutes, self.minutes)),
            ("replica-hours", format!("{:.2}", self.replica_hours)),
            ("decisions", format!("{} ({} orders up, {} down)", self.decisions, self.orders_up, self.orders_down)),
            ("replicas ready a minute early", head),
        ];
        let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        let mut text = String::new();
        for (name, value) in rows {
            // Writing into a String can't fail.
            let _ = writeln!(text, "{name:width$}  {value}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_reads_well() {
        let summary = Summary {
            policy: "predictive".into(),
            target: 0.75,
            from: "1998-05-26T06:00:00Z".into(),
            minutes: 180,
            requests: 40_000,
            errors: 20,
            not_sent: 0,
            p50_ms: Some(70.4),
            p95_ms: Some(312.0),
            p99_ms: None,
            violation_minutes: 1,
            replica_hours: 31.456,
            decisions: 360,
            orders_up: 12,
            orders_down: 2,
            needed: 0,
            in_time: 0,
            least_head_start_s: None,
        }
        .with_head_start(HeadStart { orders: 12, needed: 9, in_time: 9, least_ms: Some(95_000) });
        expect_test::expect![[r"
            window                         1998-05-26T06:00:00Z + 180 min, predictive at target 0.75
            requests                       40000
            errors                         20 (0.050 %)
            latency p50 / p95 / p99        70 ms / 312 ms / -
            SLO-violation minutes          1 of 180
            replica-hours                  31.46
            decisions                      360 (12 orders up, 2 down)
            replicas ready a minute early  9 of 9 in time, the closest 95 s before the load
        "]]
        .assert_eq(&summary.table());
    }
}
