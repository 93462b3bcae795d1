//! Business rules: which requests go where, and what changes while a service is in trouble.

use crate::backend::OutcomeKind;
use crate::config::ConfigError;
use crate::time::{Nanos, span};
use serde::{Deserialize, Serialize};

/// A rule: requests that match it, while its condition holds, get what it says. Rules are looked at by priority (the smaller first), then
/// in order; the first that matches decides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// For metrics and messages.
    pub name: String,
    /// Smaller ones are looked at first.
    #[serde(default)]
    pub priority: u32,
    /// Which paths: those that begin with this; absent = all.
    #[serde(default)]
    pub path_prefix: Option<String>,
    /// Which requests: those with this header, and this value if one is given; absent = all.
    #[serde(default)]
    pub header: Option<HeaderMatch>,
    /// Only while the mean latency of what this rule counts is above this. Wall time.
    #[serde(default, with = "optional_span")]
    pub latency_above: Option<Nanos>,
    /// Only while the share of errors of what this rule counts is above this, 0 to 1.
    #[serde(default)]
    pub errors_above: Option<f64>,
    /// What then.
    pub then: Action,
}

/// A header that a request must have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeaderMatch {
    /// Its name; case makes no difference.
    pub name: String,
    /// Its value; absent = any.
    #[serde(default)]
    pub value: Option<String>,
}

/// What a rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// The request goes to this group of backends ([`Place::group`](crate::Place::group)).
    Group(u8),
    /// The request waits in this class of the admission queue (0 first).
    Class(u8),
    /// The request is refused as busy: less important work gives way.
    Shed,
}

mod optional_span {
    use super::{Nanos, span};
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(value: &Option<Nanos>, serializer: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => span::serialize(value, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Nanos>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| span::parse(&text).map_err(serde::de::Error::custom)).transpose()
    }
}

/// What a rule sees of a request.
pub trait Facts {
    /// The path, without the query.
    fn path(&self) -> &str;
    /// The value of a header, if the request has it.
    fn header(&self, name: &str) -> Option<&str>;
}

/// Answers that a rule's condition looks back on.
const WINDOW: f64 = 100.0;
/// With fewer answers nothing is known.
const FEW: u32 = 10;
/// A condition about which nothing was heard for this long no longer holds: a rule that sheds everything would otherwise never learn that
/// the trouble is over.
const BELIEVED: Nanos = Nanos::from_secs(10);

#[derive(Debug, Clone, Copy, Default)]
struct Watch {
    latency_ns: f64,
    errors: f64,
    seen: u32,
    heard: Nanos,
}

/// Rules in force, and what their conditions have seen.
#[derive(Debug, Clone)]
pub struct Rules {
    rules: Vec<Rule>,
    watches: Vec<Watch>,
}

impl Rules {
    /// Rules in the order in which they are looked at.
    pub fn try_new(mut rules: Vec<Rule>) -> Result<Rules, ConfigError> {
        for rule in &rules {
            // Written so that NaN is refused as well.
            if rule.errors_above.is_some_and(|share| !(0.0..=1.0).contains(&share)) {
                let share = rule.errors_above.unwrap_or_default();
                return Err(ConfigError::new("rules.errors_above", share, "a share from 0 to 1"));
            }
            if rule.path_prefix.as_ref().is_some_and(|prefix| !prefix.starts_with('/')) {
                return Err(ConfigError::new(
                    "rules.path_prefix",
                    rule.path_prefix.clone().unwrap_or_default(),
                    "a path that begins with /",
                ));
            }
        }
        rules.sort_by_key(|rule| rule.priority);
        let watches = vec![Watch::default(); rules.len()];
        Ok(Rules { rules, watches })
    }

    /// No rules.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// What the first rule that matches says, and which rule that is. `now` is wall time.
    pub fn decide(&self, request: &dyn Facts, now: Nanos) -> Option<(usize, Action)> {
        let matches = |(at, rule): &(usize, &Rule)| rule.matches(request) && self.holds(*at, now);
        self.rules.iter().enumerate().find(matches).map(|(at, rule)| (at, rule.then))
    }

    /// Counts how a request ended that the rules might be about: each rule with a condition learns from what its path and header match.
    pub fn finish(&mut self, request: &dyn Facts, kind: OutcomeKind, latency: Nanos, now: Nanos) {
        if kind == OutcomeKind::Cancelled {
            return;
        }
        let failed = if matches!(kind, OutcomeKind::Success | OutcomeKind::Overloaded) { 0.0 } else { 1.0 };
        for (rule, watch) in self.rules.iter().zip(&mut self.watches) {
            if (rule.latency_above.is_none() && rule.errors_above.is_none()) || !rule.matches(request) {
                continue;
            }
            if now.since(watch.heard) > BELIEVED {
                *watch = Watch::default();
            }
            watch.heard = now;
            watch.seen = watch.seen.saturating_add(1);
            let weight = 1.0 / f64::from(watch.seen).min(WINDOW);
            watch.errors += (failed - watch.errors) * weight;
            // A failure that came quickly isn't fast.
            let latency = if failed > 0.0 { (latency.0 as f64).max(watch.latency_ns) } else { latency.0 as f64 };
            watch.latency_ns += (latency - watch.latency_ns) * weight;
        }
    }

    /// The name of a rule that decided.
    pub fn name(&self, rule: usize) -> &str {
        self.rules.get(rule).map_or("", |rule| &rule.name)
    }

    fn holds(&self, at: usize, now: Nanos) -> bool {
        let (rule, watch) = (&self.rules[at], &self.watches[at]);
        if rule.latency_above.is_none() && rule.errors_above.is_none() {
            return true;
        }
        if watch.seen < FEW || now.since(watch.heard) > BELIEVED {
            return false;
        }
        rule.latency_above.is_none_or(|limit| watch.latency_ns > limit.0 as f64)
            && rule.errors_above.is_none_or(|limit| watch.errors > limit)
    }
}

impl Rule {
    fn matches(&self, request: &dyn Facts) -> bool {
        let path = self.path_prefix.as_ref().is_none_or(|prefix| request.path().starts_with(prefix.as_str()));
        let header = self.header.as_ref().is_none_or(|wanted| {
            request.header(&wanted.name).is_some_and(|found| wanted.value.as_ref().is_none_or(|value| value == found))
        });
        path && header
    }
}
