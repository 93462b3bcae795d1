//! Limits, stickiness, hashes and rules of the embedded proxy.

use balancer::{
    Action, ConcurrencyConfig, GradientConfig, HeaderMatch, LatencyEjection, LevelRules, Nanos, PoolConfig, QueueConfig, Rule, SlowStart,
    Split, TokenBucketConfig,
};
use http::HeaderName;
use proxy::{HashBy, Sticky};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::value::Span;

/// Sessions by a header that are remembered at once.
const SESSIONS: usize = 100_000;

/// Limits, stickiness, hashes and rules in front of the backends.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
#[serde(default)]
pub struct Traffic {
    /// With `d_choices`: how many backends are drawn.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 16))]
    pub choices: Option<u32>,
    /// What the hashes go by: `client` (its address), `header:NAME` or `cookie:NAME`. Absent: `client`, with an algorithm that hashes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hash_by: Option<String>,
    /// Bounded load of the hashes: nobody gets more than this percentage of its fair share of the requests in flight.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 101, max = 1_000))]
    pub hash_bound_percent: Option<u32>,
    /// Name of a cookie that the proxy sets, and that keeps a session on its backend.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sticky_cookie: Option<String>,
    /// Name of a header of the clients by whose value a session stays on its backend; the proxy remembers where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sticky_header: Option<String>,
    /// How long a quiet session of `sticky_header` is remembered. Absent: 1h.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sticky_time: Option<Span>,
    /// Requests per second that are let through; the others get a 429 with Retry-After.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100_000_000))]
    pub requests_per_second: Option<u64>,
    /// Requests that may come at once after a quiet time. Absent: a second's worth.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100_000_000))]
    pub burst: Option<u64>,
    /// Requests at once; the others wait in the queue, or get a 503.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max_concurrent: Option<u32>,
    /// Whether the limit of requests at once follows latency (a gradient), up to `max_concurrent`.
    pub adaptive_concurrency: bool,
    /// Requests that may wait for room. Absent: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub queue_length: Option<u32>,
    /// How long each may wait. Absent: 1s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue_patience: Option<Span>,
    /// How long the weight of a new or recovered backend rises. Absent: not at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slow_start: Option<Span>,
    /// Mean latency above which a backend gets weight 0; it comes back by steps. Absent: never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency_limit: Option<Span>,
    /// Requests in flight per unit of weight at which a level is full and the next one helps. Absent: never.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub level_full_at: Option<u32>,
    /// Shares of the groups of backends (canary, A/B). Absent: groups make no difference.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub splits: Vec<SplitTable>,
    /// Rules by path and header.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<RuleTable>,
}

/// The share of a group of backends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct SplitTable {
    /// Which group.
    #[schemars(range(min = 0, max = 255))]
    pub group: u8,
    /// Its share relative to the others; with 0 it gets only what rules send there.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub weight: u32,
}

/// A rule. The first that matches, by priority and then in the order of the file, decides by exactly one of `group`, `class` and `shed`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct RuleTable {
    /// Its name.
    pub name: String,
    /// Smaller ones are looked at first.
    #[serde(default)]
    #[schemars(range(min = 0, max = 1_000_000))]
    pub priority: u32,
    /// Beginning of the path. Absent: every path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_prefix: Option<String>,
    /// A header that the request has. Absent: every request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// The header's value. Absent: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header_value: Option<String>,
    /// Only while the mean latency of the requests that match is above this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_above: Option<Span>,
    /// Only while the share of errors among the requests that match is above this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub errors_above: Option<f64>,
    /// The requests go to this group of backends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 255))]
    pub group: Option<u8>,
    /// The requests wait in this class of the queue: 0 first, 1 is everybody else's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 255))]
    pub class: Option<u8>,
    /// The requests are refused as busy.
    #[serde(default)]
    pub shed: bool,
}

/// What can't be: the key within `[services.proxy.traffic]`, its value, what is allowed.
pub type Wrong = (String, String, String);

fn wrong(key: &str, value: &str, allowed: &str) -> Wrong {
    (key.to_owned(), format!("{value:?}"), allowed.to_owned())
}

fn nanos(span: Span) -> Nanos {
    Nanos::from_millis(span.ms().unsigned_abs())
}

fn header(key: &str, name: &str) -> Result<HeaderName, Wrong> {
    HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong(key, name, "a header's name, such as x-user"))
}

impl RuleTable {
    fn rule(&self) -> Result<Rule, Wrong> {
        let then = match (self.group, self.class, self.shed) {
            (Some(group), None, false) => Action::Group(group),
            (None, Some(class), false) => Action::Class(class),
            (None, None, true) => Action::Shed,
            _ => return Err(wrong("rules", &self.name, "rules with exactly one of group, class and shed = true")),
        };
        let header = self.header.as_ref().map(|name| header("rules", name).map(|name| name.as_str().to_owned())).transpose()?;
        Ok(Rule {
            name: self.name.clone(),
            priority: self.priority,
            path_prefix: self.path_prefix.clone(),
            header: header.map(|name| HeaderMatch { name, value: self.header_value.clone() }),
            latency_above: self.latency_above.map(nanos),
            errors_above: self.errors_above,
            then,
        })
    }
}

