//! Puts the services of a configuration together: proxy, source, actuator. What is the same as before is taken over as it is, so that a
//! changed limit of one service disturbs neither its own readings nor anybody else's.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::front::{self, Front};
use super::source::{self, Eyes};
use crate::act::Actuator;
use crate::clock::Clock;
use crate::config::Config;
use crate::config::file::{self, Prometheus};
use crate::runtime::Service;
use crate::store::Store;

/// An actuator that takes longer [wall] to show its fleet has failed for now.
pub const OBSERVE_TIMEOUT: Duration = Duration::from_secs(10);

/// The services of one configuration, by name.
pub type Parts = BTreeMap<String, Arc<Part>>;

/// A service and what it is made of.
pub struct Part {
    said: file::Service,
    prometheus: Option<Prometheus>,
    pub front: Option<Arc<Front>>,
    eyes: Eyes,
    actuator: Arc<dyn Actuator>,
    service: Arc<Service>,
}

/// What is to run.
pub fn services(parts: &Parts) -> Vec<Arc<Service>> {
    parts.values().map(|part| part.service.clone()).collect()
}

/// Builds parts.
pub struct Assembly {
    clock: Clock,
    store: Arc<Store>,
    /// What runs.
    pub live: Parts,
}

impl Assembly {
    pub fn new(clock: Clock, store: Arc<Store>) -> Self {
        Self { clock, store, live: Parts::new() }
    }

    /// The parts of a configuration. What runs is left as it is; dropping the result undoes everything.
    pub async fn next(&self, config: &Config) -> Result<Parts, String> {
        let mut parts = Parts::new();
        for (said, planned) in config.file.services.iter().zip(&config.services) {
            let prometheus = config.file.prometheus.as_ref().filter(|_| said.load.is_some());
            let part = match self.live.get(&said.name) {
                Some(part) if part.said == *said && part.prometheus.as_ref() == prometheus => part.clone(),
                known => Arc::new(self.part(said, planned, config.file.prometheus.as_ref(), known.map(Arc::as_ref)).await?),
            };
            parts.insert(said.name.clone(), part);
        }
        Ok(parts)
    }

    async fn part(
        &self,
        said: &file::Service,
        planned: &planner::ServiceConfig,
        prometheus: Option<&Prometheus>,
        known: Option<&Part>,
    ) -> Result<Part, String> {
        let front = match (&said.proxy, known.and_then(|known| known.front.clone())) {
            (None, _) => None,
            (Some(_), Some(front)) => Some(front),
            (Some(settings), None) => Some(Arc::new(Front::start(settings, &self.clock).await?)),
        };
        let mine = prometheus.filter(|_| said.load.is_some());
        let seen_alike = |known: &&Part| {
            let queries = |said: &file::Service| {
                let file::Service { load, replicas, latency, errors, shed, fresh, .. } = said.clone();
                (load, replicas, latency, errors, shed, fresh, said.proxy.is_some(), said.timing.stale_after)
            };
            queries(&known.said) == queries(said) && known.prometheus.as_ref() == mine
        };
        let (eyes, seen_as_before) = match known.filter(seen_alike) {
            Some(known) => (known.eyes.clone(), true),
            None => (source::build(said, prometheus, front.as_deref(), &self.clock)?, false),
        };
        let actuator = match known.filter(|known| seen_as_before && known.said.act == said.act) {
            Some(known) => known.actuator.clone(),
            None => super::act::build(said, &eyes, &self.clock, &self.store).await?,
        };
        let service = Arc::new(Service {
            config: planned.clone(),
            actuator: actuator.clone(),
            balancer: front.as_ref().and_then(|front| front.sink.clone()),
            source: eyes.load.clone(),
            step_ms: source::step_ms(prometheus),
            scrape_every_ms: said.timing.read_every.ms(),
            observe_timeout: OBSERVE_TIMEOUT,
        });
        Ok(Part { said: said.clone(), prometheus: mine.cloned(), front, eyes, actuator, service })
    }

    /// The parts run now: the proxies are told their backends, and those that are gone finish what they have.
    pub fn adopt(&mut self, parts: Parts, drain: Duration) {
        for (name, part) in &parts {
            let before = self.live.get(name).and_then(|known| known.said.proxy.as_ref());
            if let (Some(front), Some(proxy), Some(before)) = (&part.front, &part.said.proxy, before)
                && let Some(backends) = proxy.backends.as_ref().filter(|_| proxy.backends != before.backends)
            {
                front.list(backends);
            }
        }
        let before = std::mem::replace(&mut self.live, parts);
        for (name, part) in before {
            let stays = self.live.get(&name).is_some_and(|now| now.front.is_some());
            if let (Some(front), false) = (part.front.clone(), stays) {
                tokio::spawn(async move { front.drain(drain).await });
            }
        }
    }
}

/// What can only change at the next start, if this change needs one.
pub fn needs_a_start(before: &Config, after: &Config) -> Option<String> {
    let step = |config: &Config| config.file.prometheus.as_ref().map_or("absent".to_owned(), |prometheus| prometheus.step.to_string());
    let mut keys = Vec::new();
    if before.file.server != after.file.server {
        keys.push("server".to_owned());
    }
    if before.file.log != after.file.log {
        keys.push("log".to_owned());
    }
    // Without Prometheus the step is another; nothing has to be said by nobody.
    if source::step_ms(before.file.prometheus.as_ref()) != source::step_ms(after.file.prometheus.as_ref()) {
        keys.push(format!("prometheus.step ({} to {})", step(before), step(after)));
    }
    for service in &after.file.services {
        let known = before.file.services.iter().find(|known| known.name == service.name);
        if let (Some(was), Some(is)) = (known.and_then(|known| known.proxy.as_ref()), &service.proxy)
            && !front::can_become(was, is)
        {
            keys.push(format!("proxy of {} (but its backends)", service.name));
        }
    }
    (!keys.is_empty()).then(|| format!("{} can only change at the next start: restart prescale, or put it back", keys.join(", ")))
}
