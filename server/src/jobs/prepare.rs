//! From a request to work that can be done without asking anybody: loads are read, cells written out, assumptions spelled out.

use balancer::Algorithm;
use planner::{Policy, ReplicaState};

use super::cell::Common;
use super::fleet::{self, Fleet};
use super::load::{self, Load};
use super::plan::Plan;
use super::request::WINDOW_MS_MIN;
use super::stretch::busiest;
use crate::api::control::ControlError;
use crate::api::dto::{CellPlan, JobSize, Span, WhatIf};
use crate::api::time::Time;
use crate::cli::show_time;
use crate::runtime::Shared;
use crate::store::SeriesKey;

/// Sizes on a timetable, at most: beyond it, changes within a minute are all that is lost.
const STEPS_MAX: usize = 2_000;
/// One forecast of a month of minutes, on one core [s].
const FORECAST_S: f64 = 0.15;
/// Finding out what a fleet holds [s].
const CAPACITY_S: f64 = 2.0;

/// A what-if, ready to be run.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// With the service's own algorithm filled in, and times fixed.
    pub request: WhatIf,
    pub title: String,
    pub cells: Vec<CellPlan>,
    /// What the cells' scenarios call `load.csv`.
    pub load: Load,
    pub span: Span,
    pub notes: Vec<String>,
    /// Requests of one run.
    pub requests: f64,
    pub size: JobSize,
}

/// Reads everything that a what-if needs. `rate` is how many requests a second are simulated here, roughly.
pub async fn what_if(shared: &Shared, asked: &WhatIf, rate: f64) -> Result<Prepared, ControlError> {
    let not_found = || ControlError::NotFound { what: "service", name: asked.service.clone() };
    let view = shared.view(&asked.service).ok_or_else(not_found)?;
    let config = &view.state.config;
    let fleet = fleet::of(config).ok_or_else(|| ControlError::BadInput {
        key: "service".into(),
        value: asked.service.clone(),
        allowed:
            "a service whose capacity is configured: capacity = { concurrency = 8, service_time_ms = 40 } or { rps_per_replica = 420 }"
                .into(),
    })?;
    let mut request = asked.clone();
    request.source = load::pinned(&asked.source, shared.clock.now_ms());
    if request.algorithms.is_empty() {
        request.algorithms.push(fleet.algorithm.name().to_owned());
    }
    let mut notes = vec![fleet.note.clone()];
    let load = cut(load::get(shared, &asked.service, &request.source).await?, &request, &mut notes)?;
    let plans: Vec<Plan> = request.plans.iter().filter_map(|plan| plan.parse().ok()).collect();
    let recorded = recorded(shared, &request, &load, &plans).await?;
    let lead = view.state.lead.lead(config);
    let ready = view.state.fleet.as_ref().map_or(0, |fleet| fleet.count(ReplicaState::Ready));
    let seen = view.decision.as_ref().and_then(|decision| decision.inputs.capacity_rps_per_replica);
    let common = Common {
        request: &request,
        config,
        fleet: &fleet,
        load: &load,
        boot_ms: (lead.ms - config.ramp_ms).max(0),
        lead_ms: lead.ms,
        per_replica_rps: seen.filter(|_| ready > 0).unwrap_or_else(|| cautious(&fleet)),
        recorded: &recorded,
    };
    explain(&common, &plans, &mut notes);
    let algorithms: Vec<Algorithm> = request.algorithms.iter().filter_map(|name| name.parse().ok()).collect();
    let cells = algorithms.iter().flat_map(|algorithm| plans.iter().map(|plan| (*algorithm, *plan)));
    let cells: Vec<CellPlan> = cells
        .map(|(algorithm, plan)| CellPlan { name: Common::name(algorithm, plan), scenario: common.scenario(algorithm, plan) })
        .collect();
    let requests = common.requests();
    let size = size(&common, &plans, cells.len(), requests, rate);
    let to_ms = load.window_ms() + load.window().len() as i64 * load.step_ms;
    let span = Span { from: Time(load.window_ms()), to: Time(to_ms) };
    Ok(Prepared { title: title(&request), cells, load, span, notes, requests, size, request })
}

