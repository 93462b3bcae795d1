//! `behavior`: how fast the number may change, in each direction.

use super::ledger::Ledger;
use super::whole;
use super::yaml::Node;
use crate::import::ImportError;
use crate::import::text::span;

/// Limits of the Kubernetes API [s].
const WINDOW_S_MAX: u32 = 3_600;
const PERIOD_S_MAX: u32 = 1_800;

/// Both directions; `None` leaves Kubernetes' default, which is the planner's default too.
#[derive(Debug, Default)]
pub struct Both {
    pub up: Option<Direction>,
    pub down: Option<Direction>,
    /// Scale-down tolerance and scale-up tolerance are one in a scenario.
    pub tolerance: Option<f64>,
}

/// One direction.
#[derive(Debug)]
pub struct Direction {
    pub stabilisation_ms: Option<u64>,
    /// As the scenario's table writes it; absent for the defaults.
    pub rule: Option<String>,
}

pub fn read(object: &Node, path: &[&str], ledger: &mut Ledger) -> Result<Both, ImportError> {
    let mut both = Both::default();
    for (direction, key) in [("scaleUp", "scale_up"), ("scaleDown", "scale_down")] {
        let path: Vec<&str> = path.iter().copied().chain([direction]).collect();
        let Some(node) = object.at(&path) else { continue };
        let read = one(node, &path.join("."), key, ledger)?;
        let tolerance = node.get("tolerance").and_then(super::yaml::quantity).filter(|share| (0.0..1.0).contains(share));
        if let Some(tolerance) = tolerance.filter(|_| both.tolerance.is_none()) {
            both.tolerance = Some(tolerance);
            ledger.note(
                &format!("{}.tolerance", path.join(".")),
                crate::import::Status::Approximated,
                "autoscaler.tolerance, for both directions",
            );
        }
        if direction == "scaleUp" { both.up = Some(read) } else { both.down = Some(read) }
    }
    Ok(both)
}

fn one(node: &Node, path: &str, key: &str, ledger: &mut Ledger) -> Result<Direction, ImportError> {
    let window = whole(node, &["stabilizationWindowSeconds"], 0, WINDOW_S_MAX, ledger)?;
    let window_key = if key == "scale_up" { "autoscaler.stabilisation_up" } else { "autoscaler.stabilisation" };
    ledger.carried(&format!("{path}.stabilizationWindowSeconds"), window_key);
    let select = match node.get("selectPolicy").and_then(Node::text).as_deref() {
        None | Some("Max") => "max",
        Some("Min") => "min",
        Some("Disabled") => "disabled",
        Some(other) => return Err(ledger.error(node, format!("selectPolicy {other}: allowed: Max, Min, Disabled"))),
    };
    ledger.carried(&format!("{path}.selectPolicy"), format!("autoscaler.{key}.select"));
    let mut policies = Vec::new();
    for (at, policy) in node.get("policies").map(Node::items).unwrap_or_default().iter().enumerate() {
        let kind = match policy.get("type").and_then(Node::text).as_deref() {
            Some("Pods") => "pods",
            Some("Percent") => "percent",
            _ => return Err(ledger.error(policy, "the type of a policy: allowed: Pods, Percent")),
        };
        let value =
            whole(policy, &["value"], 1, super::REPLICAS_MAX, ledger)?.ok_or_else(|| ledger.error(policy, "a policy without value"))?;
        let period = whole(policy, &["periodSeconds"], 1, PERIOD_S_MAX, ledger)?
            .ok_or_else(|| ledger.error(policy, "a policy without periodSeconds"))?;
        policies.push(format!("{{ kind = \"{kind}\", value = {value}, period = {} }}", span(u64::from(period) * 1_000)));
        ledger.carried(&format!("{path}.policies[{at}]"), format!("autoscaler.{key}.policies"));
    }
    let said = !policies.is_empty() || select != "max";
    let policies = if policies.is_empty() { String::new() } else { format!(", policies = [{}]", policies.join(", ")) };
    let rule = said.then(|| format!("{key} = {{ select = \"{select}\"{policies} }}"));
    Ok(Direction { stabilisation_ms: window.map(|seconds| u64::from(seconds) * 1_000), rule })
}
