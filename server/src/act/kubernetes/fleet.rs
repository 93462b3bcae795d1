//! The target's pods as replicas.
//!
//! Which pods are the target's is said by its own selector, as the `scale` subresource shows it: the same that an HPA uses. It is read before
//! each list, which also tells a fleet without pods from a target that was deleted.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use k8s_openapi::api::autoscaling::v1::Scale;
use k8s_openapi::api::core::v1::Pod;
use planner::{Replica, ReplicaState};

use super::api::{Api, Thing};
use super::startup;
use super::target::Resource;
use crate::act::ActError;

pub(super) const PODS: Thing<'static> = Thing { group: "", version: "v1", resource: "pods", name: "", subresource: "" };

/// Which pods are the target's.
pub(super) async fn selector(api: &Api, resource: &Resource) -> Result<String, ActError> {
    let scale: Scale = api.get(resource.scale()).await?;
    scale.status.and_then(|status| status.selector).filter(|selector| !selector.is_empty()).ok_or_else(|| {
        ActError::lasting(format!(
            "{resource} does not say which pods are its own (status.selector of its scale is empty): its CustomResourceDefinition needs \
             subresources.scale.labelSelectorPath, as an HPA would, too"
        ))
    })
}

/// What a pod is known by.
pub(super) fn uid(pod: &Pod) -> Result<String, ActError> {
    pod.metadata.uid.clone().ok_or_else(|| ActError::passing("the Kubernetes API listed a pod without a uid"))
}

/// What is remembered of the pods that exist, by uid.
#[derive(Debug, Default)]
pub(super) struct Known {
    pods: BTreeMap<String, Memory>,
}

#[derive(Debug)]
struct Memory {
    id: u32,
    seen_ready: bool,
    /// Does its next `Ready` end its first start-up?
    first_start: bool,
}

impl Known {
    /// The pods that count, as replicas with ids that are the same as long as the pod exists, also after a restart of ours (but for the rare
    /// two pods whose hashes collide).
    pub fn replicas<'a>(&mut self, pods: impl IntoIterator<Item = &'a Pod>, port: Option<u16>) -> Result<Vec<Replica>, ActError> {
        let mut present = BTreeMap::new();
        for pod in pods.into_iter().filter(|pod| !has_ended(pod)) {
            present.insert(uid(pod)?, pod);
        }
        self.pods.retain(|uid, _| present.contains_key(uid));
        Ok(present.into_iter().map(|(uid, pod)| self.replica(uid, pod, port)).collect())
    }

    fn replica(&mut self, uid: String, pod: &Pod, port: Option<u16>) -> Replica {
        let id = self.pods.get(&uid).map_or_else(|| self.free_id(&uid), |memory| memory.id);
        let memory = self.pods.entry(uid).or_insert(Memory { id, seen_ready: false, first_start: true });
        let ready = startup::ready_ms(pod);
        if startup::is_not_the_first(pod) || (ready.is_none() && memory.seen_ready) {
            memory.first_start = false;
        }
        if ready.is_some() && !memory.seen_ready {
            memory.seen_ready = true;
            if memory.first_start {
                let name = pod.metadata.name.as_deref().unwrap_or_default();
                tracing::info!(pod = name, "ready: {}", startup::measure(pod));
            }
        }
        let state = match (&pod.metadata.deletion_timestamp, ready) {
            (Some(_), _) => ReplicaState::Draining,
            (None, Some(_)) => ReplicaState::Ready,
            (None, None) => ReplicaState::Booting,
        };
        // Without an order time a replica that comes back teaches no start-up time.
        let ordered_ms = startup::created_ms(pod).filter(|_| memory.first_start);
        Replica { id, address: address(pod, port), state, ordered_ms, ready_ms: ready.flatten() }
    }

    /// FNV-1a of the uid, or the next one that no other pod has.
    fn free_id(&self, uid: &str) -> u32 {
        let taken: BTreeSet<u32> = self.pods.values().map(|memory| memory.id).collect();
        let mut id = uid.bytes().fold(0x811C_9DC5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
        while taken.contains(&id) {
            id = id.wrapping_add(1);
        }
        id
    }
}

/// Completed, failed or evicted: it will never serve, and its controller has replaced it already.
fn has_ended(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    matches!(phase, Some("Succeeded" | "Failed"))
}

fn address(pod: &Pod, port: Option<u16>) -> String {
    let ip = pod.status.as_ref().and_then(|status| status.pod_ip.as_deref()).and_then(|ip| ip.parse::<IpAddr>().ok());
    match (ip, port) {
        (Some(ip), Some(port)) => std::net::SocketAddr::new(ip, port).to_string(),
        _ => String::new(),
    }
}
