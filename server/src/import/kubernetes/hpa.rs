//! A HorizontalPodAutoscaler.

use super::goal::average;
use super::ledger::Ledger;
use super::yaml::Node;
use super::{Goal, REPLICAS_MAX, Scaler, behaviour, whole};
use crate::import::Status::{Approximated, Carried};
use crate::import::{Assumed, ImportError};

pub fn read(object: &Node, assumed: Assumed, ledger: &mut Ledger) -> Result<Scaler, ImportError> {
    let spec = object.get("spec").ok_or_else(|| ledger.error(object, "it has no spec"))?;
    let min = whole(spec, &["minReplicas"], 0, REPLICAS_MAX, ledger)?.unwrap_or(1);
    let max = whole(spec, &["maxReplicas"], 1, REPLICAS_MAX, ledger)?.ok_or_else(|| ledger.error(spec, "spec.maxReplicas is missing"))?;
    if min > max {
        return Err(ledger.error(spec, format!("minReplicas {min} is above maxReplicas {max}")));
    }
    super::write::limits(min, "spec.minReplicas", "spec.maxReplicas", ledger);
    let goal = match whole(spec, &["targetCPUUtilizationPercentage"], 1, REPLICAS_MAX, ledger)? {
        Some(percent) => {
            ledger.note("spec.targetCPUUtilizationPercentage", Approximated, BUSY);
            Goal::busy(f64::from(percent) / 100.0, assumed)
        }
        None => metrics(spec, assumed, ledger),
    };
    if goal.is_none() {
        ledger.assumed("a target of 80 % of the capacity", "the file names no metric that can be carried over: Kubernetes' default");
    }
    Ok(Scaler {
        name: super::write::name(object, ledger),
        namespace: super::write::namespace(object, ledger),
        target: super::write::target(spec, "spec.scaleTargetRef", ledger),
        min: min.max(1),
        max,
        goal: goal.unwrap_or(Goal::default_of_kubernetes(assumed)),
        behaviour: behaviour::read(object, &["spec", "behavior"], ledger)?,
        prometheus: None,
    })
}

/// Why a share of the processor is only nearly a share of the capacity.
pub const BUSY: &str = "autoscaler.target: share of the requests that a replica can serve at once, in place of its requested processor";

/// The metric that the scenario scales by: a load per replica before the processor; the first of each. Kubernetes takes the metric that
/// wants most, so the others are told.
fn metrics(spec: &Node, assumed: Assumed, ledger: &mut Ledger) -> Option<Goal> {
    let list = spec.get("metrics").map(Node::items).unwrap_or_default();
    let read: Vec<Result<Goal, String>> = list.iter().map(|metric| metric_goal(metric, assumed)).collect();
    let of = |said: bool| read.iter().position(|goal| goal.as_ref().is_ok_and(|goal| goal.said == said));
    let chosen = of(true).or(of(false));
    for (at, goal) in read.iter().enumerate() {
        let path = format!("spec.metrics[{at}]");
        match goal {
            Ok(goal) if Some(at) == chosen && goal.said => {
                ledger.note(&path, Carried, "autoscaler.rps_per_replica with target = 1: the metric is taken for the request rate");
            }
            Ok(_) if Some(at) == chosen => ledger.note(&path, Approximated, BUSY),
            Ok(_) => ledger.not_carried(&path, "a scenario scales by one metric; Kubernetes takes the one that wants most replicas"),
            Err(why) => ledger.not_carried(&path, why.clone()),
        }
    }
    chosen.and_then(|at| read.into_iter().nth(at)?.ok())
}

fn metric_goal(metric: &Node, assumed: Assumed) -> Result<Goal, String> {
    let kind = metric.get("type").and_then(Node::text).unwrap_or_default();
    let (field, load) = match kind.as_str() {
        "Resource" => ("resource", false),
        "ContainerResource" => ("containerResource", false),
        "Pods" => ("pods", true),
        "Object" => ("object", true),
        "External" => ("external", true),
        _ => return Err(format!("a metric of the type {kind:?} isn't known")),
    };
    let part = metric.get(field).ok_or_else(|| format!("it has no {field}"))?;
    let target = part.get("target");
    if load {
        return average(target).map_err(str::to_owned).and_then(|value| Goal::per_replica(value).ok_or("a load beyond 10^7".to_owned()));
    }
    let name = part.get("name").and_then(Node::text).unwrap_or_default();
    if name != "cpu" {
        return Err(format!("{name} isn't simulated as something that requests use up"));
    }
    let share = target.and_then(|target| target.get("averageUtilization")).and_then(Node::number);
    let share = share.ok_or("an absolute amount of processor says nothing about a share of the capacity")?;
    Goal::busy(share / 100.0, assumed).ok_or_else(|| "a utilisation above 0 is allowed".to_owned())
}
