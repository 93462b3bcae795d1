//! Tells the [`Feed`](crate::events::Feed) what the loop and the feeders have published.
//!
//! They only note *which* service something happened to ([`Changes`]), which costs the loop one look into a set. This task looks at those
//! services a moment later, all at once, and makes one event of it: with many services the readings of a second come in a burst, and a page
//! that gets them together draws once.

use std::collections::BTreeSet;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, watch};

use super::{Shared, view};
use crate::events::News;

/// What happens within this time [wall] goes into one event.
const GATHER: Duration = Duration::from_millis(50);
/// All services are looked at this often [wall]: data grows old without anything happening.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Which services something happened to.
#[derive(Default)]
pub struct Changes {
    noted: Mutex<Noted>,
    wake: Notify,
}

#[derive(Default)]
struct Noted {
    /// Any of them, so that all must be looked at.
    any: bool,
    services: BTreeSet<String>,
    /// Those about which something was journalled.
    journalled: BTreeSet<String>,
}

impl Changes {
    /// Something may have happened to any service.
    pub fn any(&self) {
        self.note(|noted| noted.any = true);
    }

    /// Something happened to this one.
    pub fn service(&self, name: &str) {
        self.note(|noted| insert(&mut noted.services, name));
    }

    /// Something was journalled about this one.
    pub fn journalled(&self, name: &str) {
        self.note(|noted| insert(&mut noted.journalled, name));
    }

    fn note(&self, what: impl FnOnce(&mut Noted)) {
        what(&mut self.noted.lock());
        self.wake.notify_one();
    }

    fn take(&self) -> Noted {
        mem::take(&mut *self.noted.lock())
    }
}

fn insert(names: &mut BTreeSet<String>, name: &str) {
    if !names.contains(name) {
        names.insert(name.to_owned());
    }
}

/// Runs until stopped.
pub async fn run(shared: Arc<Shared>, mut stopped: watch::Receiver<bool>) {
    tokio::select! {
        () = rounds(&shared) => {}
        _ = stopped.wait_for(|stop| *stop) => {}
    }
}

async fn rounds(shared: &Shared) {
    let mut told = BTreeSet::new();
    let mut look = tokio::time::interval(LOOK_EVERY);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let all = tokio::select! {
            _ = look.tick() => true,
            () = shared.changes.wake.notified() => {
                tokio::time::sleep(GATHER).await;
                false
            }
        };
        round(shared, all, &mut told);
    }
}

/// Tells about those services that something happened to, or about all; `told` are those that were told of.
fn round(shared: &Shared, all: bool, told: &mut BTreeSet<String>) {
    let noted = shared.changes.take();
    let (mut names, mut removed) = (&noted.services | &noted.journalled, Vec::new());
    if all || noted.any {
        names = shared.names();
        removed = told.difference(&names).cloned().collect();
        told.clone_from(&names);
    }
    let services = names.iter().filter_map(|name| shared.look(name, |view| view::summary(shared, view))).collect();
    shared.feed.publish(News {
        services,
        removed,
        paused: shared.paused().map(view::pause),
        store_error: shared.store_error(),
        journalled: noted.journalled.into_iter().filter(|name| told.contains(name)).collect(),
    });
}
