//! One sentence per decision, for a tired person at three in the morning.

use crate::calendar::Calendar;
use crate::decision::{Action, Decision, ForecastMissing, LeadSource, Rail, ReasonCode};
use crate::state::ServiceState;
use crate::text;

/// What is done, then why, then what held it back.
pub(crate) fn sentence(decision: &Decision, service: &ServiceState, now_ms: i64) -> String {
    let mut sentence = format!("{}: {}", headline(decision), because(decision, service, now_ms));
    if let Some(limit) = limit(decision, service, now_ms) {
        sentence.push_str("; ");
        sentence.push_str(&limit);
    }
    sentence.push('.');
    sentence
}

fn headline(decision: &Decision) -> String {
    let change = match (decision.current, decision.target) {
        (Some(current), Some(target)) if current != target => Some(format!("{current} → {target}")),
        _ => None,
    };
    match (decision.action, change) {
        (Action::Up | Action::Down, Some(change)) => format!("{change} now"),
        (Action::Propose, Some(change)) => match decision.expires_ms {
            Some(expires) => format!("Proposes {change}, to be approved before {} UTC", text::clock(expires)),
            None => format!("Recommends {change}"),
        },
        (Action::Ask, Some(change)) => {
            let until = decision.expires_ms.map_or(String::new(), |expires| format!(" before {} UTC", text::clock(expires)));
            format!("Asks to go {change}{until}")
        }
        (Action::Observe, Some(change)) => format!("Would go {change}"),
        (_, Some(change)) => format!("Hold, although {change} is wanted"),
        (_, None) => decision.current.map_or("Hold".to_owned(), |current| format!("Hold {current}")),
    }
}

fn because(decision: &Decision, service: &ServiceState, now_ms: i64) -> String {
    match decision.reason {
        ReasonCode::ForecastUp => format!("{}; {}", expected(decision), what_holds(decision)),
        ReasonCode::ReactiveUp | ReasonCode::HpaDown => candidate(decision, &["reactive", "hpa"]),
        ReasonCode::FallbackUp | ReasonCode::FallbackDown => {
            format!("{}, so the cautious reactive rule decides: {}", no_forecast(decision, now_ms), candidate(decision, &["fallback"]))
        }
        ReasonCode::Saturated => "requests were shed or every place was taken, so the true demand may be higher than measured".to_owned(),
        ReasonCode::BelowMinimum => format!("the minimum is {}", service.config.rails.min),
        ReasonCode::AboveMaximum => format!("the maximum is {}", maximum(service, now_ms)),
        ReasonCode::Restore => candidate(decision, &["restore"]),
        ReasonCode::EventUp | ReasonCode::EventHolds => event(decision),
        ReasonCode::EnoughAhead => format!("fewer suffice: {}, and {}", candidate(decision, &["stays"]), load_now(decision)),
        ReasonCode::Steady => steady(decision, now_ms),
        ReasonCode::ForecastHolds => {
            let needs = candidate(decision, &["stays", "unknown_ahead"]);
            format!("{}, which would allow fewer, but {needs}{}", load_now(decision), not_yet(decision))
        }
        ReasonCode::ReactiveHolds => reactive_holds(decision, now_ms),
        ReasonCode::CheckHolds => format!("the simulator says that fewer would break the SLO at {}", checked_load(decision)),
        ReasonCode::LoadUnknown => load_unknown(decision, service, now_ms),
        ReasonCode::FleetUnknown => fleet_unknown(service, now_ms),
        ReasonCode::CapacityUnknown => {
            format!("{}, and nobody has said yet how much load a replica holds: give the service a capacity", load_now(decision))
        }
        ReasonCode::Paused => "an operator paused this direction".to_owned(),
        ReasonCode::CoolDown => format!("too soon after the last change, and {}", load_now(decision)),
        ReasonCode::OrderUnderWay => order_under_way(service),
        ReasonCode::BackingOff => backing_off(service),
        ReasonCode::FloorIsSet => {
            format!("the floor is at {} already, and when replicas leave is up to the autoscaler above it", count(decision.target))
        }
        ReasonCode::AtLimit => format!("{} already are the limit, and {}", count(decision.current), load_now(decision)),
        ReasonCode::AwaitingApproval => awaiting(service),
        ReasonCode::Rejected => "a person turned this down, and nothing has changed since".to_owned(),
        ReasonCode::ImplausibleJump => {
            let factor = service.config.rails.max_jump_factor.map_or(String::new(), text::number);
            format!(
                "a change by more than the factor {factor} is not made without a person; {}, and {}",
                load_now(decision),
                expected(decision)
            )
        }
    }
}

fn count(replicas: Option<u32>) -> String {
    replicas.map_or("the fleet".to_owned(), text::replicas)
}

