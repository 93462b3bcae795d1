//! The measured start-up of a pod, as far as its conditions tell: scheduled, initialised, its containers started, ready.

use k8s_openapi::api::core::v1::{Pod, PodCondition};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

/// Milliseconds from the pod's creation, `None` where nobody says. The API server's clock and the kubelet's may differ a little.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct StartUp {
    /// A node was found (or made: a cluster autoscaler's minutes are here).
    pub scheduled_ms: Option<i64>,
    /// The init containers are done.
    pub initialised_ms: Option<i64>,
    /// The last container was started: images are pulled.
    pub started_ms: Option<i64>,
    /// The readiness probes say yes.
    pub ready_ms: Option<i64>,
}

/// A condition that is `True`.
fn fulfilled<'a>(pod: &'a Pod, kind: &str) -> Option<&'a PodCondition> {
    condition(pod, kind).filter(|condition| condition.status == "True")
}

pub(super) fn condition<'a>(pod: &'a Pod, kind: &str) -> Option<&'a PodCondition> {
    pod.status.as_ref()?.conditions.as_ref()?.iter().find(|condition| condition.type_ == kind)
}

pub(super) fn epoch_ms(time: &Time) -> i64 {
    time.0.as_millisecond()
}

pub(super) fn created_ms(pod: &Pod) -> Option<i64> {
    pod.metadata.creation_timestamp.as_ref().map(epoch_ms)
}

/// When it became ready, if it is.
pub(super) fn ready_ms(pod: &Pod) -> Option<Option<i64>> {
    fulfilled(pod, "Ready").map(|ready| ready.last_transition_time.as_ref().map(epoch_ms))
}

/// Is this not its first start? A container was restarted, or it was ready and ceased to be: `Ready` is set to false when the kubelet first
/// sees a pod, at the latest when its init containers are done, and again only after it has been true.
pub(super) fn is_not_the_first(pod: &Pod) -> bool {
    let statuses = pod.status.iter().flat_map(|status| status.container_statuses.iter().flatten());
    let restarted = statuses.map(|status| status.restart_count).any(|count| count > 0);
    let when = |condition: Option<&PodCondition>| condition.and_then(|condition| condition.last_transition_time.as_ref().map(epoch_ms));
    let ceased = condition(pod, "Ready").filter(|ready| ready.status == "False");
    let lost = when(ceased).zip(when(fulfilled(pod, "Initialized"))).is_some_and(|(ceased, initialised)| ceased > initialised);
    restarted || lost
}

pub(super) fn measure(pod: &Pod) -> StartUp {
    let Some(created) = created_ms(pod) else { return StartUp::default() };
    let since = |time: Option<&Time>| time.map(|time| epoch_ms(time).saturating_sub(created));
    let at = |kind| since(fulfilled(pod, kind).and_then(|condition| condition.last_transition_time.as_ref()));
    let statuses = pod.status.iter().flat_map(|status| status.container_statuses.iter().flatten());
    let running = statuses.map(|status| status.state.as_ref()?.running.as_ref()?.started_at.as_ref());
    let started = running.collect::<Option<Vec<&Time>>>().and_then(|all| all.into_iter().max_by_key(|time| time.0));
    StartUp { scheduled_ms: at("PodScheduled"), initialised_ms: at("Initialized"), started_ms: since(started), ready_ms: at("Ready") }
}

/// The median of each step, over those that tell.
pub(super) fn medians(of: &[StartUp]) -> StartUp {
    let median = |step: fn(&StartUp) -> Option<i64>| {
        let mut all: Vec<i64> = of.iter().filter_map(step).collect();
        all.sort_unstable();
        all.get(all.len() / 2).copied()
    };
    StartUp {
        scheduled_ms: median(|one| one.scheduled_ms),
        initialised_ms: median(|one| one.initialised_ms),
        started_ms: median(|one| one.started_ms),
        ready_ms: median(|one| one.ready_ms),
    }
}

impl std::fmt::Display for StartUp {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let steps = [
            ("scheduled", self.scheduled_ms),
            ("initialised", self.initialised_ms),
            ("started", self.started_ms),
            ("ready", self.ready_ms),
        ];
        let known = steps.into_iter().filter_map(|(step, ms)| Some(format!("{step} after {:.1} s", ms? as f64 / 1_000.0)));
        write!(out, "{}", known.collect::<Vec<_>>().join(", "))
    }
}
