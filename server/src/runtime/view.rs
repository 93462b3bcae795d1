//! The loop's knowledge in the API's shapes.

mod detail;
mod forecast;

use planner::{ForecastMissing, LeadSource, Pause, ReplicaState};
use predictor::Series;

use super::Shared;
use super::past::{self, SPARK_POINTS, SPARK_STEP_MS};
use super::shared::View;
use crate::api::dto;
use crate::api::time::Time;

pub use detail::detail;
pub use forecast::forecast;

pub fn mode(mode: planner::Mode) -> dto::Mode {
    match mode {
        planner::Mode::Observe => dto::Mode::Observe,
        planner::Mode::Recommend => dto::Mode::Recommend,
        planner::Mode::Approve => dto::Mode::Approve,
        planner::Mode::Automatic => dto::Mode::Automatic,
    }
}

pub fn pause(pause: Pause) -> dto::Pause {
    match pause {
        Pause::Up => dto::Pause::Up,
        Pause::Down => dto::Pause::Down,
        Pause::Both => dto::Pause::Both,
    }
}

pub fn seconds(ms: i64) -> f64 {
    ms as f64 / 1_000.0
}

/// The snake_case name of a serde enum's variant, as it is in the journal.
pub fn name_of(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    }
}

pub fn decision(decision: &planner::Decision, outcome: Option<String>) -> dto::Decision {
    let inputs = &decision.inputs;
    dto::Decision {
        id: decision.id.0,
        service: decision.service.clone(),
        at: Time(decision.at_ms),
        mode: mode(decision.mode),
        current: decision.current,
        target: decision.target,
        action: name_of(&decision.action),
        reason: name_of(&decision.reason),
        sentence: decision.sentence.clone(),
        outcome,
        inputs: dto::DecisionInputs {
            load_rps: inputs.load_rps,
            load_age_s: inputs.load_age_ms.map(seconds),
            forecast_origin: inputs.forecast_origin_ms.map(Time),
            quantile: inputs.quantile,
            window_from: inputs.window_from_ms.map(Time),
            window_to: inputs.window_to_ms.map(Time),
            window_max_rps: inputs.window_max_rps,
            beyond_history: inputs.beyond_history,
            capacity_rps_per_replica: inputs.capacity_rps_per_replica,
            lead_s: Some(seconds(inputs.lead_ms)),
            lead_source: Some(lead_source(inputs.lead_source)),
        },
        candidates: decision
            .candidates
            .iter()
            .map(|one| dto::Candidate { name: one.name.clone(), replicas: one.replicas, why: one.why.clone() })
            .collect(),
        rail: decision.rail.map(|hit| format!("{}: wanted {}, allowed {}", name_of(&hit.rail), hit.wanted, hit.allowed)),
        check: decision.check.map(|check| dto::Check {
            replicas: check.replicas,
            load_rps: check.load_rps,
            p_latency_ms: check.p_latency_ms,
            error_ratio: check.error_ratio,
            holds: check.holds,
        }),
        expires: decision.expires_ms.map(Time),
    }
}

fn lead_source(source: LeadSource) -> String {
    name_of(&source)
}

pub fn summary(shared: &Shared, view: &View) -> dto::ServiceSummary {
    let now_ms = shared.clock.now_ms();
    let state = &view.state;
    let load = view.load.as_ref();
    dto::ServiceSummary {
        name: state.config.name.clone(),
        mode: mode(state.mode),
        paused: state.paused.map(pause),
        load_rps: load.map(|(_, step)| step.load_rps),
        load_at: load.map(|(at_ms, _)| Time(*at_ms)),
        replicas: replicas(view),
        forecast: forecast_health(view),
        next: next_step(&planner::outlook(&view.needs, state, shared.paused(), now_ms)),
        last_decision: view.decision.as_ref().map(|decision| dto::LastDecision {
            id: decision.id.0,
            at: Time(decision.at_ms),
            action: name_of(&decision.action),
            reason: name_of(&decision.reason),
            sentence: decision.sentence.clone(),
        }),
        data: data_health(view, now_ms),
        spark: spark(view, now_ms),
    }
}

pub fn replicas(view: &View) -> dto::Replicas {
    let fleet = view.state.fleet.as_ref();
    let count = |wanted: ReplicaState| {
        fleet
            .map(|fleet| fleet.replicas.iter().filter(|replica| replica.state == wanted).count())
            .and_then(|count| u32::try_from(count).ok())
    };
    dto::Replicas {
        ready: count(ReplicaState::Ready),
        booting: count(ReplicaState::Booting),
        draining: count(ReplicaState::Draining),
        desired: view.state.wanted(),
        min: view.state.config.rails.min,
        max: view.state.config.rails.max,
    }
}

