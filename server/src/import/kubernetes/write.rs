//! The drafts, and what both kinds have in common.

use std::fmt::Write as _;

use super::Scaler;
use super::ledger::Ledger;
use super::yaml::Node;
use crate::import::text::{quoted, service_name, span};
use crate::import::{Assumed, Note, Status};

/// Largest fleet that a scenario may have.
const MOST: u32 = simulator::scenario::MOST_REPLICAS;

pub fn name(object: &Node, ledger: &mut Ledger) -> String {
    ledger.carried("metadata.name", "the name");
    object.at(&["metadata", "name"]).and_then(Node::text).unwrap_or_else(|| "service".to_owned())
}

pub fn namespace(object: &Node, ledger: &mut Ledger) -> Option<String> {
    ledger.carried("metadata.namespace", "services.act.namespace");
    object.at(&["metadata", "namespace"]).and_then(Node::text)
}

pub fn target(spec: &Node, path: &str, ledger: &mut Ledger) -> Option<(String, String)> {
    let named = |key: &str| spec.at(&["scaleTargetRef", key]).and_then(Node::text);
    ledger.carried(path, "services.act.target");
    // KEDA's default kind.
    Some((named("kind").unwrap_or_else(|| "Deployment".into()), named("name")?))
}

pub fn limits(min: u32, min_path: &str, max_path: &str, ledger: &mut Ledger) {
    if min == 0 {
        ledger.note(min_path, Status::Approximated, "min = 1: the planner keeps at least one replica");
    } else {
        ledger.carried(min_path, "autoscaler.min");
    }
    ledger.carried(max_path, "autoscaler.max");
}

/// Assumptions that only these drafts make.
pub fn notes(file: &str) -> Vec<Note> {
    let note = |what: &str, why: &str| Note { file: file.to_owned(), line: 0, what: what.into(), status: Status::Assumed, why: why.into() };
    vec![
        note("a start-up time of 30s", "the file doesn't say it: write boot_delay of the pool"),
        note("an objective of 500 ms for 99 %", "the file doesn't say it: write [slo]"),
    ]
}

pub fn scenario(scaler: &Scaler, assumed: Assumed) -> String {
    let (min, max) = (scaler.min.min(MOST), scaler.max.min(MOST));
    let mut out = format!("name = {}\nseed = 1\nduration = \"30m\"\n\n", quoted(&scaler.name));
    // Writing to a String can't fail, here and below.
    let _ = writeln!(out, "[workload]\narrivals = {{ kind = \"poisson\", rate_rps = {:?} }}\n", assumed.rate_rps);
    out += "[slo]\nlatency_ms = 500\npercentile = 99\n\n[balancer]\nalgorithm = \"round_robin\"\n\n";
    out += "# The HPA looks at the metrics every 15 seconds.\n";
    let _ =
        writeln!(out, "[autoscaler]\npolicy = \"hpa\"\ninterval = \"15s\"\nmin = {min}\nmax = {max}\ntarget = {:?}", scaler.goal.target);
    let _ = writeln!(out, "rps_per_replica = {:?}", scaler.goal.rps_per_replica);
    let behaviour = &scaler.behaviour;
    if let Some(tolerance) = behaviour.tolerance {
        let _ = writeln!(out, "tolerance = {tolerance:?}");
    }
    for (direction, key) in [(&behaviour.up, "stabilisation_up"), (&behaviour.down, "stabilisation")] {
        let Some(direction) = direction else { continue };
        if let Some(ms) = direction.stabilisation_ms {
            let _ = writeln!(out, "{key} = {}", span(ms));
        }
        if let Some(rule) = &direction.rule {
            let _ = writeln!(out, "{rule}");
        }
    }
    let _ = writeln!(
        out,
        "\n[[pools]]\nname = {}\nreplicas = {min}\nconcurrency = {}\nqueue = \"unbounded\"\nboot_delay = \"30s\"",
        quoted(&scaler.target.as_ref().map_or_else(|| scaler.name.clone(), |(_, name)| name.clone())),
        assumed.concurrency
    );
    let _ = writeln!(out, "service_time = {{ dist = \"exponential\", mean_ms = {:?} }}", assumed.service_ms);
    out
}

/// A service that is observed, from the query of a Prometheus trigger; `None` without one.
pub fn config(scaler: &Scaler, ledger: &mut Ledger) -> Option<String> {
    let (address, query) = scaler.prometheus.as_ref()?;
    let known = address.starts_with("http://") || address.starts_with("https://");
    let address = if known { address.as_str() } else { "http://127.0.0.1:9090" };
    if !known {
        ledger.assumed("a Prometheus at http://127.0.0.1:9090", "the trigger's serverAddress is no http:// address");
    }
    let mut out = format!(
        "[prometheus]\nurl = {}\n\n[[services]]\nname = {}\nmode = \"observe\"\n",
        quoted(address),
        quoted(&service_name(&scaler.name))
    );
    let _ = writeln!(out, "load = {}\nslo = {{ latency_ms = 500, percentile = 99 }}", quoted(query));
    let _ = writeln!(out, "capacity = {{ rps_per_replica = {:?} }}", scaler.goal.rps_per_replica.max(0.001));
    let _ = writeln!(out, "rails = {{ min = {}, max = {} }}", scaler.min.min(MOST), scaler.max.min(MOST));
    let known = |kind: &str| ["Deployment", "StatefulSet", "ReplicaSet"].contains(&kind);
    if let Some((kind, name)) = scaler.target.as_ref().filter(|(kind, _)| known(kind)) {
        let target = format!("{}/{name}", kind.to_ascii_lowercase());
        let namespace = scaler.namespace.as_deref().unwrap_or("default");
        let _ = writeln!(out, "\n[services.act]\nkind = \"kubernetes\"\nnamespace = {}\ntarget = {}", quoted(namespace), quoted(&target));
    }
    Some(out)
}
