//! A control plane of one service, for the tests of the HTTP face only. It records what it was ordered.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::OnceCell;

use crate::api::control::{AuditRequest, BoxFuture, Control, ControlError, Health, HealthCheck, Operation, SeriesRequest};
use crate::api::dto::*;
use crate::api::time::Time;
use crate::auth::{Access, Tools, wall_ms};
use crate::events::{EventId, Feed, Subscription};
use crate::store::{Location, Store};

pub const NOON: Time = Time(896_961_600_000);

#[derive(Default)]
pub struct Fake {
    pub ordered: Mutex<Vec<(String, Operation)>>,
    pub asked: Mutex<Vec<SeriesRequest>>,
    pub audited: Mutex<Vec<AuditRequest>>,
    /// The next order fails with this.
    pub refusal: Mutex<Option<ControlError>>,
    pub unwell: bool,
    /// Whether one must sign in.
    pub guarded: bool,
    pub access: OnceCell<(tempfile::TempDir, Arc<Access>)>,
    pub young: bool,
    /// Nobody can listen without one.
    pub feed: Option<Arc<Feed>>,
}

impl Fake {
    /// Accounts and tokens, in a database of its own.
    pub async fn access(&self) -> Arc<Access> {
        let open = async || {
            let folder = tempfile::tempdir().unwrap();
            let store = Store::open(&Location::Folder(folder.path().to_path_buf())).await.unwrap();
            let access = Access::new(Arc::new(store), self.guarded, Tools::system(Arc::new(wall_ms)));
            (folder, Arc::new(access))
        };
        self.access.get_or_init(open).await.1.clone()
    }
}

pub fn summary() -> ServiceSummary {
    ServiceSummary {
        name: "chat".to_owned(),
        mode: Mode::Automatic,
        paused: None,
        load_rps: Some(120.5),
        load_at: Some(NOON),
        replicas: Replicas { ready: Some(3), booting: Some(1), draining: Some(0), desired: Some(4), min: 2, max: 9 },
        forecast: ForecastHealth { state: ForecastState::Ok, origin: Some(NOON), detail: None, have_s: None, need_s: None },
        next: None,
        last_decision: None,
        data: DataHealth { state: DataState::Fresh, age_s: Some(3.0), detail: None },
        spark: Spark { start: NOON, step_s: 60.0, past: vec![Some(1.0), None], future: vec![Some(2.0)] },
    }
}

fn known(name: &str) -> Result<(), ControlError> {
    match name {
        "chat" => Ok(()),
        "broken" => panic!("a bug"),
        _ => Err(ControlError::NotFound { what: "service", name: name.to_owned() }),
    }
}

