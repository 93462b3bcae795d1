//! Who starts and stops a service's replicas.

use std::sync::Arc;

use super::check::Finding;
use super::source::Eyes;
use crate::act::gauge::Gauge;
use crate::act::kubernetes::{self, Kubernetes};
use crate::act::webhook::{self, Webhook};
use crate::act::{ActError, Actuator, Observer};
use crate::clock::Clock;
use crate::config::file::{self, Act, Service};
use crate::secret::Secret;
use crate::store::Store;

/// Nothing is asked or written yet.
pub async fn build(service: &Service, eyes: &Eyes, clock: &Clock, store: &Arc<Store>) -> Result<Arc<dyn Actuator>, String> {
    let of_service = |why: String| format!("service {}: {why}", service.name);
    match &service.act {
        None | Some(Act::Gauge) => Ok(Arc::new(Gauge::new(eyes.fleet.clone()))),
        Some(Act::Kubernetes(said)) => Ok(Arc::new(connect(said, clock).await.map_err(of_service)?)),
        Some(Act::Webhook(said)) => Ok(Arc::new(call(said, eyes.fleet.clone(), Some(store.clone())).map_err(of_service)?)),
    }
}

async fn connect(said: &file::Kubernetes, clock: &Clock) -> Result<Kubernetes, String> {
    let options = kubernetes::Options {
        kubeconfig: said.kubeconfig.clone(),
        context: said.context.clone(),
        namespace: said.namespace.clone(),
        target: said.target.parse().map_err(|error: kubernetes::TargetError| error.to_string())?,
        way: said.way,
        take_over: said.take_over,
        dry_run: said.dry_run,
        timeout: said.timeout.duration(),
        port: said.port,
    };
    Kubernetes::connect(options, clock.clone()).await.map_err(|error| error.text)
}

fn call(said: &file::Webhook, eyes: Option<Arc<dyn Observer>>, journal: Option<Arc<Store>>) -> Result<Webhook, String> {
    let options = webhook::Options {
        url: said.url.value().to_owned(),
        status_url: said.status_url.as_ref().map(|url| url.value().to_owned()),
        secret: said.key.as_ref().map(|key| Secret::new(key.reveal())),
        timeout: said.timeout.duration(),
        allow_link_local: said.allow_link_local,
    };
    Webhook::new(options, eyes, journal).map_err(|error| error.text)
}

/// What to look at when the API server itself doesn't answer as it should.
fn advice(error: &ActError) -> &'static str {
    if error.retry {
        "is the server of the kubeconfig the address of a Kubernetes API that is reachable from here, and does certificate-authority there vouch \
         for it? If it is only busy or starting, try again"
    } else {
        "are server and user of the kubeconfig (in a cluster: the service account) the right ones, and the user's token or certificate still valid?"
    }
}

/// Tries whatever an order would need, without changing anything. A webhook isn't called, since nobody knows what a receiver does with a
/// message: `prescale webhook` does that.
pub async fn test(service: &Service, eyes: Option<&Eyes>, clock: &Clock) -> Vec<Finding> {
    let what = format!("fleet of {}", service.name);
    match &service.act {
        // The query was tried with the load.
        None | Some(Act::Gauge) if service.replicas.is_some() => Vec::new(),
        None | Some(Act::Gauge) => {
            vec![Finding::new(what, true, "nobody counts its replicas: without a replicas query it can be observed, and no more")]
        }
        Some(Act::Kubernetes(said)) => {
            let tried = match connect(said, clock).await {
                Ok(kubernetes) => kubernetes.test().await.map_err(|error| format!("{}; {}", error.text, advice(&error))),
                Err(why) => Err(why),
            };
            match tried {
                Ok(findings) => findings.into_iter().map(|one| Finding::new(what.clone(), one.ok, one.text)).collect(),
                Err(why) => vec![Finding::new(what, false, why)],
            }
        }
        Some(Act::Webhook(said)) => {
            let webhook = match call(said, eyes.and_then(|eyes| eyes.fleet.clone()), None) {
                Ok(webhook) => webhook,
                Err(why) => return vec![Finding::new(what, false, why)],
            };
            let seen = match webhook.observe().await {
                Ok(replicas) => Finding::new(what.clone(), true, format!("{} replicas", replicas.len())),
                Err(error) => Finding::new(what.clone(), false, error.text),
            };
            let text = format!("{} was not called; try it: prescale webhook URL", said.url.written());
            vec![seen, Finding::new(format!("webhook of {}", service.name), true, text)]
        }
    }
}
