//! The target's pods: listed once, then watched.
//!
//! **What is known is true, or it is unknown.** Everything that comes from the API server (a list, an event, a bookmark) proves what is known
//! as of now. What wasn't proven for [`Pace::fresh`] isn't shown any more, whatever the reason: a stream that is silent because its
//! connection is dead looks like one that is silent because nothing happens. That is why each watch is asked for a short time only: the
//! server sends a bookmark two seconds before it ends, so a healthy watch of pods that never change proves itself all the time.
//!
//! **A list mends everything.** A watch that ends when its time is over goes on from the version that it came to. Whatever else happens
//! (410 in either form, 403, 429, 5xx, a stream that broke off or fell silent, an event that can't be read) ends in a fresh list, after a
//! pause with jitter that grows while nothing is heard. Without the right to watch there are only lists, and the fleet is still known.
//!
//! **No pods is not believed from a watch.** Taken away one by one, the last of them may go because somebody deleted the target, which is no
//! fleet of zero. The list says so, since it begins with the target.
//!
//! kube's own watcher isn't used: it keeps to itself when it last heard of the server, and what `Retry-After` said.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::core::WatchEvent;
use tokio::sync::watch::{Receiver, Sender, channel};
use tokio::time::{Instant, sleep, timeout_at};

use super::api::{Api, Listed};
use super::fleet::{self, PODS};
use super::target::Resource;
use crate::act::ActError;

/// How long things take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// A watch is asked for so many seconds, and up to a quarter more, lest those of many services end together.
    pub watch_s: u32,
    /// A server that has said nothing for so long is asked for a list.
    pub silent: Duration,
    /// What wasn't proven for so long is unknown: time for that list, and for a second one.
    pub fresh: Duration,
    /// First pause before a list, if the watch before it came to nothing; it doubles.
    pub pause: Duration,
    /// Longest pause: below `fresh`, so that lists alone suffice.
    pub pause_max: Duration,
}

/// A server that wants to be left alone for longer isn't believed.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(120);

impl Default for Pace {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { watch_s: 16, silent: seconds(22), fresh: seconds(30), pause: seconds(1), pause_max: seconds(16) }
    }
}

impl Pace {
    /// Before the next list, after so many rounds in vain: doubles, with a jitter of ± 25 %, and honours the other side.
    fn before_the_next(&self, failures: u32, error: &ActError) -> Duration {
        let doubled = self.pause.saturating_mul(1 << failures.saturating_sub(1).min(10)).min(self.pause_max);
        let asked = error.retry_after_ms.and_then(|ms| u64::try_from(ms).ok()).map(Duration::from_millis);
        (doubled * (750 + random(501)) / 1_000).max(asked.unwrap_or_default().min(RETRY_AFTER_MAX))
    }
}

/// Below `end`. Where the system has no randomness there is no jitter, and all else as before.
fn random(end: u32) -> u32 {
    getrandom::u32().unwrap_or_default() % end.max(1)
}

/// What is known of the pods.
#[derive(Default)]
pub(super) struct Seen {
    /// By uid.
    pods: BTreeMap<String, Pod>,
    /// When the server last said something of them.
    proven: Option<Instant>,
    /// Why nothing was heard since.
    failure: Option<ActError>,
}

impl Seen {
    /// Was there an answer, a good one or a bad one?
    pub fn is_answered(&self) -> bool {
        self.proven.is_some() || self.failure.is_some()
    }

    /// The pods, if that is still true.
    pub fn pods(&self, fresh: Duration) -> Result<impl Iterator<Item = &Pod>, ActError> {
        let age = self.proven.map(|proven| proven.elapsed());
        if age.is_some_and(|age| age <= fresh) {
            return Ok(self.pods.values());
        }
        let mut error = self.failure.clone().unwrap_or_else(|| ActError::passing("the Kubernetes API is silent"));
        if let Some(age) = age {
            error.text = format!("the pods were last known {} s ago: {}", age.as_secs(), error.text);
        }
        Err(error)
    }
}

/// Lists and watches until nobody looks any more.
pub(super) fn begin(api: Arc<Api>, resource: Resource, pace: Pace) -> Receiver<Seen> {
    let (seen, looking) = channel(Seen::default());
    tokio::spawn(async move {
        let watch = Watch { api, resource, pace, seen };
        tokio::select! {
            never = watch.keep() => match never {},
            () = watch.seen.closed() => {}
        }
    });
    looking
}

struct Watch {
    api: Arc<Api>,
    resource: Resource,
    pace: Pace,
    seen: Sender<Seen>,
}

impl Watch {
    async fn keep(&self) -> Infallible {
        let (mut failures, mut told) = (0, None);
        loop {
            let (begun, mut heard) = (Instant::now(), false);
            let Err(error) = self.list_and_follow(&mut heard).await;
            failures = if heard { 0 } else { failures + 1 };
            let pause = self.pace.before_the_next(failures, &error).saturating_sub(if heard { begun.elapsed() } else { Duration::ZERO });
            let text = Some(error.text.clone());
            if failures > 1 && told != text {
                tracing::warn!(resource = %self.resource, %error, "the pods can't be watched, so they are listed");
                told = text;
            } else {
                tracing::debug!(resource = %self.resource, %error, ?pause, "the pods are listed anew");
            }
            self.seen.send_modify(|seen| seen.failure = Some(error));
            sleep(pause).await;
        }
    }

