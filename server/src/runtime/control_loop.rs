//! The one task that owns the planner's state.

use std::sync::Arc;
use std::time::Instant;

use planner::calendar::Outlined;
use planner::{Command, Entry, Event, Needs, State};
use predictor::Forecast;
use tokio::sync::{mpsc, watch};

use super::execute::Executor;
use super::issued::{self, Issued};
use super::memory::Memory;
use super::metrics::StoreWork;
use super::{Message, Shared};
use crate::store::{JournalRow, StoreError};

/// What became of an event that somebody waits for.
pub enum Outcome {
    /// Journalled and under way.
    Done,
    /// The planner refused it; the text is its reason.
    Refused(String),
    /// It could not be written down, so it didn't happen.
    NotWritten(String),
}

pub struct ControlLoop {
    shared: Arc<Shared>,
    state: State,
    /// The state as it was last written: where the loop goes on when a write fails.
    memory: Memory,
    executor: Executor,
}

impl ControlLoop {
    pub fn new(shared: Arc<Shared>, state: State, memory: Memory, executor: Executor) -> Self {
        Self { shared, state, memory, executor }
    }

    /// Handles what happened before the start, then everything that comes in, until stopped.
    pub async fn run(mut self, first: Vec<Event>, mut inbox: mpsc::Receiver<Message>, mut stopped: watch::Receiver<bool>) {
        // What the feeders send meanwhile waits in the inbox: whatever came first is handled first.
        self.executor.attach(&self.shared.services());
        for event in first {
            self.handle(Message { event, services: None, reply: None }).await;
        }
        loop {
            let message = tokio::select! {
                message = inbox.recv() => message,
                () = ended(&mut stopped) => None,
            };
            let Some(message) = message else { break };
            let begun = Instant::now();
            self.handle(message).await;
            self.shared.counts.loop_step.observe(begun.elapsed());
        }
        // A feeder that waits for a place in the inbox must not wait for ever.
        drop(inbox);
        self.executor.end().await;
    }

    async fn handle(&mut self, message: Message) {
        let now_ms = self.shared.clock.now_ms();
        let touched = planner::service_of(&self.state, &message.event);
        let news = match &message.event {
            Event::Forecast { service, forecast, learnt } => {
                Some((service.clone(), Ok(Outlined { forecast: forecast.clone(), learnt: learnt.clone() })))
            }
            Event::ForecastFailed { service, error, not_enough_history, .. } => {
                Some((service.clone(), Err((error.clone(), *not_enough_history))))
            }
            _ => None,
        };
        // A step may ask the simulator what a plan would do, which takes milliseconds of computing.
        let before_ms = self.state.clock_ms;
        let commands = tokio::task::block_in_place(|| planner::step(&mut self.state, message.event, now_ms));
        // A clock that was set back moves what every service remembers.
        let touched = touched.filter(|_| self.state.clock_ms >= before_ms);
        self.memory.touch(&self.state, touched.as_deref());
        let (journal, rest): (Vec<Command>, Vec<Command>) = commands.into_iter().partition(|one| matches!(one, Command::Journal(_)));
        let entries: Vec<Entry> =
            journal.into_iter().filter_map(|one| if let Command::Journal(entry) = one { Some(entry) } else { None }).collect();
        if let Err(error) = self.write(&entries, now_ms).await {
            tracing::error!(%error, "the journal can't be written: nothing is executed, capacity holds");
            self.shared.store_failed(StoreWork::Journal, &error);
            reply(message.reply, Outcome::NotWritten(error.to_string()));
            return;
        }
        match news {
            Some((service, Ok(made))) => {
                let needs = tokio::task::block_in_place(|| planner::needs(&mut self.state, &service, now_ms));
                let usual = made.forecast.clone();
                let shown = match self.state.services.get(&service) {
                    Some(known) => made.shown((&known.config).into()),
                    None => made.forecast,
                };
                self.keep(&service, &shown, &needs, now_ms);
                self.shared.publish_forecast(&service, usual, shown, needs);
            }
            Some((service, Err((error, need)))) => self.shared.publish_no_forecast(&service, &error, need),
            None => {}
        }
        let refused = rest.iter().find_map(|one| if let Command::Refused { reason, .. } = one { Some(reason.clone()) } else { None });
        if let (Some(services), None) = (message.services, &refused) {
            self.executor.attach(&services);
            self.shared.replace(services, &self.state);
        }
        self.shared.publish(&mut self.state, touched.as_deref(), &entries);
        reply(message.reply, refused.map_or(Outcome::Done, Outcome::Refused));
        for command in rest {
            self.executor.execute(command);
        }
    }

