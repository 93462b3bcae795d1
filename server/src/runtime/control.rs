//! The runtime as the API sees it.

use std::sync::Arc;
use std::time::Duration;

use planner::{DecisionId, Event, Mode, OperatorAction, Pause};

use super::control_loop::Outcome;
use super::shared::View;
use super::{Shared, audit, health, issued, metrics, outcome, view};
use crate::BoxFuture;
use crate::api::control::{AuditRequest, Control, ControlError, Health, Operation, SeriesRequest};
use crate::api::dto;
use crate::api::time::Time;
use crate::events::{EventId, Subscription, TooMany};
use crate::store::{AuditFilter, ByWhom, SeriesKey, StoreError, THE_LOOP};

/// The page waits five seconds, and must hear the reason within them [wall].
const READ_TIMEOUT: Duration = Duration::from_secs(2);
/// The database is looked after each second [wall].
const RETRY_AFTER_S: u32 = 2;
/// A page of decisions is followed by at most a few entries each.
const FOLLOWED_MAX: i64 = 5_000;

/// Answers from what the loop has published, and from the database.
pub struct RuntimeControl {
    shared: Arc<Shared>,
}

impl RuntimeControl {
    pub fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    fn view(&self, name: &str) -> Result<View, ControlError> {
        self.shared.view(name).ok_or_else(|| ControlError::NotFound { what: "service", name: name.to_owned() })
    }

    /// Waits for the database no longer than a person does; while it is known to be away, not at all.
    async fn read<T>(&self, reading: impl Future<Output = Result<T, StoreError>>) -> Result<T, ControlError> {
        let late = StoreError::TimedOut { seconds: READ_TIMEOUT.as_secs() };
        tokio::time::timeout(READ_TIMEOUT, reading).await.unwrap_or(Err(late)).map_err(unavailable)
    }
}

fn unavailable(error: StoreError) -> ControlError {
    ControlError::Unavailable { reason: error.to_string(), retry_after_s: RETRY_AFTER_S }
}

fn parse(entry: &str) -> Result<planner::Decision, ControlError> {
    match serde_json::from_str(entry) {
        Ok(planner::Entry::Decision(decision)) => Ok(*decision),
        Ok(_) => Err(ControlError::Unavailable { reason: "a journal row isn't what its kind says".into(), retry_after_s: 60 }),
        Err(error) => Err(ControlError::Unavailable { reason: format!("a journal row is unreadable: {error}"), retry_after_s: 60 }),
    }
}