/// "p95 of the maximum between 08:56 and 08:57 UTC is 4,200 rps".
fn expected(decision: &Decision) -> String {
    let inputs = &decision.inputs;
    match (inputs.quantile, inputs.window_from_ms, inputs.window_to_ms, inputs.window_max_rps) {
        (Some(q), Some(from), Some(to), Some(rps)) => {
            let (q, from, to, rps) = (text::quantile(q), text::clock(from), text::clock(to), text::number(rps));
            let beyond = if inputs.beyond_history { beyond_history() } else { String::new() };
            format!("{q} of the maximum load between {from} and {to} UTC is {rps} rps{}{beyond}", inputs.events)
        }
        _ => "there is no forecast".to_owned(),
    }
}

/// In brackets, that a forecast isn't to be believed as it stands.
fn beyond_history() -> String {
    format!(" (the forecast went beyond {} times the highest load of its history and was cut off there)", predictor::MOST_TIMES)
}

/// "one replica holds 420 rps and takes 6 min to start (measured)".
fn what_holds(decision: &Decision) -> String {
    let inputs = &decision.inputs;
    let source = match inputs.lead_source {
        LeadSource::Measured => "measured",
        LeadSource::Configured => "configured",
        LeadSource::Default => "assumed",
    };
    let lead = text::duration(inputs.lead_ms);
    match inputs.capacity_rps_per_replica {
        Some(rps) => format!("one replica holds {} rps and takes {lead} to start ({source})", text::number(rps)),
        None => format!("a replica takes {lead} to start ({source})"),
    }
}

fn load_now(decision: &Decision) -> String {
    match decision.inputs.load_rps {
        Some(rps) => format!("the load now is {} rps", text::number(rps)),
        None => "the load now is unknown".to_owned(),
    }
}

/// The reason of the first of these rules that had a say.
fn candidate(decision: &Decision, names: &[&str]) -> String {
    let found = decision.candidates.iter().find(|candidate| names.contains(&candidate.name.as_str()));
    match found {
        Some(found) if matches!(found.name.as_str(), "restore" | "unknown_ahead" | "event") => found.why.clone(),
        Some(found) => format!("{}, which needs {}", found.why, text::replicas(found.replicas)),
        None => load_now(decision),
    }
}

/// More will be needed than there is, and an order for it isn't due: a replica doesn't take so long to start.
fn not_yet(decision: &Decision) -> String {
    let more = decision.candidates.iter().any(|one| one.name == "stays" && decision.current.is_some_and(|current| one.replicas > current));
    if more { format!("; more are ordered {} before they are needed", text::duration(decision.inputs.lead_ms)) } else { String::new() }
}

/// The event that asks for the most.
fn event(decision: &Decision) -> String {
    let events = decision.candidates.iter().filter(|candidate| candidate.name == "event");
    events.max_by_key(|candidate| candidate.replicas).map_or(load_now(decision), |event| event.why.clone())
}

fn no_forecast(decision: &Decision, now_ms: i64) -> String {
    match &decision.inputs.forecast_missing {
        None | Some(ForecastMissing::None) => "there is no forecast yet".to_owned(),
        Some(ForecastMissing::NotEnoughHistory { have_ms, need_ms }) => {
            format!("there is too little history for a forecast ({} of {})", text::duration(*have_ms), text::duration(*need_ms))
        }
        Some(ForecastMissing::Failed { error }) => format!("the forecast failed ({error})"),
        Some(ForecastMissing::Stale { age_ms }) => format!("the forecast is {} old", text::duration(*age_ms)),
        Some(ForecastMissing::TooShort { end_ms }) => {
            format!("the forecast reaches only {} ahead", text::duration(end_ms.saturating_sub(now_ms).max(0)))
        }
    }
}

fn steady(decision: &Decision, now_ms: i64) -> String {
    let fits = match (decision.inputs.capacity_rps_per_replica, decision.inputs.ready) {
        (Some(rps), Some(ready)) => format!("{} hold {} rps", ready_ones(ready), text::number(rps * f64::from(ready))),
        _ => "that fits".to_owned(),
    };
    let now = load_now(decision);
    match &decision.inputs.forecast_missing {
        Some(_) => format!("{now}, and {fits}; {}, so the cautious reactive rule decides", no_forecast(decision, now_ms)),
        None if decision.inputs.window_max_rps.is_some() => format!("{now}, {}, and {fits}", expected(decision)),
        None => format!("{now}, and {fits}"),
    }
}

/// "1 ready replica", "6 ready replicas".
pub(crate) fn ready_ones(n: u32) -> String {
    text::replicas(n).replacen("replica", "ready replica", 1)
}

fn reactive_holds(decision: &Decision, now_ms: i64) -> String {
    let stabilised = decision.candidates.iter().find(|candidate| candidate.name == "stabilised");
    match (&decision.inputs.forecast_missing, stabilised) {
        (Some(_), _) => format!("{}; fewer were not enough lately, and {}", no_forecast(decision, now_ms), load_now(decision)),
        (None, Some(_)) => format!("{}, which would allow fewer, but not yet for long enough", load_now(decision)),
        (None, None) => format!("fewer would do for what is forecast, but {}", candidate(decision, &["reactive", "hpa"])),
    }
}

fn checked_load(decision: &Decision) -> String {
    decision.check.as_ref().map_or("this load".to_owned(), |check| format!("{} rps", text::number(check.load_rps)))
}

