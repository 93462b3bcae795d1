//! Where a service's load, and the number of its replicas, is read.

use std::sync::Arc;

use planner::Replica;

use super::check::Finding;
use super::front::Front;
use crate::BoxFuture;
use crate::act::{ActError, Observer, gauge};
use crate::api::dto;
use crate::cli::show_time;
use crate::clock::Clock;
use crate::collect::prometheus::{Checked, Credentials, Freshness, Options, Problem, PrometheusSource, Queries};
use crate::collect::proxy::ProxySource;
use crate::collect::{LoadSource, Reading, Step};
use crate::config::Span;
use crate::config::file::{Prometheus, Service};
use crate::secret::Secret;

/// Step of a series that is counted by the proxy, where no `prometheus.step` says otherwise.
const STEP: Span = Span::seconds(60);

/// What sees a service.
#[derive(Clone)]
pub struct Eyes {
    /// Its load.
    pub load: Arc<dyn LoadSource>,
    /// Its fleet, if there is a query for that.
    pub fleet: Option<Arc<dyn Observer>>,
    /// Its Prometheus, to be tried.
    pub prometheus: Option<Arc<PrometheusSource>>,
}

/// Step of the stored series [ms].
pub fn step_ms(prometheus: Option<&Prometheus>) -> i64 {
    prometheus.map_or(STEP, |prometheus| prometheus.step).ms()
}

/// Nothing is asked yet.
pub fn build(service: &Service, prometheus: Option<&Prometheus>, front: Option<&Front>, clock: &Clock) -> Result<Eyes, String> {
    let counters = front.map(|front| ProxySource::new(front.proxy.clone(), clock.clone(), step_ms(prometheus)));
    match (&service.load, prometheus, counters) {
        (Some(load), Some(prometheus), counters) => {
            let source =
                Arc::new(PrometheusSource::new(options(service, prometheus, load), clock.clone()).map_err(|error| error.to_string())?);
            let fleet = service.replicas.is_some().then(|| {
                let (prometheus, clock, stale_after_ms) = (source.clone(), clock.clone(), service.timing.stale_after.ms());
                Arc::new(Counted { prometheus, clock, stale_after_ms }) as Arc<dyn Observer>
            });
            let load: Arc<dyn LoadSource> = match counters {
                Some(counters) => Arc::new(Fronted { load: source.clone(), counters }),
                None => source.clone(),
            };
            Ok(Eyes { load, fleet, prometheus: Some(source) })
        }
        (None, _, Some(counters)) => Ok(Eyes { load: Arc::new(counters), fleet: None, prometheus: None }),
        // The checks of the file let neither through.
        (Some(_), None, _) => Err(format!("service {}: its load is a query, and there is no [prometheus]", service.name)),
        (None, _, None) => Err(format!("service {}: it has neither a load query nor a proxy", service.name)),
    }
}

fn options(service: &Service, prometheus: &Prometheus, load: &str) -> Options {
    Options {
        url: prometheus.url.value().to_owned(),
        credentials: credentials(prometheus),
        ca_pem: prometheus.ca_pem.clone(),
        allow_link_local: prometheus.allow_link_local,
        step_ms: prometheus.step.ms(),
        timeout: prometheus.timeout.duration(),
        queries: Queries {
            load: load.to_owned(),
            replicas: service.replicas.clone(),
            latency_ms: service.latency.clone(),
            errors: service.errors.clone(),
            shed: service.shed.clone(),
            fresh: service.fresh.clone(),
        },
    }
}

fn credentials(prometheus: &Prometheus) -> Option<Credentials> {
    let bearer = prometheus.bearer.as_ref().map(|token| Credentials::Bearer(Secret::new(token.reveal())));
    let basic = prometheus.basic_auth.as_ref().and_then(|basic| {
        let password = Secret::new(basic.key.as_ref()?.reveal());
        Some(Credentials::Basic { username: basic.username.clone(), password })
    });
    bearer.or(basic)
}