    /// Never ends well: what can go on goes on.
    async fn list_and_follow(&self, heard: &mut bool) -> Result<Infallible, ActError> {
        let selector = fleet::selector(&self.api, &self.resource).await?;
        let Listed { items, mut version } = self.api.list(PODS, Some(&selector)).await?;
        let pods = items.into_iter().map(|pod| Ok((fleet::uid(&pod)?, slim(pod)))).collect::<Result<_, ActError>>()?;
        self.seen.send_replace(Seen { pods, proven: Some(Instant::now()), failure: None });
        loop {
            version = self.follow(&selector, version, heard).await?;
            if fleet::selector(&self.api, &self.resource).await? != selector {
                return Err(ActError::passing(format!("{} has another selector", self.resource)));
            }
        }
    }

    /// Takes in what happens until the time is over, and returns the version that it came to.
    async fn follow(&self, selector: &str, mut version: String, heard: &mut bool) -> Result<String, ActError> {
        let (begun, Pace { watch_s, silent, .. }) = (Instant::now(), self.pace);
        let seconds = watch_s.saturating_add(random(watch_s / 4 + 1));
        let mut events = self.api.watch(PODS, selector, &version, seconds).await?;
        loop {
            let proven = self.seen.borrow().proven.unwrap_or(begun);
            let Ok(event) = timeout_at(proven + silent, events.next()).await else {
                return Err(ActError::passing(format!("the watch of the pods said nothing for {silent:?}, not even that nothing happens")));
            };
            match event? {
                Some(event) => self.take_in(event, &mut version)?,
                // The server counts in whole seconds, and its clock is another.
                None if begun.elapsed() + Duration::from_secs(1) >= Duration::from_secs(seconds.into()) => return Ok(version),
                None => return Err(ActError::passing(format!("the watch of the pods was closed after {:?}", begun.elapsed()))),
            }
            *heard = true;
        }
    }

    fn take_in(&self, event: WatchEvent<Pod>, version: &mut String) -> Result<(), ActError> {
        let (uid, pod) = match event {
            WatchEvent::Added(pod) | WatchEvent::Modified(pod) => (fleet::uid(&pod)?, Ok(pod)),
            WatchEvent::Deleted(pod) => (fleet::uid(&pod)?, Err(pod.metadata.resource_version)),
            WatchEvent::Bookmark(mark) => {
                *version = mark.metadata.resource_version;
                self.seen.send_modify(|seen| seen.proven = Some(Instant::now()));
                return Ok(());
            }
            // Is an error already.
            WatchEvent::Error(_) => return Ok(()),
        };
        let was_the_last = |seen: &Seen| pod.is_err() && seen.pods.keys().all(|known| *known == uid);
        if was_the_last(&self.seen.borrow()) {
            return Err(ActError::passing("no pod is left, so they are listed to be sure"));
        }
        let reached = pod.as_ref().map_or_else(|version| version.clone(), |pod| pod.metadata.resource_version.clone());
        if let Some(reached) = reached {
            *version = reached;
        }
        self.seen.send_modify(|seen| {
            seen.proven = Some(Instant::now());
            match pod {
                Ok(pod) => seen.pods.insert(uid, slim(pod)),
                Err(_) => seen.pods.remove(&uid),
            };
        });
        Ok(())
    }
}

/// Without what nobody here looks at: most of a pod.
fn slim(mut pod: Pod) -> Pod {
    pod.spec = None;
    (pod.metadata.managed_fields, pod.metadata.annotations, pod.metadata.labels) = (None, None, None);
    pod
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_with_jitter_up_to_a_cap_and_honour_the_other_side() {
        let pace = Pace::default();
        let failed = |retry_after_ms| ActError { retry_after_ms, ..ActError::passing("503") };
        for (failures, plain_ms) in [(0, 1_000), (1, 1_000), (2, 2_000), (4, 8_000), (5, 16_000), (u32::MAX, 16_000)] {
            let pause = pace.before_the_next(failures, &failed(None));
            assert!((plain_ms * 3 / 4..=plain_ms * 5 / 4).contains(&pause.as_millis()), "{failures}: {pause:?}");
            assert!(pause < pace.fresh, "lists alone must suffice");
        }
        assert_eq!(pace.before_the_next(1, &failed(Some(60_000))), Duration::from_secs(60));
        assert_eq!(pace.before_the_next(1, &failed(Some(i64::MAX))), RETRY_AFTER_MAX);
        assert!(pace.before_the_next(1, &failed(Some(-5))) < Duration::from_secs(2));
    }

    #[test]
    fn a_healthy_watch_proves_itself_before_it_counts_as_silent() {
        let Pace { watch_s, silent, fresh, .. } = Pace::default();
        let longest = Duration::from_secs(u64::from(watch_s + watch_s / 4));
        // The last bookmark comes two seconds before the end.
        assert!(longest < silent && silent < fresh);
    }
}