fn ready<'a, T: Send + 'a>(value: impl FnOnce() -> T + Send + 'a) -> BoxFuture<'a, T> {
    Box::pin(async move { value() })
}

impl Control for Fake {
    fn overview(&self) -> BoxFuture<'_, Result<Overview, ControlError>> {
        ready(|| {
            let mut blind = summary();
            blind.name = "bl\"ind".to_owned();
            blind.replicas = Replicas { ready: None, booting: None, draining: None, desired: None, min: 1, max: 2 };
            blind.load_rps = None;
            Ok(Overview { now: NOON, speed: 60.0, paused: None, store_error: None, services: vec![blind, summary()] })
        })
    }

    fn service<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<ServiceDetail, ControlError>> {
        ready(move || {
            known(name)?;
            Ok(ServiceDetail {
                summary: summary(),
                now: NOON,
                speed: 60.0,
                slo: Slo { latency_ms: 250.0, percentile: 95.0, errors: 0.001 },
                rails: Rails { min: 2, max: 9, step_up: 3, step_down: 1, stabilisation_s: 300.0, cool_down_s: 60.0, max_jump_factor: None },
                policy: "predictive".to_owned(),
                target_utilisation: Some(0.8),
                capacity: Capacity { rps_per_replica: Some(40.0), source: "declared".to_owned() },
                lead_s: Some(120.0),
                lead_source: Some("configured".to_owned()),
                time_zone: "Asia/Shanghai".to_owned(),
                events: Vec::new(),
                accuracy: Some(Accuracy {
                    judged: 300,
                    error_ratio: Some(0.08),
                    persistence_error_ratio: None,
                    coverage: vec![Coverage { quantile: 0.9, share: 0.93 }],
                }),
                proxy: None,
                pending_approval: None,
            })
        })
    }

    fn events(&self, after: Option<EventId>) -> Result<Subscription, ControlError> {
        let feed = self.feed.as_ref().expect("this test listens to nothing");
        feed.subscribe(after).map_err(|many| ControlError::Unavailable { reason: many.to_string(), retry_after_s: 10 })
    }

    fn series<'a>(&'a self, name: &'a str, request: SeriesRequest) -> BoxFuture<'a, Result<Series, ControlError>> {
        ready(move || {
            known(name)?;
            self.asked.lock().push(request);
            let metric = request.metric;
            Ok(Series {
                metric: metric.name().to_owned(),
                unit: metric.unit().to_owned(),
                start: request.from,
                step_s: request.step_ms as f64 / 1000.0,
                values: [Some(1.5), None, Some(2.5)].into_iter().cycle().take(900).collect(),
            })
        })
    }

    fn forecast<'a>(&'a self, name: &'a str, at: Option<Time>) -> BoxFuture<'a, Result<Forecast, ControlError>> {
        ready(move || {
            known(name)?;
            if self.young {
                return Err(ControlError::NotEnoughHistory { service: name.to_owned(), have_s: 1_200.0, need_s: 3_600.0 });
            }
            let q = BTreeMap::from([("0.5".to_owned(), 118.0)]);
            Ok(Forecast {
                origin: at.unwrap_or(NOON),
                step_s: 60.0,
                model: "blend".to_owned(),
                basis: Some(Basis::Week),
                history_points: 20_160,
                quantiles: vec![0.5],
                points: vec![ForecastPoint { ts: Time(NOON.0 + 60_000), mean: 119.0, q: q.clone() }],
                members: vec![Member { name: "seasonal_naive_week".to_owned(), weight: 1.0 }],
                explanation: None,
                max: BTreeMap::from([("1h".to_owned(), WindowMax { q, at: None, from: None, to: None })]),
                planned: vec![PlannedStep { at: NOON, replicas: 4 }],
                beyond_history: None,
                kept_since: Some(Time(NOON.0 - 3_600_000)),
            })
        })
    }

    fn plans(&self) -> BoxFuture<'_, Result<Plans, ControlError>> {
        ready(|| {
            let of = summary();
            let planned = vec![PlannedStep { at: NOON, replicas: 5 }];
            let (waiting, last) = (Some(decision(7)), None);
            let plan = Plan { service: of.name, mode: of.mode, replicas: of.replicas, rps_per_replica: Some(40.0), planned, waiting, last };
            Ok(Plans { now: NOON, plans: vec![plan] })
        })
    }

    fn decisions<'a>(&'a self, name: &'a str, limit: u32, before: Option<u64>) -> BoxFuture<'a, Result<DecisionList, ControlError>> {
        ready(move || {
            known(name)?;
            let newest = before.unwrap_or(100);
            Ok(DecisionList { decisions: (0..u64::from(limit)).map(|back| decision(newest - 1 - back)).collect() })
        })
    }

    fn audit(&self, request: AuditRequest) -> BoxFuture<'_, Result<AuditList, ControlError>> {
        ready(|| {
            self.audited.lock().push(request);
            let entry = AuditEntry {
                seq: 1 << 20,
                at: NOON,
                who: "ada".to_owned(),
                kind: "mode_changed".to_owned(),
                service: Some("chat".to_owned()),
                what: "Set the mode of chat to automatic.".to_owned(),
                before: Some("observe".to_owned()),
                after: Some("automatic".to_owned()),
                decision: None,
            };
            Ok(AuditList { entries: vec![entry] })
        })
    }

    fn operate<'a>(&'a self, who: &'a str, operation: Operation) -> BoxFuture<'a, Result<(), ControlError>> {
        ready(move || {
            if let Some(refusal) = self.refusal.lock().take() {
                return Err(refusal);
            }
            self.ordered.lock().push((who.to_owned(), operation));
            Ok(())
        })
    }

    fn health(&self) -> BoxFuture<'_, Health> {
        ready(|| Health {
            checks: vec![
                HealthCheck { name: "clock".to_owned(), ok: true, text: "runs".to_owned() },
                HealthCheck { name: "store".to_owned(), ok: !self.unwell, text: "disk full: free some space".to_owned() },
            ],
        })
    }

    fn metrics(&self) -> BoxFuture<'_, String> {
        ready(|| "# TYPE prescale_steps_total counter\nprescale_steps_total 7\n".to_owned())
    }
}

fn decision(id: u64) -> Decision {
    Decision {
        id,
        service: "chat".to_owned(),
        at: NOON,
        mode: Mode::Automatic,
        current: Some(3),
        target: Some(4),
        action: "up".to_owned(),
        reason: "forecast_peak".to_owned(),
        sentence: "Load will pass 120 requests/s at 12:05; 4 replicas carry it.".to_owned(),
        outcome: None,
        inputs: DecisionInputs::default(),
        candidates: Vec::new(),
        rail: None,
        check: None,
        expires: None,
    }
}

pub fn shared(fake: Fake) -> Arc<Fake> {
    Arc::new(fake)
}