/// Asks everything that a reading would ask.
pub async fn test(service: &Service, eyes: &Eyes) -> Vec<Finding> {
    let Some(prometheus) = &eyes.prometheus else { return Vec::new() };
    let what = |name: &str| format!("{name} of {}", service.name);
    let wrong = |name: &str, problem: &Problem| Finding::new(what(problem.query().unwrap_or(name)), false, problem.untitled());
    let checked = match prometheus.test().await {
        Ok(checked) => checked,
        Err(problem) => return vec![wrong("load", &problem)],
    };
    let age = checked.age_ms.map(|age| format!(", {} s ago", age / 1_000));
    let series = checked.series.map(|count| format!(" from {count} series"));
    let from = checked.history_from_ms.map(|from_ms| format!(", since {}", show_time(from_ms)));
    let text = format!(
        "{:.1} requests/s{}{}{} ({})",
        checked.load,
        series.unwrap_or_default(),
        age.unwrap_or_default(),
        from.unwrap_or_default(),
        checked.server
    );
    let mut findings = vec![Finding::new(what("load"), true, text)];
    findings.extend(aged(service, &checked).map(|text| Finding::new(what("age of the load"), false, text)));
    for (name, value) in &checked.others {
        findings.push(match value {
            Ok(Some(value)) => Finding::new(what(name), true, format!("{value}")),
            Ok(None) => Finding::new(what(name), true, "nobody asks just now, so there is nothing to divide by"),
            Err(problem) => wrong(name, problem),
        });
    }
    findings.extend(checked.warnings.into_iter().map(|warning| Finding::new(what("load"), true, format!("warning: {warning}"))));
    findings
}

/// What is wrong with the age of the newest sample.
fn aged(service: &Service, checked: &Checked) -> Option<String> {
    let stale_after = service.timing.stale_after;
    match checked.age_ms {
        Some(age_ms) if age_ms > stale_after.ms() => Some(format!(
            "the newest sample is {} s old, and after timing.stale_after = {stale_after} the load counts as missing; is its exporter up, and \
             scraped? See Status, Targets on the server's own page",
            age_ms / 1_000
        )),
        None if checked.freshness != Freshness::Points => Some(
            "nobody tells how old the newest sample is, so that the load counts as missing: give the service a `fresh` query".to_owned(),
        ),
        _ => None,
    }
}

/// A fleet of which Prometheus knows the number.
struct Counted {
    prometheus: Arc<PrometheusSource>,
    clock: Clock,
    stale_after_ms: i64,
}

impl Observer for Counted {
    fn observe(&self) -> BoxFuture<'_, Result<Vec<Replica>, ActError>> {
        Box::pin(async {
            let now_ms = self.clock.now_ms();
            match self.prometheus.replicas().await {
                Ok(Some((at_ms, _))) if now_ms - at_ms > self.stale_after_ms => {
                    Err(ActError::passing(format!("the newest sample of the replicas query is {} s old", (now_ms - at_ms) / 1_000)))
                }
                Ok(Some((_, count))) => gauge::counted(count),
                Ok(None) => Err(ActError::passing("the replicas query has no answer now")),
                Err(why) => Err(ActError::passing(why)),
            }
        })
    }
}

/// A load that Prometheus knows, of a service behind our own proxy, which the page shows.
struct Fronted {
    load: Arc<PrometheusSource>,
    counters: ProxySource,
}

impl LoadSource for Fronted {
    fn measures(&self) -> &str {
        self.load.measures()
    }

    fn read(&self) -> BoxFuture<'_, Result<Reading, String>> {
        self.load.read()
    }

    fn backfill(&self, from_ms: i64, to_ms: i64) -> BoxFuture<'_, Result<Vec<Step>, String>> {
        self.load.backfill(from_ms, to_ms)
    }

    fn patience(&self) -> std::time::Duration {
        self.load.patience()
    }

    fn proxy(&self) -> Option<dto::Proxy> {
        self.counters.proxy()
    }
}
