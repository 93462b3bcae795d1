//! Everything that can be wrong between us and a Prometheus. Each text says what is wrong and what to do about it.

use std::time::Duration;

use super::answer::ANSWER_BYTES_MAX;
use super::skew::SKEW_MS_MAX;

/// Why there is no number. Addresses are shown, tokens never.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// A value of the configuration is not allowed.
    #[error("{key} = {value:?}: {allowed}")]
    Option {
        /// Which.
        key: &'static str,
        /// As it was given.
        value: String,
        /// What would be right.
        allowed: &'static str,
    },
    /// No connection, or it broke off.
    #[error("{url} can't be reached: {why}; is the server up, and is this the right address from here, with http or https?")]
    Unreachable {
        /// The configured address.
        url: String,
        /// The innermost cause.
        why: String,
    },
    /// A certificate that isn't from anybody whom we trust, or isn't for this host.
    #[error(
        "{url} shows a certificate that isn't trusted here: {why}; name the file with its authority's certificate in prometheus.ca_file, and use a host name that the certificate has"
    )]
    Untrusted {
        /// The configured address.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// The name leads to an address that requests don't go to.
    #[error("{url}: {why}")]
    Forbidden {
        /// The configured address.
        url: String,
        /// Which address, and what it is.
        why: String,
    },
    /// No whole answer in time.
    #[error("{url} gave no answer within {limit:?}; if the query is heavy, record it as a rule there, or raise the time-out")]
    TimedOut {
        /// The configured address.
        url: String,
        /// The time-out.
        limit: Duration,
    },
    /// An answer 3xx: a login page, a moved server, a missing prefix.
    #[error(
        "{url} redirects to {to:?}, which is not followed: it would take the token elsewhere; configure the address that answers itself"
    )]
    Redirected {
        /// The configured address.
        url: String,
        /// Where it points to.
        to: String,
    },
    /// An answer 401 or 403.
    #[error("{url} answers {status}: {advice}")]
    Denied {
        /// The configured address.
        url: String,
        /// The HTTP status.
        status: u16,
        /// What to look at, by what was sent.
        advice: &'static str,
    },
    /// An answer, but not of the API.
    #[error("{url} is no Prometheus API: {got}; check the host, the port and the path prefix")]
    NoApi {
        /// The configured address.
        url: String,
        /// What came instead.
        got: String,
    },
    /// An answer 429 or 5xx.
    #[error("{url} fails with {status}: {said}; nothing is wrong here, it is asked again at the next reading")]
    Failing {
        /// The configured address.
        url: String,
        /// The HTTP status.
        status: u16,
        /// Its own words.
        said: String,
    },
    /// The answer is beyond what is read.
    #[error("{name}: the answer is larger than {} MiB, so it has far too many series; wrap the query in sum(...)", ANSWER_BYTES_MAX >> 20)]
    TooLarge {
        /// Which query.
        name: &'static str,
    },
    /// The query is wrong, or can't be evaluated.
    #[error("{name}: the server refuses the query: {said}")]
    Refused {
        /// Which query.
        name: &'static str,
        /// Its own words.
        said: String,
    },
    /// JSON, but of another shape.
    #[error("{name}: the answer can't be read: {why}; a Prometheus or VictoriaMetrics API is needed")]
    Malformed {
        /// Which query.
        name: &'static str,
        /// Where it differs.
        why: String,
    },
    /// More than one series: which of them is meant, or whether to add them up, is not ours to guess.
    #[error("{name}: {count} series differ in {labels}; wrap the query in sum(...)")]
    Ambiguous {
        /// Which query.
        name: &'static str,
        /// How many.
        count: usize,
        /// The labels that differ, with some of their values.
        labels: String,
    },
    /// A string, or histograms.
    #[error("{name}: the query gives {kind}, a number is needed{hint}")]
    NoNumber {
        /// Which query.
        name: &'static str,
        /// What it gives.
        kind: &'static str,
        /// What to write instead.
        hint: &'static str,
    },
    /// Nothing now; only `check` calls that a problem.
    #[error("{name}: the query gives {what}")]
    Unknown {
        /// Which query.
        name: &'static str,
        /// What came instead of a number, and why that may be.
        what: String,
    },
    /// A number that can't be what the query is to tell.
    #[error("{name}: the query gives {value}; {allowed}")]
    Implausible {
        /// Which query.
        name: &'static str,
        /// The number.
        value: String,
        /// What is allowed.
        allowed: &'static str,
    },
    /// A counter where its rate is needed.
    #[error("load: {evidence}: it counts requests since a start, requests per second are needed; write {instead}")]
    Counter {
        /// How we know.
        evidence: String,
        /// A query to start from.
        instead: String,
    },
    /// The two clocks are too far apart for any stamp to be believed.
    #[error(
        "the clock of {url} is {} s {} ours, up to {} s are corrected; set both by NTP",
        ahead_ms.unsigned_abs() / 1_000,
        if *ahead_ms > 0 { "ahead of" } else { "behind" },
        SKEW_MS_MAX / 1_000
    )]
    Skew {
        /// The configured address.
        url: String,
        /// Theirs minus ours [ms].
        ahead_ms: i64,
    },
}

impl Problem {
    /// The query that it is about; `None` if it is about the server, or the configuration as a whole.
    #[must_use]
    pub fn query(&self) -> Option<&'static str> {
        match self {
            Self::TooLarge { name }
            | Self::Refused { name, .. }
            | Self::Malformed { name, .. }
            | Self::Ambiguous { name, .. }
            | Self::NoNumber { name, .. }
            | Self::Unknown { name, .. }
            | Self::Implausible { name, .. } => Some(name),
            Self::Counter { .. } => Some("load"),
            _ => None,
        }
    }

    /// The text without that query's name in front, for whoever has named it already.
    #[must_use]
    pub fn untitled(&self) -> String {
        let text = self.to_string();
        match self.query().and_then(|name| text.strip_prefix(name)?.strip_prefix(": ")) {
            Some(rest) => rest.to_owned(),
            None => text,
        }
    }

    /// Whether what the user wrote must change; otherwise it may pass by itself, or the server's operator must act.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        !matches!(
            self,
            Self::Unreachable { .. }
                | Self::TimedOut { .. }
                | Self::Failing { .. }
                | Self::Skew { .. }
                | Self::Denied { .. }
                | Self::Untrusted { .. }
        )
    }
}