fn title(request: &WhatIf) -> String {
    let mut parts = vec![request.service.clone()];
    let factor = |what: &str, factor: f64| (factor != 1.0).then(|| format!("{what} × {factor}"));
    parts.extend(factor("traffic", request.traffic));
    parts.extend(factor("service time", request.service_time));
    parts.push(request.algorithms.join(" against "));
    parts.push(
        request.plans.iter().filter_map(|plan| plan.parse().ok()).map(|plan: Plan| plan.words()).collect::<Vec<_>>().join(" against "),
    );
    parts.join(", ")
}

/// Where nothing has been measured: 60 % of what a replica could serve at the very most, or what is declared.
fn cautious(fleet: &Fleet) -> f64 {
    fleet.declared_rps.unwrap_or(0.6 * f64::from(fleet.concurrency) * 1_000.0 / fleet.service_time_ms)
}

/// Keeps what can be simulated within the request's budget, and says so.
fn cut(mut load: Load, request: &WhatIf, notes: &mut Vec<String>) -> Result<Load, ControlError> {
    let runs = request.algorithms.len() as f64 * request.plans.len() as f64 * f64::from(request.seeds);
    let step_s = load.step_ms as f64 / 1_000.0;
    let scaled: Vec<f64> = load.window().iter().map(|rps| rps * request.traffic).collect();
    let all: f64 = scaled.iter().sum::<f64>() * step_s;
    if all <= 0.0 {
        let allowed = "a window in which there was any load".to_owned();
        return Err(ControlError::BadInput { key: "source".into(), value: "a window of zeros".into(), allowed });
    }
    let kept = busiest(&scaled, step_s, request.requests as f64 / runs);
    if (kept.len() as i64) * load.step_ms < WINDOW_MS_MIN {
        let steps = usize::try_from((WINDOW_MS_MIN + load.step_ms - 1) / load.step_ms).unwrap_or(1);
        let heaviest = scaled.windows(steps.clamp(1, scaled.len())).map(|window| window.iter().sum::<f64>()).fold(0.0, f64::max);
        let least = (heaviest * step_s * runs).ceil();
        let allowed = format!("at least {least} for the busiest 10 min in each of {runs} runs; or fewer seeds, algorithms, plans");
        return Err(ControlError::BadInput { key: "requests".into(), value: request.requests.to_string(), allowed });
    }
    notes.append(&mut load.notes);
    let (from_ms, cut) = (load.window_ms() + kept.start as i64 * load.step_ms, kept.len() < scaled.len());
    let to_ms = from_ms + kept.len() as i64 * load.step_ms;
    notes.insert(
        0,
        match cut {
            true => format!(
                "Simulated exactly, request by request: {} to {}, the busiest {} of {}. All of it would be {:.0} million requests a run; \
                 {:.0} million in all were asked for.",
                show_time(from_ms),
                show_time(to_ms),
                hours(kept.len() as i64 * load.step_ms),
                hours(scaled.len() as i64 * load.step_ms),
                all / 1e6,
                request.requests as f64 / 1e6
            ),
            false => format!("Simulated exactly, request by request: all of {} to {}.", show_time(from_ms), show_time(to_ms)),
        },
    );
    load.values.truncate(load.before + kept.end);
    load.before += kept.start;
    Ok(load)
}

fn hours(ms: i64) -> String {
    if ms < 5_400_000 { format!("{} min", ms / 60_000) } else { format!("{:.1} h", ms as f64 / 3_600_000.0) }
}

