//! The target's pods: listed once, then watched.
//!
//! **What is known is true, or it is unknown.** Everything that comes from the API server (a list, an event, a bookmark) proves what is known
//! as of now. What wasn't proven for [`Pace::fresh`] isn't shown any more, whatever the reason: a stream that is silent because its
//! connection is dead looks like one that is silent because nothing happens. That is why each watch is asked for a short time only. Where any
//! pod of the cluster changed meanwhile, the server sends a bookmark two seconds before the end, and the next watch goes on from there.
//! Where none did it sends nothing (not even a bookmark, which would have no newer version to tell), and the pods are listed again.
//!
//! **A list mends everything.** Whatever else happens (410 in either form, 403, 429, 5xx, a stream that broke off or fell silent, an event
//! that can't be read) ends in a fresh list too, after a pause with jitter that grows while it is in vain. Without the right to watch there
//! are only lists, and the fleet is still known.
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
use tokio::time::{Instant, sleep_until, timeout_at};

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
    /// First pause before a list, if the watch before it came to nothing; it doubles. No two lists are closer than this.
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
            let begun = Instant::now();
            let pause = match self.list_and_follow().await {
                Ok(()) => {
                    (failures, told) = (0, None);
                    self.pace.pause
                }
                Err(error) => {
                    // What has lasted was no failure to be patient with.
                    failures = if begun.elapsed() >= self.pace.silent { 1 } else { failures + 1 };
                    if failures > 1 && told.as_ref() != Some(&error.text) {
                        tracing::warn!(resource = %self.resource, %error, "the pods can't be watched, so they are listed");
                        told = Some(error.text.clone());
                    }
                    let pause = self.pace.before_the_next(failures, &error);
                    self.seen.send_modify(|seen| seen.failure = Some(error));
                    begun.elapsed() + pause
                }
            };
            sleep_until(begun + pause).await;
        }
    }

    /// Until it is time for the next list.
    async fn list_and_follow(&self) -> Result<(), ActError> {
        let selector = fleet::selector(&self.api, &self.resource).await?;
        let Listed { items, mut version } = self.api.list(PODS, Some(&selector)).await?;
        let pods = items.into_iter().map(|pod| Ok((fleet::uid(&pod)?, slim(pod)))).collect::<Result<_, ActError>>()?;
        self.seen.send_replace(Seen { pods, proven: Some(Instant::now()), failure: None });
        while let Some(reached) = self.follow(&selector, version).await? {
            version = reached;
            if fleet::selector(&self.api, &self.resource).await? != selector {
                break;
            }
        }
        Ok(())
    }

    /// Takes in what happens until the time is over, and returns the version that it came to; `None` if a list must say what is there.
    async fn follow(&self, selector: &str, mut version: String) -> Result<Option<String>, ActError> {
        let (begun, Pace { watch_s, silent, .. }) = (Instant::now(), self.pace);
        let seconds = watch_s.saturating_add(random(watch_s / 4 + 1));
        let mut events = self.api.watch(PODS, selector, &version, seconds).await?;
        let mut heard = false;
        loop {
            let proven = self.seen.borrow().proven.unwrap_or(begun);
            let Ok(event) = timeout_at(proven + silent, events.next()).await else {
                return Err(ActError::passing(format!("the watch of the pods said nothing for {silent:?}")));
            };
            let Some(event) = event? else { break };
            heard = true;
            match self.take_in(event)? {
                Some(reached) => version = reached,
                None => return Ok(None),
            }
        }
        // The server counts in whole seconds, and its clock is another.
        if begun.elapsed() + Duration::from_secs(1) < Duration::from_secs(seconds.into()) {
            return Err(ActError::passing(format!("the watch of the pods was closed after {:?}", begun.elapsed())));
        }
        Ok(heard.then_some(version))
    }

    /// Returns the version that this leads to; `None` if the last pod is gone, which a list must confirm.
    fn take_in(&self, event: WatchEvent<Pod>) -> Result<Option<String>, ActError> {
        let proven = Some(Instant::now());
        let (WatchEvent::Added(pod) | WatchEvent::Modified(pod) | WatchEvent::Deleted(pod)) = &event else {
            self.seen.send_modify(|seen| seen.proven = proven);
            // An error was one already.
            return Ok(if let WatchEvent::Bookmark(mark) = event { Some(mark.metadata.resource_version) } else { None });
        };
        let (uid, version, gone) = (fleet::uid(pod)?, pod.metadata.resource_version.clone(), matches!(event, WatchEvent::Deleted(_)));
        if gone && self.seen.borrow().pods.keys().all(|known| *known == uid) {
            return Ok(None);
        }
        let pod = slim(pod.clone());
        self.seen.send_modify(|seen| {
            seen.proven = proven;
            match gone {
                true => seen.pods.remove(&uid),
                false => seen.pods.insert(uid, pod),
            };
        });
        // Without one, a watch can't go on.
        Ok(version)
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
    fn a_watch_ends_before_it_counts_as_silent_and_a_list_comes_before_anything_is_unknown() {
        let Pace { watch_s, silent, fresh, pause, pause_max } = Pace::default();
        assert!(Duration::from_secs(u64::from(watch_s + watch_s / 4)) < silent);
        assert!(silent + pause * 5 / 4 < fresh && pause_max * 5 / 4 < fresh);
    }
}