impl Traffic {
    /// Adds the balancer's part to a pool.
    #[must_use]
    pub fn shape(&self, pool: PoolConfig) -> PoolConfig {
        let splits = self.splits.iter().map(|split| Split { group: split.group, weight: split.weight }).collect();
        PoolConfig {
            choices: self.choices.unwrap_or(pool.choices),
            hash: balancer::HashRules { bound_percent: self.hash_bound_percent, ..pool.hash },
            slow_start: self.slow_start.map(|span| SlowStart::new(nanos(span))),
            latency: self.latency_limit.map(|span| LatencyEjection::new(nanos(span))),
            levels: LevelRules { full_at: self.level_full_at, ..pool.levels },
            splits,
            ..pool
        }
    }

    /// The proxy's part.
    ///
    /// # Errors
    /// Names the key, its value and what is allowed.
    pub fn checked(&self) -> Result<proxy::Traffic, Wrong> {
        let concurrency = match (self.max_concurrent, self.adaptive_concurrency) {
            (None, false) => None,
            (Some(limit), false) => Some(ConcurrencyConfig::Fixed(limit)),
            (limit, true) => {
                let rules = GradientConfig::default();
                let max = limit.unwrap_or(rules.max);
                Some(ConcurrencyConfig::Gradient(GradientConfig { max, initial: rules.initial.min(max), ..rules }))
            }
        };
        let patience = self.queue_patience.map_or(Nanos::from_secs(1), nanos);
        let rules = self.rules.iter().map(RuleTable::rule).collect::<Result<Vec<_>, _>>()?;
        balancer::Rules::try_new(rules.clone()).map_err(|error| ("rules".to_owned(), error.value, error.allowed))?;
        let traffic = proxy::Traffic {
            hash_by: self.hash_by.as_deref().map(hash_by).transpose()?,
            sticky: self.sticky()?,
            rate_limit: self.requests_per_second.map(|rate| TokenBucketConfig { rate, burst: self.burst }),
            concurrency,
            queue: self.queue_length.map(|length| QueueConfig { length, patience }),
            rules,
        };
        if self.queue_length.is_some() && concurrency.is_none() {
            return Err(wrong("queue_length", "a queue", "a queue only with max_concurrent or adaptive_concurrency"));
        }
        traffic.validate().map_err(|error| (error.key.replacen("traffic.", "", 1), error.value, error.allowed))?;
        self.shape(PoolConfig::default()).validate().map_err(|error| (key_of_pool(&error.key), error.value, error.allowed))?;
        Ok(traffic)
    }

    fn sticky(&self) -> Result<Option<Sticky>, Wrong> {
        match (&self.sticky_cookie, &self.sticky_header) {
            (None, None) => Ok(None),
            (Some(name), None) => Ok(Some(Sticky::Cookie { name: name.clone() })),
            (None, Some(name)) => {
                let ttl = nanos(self.sticky_time.unwrap_or(Span::seconds(3_600)));
                Ok(Some(Sticky::Header { name: header("sticky_header", name)?, ttl, capacity: SESSIONS }))
            }
            (Some(_), Some(name)) => Err(wrong("sticky_header", name, "only one of sticky_cookie and sticky_header")),
        }
    }
}

/// The file's name for a key of the balancer.
fn key_of_pool(key: &str) -> String {
    let names = [
        ("slow_start", "slow_start"),
        ("latency", "latency_limit"),
        ("splits", "splits"),
        ("levels", "level_full_at"),
        ("hash", "hash_by"),
    ];
    names.into_iter().find(|(start, _)| key.starts_with(start)).map_or(key, |(_, name)| name).to_owned()
}

fn hash_by(text: &str) -> Result<HashBy, Wrong> {
    match text.split_once(':') {
        None if text == "client" => Ok(HashBy::Client),
        Some(("header", name)) => header("hash_by", name).map(HashBy::Header),
        Some(("cookie", name)) if !name.is_empty() => Ok(HashBy::Cookie(name.to_owned())),
        _ => Err(wrong("hash_by", text, "client, header:NAME or cookie:NAME")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(toml: &str) -> Result<proxy::Traffic, Wrong> {
        toml::from_str::<Traffic>(toml).unwrap().checked()
    }

    #[test]
    fn keys_become_what_the_proxy_takes() {
        let traffic =
            read("hash_by = \"header:X-User\"\nsticky_cookie = \"lb\"\nrequests_per_second = 1000\nmax_concurrent = 50\nqueue_length = 10")
                .unwrap();
        assert_eq!(traffic.hash_by, Some(HashBy::Header(HeaderName::from_static("x-user"))));
        assert_eq!(traffic.sticky, Some(Sticky::Cookie { name: "lb".to_owned() }));
        assert_eq!(traffic.rate_limit, Some(TokenBucketConfig { rate: 1_000, burst: None }));
        assert_eq!(traffic.concurrency, Some(ConcurrencyConfig::Fixed(50)));
        assert_eq!(traffic.queue, Some(QueueConfig { length: 10, patience: Nanos::from_secs(1) }));
    }

    #[test]
    fn what_cannot_be_is_named() {
        for (toml, key) in [
            ("hash_by = \"user\"", "hash_by"),
            ("sticky_cookie = \"a b\"", "sticky"),
            ("sticky_cookie = \"a\"\nsticky_header = \"b\"", "sticky_header"),
            ("queue_length = 3", "queue_length"),
            ("splits = [{ group = 1, weight = 0 }]", "splits"),
            ("slow_start = \"0s\"", "slow_start"),
            ("rules = [{ name = \"x\" }]", "rules"),
            ("rules = [{ name = \"x\", shed = true, path_prefix = \"no\" }]", "rules"),
        ] {
            assert_eq!(read(toml).unwrap_err().0, key, "{toml}");
        }
    }
}
