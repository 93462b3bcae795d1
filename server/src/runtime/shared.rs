//! What the loop publishes and everybody else reads: never a lock held over an await, never the loop's own state.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use parking_lot::RwLock;
use planner::{Decision, Entry, Event, HistoryNeed, Needs, Pause, ServiceState, State};
use predictor::Forecast;
use predictor::boosted::Models;
use tokio::sync::{Mutex, mpsc, oneshot};

use super::control_loop::Outcome;
use super::forecasters::Forecasters;
use super::metrics::{Counts, StoreWork};
use super::news::Changes;
use super::past::Past;
use super::troubles::Troubles;
use super::{Message, Service, control_loop, view};
use crate::api::control::HealthCheck;
use crate::clock::Clock;
use crate::collect::Step;
use crate::events::{Feed, Limits};
use crate::store::{Queue, Store, StoreError};

/// One service as it was last published.
#[derive(Debug, Clone)]
pub struct View {
    /// What the loop knows, but for its forecast, which is below.
    pub state: ServiceState,
    /// The newest reading, and when it was taken (domain ms).
    pub load: Option<(i64, Step)>,
    /// Why the last reading failed.
    pub load_error: Option<String>,
    /// The newest forecast, with its events.
    pub forecast: Option<Arc<Forecast>>,
    /// The same without what the events multiply, as the loop has it.
    pub usual: Option<Arc<Forecast>>,
    /// What the load that it says will need.
    pub needs: Arc<Needs>,
    /// Why the newest attempt failed.
    pub forecast_error: Option<(String, Option<HistoryNeed>)>,
    /// The newest decision.
    pub decision: Option<Arc<Decision>>,
    /// The load of the last day.
    pub past: Arc<Past>,
}

impl View {
    fn new(state: &ServiceState) -> Self {
        Self {
            state: state.clone(),
            load: None,
            load_error: None,
            forecast: None,
            usual: None,
            needs: Arc::default(),
            forecast_error: None,
            decision: state.last_decision.clone().map(Arc::new),
            past: Arc::default(),
        }
    }
}

/// What the tasks of the runtime share.
pub struct Shared {
    /// Domain time.
    pub clock: Clock,
    /// The database.
    pub store: Arc<Store>,
    /// For `/metrics`.
    pub counts: Counts,
    /// What is told to whoever watches.
    pub feed: Arc<Feed>,
    /// What has to be told.
    pub(super) changes: Changes,
    /// One forecast at a time: two cores must not be taken from the proxy.
    pub(super) forecasters: Mutex<Forecasters>,
    services: RwLock<BTreeMap<String, Arc<Service>>>,
    /// What the shell around the loop wants to be seen on `/readyz`, by the check's name.
    notes: RwLock<BTreeMap<String, HealthCheck>>,
    events: mpsc::Sender<Message>,
    views: RwLock<BTreeMap<String, View>>,
    paused: RwLock<Option<Pause>>,
    /// History that waits for being written.
    pub history: Queue,
    /// What the database can't do now.
    pub(super) troubles: Troubles,
}

impl Shared {
    pub(super) fn new(
        clock: Clock,
        store: Arc<Store>,
        events: mpsc::Sender<Message>,
        services: BTreeMap<String, Arc<Service>>,
        state: &State,
        models: Option<Arc<Models>>,
    ) -> Self {
        let views = state.services.iter().map(|(name, service)| (name.clone(), View::new(service))).collect();
        Self {
            feed: Arc::new(Feed::new(clock.clone(), Limits::default())),
            changes: Changes::default(),
            clock,
            store,
            counts: Counts::new(state.services.keys().cloned()),
            forecasters: Mutex::new(Forecasters::with(models)),
            services: RwLock::new(services),
            notes: RwLock::default(),
            events,
            views: RwLock::new(views),
            paused: RwLock::new(state.paused),
            history: Queue::default(),
            troubles: Troubles::default(),
        }
    }

    /// Sends an event to the loop. When the loop has ended there is nobody to tell.
    pub async fn send(&self, event: Event) {
        let _ = self.events.send(Message { event, services: None, reply: None }).await;
    }

    /// Sends an event and waits for what becomes of it; `None` when the loop has ended.
    pub async fn ask(&self, event: Event) -> Option<Outcome> {
        self.ask_with(event, None).await
    }

    /// The same for an [`Event::Configured`], with the services that take the place of those that run.
    pub(super) async fn ask_with(&self, event: Event, services: Option<BTreeMap<String, Arc<Service>>>) -> Option<Outcome> {
        let (reply, answer) = oneshot::channel();
        self.events.send(Message { event, services, reply: Some(reply) }).await.ok()?;
        answer.await.ok()
    }

    /// What connects a service to the world.
    #[must_use]
    pub fn service(&self, name: &str) -> Option<Arc<Service>> {
        self.services.read().get(name).cloned()
    }

    /// All services, by name.
    #[must_use]
    pub fn services(&self) -> BTreeMap<String, Arc<Service>> {
        self.services.read().clone()
    }

    /// Shows a check on `/readyz`; the newest of a name counts.
    pub fn note(&self, check: HealthCheck) {
        self.notes.write().insert(check.name.clone(), check);
    }

