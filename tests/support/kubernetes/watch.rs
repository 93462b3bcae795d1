//! Collections that are listed and watched as the real server does it: objects with versions, a stream with one event a line, two seconds
//! before its time is over a bookmark if there is a newer version than at its beginning (if nothing happened there is nothing to be heard),
//! and 410 for a version that is too old (`23-watch-deployment`, `24-watch-expired-410`).

use std::collections::BTreeMap;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::answer::Answer;
use super::wire::{self, Call};
use super::{Shared, lock};

/// Between two looks whether the other side is still there.
const LOOK: Duration = Duration::from_millis(20);
/// When the real server sends its last bookmark.
const BOOKMARK_AHEAD: Duration = Duration::from_secs(2);

/// The objects of one collection.
#[derive(Default)]
pub(super) struct Collection {
    version: u64,
    /// A watch must begin here, or later.
    oldest: u64,
    by_uid: BTreeMap<String, Value>,
    /// Each with the version that it led to.
    events: Vec<(u64, Value)>,
}

/// A watch that was asked for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Watch {
    path: String,
    from: u64,
    seconds: u64,
}

fn event(kind: &str, object: &Value) -> Value {
    json!({ "type": kind, "object": object })
}

impl Collection {
    /// Holds exactly these from now on; what differs happens, each with a version of its own.
    pub fn hold(&mut self, items: Vec<Value>) {
        let uid = |item: &Value| item["metadata"]["uid"].as_str().unwrap().to_owned();
        let kept: Vec<String> = items.iter().map(uid).collect();
        let gone: Vec<String> = self.by_uid.keys().filter(|known| !kept.contains(known)).cloned().collect();
        for known in gone {
            let item = self.by_uid.remove(&known).unwrap();
            self.happens("DELETED", item);
        }
        for item in items.into_iter().map(|item| with_version(item, None)) {
            let known = self.by_uid.get(&uid(&item)).map(|known| with_version(known.clone(), None));
            if known.as_ref() != Some(&item) {
                let item = self.happens(if known.is_some() { "MODIFIED" } else { "ADDED" }, item);
                self.by_uid.insert(uid(&item), item);
            }
        }
    }

    fn happens(&mut self, kind: &str, item: Value) -> Value {
        self.version += 1;
        let item = with_version(item, Some(self.version));
        self.events.push((self.version, event(kind, &item)));
        item
    }

    /// Forgets what happened: whoever wants to go on from before, or is watching, is too late.
    pub fn expire(&mut self) {
        self.version += 1;
        self.oldest = self.version;
        self.events.clear();
    }

    pub fn answer(&self, call: &Call) -> Answer {
        let asked = |key: &str| call.query.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str());
        if asked("watch").is_some() {
            let number = |key: &str| asked(key).and_then(|value| value.parse().ok());
            let (from, seconds) = (number("resourceVersion").expect("a version to watch from"), number("timeoutSeconds").unwrap_or(1_800));
            return Answer::watch(Watch { path: call.path.clone(), from, seconds });
        }
        let items: Vec<&Value> = self.by_uid.values().collect();
        let metadata = json!({ "resourceVersion": self.version.to_string() });
        Answer::json(200, json!({ "kind": "List", "apiVersion": "v1", "metadata": metadata, "items": items }))
    }
}

fn with_version(mut item: Value, version: Option<u64>) -> Value {
    let metadata = item["metadata"].as_object_mut().unwrap();
    match version {
        Some(version) => metadata.insert("resourceVersion".into(), version.to_string().into()),
        None => metadata.remove("resourceVersion"),
    };
    item
}

/// Tells what happens until the time is over, the version is too old, or nobody is there any more.
pub(super) fn follow(stream: &TcpStream, answer: &Answer, watch: Watch, shared: &Shared) -> std::io::Result<()> {
    let Watch { path, mut from, seconds } = watch;
    let begin = from;
    let ends = Instant::now() + Duration::from_secs(seconds);
    let mut bookmark = Some(ends - BOOKMARK_AHEAD.min(Duration::from_secs(seconds)));
    wire::begin(stream, answer)?;
    loop {
        let mut state = lock(shared);
        let Some(collection) = state.collections.get(&path).filter(|_| !state.stopped) else { return Ok(()) };
        let mut lines: Vec<Value> =
            collection.events.iter().filter(|(version, _)| *version > from).map(|(_, event)| event.clone()).collect();
        let expired = from < collection.oldest;
        if expired {
            let message = format!("too old resource version: {from} ({})", collection.oldest);
            lines = vec![event("ERROR", &Answer::recorded("24").with("/object/message", message).value()["object"])];
        }
        from = collection.version;
        if bookmark.is_some_and(|due| Instant::now() >= due) {
            bookmark = None;
            let newer = json!({ "kind": "Pod", "apiVersion": "v1", "metadata": { "resourceVersion": from.to_string() } });
            lines.extend((from > begin).then(|| event("BOOKMARK", &newer)));
        }
        if lines.is_empty() {
            state = shared.1.wait_timeout(state, LOOK).unwrap().0;
        }
        drop(state);
        for line in lines {
            wire::chunk(stream, &format!("{line}\n"))?;
        }
        if expired || Instant::now() >= ends {
            return wire::chunk(stream, "");
        }
        if is_gone(stream) {
            return Ok(());
        }
    }
}

fn is_gone(stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    let gone = matches!(stream.peek(&mut [0]), Ok(0));
    stream.set_nonblocking(false).unwrap();
    gone
}
