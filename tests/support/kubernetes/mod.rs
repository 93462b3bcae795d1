//! A scripted Kubernetes API server: expected calls as data, answers as a real 1.36 server gave them (`server/testdata/kubernetes`).
//!
//! Three kinds of answers: a *script* of calls that must come, each once and in this order; *standing* answers for calls that may come any
//! number of times; and *collections* that are listed and watched. A call that is none of them is answered 501 and fails the test; so does one that never came ([`Server::finish`] waits for it
//! until a deadline). An answer can be withheld, so that a test can end the process that waits for it.
//!
//! The standard library only, in threads of its own: tests with and without an async runtime use it, and so do those that start the binary.

#![allow(dead_code, reason = "each of the tests that include this uses a part of it")]

mod answer;
mod watch;
mod wire;

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufReader, Read};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

pub use answer::Answer;
use answer::End;
use watch::Collection;
pub use wire::Call;
use wire::{begin, read, split, write};

/// A scripted call that hasn't come by then won't.
const DEADLINE: Duration = Duration::from_secs(20);

/// A call that is expected: the path with a query that must be there (`?a=b&c=d`, in any order, more is allowed), and a part of the body.
#[derive(Debug, Clone)]
struct Expected {
    method: String,
    path: String,
    query: Vec<(String, String)>,
    body: Value,
    answer: Answer,
}

#[derive(Default)]
struct State {
    script: VecDeque<Expected>,
    standing: Vec<Expected>,
    /// By path.
    collections: BTreeMap<String, Collection>,
    watches: usize,
    calls: Vec<Call>,
    wrong: Vec<String>,
    withheld: usize,
    stopped: bool,
}

type Shared = (Mutex<State>, Condvar);

/// The running server; it ends when this is dropped.
pub struct Server {
    address: SocketAddr,
    deadline: Duration,
    state: Arc<Shared>,
}

impl Server {
    pub fn start() -> Self {
        Self::with_deadline(DEADLINE)
    }

    pub fn with_deadline(deadline: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new((Mutex::new(State::default()), Condvar::new()));
        let shared = state.clone();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if lock(&shared).stopped {
                    return;
                }
                let shared = shared.clone();
                thread::spawn(move || serve(stream, &shared));
            }
        });
        Self { address, deadline, state }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Writes a kubeconfig that leads here, and returns its path.
    pub fn kubeconfig(&self, folder: &Path) -> PathBuf {
        let path = folder.join("kubeconfig");
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: test\nclusters: [{{name: test, cluster: {{server: '{}'}}}}]\n\
             users: [{{name: test, user: {{}}}}]\ncontexts: [{{name: test, context: {{cluster: test, user: test}}}}]\n",
            self.url()
        );
        std::fs::write(&path, text).unwrap();
        path
    }

    /// The next call of the script.
    pub fn expect(&self, method: &str, path: &str, answer: Answer) -> &Self {
        self.expect_body(method, path, Value::Null, answer)
    }

    /// The next call of the script, whose body has this part.
    pub fn expect_body(&self, method: &str, path: &str, body: Value, answer: Answer) -> &Self {
        lock(&self.state).script.push_back(expected(method, path, body, answer));
        self
    }

    /// A call that may come at any time. The newest of several answers counts.
    pub fn always(&self, method: &str, path: &str, answer: Answer) -> &Self {
        lock(&self.state).standing.insert(0, expected(method, path, Value::Null, answer));
        self
    }

    /// A collection that holds exactly these objects from now on: lists show them, watches tell what happened to them.
    pub fn holds(&self, path: &str, items: Vec<Value>) -> &Self {
        lock(&self.state).collections.entry(path.to_owned()).or_default().hold(items);
        self.state.1.notify_all();
        self
    }

    /// What happened in a collection is forgotten: open watches of it, and those that go on from before, are answered 410.
    pub fn expire(&self, path: &str) {
        lock(&self.state).collections.get_mut(path).unwrap().expire();
        self.state.1.notify_all();
    }

    /// How many watches of collections are open.
    pub fn watches(&self) -> usize {
        lock(&self.state).watches
    }

    /// Every call so far.
    pub fn calls(&self) -> Vec<Call> {
        lock(&self.state).calls.clone()
    }

    /// Waits until so many answers are being withheld.
    pub fn wait_for_withheld(&self, count: usize) {
        self.wait(|state| state.withheld >= count, "an answer to be withheld");
    }

    /// Fails when a call of the script never came, or another came. Returns all calls.
    pub fn finish(&self) -> Vec<Call> {
        self.wait(|state| state.script.is_empty() || !state.wrong.is_empty(), "the rest of the script");
        let state = lock(&self.state);
        assert!(state.wrong.is_empty(), "not expected: {:#?}\nleft of the script: {:#?}", state.wrong, state.script);
        state.calls.clone()
    }

    fn wait(&self, done: impl Fn(&State) -> bool, what: &str) {
        let started = Instant::now();
        let mut state = lock(&self.state);
        while !done(&state) {
            let left = self.deadline.saturating_sub(started.elapsed());
            assert!(!left.is_zero(), "waited {:?} for {what}: {:#?}", self.deadline, state.script);
            state = self.state.1.wait_timeout(state, left).unwrap().0;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        lock(&self.state).stopped = true;
        // Wakes the listener; that nobody listens any more is as good.
        let _ = TcpStream::connect(self.address);
    }
}

