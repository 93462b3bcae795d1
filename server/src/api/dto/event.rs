//! What the event stream carries. Only what changed is sent: at 500 services a second the bytes count.

use serde::Serialize;
use utoipa::ToSchema;

use super::{DataHealth, ForecastHealth, LastDecision, Mode, NextStep, Overview, Pause, Replicas, ServiceSummary, Spark};
use crate::api::time::Time;

/// The data of an event, as its name says: `reset` carries an Overview, `change` a Change, `beat` a Beat.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum EventData {
    /// Everything: at the beginning, and whenever events were missed. It takes the place of what was known.
    Reset(Overview),
    /// What changed since the event before.
    Change(Change),
    /// Nothing happened; the stream is alive. It has no id.
    Beat(Beat),
}

/// What changed.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Change {
    /// Domain time now.
    pub now: Time,
    /// The pause that holds for all services, if that changed; null = it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Pause>)]
    pub paused: Option<Option<Pause>>,
    /// Why the database can't be written, if that changed; null = it can again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub store_error: Option<Option<String>>,
    /// What changed of which service. A new service has all fields.
    pub services: Vec<ServiceChange>,
    /// Services that are gone.
    pub removed: Vec<String>,
    /// Services about which something was written into the journal: a decision, an order, or what became of one.
    pub journalled: Vec<String>,
}

/// What changed of one service: the fields of a ServiceSummary, without those that are as they were.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[allow(missing_docs)] // see ServiceSummary
pub struct ServiceChange {
    /// Its name.
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Pause>)]
    pub paused: Option<Option<Pause>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>)]
    pub load_rps: Option<Option<f64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Time>)]
    pub load_at: Option<Option<Time>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas: Option<Replicas>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forecast: Option<ForecastHealth>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<NextStep>)]
    pub next: Option<Option<NextStep>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<LastDecision>)]
    pub last_decision: Option<Option<LastDecision>>,
    /// Sent when its state changes; the age follows from `load_at` and `now`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<DataHealth>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spark: Option<Spark>,
}

/// A sign of life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Beat {
    /// Domain time now.
    pub now: Time,
}

impl Change {
    /// True if nothing but the time is different.
    pub fn is_empty(&self) -> bool {
        let Self { now: _, paused, store_error, services, removed, journalled } = self;
        paused.is_none() && store_error.is_none() && services.is_empty() && removed.is_empty() && journalled.is_empty()
    }
}

impl ServiceChange {
    /// What is different now; `None` when nothing is. Of a service that wasn't there everything is.
    pub fn between(before: Option<&ServiceSummary>, now: &ServiceSummary) -> Option<Self> {
        fn changed<T: PartialEq + Clone>(before: Option<&T>, now: &T) -> Option<T> {
            (before != Some(now)).then(|| now.clone())
        }
        let change = Self {
            name: now.name.clone(),
            mode: changed(before.map(|one| &one.mode), &now.mode),
            paused: changed(before.map(|one| &one.paused), &now.paused),
            load_rps: changed(before.map(|one| &one.load_rps), &now.load_rps),
            load_at: changed(before.map(|one| &one.load_at), &now.load_at),
            replicas: changed(before.map(|one| &one.replicas), &now.replicas),
            forecast: changed(before.map(|one| &one.forecast), &now.forecast),
            next: changed(before.map(|one| &one.next), &now.next),
            last_decision: changed(before.map(|one| &one.last_decision), &now.last_decision),
            data: changed(before.map(|one| &one.data.state), &now.data.state).map(|_| now.data.clone()),
            spark: changed(before.map(|one| &one.spark), &now.spark),
        };
        (!change.is_empty()).then_some(change)
    }

    fn is_empty(&self) -> bool {
        let Self { name: _, mode, paused, load_rps, load_at, replicas, forecast, next, last_decision, data, spark } = self;
        mode.is_none()
            && paused.is_none()
            && load_rps.is_none()
            && load_at.is_none()
            && replicas.is_none()
            && forecast.is_none()
            && next.is_none()
            && last_decision.is_none()
            && data.is_none()
            && spark.is_none()
    }
}