/// What replicas there were, if a plan needs that.
async fn recorded(shared: &Shared, request: &WhatIf, load: &Load, plans: &[Plan]) -> Result<Vec<(i64, u32)>, ControlError> {
    let Some(at) = plans.iter().position(|plan| matches!(plan, Plan::Recorded(_))) else { return Ok(Vec::new()) };
    let from_ms = load.window_ms();
    let to_ms = from_ms + load.window().len() as i64 * load.step_ms;
    let key = SeriesKey { service: &request.service, metric: "replicas_ready" };
    let series = shared.store.read(key, from_ms, to_ms - 1).await.map_err(load::unavailable)?;
    let mut steps: Vec<(i64, u32)> = Vec::new();
    for slot in series.iter().flat_map(|series| (0..series.len()).filter_map(|slot| Some((series.timestamp_ms(slot), series.value(slot)?))))
    {
        // Counted replicas are whole; a mean of an hour is rounded up.
        let replicas = slot.1.ceil().clamp(1.0, f64::from(simulator::scenario::MOST_REPLICAS)) as u32;
        if steps.last().is_none_or(|(_, before)| *before != replicas) {
            let at_s = if steps.is_empty() { 0 } else { (slot.0 - from_ms) / 1_000 };
            steps.push((at_s, replicas));
        }
    }
    let wrong = |allowed: String| ControlError::BadInput { key: format!("plans[{at}]"), value: request.plans[at].clone(), allowed };
    let window = format!("{} to {}", show_time(from_ms), show_time(to_ms));
    match steps.len() {
        0 => Err(wrong(format!("\"planner\" or another plan: nobody recorded how many replicas there were in {window}"))),
        1..=STEPS_MAX => Ok(steps),
        many => Err(wrong(format!("at most {STEPS_MAX} changes; in {window} there were {many}: choose a shorter window"))),
    }
}

/// Spells out what the cells assume.
fn explain(common: &Common<'_>, plans: &[Plan], notes: &mut Vec<String>) {
    let config = common.config;
    notes.push(format!(
        "From an order to a replica that serves: {} s; the planner reckons with {} s.",
        common.boot_ms / 1_000,
        common.lead_ms / 1_000
    ));
    if common.request.traffic != 1.0 {
        notes.push(format!("Every value of the load is multiplied by {}.", common.request.traffic));
    }
    if common.request.service_time != 1.0 {
        let factor = common.request.service_time;
        notes.push(format!("A request takes {factor} times as long in service as configured; the planner doesn't know that."));
    }
    let planner = plans.iter().any(|plan| matches!(plan, Plan::Planner(_)));
    if planner && config.rails.max_jump_factor.is_some() {
        notes.push("A jump that would wait for a person is taken at once: nobody is there to ask in a simulation.".to_owned());
    }
    if planner && let Policy::Hpa(policy) = &config.policy {
        let usual = planner::HpaPolicy::default();
        if (&policy.scale_up, &policy.scale_down, policy.stabilisation_up_ms) != (&usual.scale_up, &usual.scale_down, 0) {
            notes.push("The HPA's behaviour policies are Kubernetes' defaults here, not the configured ones.".to_owned());
        }
    }
    if plans.iter().any(|plan| matches!(plan, Plan::Planner(more) if *more != 0)) {
        notes.push(
            "“Fewer” and “more” are counted from what the planner orders in the same run; it doesn't know of the difference.".to_owned(),
        );
    }
    notes.push("Not simulated: retries, time-outs, failing replicas, the loss of a region, other services' load.".to_owned());
}

fn size(common: &Common<'_>, plans: &[Plan], cells: usize, requests: f64, rate: f64) -> JobSize {
    let runs = cells as u32 * common.request.seeds;
    let all = requests * f64::from(runs);
    let predicted = common.load.before > 0 && matches!(common.config.policy, Policy::Predictive(_));
    let planned = plans.iter().filter(|plan| matches!(plan, Plan::Planner(_))).count() as f64 * common.request.algorithms.len() as f64;
    let window_ms = common.load.window().len() as f64 * common.load.step_ms as f64;
    let forecasts = if predicted {
        let (every_ms, update_ms) = (common.config.forecast_every_ms as f64, common.config.forecast_update_ms as f64);
        // An update costs half of a forecast that is made anew.
        planned * f64::from(common.request.seeds) * (1.0 + window_ms / every_ms + 0.5 * window_ms / update_ms.min(every_ms))
    } else {
        0.0
    };
    let capacities = if common.fleet.declared_rps.is_none() { planned * CAPACITY_S } else { 0.0 };
    let seconds = all / rate + forecasts * FORECAST_S + capacities;
    // Rounded: nobody believes the third digit.
    JobSize { runs, requests: all.round() as u64, seconds: (seconds * 10.0).round() / 10.0 }
}
