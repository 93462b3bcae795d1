//! What happened in a run, row by row: a sample of its requests, and every decision about its fleet.
//!
//! Recording changes nothing: it draws no randomness and schedules nothing, so a recorded run has the result of one that isn't recorded (a
//! test compares them). Whether a request is in the sample depends on a hash of (seed, replication, number of the request) alone, so the
//! same requests are in it whatever the fleet, the policy and the number of threads: two scenarios can be compared request by request.
//!
//! Memory is bounded: a run that has more sampled requests than [`TraceSpec::most_requests`] halves its share, as often as needed, and
//! forgets those that are no longer in it. What is left is the uniform sample that the smaller share would have given from the start.

use balancer::{BackendState, Nanos};

use crate::rng::{Stream, child_seed, mix};
use crate::scenario::Scenario;
use crate::tally::Loss;

/// What is recorded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TraceSpec {
    /// Share of the requests, 0 to 1.
    pub sample: f64,
    /// Requests of one replication that are kept at most; the share is halved until they fit.
    pub most_requests: usize,
    /// Decisions of one replication that are kept at most: the first ones. How many more there were is counted.
    pub most_decisions: usize,
}

/// The record of one replication.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Trace {
    /// The sampled requests, by number.
    pub requests: Vec<RequestRow>,
    /// The share of the requests that they are: as asked for, or halved until they fitted.
    pub sample: f64,
    /// What was decided about the fleet, in the order of time.
    pub decisions: Vec<DecisionRow>,
    /// Decisions that didn't fit any more.
    pub decisions_left_out: u64,
}

/// One request, from its arrival to its end. Times are nanoseconds since the start of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestRow {
    /// Number of arrival, from 0.
    pub number: u64,
    /// Arrival of its first try.
    pub arrived: Nanos,
    /// It arrived after the warm-up cut, so the report counts it.
    pub counted: bool,
    /// Index of its class.
    pub class: u8,
    /// Index of the region of its user.
    pub home: u8,
    /// Index of the region that it was sent to last.
    pub region: u8,
    /// The replica that it was sent to last; `None` when nobody was there for it.
    pub backend: Option<u32>,
    /// Attempts of the balancer, in the last try of its user.
    pub attempts: u32,
    /// Retries by its user.
    pub user_retries: u32,
    /// Start of the service that answered; `None` for what wasn't served.
    pub started: Option<Nanos>,
    /// End of that service. The answer is with the user `way_back` later.
    pub served: Option<Nanos>,
    /// When its user knew how it ended; `None` while it is in flight at the end of the run.
    pub ended: Option<Nanos>,
    /// How it ended.
    pub outcome: RequestOutcome,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the report's")]
pub enum RequestOutcome {
    Served,
    Rejected,
    TimedOut,
    Failed,
    InFlight,
}

impl RequestOutcome {
    /// As the report calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Served => "served",
            Self::Rejected => "rejected",
            Self::TimedOut => "timed_out",
            Self::Failed => "failed",
            Self::InFlight => "in_flight_at_end",
        }
    }
}

impl From<Loss> for RequestOutcome {
    fn from(loss: Loss) -> Self {
        match loss {
            Loss::Rejected => Self::Rejected,
            Loss::TimedOut => Self::TimedOut,
            Loss::Failed => Self::Failed,
        }
    }
}

/// One change of the fleet or of what is believed of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecisionRow {
    /// When.
    pub at: Nanos,
    /// What kind of thing changed.
    pub kind: DecisionKind,
    /// The replica that it is about, if it is about one.
    pub backend: Option<u32>,
    /// Before.
    pub from: Option<String>,
    /// After.
    pub to: String,
    /// Why.
    pub reason: Option<String>,
}

/// What kind of thing changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecisionKind {
    /// The autoscaler was asked: replicas that it saw, and replicas that it wants.
    Autoscaler,
    /// A replica went on in its life: booting, ready, draining, dead, left.
    Replica,
    /// The balancer changed its mind about a replica.
    Health,
    /// The weight of a replica.
    Weight,
    /// A fault of the timetable began or ended.
    Fault,
    /// The name service changed its mind about a region.
    Region,
}