/// A test that failed while it held the lock has said why already.
fn lock(state: &Shared) -> MutexGuard<'_, State> {
    state.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn expected(method: &str, path: &str, body: Value, answer: Answer) -> Expected {
    let (path, query) = split(path);
    Expected { method: method.to_owned(), path, query, body, answer }
}

impl Expected {
    fn is(&self, call: &Call) -> bool {
        self.method == call.method
            && self.path == call.path
            && self.query.iter().all(|pair| call.query.contains(pair))
            && is_part(&self.body, &call.body)
    }
}

/// Objects may have more than the part asks for; `null` in the part asks for `null`, at the top for anything.
fn is_part(part: &Value, whole: &Value) -> bool {
    fn inner(part: &Value, whole: &Value) -> bool {
        match (part, whole) {
            (Value::Object(part), Value::Object(whole)) => {
                part.iter().all(|(key, value)| whole.get(key).is_some_and(|found| inner(value, found)))
            }
            (part, whole) => part == whole,
        }
    }
    part.is_null() || inner(part, whole)
}

fn serve(stream: TcpStream, shared: &Shared) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    while let Some(call) = read(&mut reader) {
        let answer = answer(call, shared);
        match answer.end.clone() {
            End::Send if write(&stream, &answer).is_ok() => {}
            End::Watch(watch) => {
                lock(shared).watches += 1;
                shared.1.notify_all();
                let ended = watch::follow(&stream, &answer, watch, shared);
                lock(shared).watches -= 1;
                shared.1.notify_all();
                if ended.is_err() {
                    return;
                }
            }
            end @ (End::Withhold | End::Stall) => {
                if end == End::Stall && begin(&stream, &answer).is_err() {
                    return;
                }
                lock(shared).withheld += 1;
                shared.1.notify_all();
                // Until the other side gives up.
                let _ = reader.read(&mut [0]);
                return;
            }
            End::Send | End::HangUp => return,
        }
    }
}

fn answer(call: Call, shared: &Shared) -> Answer {
    let mut state = lock(shared);
    let scripted = state.script.pop_front_if(|expected| expected.is(&call)).map(|expected| expected.answer);
    let standing = || state.standing.iter().find(|expected| expected.is(&call)).map(|expected| expected.answer.clone());
    let collected = || state.collections.get(&call.path).filter(|_| call.method == "GET").map(|collection| collection.answer(&call));
    let answer = scripted.or_else(standing).or_else(collected);
    let answer = answer.unwrap_or_else(|| {
        let next = state.script.front().map_or("nothing".to_owned(), |next| format!("{next:?}"));
        state.wrong.push(format!("{call:?}, but {next}"));
        Answer::status(501, "this call is not in the script")
    });
    state.calls.push(call);
    drop(state);
    shared.1.notify_all();
    answer
}