fn load_unknown(decision: &Decision, service: &ServiceState, now_ms: i64) -> String {
    let limit = text::duration(service.config.stale_after_ms);
    match decision.inputs.load_age_ms {
        Some(age) => {
            let since = text::clock(now_ms.saturating_sub(age));
            format!("the load is unknown since {since} UTC ({} ago, the limit is {limit}), and unknown is not zero", text::duration(age))
        }
        None => "no load has been measured yet, and unknown is not zero".to_owned(),
    }
}

fn fleet_unknown(service: &ServiceState, now_ms: i64) -> String {
    match (&service.fleet_problem, &service.fleet) {
        (Some(problem), _) => format!("the fleet can't be observed ({})", problem.reason),
        (None, Some(fleet)) => {
            let age = text::duration(now_ms.saturating_sub(fleet.at_ms));
            format!("the fleet was last observed {age} ago, the limit is {}", text::duration(service.config.stale_after_ms))
        }
        (None, None) => "the fleet has not been observed yet".to_owned(),
    }
}

fn order_under_way(service: &ServiceState) -> String {
    match &service.pending {
        Some(pending) => {
            let order = &pending.order;
            let (from, target, at) = (order.from, order.target, text::clock(order.issued_ms));
            format!("the order {from} → {target} of {at} UTC is still under way (attempt {})", order.attempt)
        }
        None => "an order is still under way".to_owned(),
    }
}

fn backing_off(service: &ServiceState) -> String {
    match &service.backoff {
        Some(backoff) => {
            let until = text::clock(backoff.until_ms);
            format!("the last order failed for good ({}), the next is tried from {until} UTC on", backoff.error)
        }
        None => "the last order failed".to_owned(),
    }
}

fn awaiting(service: &ServiceState) -> String {
    match &service.proposal {
        Some(proposal) => {
            let until = proposal.expires_ms.map_or(String::new(), |expires| format!(" until {} UTC", text::clock(expires)));
            let change = match (proposal.current, proposal.target) {
                (Some(current), Some(target)) => format!(" ({current} → {target})"),
                _ => String::new(),
            };
            format!("proposal {}{change} waits for approval{until}", proposal.id.0)
        }
        None => "a proposal waits for approval".to_owned(),
    }
}

/// "20", "8 (event maintenance, 02:00–04:00 Europe/Berlin)".
fn maximum(service: &ServiceState, now_ms: i64) -> String {
    let config = &service.config;
    let event = Calendar::of(config).and_then(|calendar| calendar.ceiling(now_ms).map(|(_, one)| calendar.name(&one)));
    let max = config.in_force(now_ms).rails.max;
    event.filter(|_| max < config.rails.max).map_or(max.to_string(), |event| format!("{max} ({event})"))
}

/// The number that will be there once the steps are taken: a wish beyond a limit ends at the limit.
fn in_the_end(wanted: u32, service: &ServiceState, now_ms: i64) -> String {
    let rails = &service.config.in_force(now_ms).rails;
    let least = text::replicas(rails.min);
    match wanted {
        less if less < rails.min => format!("{least} in the end, the minimum ({less} would do)"),
        more if more > rails.max => format!("{} replicas in the end, the maximum ({more} are needed)", maximum(service, now_ms)),
        fits => format!("{} in the end", text::replicas(fits)),
    }
}

/// The rail that changed the outcome, and a check that doesn't hold.
fn limit(decision: &Decision, service: &ServiceState, now_ms: i64) -> Option<String> {
    let rails = &service.config.rails;
    let rail = decision.rail.and_then(|hit| {
        let wanted = text::replicas(hit.wanted);
        let end = in_the_end(hit.wanted, service, now_ms);
        match hit.rail {
            // It is the reason itself.
            Rail::Minimum if decision.reason == ReasonCode::BelowMinimum => None,
            Rail::Minimum => Some(format!("{wanted} would do, the minimum is {}", hit.allowed)),
            Rail::Maximum => Some(format!("{wanted} are needed, the maximum is {}", maximum(service, now_ms))),
            Rail::StepUp => Some(format!("{end}, at most {} more at a time", rails.step_up)),
            Rail::StepDown => Some(format!("{end}, at most {} fewer at a time", rails.step_down)),
            Rail::CoolDown => Some(format!("{end}, after the cool-down of {}", text::duration(rails.cool_down_ms))),
            Rail::MaxJump => None,
        }
    });
    // A step on the way up doesn't have to hold the whole load yet.
    let first_step = decision.rail.is_some_and(|hit| hit.rail == Rail::StepUp) || decision.reason == ReasonCode::CheckHolds;
    let broken = decision
        .check
        .filter(|check| !check.holds && !first_step)
        .map(|check| format!("{} do not hold {} rps within the SLO", text::replicas(check.replicas), text::number(check.load_rps)));
    match (rail, broken) {
        (Some(rail), Some(broken)) => Some(format!("{rail}; {broken}")),
        (rail, broken) => rail.or(broken),
    }
}
