//! KEDA's ScaledObject.

use super::ledger::Ledger;
use super::yaml::Node;
use super::{Goal, REPLICAS_MAX, Scaler, behaviour, whole};
use crate::import::Status::Approximated;
use crate::import::{Assumed, ImportError};

/// KEDA's default for `maxReplicaCount`.
const MAX_REPLICAS: u32 = 100;

pub fn read(object: &Node, assumed: Assumed, ledger: &mut Ledger) -> Result<Scaler, ImportError> {
    let spec = object.get("spec").ok_or_else(|| ledger.error(object, "it has no spec"))?;
    let min = whole(spec, &["minReplicaCount"], 0, REPLICAS_MAX, ledger)?.unwrap_or(0);
    let max = whole(spec, &["maxReplicaCount"], 1, REPLICAS_MAX, ledger)?.unwrap_or(MAX_REPLICAS);
    if min > max {
        return Err(ledger.error(spec, format!("minReplicaCount {min} is above maxReplicaCount {max}")));
    }
    super::write::limits(min, "spec.minReplicaCount", "spec.maxReplicaCount", ledger);
    let triggers = spec.get("triggers").map(Node::items).unwrap_or_default();
    if triggers.is_empty() {
        return Err(ledger.error(spec, "spec.triggers is missing or empty: at least one trigger is needed"));
    }
    let read: Vec<Result<Trigger, String>> = triggers.iter().map(|trigger| Trigger::read(trigger, assumed)).collect();
    // A request rate says most; then the first that can be carried over at all.
    let prometheus = |trigger: &Result<Trigger, String>| trigger.as_ref().is_ok_and(|trigger| trigger.prometheus.is_some());
    let chosen = read.iter().position(prometheus).or(read.iter().position(Result::is_ok));
    for (at, trigger) in read.iter().enumerate() {
        let path = format!("spec.triggers[{at}]");
        match trigger {
            Ok(trigger) if Some(at) == chosen => trigger.tell(&path, ledger),
            Ok(_) => ledger.not_carried(&path, "a scenario scales by one metric; KEDA's HPA takes the one that wants most replicas"),
            Err(why) => ledger.not_carried(&path, why.clone()),
        }
    }
    let trigger = chosen.and_then(|at| read.into_iter().nth(at)?.ok());
    if trigger.is_none() {
        ledger.assumed("a target of 80 % of the capacity", "the file names no trigger that can be carried over");
    }
    Ok(Scaler {
        name: super::write::name(object, ledger),
        namespace: super::write::namespace(object, ledger),
        target: super::write::target(spec, "spec.scaleTargetRef", ledger),
        min: min.max(1),
        max,
        goal: trigger.as_ref().map_or(Goal::default_of_kubernetes(assumed), |trigger| trigger.goal),
        behaviour: behaviour::read(object, &["spec", "advanced", "horizontalPodAutoscalerConfig", "behavior"], ledger)?,
        prometheus: trigger.and_then(|trigger| trigger.prometheus),
    })
}

/// A trigger that can be carried over.
struct Trigger {
    goal: Goal,
    prometheus: Option<(String, String)>,
}

impl Trigger {
    fn read(trigger: &Node, assumed: Assumed) -> Result<Self, String> {
        let kind = trigger.get("type").and_then(Node::text).unwrap_or_default();
        let metric_type = trigger.get("metricType").and_then(Node::text).unwrap_or_default();
        let data = |key: &str| trigger.get("metadata").and_then(|metadata| metadata.get(key));
        match kind.as_str() {
            "prometheus" => {
                if metric_type == "Value" {
                    return Err("metricType Value: a target for all replicas together isn't a load per replica".into());
                }
                let text = |key: &str| data(key).and_then(Node::text).filter(|text| !text.trim().is_empty());
                let query = text("query").ok_or("it has no metadata.query")?;
                let threshold = data("threshold").and_then(Node::number).and_then(Goal::per_replica);
                let goal = threshold.ok_or("metadata.threshold is no number above 0 and up to 10^7")?;
                Ok(Self { goal, prometheus: Some((text("serverAddress").unwrap_or_default(), query)) })
            }
            "cpu" => {
                let said = data("type").and_then(Node::text).unwrap_or_default();
                if metric_type == "AverageValue" || said == "AverageValue" {
                    return Err("an absolute amount of processor says nothing about a share of the capacity".into());
                }
                let share = data("value").and_then(Node::number).ok_or("metadata.value is no number")?;
                let goal = Goal::busy(share / 100.0, assumed).ok_or("a utilisation above 0 is allowed")?;
                Ok(Self { goal, prometheus: None })
            }
            _ => Err(format!("a trigger of the type {kind:?} measures nothing that a scenario has")),
        }
    }

    fn tell(&self, path: &str, ledger: &mut Ledger) {
        ledger.carried(&format!("{path}.type"), "the metric");
        ledger.carried(&format!("{path}.metricType"), "the metric");
        if self.prometheus.is_none() {
            ledger.note(&format!("{path}.metadata.value"), Approximated, super::hpa::BUSY);
            return;
        }
        ledger.note(
            &format!("{path}.metadata.threshold"),
            Approximated,
            "autoscaler.rps_per_replica with target = 1, and the capacity of the service: the query is taken for the request rate, and what KEDA aims at for what a replica holds",
        );
        ledger.carried(&format!("{path}.metadata.query"), "`load` of the service");
        ledger.carried(&format!("{path}.metadata.serverAddress"), "prometheus.url");
        let mut not = |key: &str, why: &str| ledger.not_carried(&format!("{path}.{key}"), why);
        not("authenticationRef", "credentials are for [prometheus] to name: token, bearer_token_file, basic_auth");
        not("metadata.authModes", "credentials are for [prometheus] to name: token, bearer_token_file, basic_auth");
        not("metadata.activationThreshold", "it decides about zero replicas, and the planner keeps at least one");
        not("metadata.ignoreNullValues", "a metric without a value is unknown and never zero: capacity holds");
        not("metadata.metricName", "KEDA doesn't use it any more");
        not("useCachedMetrics", "a simulation asks nobody");
    }
}
