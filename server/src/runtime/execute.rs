//! Carries out commands, each in a task of its own, so that a slow actuator never holds up a decision.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use planner::{Command, Event, Order, OrderId, WeightPlan};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use super::metrics::{Call, Failure};
use super::{Service, Shared, failpoint, forecast, view};
use crate::act::{ActError, WeightsAnswer};

/// An actuator that hasn't answered by then: nobody knows whether it acted.
const ACT_TIMEOUT: Duration = Duration::from_secs(30);
/// Pause before weights are pushed again that didn't get through.
const PUSH_AGAIN: Duration = Duration::from_millis(500);

pub struct Executor {
    shared: Arc<Shared>,
    stopped: watch::Receiver<bool>,
    /// The newest weights of each service; a pusher task sends whatever is newest, so that a slow proxy never gets a queue of old ones.
    weights: BTreeMap<String, watch::Sender<Option<WeightPlan>>>,
    forecasts: Arc<Semaphore>,
}

impl Executor {
    pub fn new(shared: Arc<Shared>, stopped: watch::Receiver<bool>, tasks: &mut JoinSet<()>) -> Self {
        let mut weights = BTreeMap::new();
        for service in shared.services.values().filter(|service| service.balancer.is_some()) {
            let (newest, plans) = watch::channel(None);
            weights.insert(service.config.name.clone(), newest);
            tasks.spawn(push_weights(shared.clone(), service.clone(), plans, stopped.clone()));
        }
        Self { shared, stopped, weights, forecasts: Arc::new(Semaphore::new(1)) }
    }

    pub fn execute(&self, command: Command) {
        match command {
            Command::Scale(order) => self.spawn(scale(self.shared.clone(), order)),
            Command::Release { service, id } => self.spawn(release(self.shared.clone(), service, id)),
            Command::PushWeights { service, snapshot } => {
                if let Some(newest) = self.weights.get(&service) {
                    newest.send_replace(Some(snapshot));
                }
            }
            Command::RequestForecast { service, .. } => {
                self.spawn(forecast::make(self.shared.clone(), service, self.forecasts.clone()));
            }
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
    let Some(service) = shared.services.get(&order.service) else { return };
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
                match service.actuator.sets_floor() {
                    true => Event::FloorSet { order: order.id, at_ms },
                    false => Event::Acknowledged { order: order.id, at_ms },
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

async fn release(shared: Arc<Shared>, name: String, id: OrderId) {
    let Some(service) = shared.services.get(&name) else { return };
    tracing::info!(service = name, release = id.0, "release");
    let answer = tokio::time::timeout(ACT_TIMEOUT, service.actuator.release()).await;
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

async fn push_weights(
    shared: Arc<Shared>,
    service: Arc<Service>,
    mut plans: watch::Receiver<Option<WeightPlan>>,
    mut stopped: watch::Receiver<bool>,
) {
    let Some(sink) = &service.balancer else { return };
    loop {
        tokio::select! {
            changed = plans.changed() => if changed.is_err() { return },
            _ = stopped.wait_for(|stop| *stop) => return,
        }
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