impl DecisionKind {
    /// In a table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Autoscaler => "autoscaler",
            Self::Replica => "replica",
            Self::Health => "health",
            Self::Weight => "weight",
            Self::Fault => "fault",
            Self::Region => "region",
        }
    }
}

/// Writes the record of one run.
#[derive(Debug)]
pub(crate) struct Recorder {
    key: u64,
    cut: u64,
    /// Of 2^63: a hash below it is in the sample.
    threshold: u64,
    most_requests: usize,
    most_decisions: usize,
    /// What each balancer thought of each replica when it was last looked at; `None` when no rule can change its mind.
    beliefs: Option<Vec<Vec<BackendState>>>,
    trace: Trace,
}

/// All of a sample of 1.
const WHOLE: u64 = 1 << 63;

impl Recorder {
    pub fn new(spec: &TraceSpec, scenario: &Scenario, seed: u64, replication: u32, cut: u64) -> Self {
        let rules = &scenario.balancing.pool;
        let doubts = rules.passive.is_some() || rules.active.is_some() || rules.latency.is_some();
        Self {
            key: child_seed(seed, replication, Stream::Trace),
            cut,
            // Float to integer saturates, and a NaN is nobody.
            threshold: ((spec.sample * WHOLE as f64) as u64).min(WHOLE),
            most_requests: spec.most_requests,
            most_decisions: spec.most_decisions,
            beliefs: doubts.then(Vec::new),
            trace: Trace::default(),
        }
    }

    /// Whether a request is one of the sample.
    #[inline]
    pub fn wants(&self, number: u64) -> bool {
        mix(self.key ^ number) >> 1 < self.threshold
    }

    /// Writes down a request of the sample.
    pub fn request(&mut self, row: RequestRow) {
        self.trace.requests.push(RequestRow { counted: row.arrived.0 >= self.cut, ..row });
        while self.trace.requests.len() > self.most_requests {
            self.threshold /= 2;
            let mut requests = std::mem::take(&mut self.trace.requests);
            requests.retain(|row| self.wants(row.number));
            self.trace.requests = requests;
        }
    }

    /// Writes down a decision.
    pub fn decision(&mut self, row: DecisionRow) {
        if self.trace.decisions.len() < self.most_decisions {
            self.trace.decisions.push(row);
        } else {
            self.trace.decisions_left_out += 1;
        }
    }

    /// Whether the balancer has rules that can change its mind about a replica.
    pub fn doubts(&self) -> bool {
        self.beliefs.is_some()
    }

    /// What a balancer thinks of a replica now; writes down a change.
    pub fn believes(&mut self, at: Nanos, (replica, balancer): (u32, usize), now: BackendState, reason: &str) {
        let Some(beliefs) = self.beliefs.as_mut().filter(|_| now != BackendState::Draining) else { return };
        if beliefs.len() <= balancer {
            beliefs.resize_with(balancer + 1, Vec::new);
        }
        let beliefs = &mut beliefs[balancer];
        let place = replica as usize;
        if beliefs.len() <= place {
            beliefs.resize(place + 1, BackendState::Up);
        }
        let before = std::mem::replace(&mut beliefs[place], now);
        if before != now {
            let (from, to) = (Some(state_name(before).to_owned()), state_name(now).to_owned());
            let reason = Some(reason.to_owned());
            self.decision(DecisionRow { at, kind: DecisionKind::Health, backend: Some(replica + 1), from, to, reason });
        }
    }

    pub fn finish(mut self) -> Trace {
        self.trace.requests.sort_unstable_by_key(|row| row.number);
        self.trace.sample = self.threshold as f64 / WHOLE as f64;
        self.trace
    }
}

fn state_name(state: BackendState) -> &'static str {
    match state {
        BackendState::Draining => "draining",
        BackendState::Down => "down",
        BackendState::Ejected => "ejected",
        BackendState::Warming => "warming",
        BackendState::Up => "up",
    }
}

#[cfg(test)]
mod tests;