    /// Keeps a forecast with the plan that follows from it, beside the loop.
    fn keep(&self, service: &str, forecast: &Forecast, needs: &Needs, now_ms: i64) {
        let Some(known) = self.state.services.get(service) else { return };
        let issued = Issued::of(forecast, &planner::outlook(needs, known, self.state.paused, now_ms));
        tokio::spawn(issued::keep(self.shared.clone(), service.to_owned(), issued));
    }

    /// Writes entries and state, or goes on from the state that was last written. The forecasts aren't part of that: without them the cautious
    /// rule would decide until the next ones, and take away what they keep.
    async fn write(&mut self, entries: &[Entry], now_ms: i64) -> Result<(), StoreError> {
        if entries.is_empty() {
            return Ok(());
        }
        let change = tokio::task::block_in_place(|| self.memory.change(&mut self.state));
        let written = match entries.iter().map(row).collect::<Result<Vec<_>, _>>() {
            Ok(rows) => self.shared.store.commit(&rows, &change, now_ms).await,
            Err(error) => Err(error),
        };
        if let Err(error) = written {
            for name in self.memory.roll_back(&mut self.state, &change) {
                if let Some(service) = self.state.services.get_mut(&name) {
                    service.forecast = self.shared.view(&name).and_then(|view| view.usual).map(Arc::unwrap_or_clone);
                }
            }
            return Err(error);
        }
        self.memory.written(change);
        self.shared.troubles.works(StoreWork::Journal);
        Ok(())
    }
}

/// Ready when the runtime stops.
async fn ended(stopped: &mut watch::Receiver<bool>) {
    // An error means that the runtime is gone altogether.
    let _ = stopped.wait_for(|stop| *stop).await;
}

fn reply(to: Option<tokio::sync::oneshot::Sender<Outcome>>, outcome: Outcome) {
    if let Some(to) = to {
        // Whoever asked may have gone; what was decided stands all the same.
        let _ = to.send(outcome);
    }
}

/// The service that an entry is about; empty when it is about all of them.
pub fn about(entry: &Entry) -> &str {
    subject(entry).1
}

/// An entry as it is stored.
pub fn row(entry: &Entry) -> Result<JournalRow, StoreError> {
    let unreadable = |error: serde_json::Error| StoreError::Corrupt { what: "a new journal entry".into(), why: error.to_string() };
    let text = serde_json::to_string(entry).map_err(unreadable)?;
    let (kind, service, at_ms, reference) = subject(entry);
    Ok(JournalRow {
        at_ms,
        service: service.to_owned(),
        kind: kind.into(),
        reference: i64::try_from(reference).unwrap_or(i64::MAX),
        entry: text,
    })
}

/// Kind, service, time and what it refers to.
fn subject(entry: &Entry) -> (&'static str, &str, i64, u64) {
    match entry {
        Entry::Decision(decision) => ("decision", decision.service.as_str(), decision.at_ms, decision.id.0),
        Entry::OrderIssued(order) => ("order_issued", order.service.as_str(), order.issued_ms, order.id.0),
        Entry::OrderRetried(order) => ("order_retried", order.service.as_str(), order.issued_ms, order.id.0),
        Entry::OrderAcknowledged { order, service, at_ms } => ("order_acknowledged", service.as_str(), *at_ms, order.0),
        Entry::OrderFailed { order, service, at_ms, .. } => ("order_failed", service.as_str(), *at_ms, order.0),
        Entry::OrderClosed { order, service, at_ms, .. } => ("order_closed", service.as_str(), *at_ms, order.0),
        Entry::ModeChanged { service, at_ms, .. } => ("mode_changed", service.as_str(), *at_ms, 0),
        Entry::Configured { at_ms, .. } => ("configured", "", *at_ms, 0),
        Entry::ReleaseOrdered { id, service, at_ms, .. } => ("release_ordered", service.as_str(), *at_ms, id.0),
        Entry::ReleaseEnded { id, service, at_ms, .. } => ("release_ended", service.as_str(), *at_ms, id.0),
        Entry::Paused { service, at_ms, .. } => ("paused", service.as_deref().unwrap_or(""), *at_ms, 0),
        Entry::Resumed { service, at_ms, .. } => ("resumed", service.as_deref().unwrap_or(""), *at_ms, 0),
        Entry::Approved { decision, service, at_ms, .. } => ("approved", service.as_str(), *at_ms, decision.0),
        Entry::Rejected { decision, service, at_ms, .. } => ("rejected", service.as_str(), *at_ms, decision.0),
        Entry::Expired { decision, service, at_ms, .. } => ("expired", service.as_str(), *at_ms, decision.0),
    }
}
