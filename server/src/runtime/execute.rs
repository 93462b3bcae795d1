//! Carries out commands, each in a task of its own, so that a slow actuator never holds up a decision.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use planner::{Command, Event, Order, OrderId, WeightPlan};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::metrics::{Call, Failure};
use super::{Service, Shared, failpoint, feed, forecast, view};
use crate::act::kubernetes::Kubernetes;
use crate::act::{ActError, Actuator, WeightsAnswer};

/// An actuator that hasn't answered by then: nobody knows whether it acted.
const ACT_TIMEOUT: Duration = Duration::from_secs(30);
/// Pause before weights are pushed again that didn't get through.
const PUSH_AGAIN: Duration = Duration::from_millis(500);

pub struct Executor {
    shared: Arc<Shared>,
    stopped: watch::Receiver<bool>,
    attached: BTreeMap<String, Attached>,
    tasks: JoinSet<()>,
}

/// A service whose tasks run. Dropping this ends them.
struct Attached {
    service: Arc<Service>,
    /// The newest weights; a pusher task sends whatever is newest, so that a slow proxy never gets a queue of old ones.
    weights: watch::Sender<Option<WeightPlan>>,
    _running: watch::Sender<()>,
}

impl Executor {
    pub fn new(shared: Arc<Shared>, stopped: watch::Receiver<bool>) -> Self {
        Self { shared, stopped, attached: BTreeMap::new(), tasks: JoinSet::new() }
    }

    /// Runs the tasks of exactly these services. Those of a service that is the same as before aren't touched.
    pub fn attach(&mut self, services: &BTreeMap<String, Arc<Service>>) {
        self.attached.retain(|name, known| services.get(name).is_some_and(|service| Arc::ptr_eq(service, &known.service)));
        while self.tasks.try_join_next().is_some() {}
        for (name, service) in services {
            if self.attached.contains_key(name) {
                continue;
            }
            let (running, mut detached) = watch::channel(());
            let (weights, plans) = watch::channel(None);
            let feeding = feed::run(self.shared.clone(), service.clone());
            let pushing = push_weights(self.shared.clone(), service.clone(), plans);
            self.tasks.spawn(async move {
                tokio::select! {
                    ((), ()) = async { tokio::join!(feeding, pushing) } => {}
                    // Only its end is ever told.
                    _ = detached.changed() => {}
                }
            });
            self.attached.insert(name.clone(), Attached { service: service.clone(), weights, _running: running });
        }
    }

    /// Ends the tasks of all services.
    pub async fn end(mut self) {
        self.attached.clear();
        while self.tasks.join_next().await.is_some() {}
    }

    pub fn execute(&self, command: Command) {
        match command {
            Command::Scale(order) => self.spawn(scale(self.shared.clone(), order)),
            Command::Release { service, id, at } => self.spawn(release(self.shared.clone(), service, id, at)),
            Command::PushWeights { service, snapshot } => {
                if let Some(attached) = self.attached.get(&service) {
                    attached.weights.send_replace(Some(snapshot));
                }
            }
            Command::RequestForecast { service, .. } => self.spawn(forecast::make(self.shared.clone(), service)),
            Command::Alert { service, code, text } => {
                let code = view::name_of(&code);
                tracing::warn!(service, code, "{text}");
                self.shared.counts.of(&service, |counts| *counts.alerts.entry(code).or_default() += 1);
            }
            // Journal entries were written by the loop, and who asked has been told.
            Command::Journal(_) | Command::Refused { .. } => {}
        }
    }

    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let mut stopped = self.stopped.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = work => {}
                _ = stopped.wait_for(|stop| *stop) => {}
            }
        });
    }
}

async fn scale(shared: Arc<Shared>, order: Order) {
    let Some(service) = shared.service(&order.service) else { return };
    let (id, decision) = (order.id.0, order.decision.0);
    tracing::info!(service = order.service, order = id, decision, from = order.from, to = order.target, attempt = order.attempt, "order");
    failpoint::reach("journaled").await;
    let answer = tokio::time::timeout(ACT_TIMEOUT, service.actuator.scale(&order)).await;
    let kind = match &answer {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(Failure::of(error)),
        Err(_) => Some(Failure::Timeout),
    };
    if let Some(kind) = kind {
        shared.counts.actuator_failed(&order.service, Call::Scale, kind);
    }
    let answer =
        answer.unwrap_or_else(|_| Err(ActError::passing(format!("no answer within {ACT_TIMEOUT:?}; it may have acted all the same"))));
    failpoint::reach("acted").await;
    let at_ms = shared.clock.now_ms();
    shared
        .send(match answer {
            Ok(()) => {
                tracing::info!(service = order.service, order = id, decision, "the order is acknowledged");
                if service.actuator.sets_floor() {
                    Event::FloorSet { order: order.id, at_ms }
                } else {
                    Event::Acknowledged { order: order.id, at_ms }
                }
            }
            Err(error) => {
                tracing::warn!(service = order.service, order = id, decision, %error, "the order failed");
                let ActError { text, retry, retry_after_ms } = error;
                Event::ActFailed { order: order.id, at_ms, error: text, retry, retry_after_ms }
            }
        })
        .await;
}

async fn release(shared: Arc<Shared>, name: String, id: OrderId, at: Option<String>) {
    let service = shared.service(&name);
    tracing::info!(service = name, release = id.0, at, "release");
    let give_up = async {
        match (at, service) {
            // Nobody acts there any more.
            (Some(at), _) => Kubernetes::at(&at, shared.clock.clone()).await?.release().await,
            (None, Some(service)) => service.actuator.release().await,
            (None, None) => Ok(()),
        }
    };
    let answer = tokio::time::timeout(ACT_TIMEOUT, give_up).await;
    let answer = answer.map_err(|_| Failure::Timeout).map(|answer| answer.map_err(|error| (Failure::of(&error), error)));
    let silence = || ActError::passing(format!("no answer within {ACT_TIMEOUT:?}; it may have happened all the same"));
    let at_ms = shared.clock.now_ms();
    let event = match answer.unwrap_or_else(|kind| Err((kind, silence()))) {
        Ok(()) => Event::Released { id, at_ms },
        Err((kind, ActError { text: error, retry, retry_after_ms })) => {
            shared.counts.actuator_failed(&name, Call::Release, kind);
            tracing::warn!(service = name, release = id.0, error, "the release failed");
            Event::ReleaseFailed { id, at_ms, error, retry, retry_after_ms }
        }
    };
    shared.send(event).await;
}

async fn push_weights(shared: Arc<Shared>, service: Arc<Service>, mut plans: watch::Receiver<Option<WeightPlan>>) {
    let Some(sink) = &service.balancer else { return };
    while plans.changed().await.is_ok() {
        let Some(plan) = plans.borrow_and_update().clone() else { continue };
        let name = service.config.name.clone();
        match sink.push(&plan).await {
            Ok(WeightsAnswer::Applied) => shared.send(Event::WeightsApplied { service: name, epoch: plan.epoch }).await,
            Ok(WeightsAnswer::Refused { current_epoch }) => {
                shared.send(Event::WeightsRefused { service: name, epoch: plan.epoch, current_epoch }).await;
            }
            Err(error) => {
                tracing::warn!(service = name, %error, "the weights didn't get through");
                shared.counts.actuator_failed(&name, Call::Weights, Failure::of(&error));
                tokio::time::sleep(PUSH_AGAIN).await;
                if error.retry {
                    plans.mark_changed();
                }
            }
        }
    }
}