    /// Takes a check off `/readyz`.
    pub fn forget_note(&self, name: &str) {
        self.notes.write().remove(name);
    }

    /// The checks that were noted, sorted by name.
    #[must_use]
    pub fn notes(&self) -> Vec<HealthCheck> {
        self.notes.read().values().cloned().collect()
    }

    /// Shows other services from now on; what is known of those that stay is kept.
    pub(super) fn replace(&self, services: BTreeMap<String, Arc<Service>>, state: &State) {
        let mut views = self.views.write();
        views.retain(|name, _| state.services.contains_key(name));
        for (name, service) in &state.services {
            views.entry(name.clone()).or_insert_with(|| View::new(service));
        }
        drop(views);
        self.counts.follow(state.services.keys());
        *self.services.write() = services;
        self.changes.any();
    }

    /// A service as it was last published.
    #[must_use]
    pub fn view(&self, name: &str) -> Option<View> {
        self.views.read().get(name).cloned()
    }

    /// Reads from a service as it was last published, without a copy of it; `None` if there is no such service.
    pub(super) fn look<T>(&self, name: &str, read: impl FnOnce(&View) -> T) -> Option<T> {
        self.views.read().get(name).map(read)
    }

    /// The names of all services.
    pub(super) fn names(&self) -> BTreeSet<String> {
        self.views.read().keys().cloned().collect()
    }

    /// All services, sorted by name.
    #[must_use]
    pub fn views(&self) -> Vec<View> {
        self.views.read().values().cloned().collect()
    }

    /// The pause of all services.
    #[must_use]
    pub fn paused(&self) -> Option<Pause> {
        *self.paused.read()
    }

    /// Why the database can't be written, if it can't.
    #[must_use]
    pub fn store_error(&self) -> Option<String> {
        self.troubles.text()
    }

    /// Shows the loop's state. It is borrowed mutably only to leave its forecasts out of the copy: they are large, and shown already.
    pub(super) fn publish(&self, state: &mut State, touched: Option<&str>, entries: &[Entry]) {
        let mut views = self.views.write();
        for (name, service) in &mut state.services {
            if touched.is_none_or(|touched| touched == name)
                && let Some(view) = views.get_mut(name)
            {
                let forecast = service.forecast.take();
                view.state = service.clone();
                service.forecast = forecast;
            }
        }
        for entry in entries {
            match entry {
                Entry::Decision(decision) => {
                    let reason = view::name_of(&decision.reason);
                    tracing::debug!(service = decision.service, decision = decision.id.0, reason, "{}", decision.sentence);
                    self.counts.of(&decision.service, |counts| *counts.decisions.entry(reason).or_default() += 1);
                    if let Some(view) = views.get_mut(&decision.service) {
                        view.decision = Some(Arc::new((**decision).clone()));
                    }
                }
                Entry::OrderIssued(order) => self.counts.of(&order.service, |counts| counts.orders += 1),
                Entry::OrderFailed { service, .. } => self.counts.of(service, |counts| counts.order_failures += 1),
                _ => {}
            }
        }
        drop(views);
        *self.paused.write() = state.paused;
        for entry in entries {
            self.changes.journalled(control_loop::about(entry));
        }
        match touched {
            Some(name) => self.changes.service(name),
            None => self.changes.any(),
        }
        self.counts.steps.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn publish_forecast(&self, service: &str, usual: Forecast, forecast: Forecast, needs: Needs) {
        if let Some(view) = self.views.write().get_mut(service) {
            let config = &view.state.config;
            let now_rps = view.load.as_ref().map(|(_, step)| step.load_rps);
            let lead_ms = view.state.lead.lead(config).ms;
            self.counts.of(service, |counts| counts.accuracy.promise(&forecast, lead_ms, config.forecast_every_ms, now_rps));
            view.forecast = Some(Arc::new(forecast));
            view.usual = Some(Arc::new(usual));
            view.needs = Arc::new(needs);
            view.forecast_error = None;
        }
        self.changes.service(service);
    }

    pub(super) fn publish_no_forecast(&self, service: &str, error: &str, need: Option<HistoryNeed>) {
        self.counts.of(service, |counts| counts.forecast_failures += 1);
        if let Some(view) = self.views.write().get_mut(service) {
            view.forecast_error = Some((error.to_owned(), need));
        }
        self.changes.service(service);
    }

    pub(super) fn publish_past(&self, service: &str, past: Past) {
        if let Some(view) = self.views.write().get_mut(service) {
            view.past = Arc::new(past);
        }
        self.changes.service(service);
    }

    pub(super) fn publish_load(&self, service: &str, reading: Result<Option<(i64, Step)>, String>) {
        if let Some(view) = self.views.write().get_mut(service) {
            match reading {
                Ok(Some(known)) => (view.load, view.load_error) = (Some(known), None),
                Ok(None) => view.load_error = Some("the source answers, but has no value now".into()),
                Err(why) => {
                    self.counts.of(service, |counts| counts.load_read_failures += 1);
                    view.load_error = Some(why);
                }
            }
        }
        self.changes.service(service);
    }

    /// A write failed. Returns whether this is news.
    pub(super) fn store_failed(&self, work: StoreWork, error: &StoreError) -> bool {
        self.counts.store_failed(work);
        self.troubles.failed(work, error)
    }
}