pub fn forecast_health(view: &View) -> dto::ForecastHealth {
    let missing = view.decision.as_ref().and_then(|decision| decision.inputs.forecast_missing.clone());
    let mut health = dto::ForecastHealth {
        state: dto::ForecastState::None,
        origin: view.forecast.as_ref().map(|forecast| Time(forecast.origin_ms)),
        detail: None,
        have_s: None,
        need_s: None,
    };
    match (missing, &view.forecast, &view.forecast_error) {
        (Some(ForecastMissing::Stale { age_ms }), _, error) => {
            health.state = dto::ForecastState::Stale;
            let why = error.as_ref().map_or_else(String::new, |(why, _)| format!(": {why}"));
            health.detail = Some(format!("{} min old, too old to trust{why}; the reactive rule holds", age_ms / 60_000));
        }
        (Some(ForecastMissing::TooShort { .. }), _, _) => {
            health.state = dto::ForecastState::Stale;
            health.detail = Some("it doesn't reach past the lead time; the reactive rule holds".into());
        }
        (_, _, Some((why, Some(need)))) => {
            health.state = dto::ForecastState::NotEnoughHistory;
            health.detail = Some(why.clone());
            (health.have_s, health.need_s) = (Some(seconds(need.have_ms)), Some(seconds(need.need_ms)));
        }
        (_, _, Some((why, None))) => {
            health.state = dto::ForecastState::Failed;
            health.detail = Some(why.clone());
        }
        (_, Some(_), None) => health.state = dto::ForecastState::Ok,
        (_, None, None) => {}
    }
    health
}

/// The next change of the plan.
fn next_step(planned: &[(i64, u32)]) -> Option<dto::NextStep> {
    match planned {
        [(_, from), (at_ms, to), ..] => Some(dto::NextStep { at: Time(*at_ms), from: *from, to: *to }),
        _ => None,
    }
}

pub fn data_health(view: &View, now_ms: i64) -> dto::DataHealth {
    let age_ms = view.load.as_ref().map(|(at_ms, _)| now_ms - at_ms);
    let state = match age_ms {
        None => dto::DataState::Absent,
        Some(age) if age > view.state.config.stale_after_ms => dto::DataState::Stale,
        Some(_) => dto::DataState::Fresh,
    };
    let detail = view.load_error.clone().filter(|_| state != dto::DataState::Fresh);
    dto::DataHealth { state, age_s: age_ms.map(|age| seconds(age.max(0))), detail }
}

/// Means of quarters of an hour: small enough to be sent for each service on each poll.
fn spark(view: &View, now_ms: i64) -> dto::Spark {
    let end = past::last_end(now_ms);
    let start = end - SPARK_POINTS * SPARK_STEP_MS;
    let past = view.past.seen(now_ms).into_iter().map(|value| value.map(past::short)).collect();
    let future = (0..SPARK_POINTS)
        .map(|slot| {
            let middle = end + slot * SPARK_STEP_MS + SPARK_STEP_MS / 2;
            view.forecast.as_ref().and_then(|forecast| forecast.quantile_at(middle, 0.5)).map(past::short)
        })
        .collect();
    dto::Spark { start: Time(start), step_s: seconds(SPARK_STEP_MS), past, future }
}

/// Mean of the known values in `[from_ms, from_ms + width_ms)`; `None` when none is known.
pub fn mean(series: &Series, from_ms: i64, width_ms: i64) -> Option<f64> {
    let step = series.step_ms();
    let first = (from_ms - series.start_ms()).div_euclid(step) + i64::from((from_ms - series.start_ms()).rem_euclid(step) != 0);
    let last = (from_ms + width_ms - series.start_ms()).div_euclid(step)
        + i64::from((from_ms + width_ms - series.start_ms()).rem_euclid(step) != 0);
    let (mut sum, mut count) = (0.0, 0_u32);
    for at in first.max(0)..last {
        if let Some(value) = usize::try_from(at).ok().filter(|at| *at < series.len()).and_then(|at| series.value(at)) {
            sum += value;
            count += 1;
        }
    }
    (count > 0).then(|| sum / f64::from(count))
}

pub fn plan(shared: &Shared, view: &View) -> dto::Plan {
    let state = &view.state;
    let steps = planner::outlook(&view.needs, state, shared.paused(), shared.clock.now_ms());
    dto::Plan {
        service: state.config.name.clone(),
        mode: mode(state.mode),
        replicas: replicas(view),
        rps_per_replica: view.decision.as_ref().and_then(|decision| decision.inputs.capacity_rps_per_replica),
        planned: planned(&steps),
        waiting: state.proposal.as_ref().map(|waiting| decision(waiting, None)),
        last: view.decision.as_deref().map(|last| decision(last, None)),
    }
}

fn planned(steps: &[(i64, u32)]) -> Vec<dto::PlannedStep> {
    steps.iter().map(|(at_ms, replicas)| dto::PlannedStep { at: Time(*at_ms), replicas: *replicas }).collect()
}