impl Control for RuntimeControl {
    fn overview(&self) -> BoxFuture<'_, Result<dto::Overview, ControlError>> {
        Box::pin(async move {
            let services = self.shared.views().iter().map(|known| view::summary(&self.shared, known)).collect();
            let clock = &self.shared.clock;
            Ok(dto::Overview {
                now: Time(clock.now_ms()),
                speed: clock.speed(),
                paused: self.shared.paused().map(view::pause),
                store_error: self.shared.store_error(),
                services,
            })
        })
    }

    fn service<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<dto::ServiceDetail, ControlError>> {
        Box::pin(async move {
            let known = self.view(name)?;
            let service = self.shared.service(name).ok_or_else(|| ControlError::NotFound { what: "service", name: name.to_owned() })?;
            let summary = view::summary(&self.shared, &known);
            Ok(view::detail(&self.shared, &service, &known, summary))
        })
    }

    fn series<'a>(&'a self, name: &'a str, request: SeriesRequest) -> BoxFuture<'a, Result<dto::Series, ControlError>> {
        Box::pin(async move {
            self.view(name)?;
            let metric = request.metric.name();
            let (from, to) = (request.from.0, request.to.0);
            let stored = self.read(self.shared.store.read(SeriesKey { service: name, metric }, from, to)).await?;
            let slots = (to - from + request.step_ms - 1).div_euclid(request.step_ms);
            let values = (0..slots)
                .map(|slot| stored.as_ref().and_then(|series| view::mean(series, from + slot * request.step_ms, request.step_ms)))
                .collect();
            let step_s = request.step_ms as f64 / 1_000.0;
            Ok(dto::Series { metric: metric.into(), unit: request.metric.unit().into(), start: request.from, step_s, values })
        })
    }

    fn forecast<'a>(&'a self, name: &'a str, at: Option<Time>) -> BoxFuture<'a, Result<dto::Forecast, ControlError>> {
        Box::pin(async move {
            let known = self.view(name)?;
            // The newest forecast is in memory: it is shown also while the database is away.
            let kept_since = self.read(self.shared.store.forecasts_since(name)).await.unwrap_or_default();
            if let Some(at) = at.filter(|at| known.forecast.as_ref().is_none_or(|newest| at.0 < newest.origin_ms)) {
                let kept = self.read(self.shared.store.forecast_at(name, at.0)).await?;
                let issued = kept.as_deref().and_then(issued::read);
                let none = || ControlError::NotFound { what: "forecast that is kept from then for service", name: name.to_owned() };
                return issued.map(|issued| issued.shown(kept_since)).ok_or_else(none);
            }
            match (&known.forecast, &known.forecast_error) {
                (Some(forecast), _) => {
                    let now_ms = self.shared.clock.now_ms();
                    Ok(view::forecast(forecast, &planner::outlook(&known.needs, &known.state, self.shared.paused(), now_ms), kept_since))
                }
                (None, Some((_, Some(need)))) => Err(ControlError::NotEnoughHistory {
                    service: name.to_owned(),
                    have_s: need.have_ms as f64 / 1_000.0,
                    need_s: need.need_ms as f64 / 1_000.0,
                }),
                (None, _) => Err(ControlError::NotFound { what: "forecast for service", name: name.to_owned() }),
            }
        })
    }

    fn plans(&self) -> BoxFuture<'_, Result<dto::Plans, ControlError>> {
        Box::pin(async move {
            let plans = self.shared.views().iter().map(|known| view::plan(&self.shared, known)).collect();
            Ok(dto::Plans { now: Time(self.shared.clock.now_ms()), plans })
        })
    }

    fn decisions<'a>(&'a self, name: &'a str, limit: u32, before: Option<u64>) -> BoxFuture<'a, Result<dto::DecisionList, ControlError>> {
        Box::pin(async move {
            self.view(name)?;
            let before = before.map(|id| i64::try_from(id).unwrap_or(i64::MAX));
            let rows = self.read(self.shared.store.journal(name, "decision", before, i64::from(limit))).await?;
            // Decisions and orders share one counter, so what followed has a higher id; a page's last word is the next page's first.
            let oldest = rows.last().map_or(0, |row| row.reference);
            let refs = oldest..=before.unwrap_or(i64::MAX);
            let after = self.read(self.shared.store.followed(name, refs, FOLLOWED_MAX)).await?;
            let outcomes = outcome::by_decision(&after);
            let decisions = rows
                .iter()
                .map(|row| {
                    let decision = parse(&row.entry)?;
                    Ok(view::decision(&decision, outcomes.get(&decision.id.0).map(|text| (*text).to_owned())))
                })
                .collect::<Result<Vec<_>, ControlError>>()?;
            Ok(dto::DecisionList { decisions })
        })
    }

    fn audit(&self, request: AuditRequest) -> BoxFuture<'_, Result<dto::AuditList, ControlError>> {
        Box::pin(async move {
            let by = |who: String| if who == THE_LOOP { ByWhom::TheLoop } else { ByWhom::Named(who) };
            let filter = AuditFilter {
                before: request.before.map(|seq| i64::try_from(seq).unwrap_or(i64::MAX)),
                limit: i64::from(request.limit),
                service: request.service,
                kind: request.kind,
                who: request.who.map(by),
            };
            let found = self.read(self.shared.store.audit(&filter)).await?;
            Ok(dto::AuditList { entries: found.into_iter().map(|(seq, audited)| audit::entry(seq, audited)).collect() })
        })
    }

    fn events(&self, after: Option<EventId>) -> Result<Subscription, ControlError> {
        let wait = |many: TooMany| ControlError::Unavailable { reason: many.to_string(), retry_after_s: 10 };
        self.shared.feed.subscribe(after).map_err(wait)
    }

    fn operate<'a>(&'a self, who: &'a str, operation: Operation) -> BoxFuture<'a, Result<(), ControlError>> {
        Box::pin(async move {
            if let Operation::SetMode { service, .. }
            | Operation::Release { service }
            | Operation::Pause { service: Some(service), .. }
            | Operation::Resume { service: Some(service) } = &operation
            {
                self.view(service)?;
            }
            let event = Event::Operator { at_ms: self.shared.clock.now_ms(), who: who.to_owned(), action: action(operation) };
            match self.shared.ask(event).await {
                Some(Outcome::Done) => Ok(()),
                Some(Outcome::Refused(reason)) => Err(ControlError::Conflict { reason }),
                Some(Outcome::NotWritten(reason)) => Err(ControlError::Unavailable { reason, retry_after_s: RETRY_AFTER_S }),
                None => Err(ControlError::Unavailable { reason: "the control loop is stopping".into(), retry_after_s: 10 }),
            }
        })
    }

    fn health(&self) -> BoxFuture<'_, Health> {
        Box::pin(async move { health::checks(&self.shared) })
    }

    fn metrics(&self) -> BoxFuture<'_, String> {
        Box::pin(async move { metrics::render(&self.shared) })
    }
}

fn action(operation: Operation) -> OperatorAction {
    match operation {
        Operation::SetMode { service, mode } => OperatorAction::SetMode {
            service,
            mode: match mode {
                dto::Mode::Observe => Mode::Observe,
                dto::Mode::Recommend => Mode::Recommend,
                dto::Mode::Approve => Mode::Approve,
                dto::Mode::Automatic => Mode::Automatic,
            },
        },
        Operation::Pause { service, pause } => OperatorAction::Pause {
            service,
            pause: match pause {
                dto::Pause::Up => Pause::Up,
                dto::Pause::Down => Pause::Down,
                dto::Pause::Both => Pause::Both,
            },
        },
        Operation::Resume { service } => OperatorAction::Resume { service },
        Operation::Release { service } => OperatorAction::Release { service },
        Operation::Approve { decision } => OperatorAction::Approve { decision: DecisionId(decision) },
        Operation::Edit { decision, replicas, reason } => OperatorAction::Edit { decision: DecisionId(decision), replicas, reason },
        Operation::Reject { decision, reason } => OperatorAction::Reject { decision: DecisionId(decision), reason },
    }
}
