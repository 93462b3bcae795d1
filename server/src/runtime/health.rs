//! Whether this process can do its work now, check by check, in words that a tired person understands.

use planner::Mode;

use super::Shared;
use super::shared::View;
use crate::api::control::{Health, HealthCheck};

/// All checks: the database, what the shell noted (the configuration, histories that are still being filled), and each service's load and fleet.
pub fn checks(shared: &Shared) -> Health {
    let now_ms = shared.clock.now_ms();
    let store = match shared.store_error() {
        None => check("store", true, "the journal is written".into()),
        Some(why) => check("store", false, format!("the journal can't be written ({why}); capacity holds until it can")),
    };
    let mut checks = vec![store];
    checks.extend(shared.notes());
    for view in shared.views() {
        checks.push(load(&view, now_ms));
        checks.push(fleet(&view, now_ms));
    }
    Health { checks }
}

fn check(name: &str, ok: bool, text: String) -> HealthCheck {
    HealthCheck { name: name.into(), ok, text }
}

fn load(view: &View, now_ms: i64) -> HealthCheck {
    let config = &view.state.config;
    let name = format!("load of {}", config.name);
    match (&view.load, &view.load_error) {
        (Some((at_ms, step)), _) if now_ms - at_ms <= config.stale_after_ms => {
            check(&name, true, format!("{:.0} requests/s, {} s ago", step.load_rps, (now_ms - at_ms) / 1_000))
        }
        (known, why) => {
            let age =
                known.as_ref().map_or_else(|| "never read".into(), |(at_ms, _)| format!("last read {} s ago", (now_ms - at_ms) / 1_000));
            let why = why.as_deref().unwrap_or("no reading yet");
            check(&name, false, format!("{age} ({why}); capacity holds"))
        }
    }
}

fn fleet(view: &View, now_ms: i64) -> HealthCheck {
    let config = &view.state.config;
    let name = format!("fleet of {}", config.name);
    // As the planner has it: after a failed look nothing is known until one succeeds.
    if let Some(problem) = view.state.fleet_problem.as_ref().filter(|_| view.state.mode > Mode::Observe || view.state.fleet.is_some()) {
        let seen = view
            .state
            .fleet
            .as_ref()
            .map_or_else(|| "never seen".into(), |fleet| format!("last seen {} s ago", (now_ms - fleet.at_ms) / 1_000));
        return check(&name, false, format!("can't be observed ({}), {seen}; capacity holds", problem.reason));
    }
    match &view.state.fleet {
        Some(fleet) if now_ms - fleet.at_ms <= config.stale_after_ms => {
            check(&name, true, format!("{} replicas, seen {} s ago", fleet.replicas.len(), (now_ms - fleet.at_ms) / 1_000))
        }
        Some(fleet) => check(&name, false, format!("last seen {} s ago; capacity holds", (now_ms - fleet.at_ms) / 1_000)),
        None if view.state.mode == Mode::Observe => check(&name, true, "not seen; observing needs none".into()),
        None => check(&name, false, "not seen yet; capacity holds".into()),
    }
}
