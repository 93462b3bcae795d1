//! What the user says about a Prometheus and the queries of one service, checked once, here.

use std::time::Duration;

use predictor::{MAX_STEP_MS, MIN_STEP_MS};
use reqwest::Url;

use super::{Credentials, Problem};
use crate::outgoing::{self, Refused};

/// How a service's load is read from a Prometheus.
#[derive(Debug, Clone)]
pub struct Options {
    /// Base address, `http://host:9090`; may have a path prefix, as behind a reverse proxy or in a VictoriaMetrics cluster.
    pub url: String,
    /// Who asks, where the server wants to know.
    pub credentials: Option<Credentials>,
    /// The authorities that its certificate may be from, PEM, in place of the system's.
    pub ca_pem: Option<Vec<u8>>,
    /// Also asks link-local and cloud metadata addresses.
    pub allow_link_local: bool,
    /// Step of the series [ms].
    pub step_ms: i64,
    /// A request that takes longer [wall] has failed for now.
    pub timeout: Duration,
    /// What is asked.
    pub queries: Queries,
}

/// The PromQL of one service. Each query must give one series (or none): wrap it in an aggregation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Queries {
    /// Offered requests per second; answers 429 and 503 count, retries don't.
    pub load: String,
    /// Replicas that are ready.
    pub replicas: Option<String>,
    /// 95th percentile of the latency [ms].
    pub latency_ms: Option<String>,
    /// Share of requests that fail, 0 to 1.
    pub errors: Option<String>,
    /// Requests turned away per second: a step with more than none is saturated, and no forecast learns it as low demand.
    pub shed: Option<String>,
    /// Time of the newest sample [epoch s]; without it, the selectors in `load` tell.
    pub fresh: Option<String>,
}

impl Options {
    /// Checks every value and gives the address that paths are appended to.
    pub(super) fn check(&self) -> Result<Url, Problem> {
        let allowed = |key: &'static str, value: String, allowed: &'static str| Problem::Option { key, value, allowed };
        if !(MIN_STEP_MS..=MAX_STEP_MS).contains(&self.step_ms) {
            return Err(allowed("step", format!("{} ms", self.step_ms), "1s to 1h is allowed"));
        }
        if self.timeout.is_zero() {
            return Err(allowed("timeout", format!("{:?}", self.timeout), "a positive duration is allowed"));
        }
        if let Some(credentials) = &self.credentials {
            credentials.check()?;
        }
        let queries = &self.queries;
        let optional = [
            ("replicas", &queries.replicas),
            ("latency", &queries.latency_ms),
            ("errors", &queries.errors),
            ("shed", &queries.shed),
            ("fresh", &queries.fresh),
        ];
        let named = optional.into_iter().filter_map(|(key, query)| Some((key, query.as_ref()?)));
        if let Some((key, query)) = std::iter::once(("load", &queries.load)).chain(named).find(|(_, query)| query.trim().is_empty()) {
            return Err(allowed(key, query.clone(), "a PromQL query is allowed"));
        }
        address(&self.url, self.allow_link_local)
    }
}

fn address(text: &str, allow_link_local: bool) -> Result<Url, Problem> {
    const ALLOWED: &str = "http:// or https://, a host, and if need be a port and a path prefix are allowed";
    let refused = |value: &str, allowed| Problem::Option { key: "url", value: value.to_owned(), allowed };
    let url = outgoing::check(text, allow_link_local).map_err(|why| match why {
        Refused::Credentials => refused("(not shown)", "no user and password: logs show the address; use basic_auth, or a bearer token"),
        Refused::Forbidden(_) => refused(text, "link-local and cloud metadata addresses need allow_link_local = true"),
        Refused::NoUrl(_) | Refused::Scheme(_) => refused(text, ALLOWED),
    })?;
    if !url.has_host() || url.query().is_some() || url.fragment().is_some() {
        return Err(refused(text, ALLOWED));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    fn basic(username: &str, password: &str) -> Option<Credentials> {
        Some(Credentials::Basic { username: username.into(), password: Secret::new(password) })
    }

    fn options(change: impl FnOnce(&mut Options)) -> Options {
        let mut options = Options {
            url: "http://127.0.0.1:9090/select/0/prometheus/".into(),
            credentials: Some(Credentials::Bearer(Secret::new("canary"))),
            ca_pem: None,
            allow_link_local: false,
            step_ms: 60_000,
            timeout: Duration::from_secs(5),
            queries: Queries { load: "x".into(), ..Queries::default() },
        };
        change(&mut options);
        options
    }

    #[test]
    fn what_is_wrong_is_named_with_its_value_and_what_is_allowed() {
        assert!(options(|_| ()).check().is_ok());
        type Change = fn(&mut Options);
        let cases: [(Change, &[&str]); 9] = [
            (|o| o.url = "prometheus:9090".into(), &["url", "\"prometheus:9090\"", "http://"]),
            (|o| o.url = "http://h:9090/?query=x".into(), &["url", "path prefix"]),
            (|o| o.url = "http://169.254.169.254/".into(), &["url", "169.254.169.254", "allow_link_local"]),
            (|o| o.credentials = basic("a:b", "canary"), &["basic_auth.username", "a:b", "without a colon"]),
            (|o| o.step_ms = 500, &["step", "500 ms", "1s to 1h"]),
            (|o| o.timeout = Duration::ZERO, &["timeout", "0ns"]),
            (|o| o.queries.load = " ".into(), &["load", "PromQL"]),
            (|o| o.queries.shed = Some(String::new()), &["shed", "PromQL"]),
            (|o| o.queries.fresh = Some(String::new()), &["fresh", "PromQL"]),
        ];
        for (change, parts) in cases {
            let error = options(change).check().unwrap_err().to_string();
            assert!(parts.iter().all(|part| error.contains(part)), "{error}");
        }
    }

    #[test]
    fn secrets_appear_in_no_text() {
        let texts = [
            format!("{:?}", options(|_| ())),
            format!("{:?}", options(|o| o.credentials = basic("ada", "canary"))),
            options(|o| o.url = "http://user:canary@h:9090".into()).check().unwrap_err().to_string(),
            options(|o| o.credentials = Some(Credentials::Bearer(Secret::new("canary canary")))).check().unwrap_err().to_string(),
        ];
        assert!(texts.iter().all(|text| !text.contains("canary")), "{texts:?}");
    }
}
