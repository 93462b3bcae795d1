//! Is this backend well? Passive health learns from real requests, active health from probes. Each is a small state machine per backend
//! that knows nothing of the pool; what follows for the pool (weights, panic, slow start) is decided there.

use crate::backend::OutcomeKind;
use crate::config::ConfigError;
use crate::time::{Nanos, span};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// More failures than this in one window would only cost memory.
const MAX_FAILS_MAX: u32 = 1_000;

fn default_max_fails() -> u32 {
    3
}
fn default_fail_timeout() -> Nanos {
    Nanos::from_secs(30)
}
fn yes() -> bool {
    true
}

/// Ejection by what real requests met, in nginx's words. An ejected backend gets nothing for `fail_timeout`; then one trial request at a
/// time, whose success brings it back (into slow start, if there is one) and whose failure ejects it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PassiveHealth {
    /// Failures within `fail_timeout` that eject, whatever succeeds between them; 0 = don't count.
    #[serde(default = "default_max_fails")]
    pub max_fails: u32,
    /// The window of `max_fails`, and how long an ejection lasts. Domain time.
    #[serde(with = "span", default = "default_fail_timeout")]
    pub fail_timeout: Nanos,
    /// Failures in a row that eject, however far apart; absent = don't count.
    #[serde(default)]
    pub consecutive_failures: Option<u32>,
    /// Whether a time-out is a failure. (A failed connection always is.)
    #[serde(default = "yes")]
    pub timeouts: bool,
    /// Whether an answer of 5xx is a failure.
    #[serde(default = "yes")]
    pub server_errors: bool,
    /// Whether shedding load (429, 503, a full queue) is a failure. Off unless asked for: at a peak every backend sheds.
    #[serde(default)]
    pub overloads: bool,
}

impl Default for PassiveHealth {
    fn default() -> PassiveHealth {
        PassiveHealth::new(default_max_fails(), default_fail_timeout())
    }
}

impl PassiveHealth {
    /// nginx's `max_fails=N fail_timeout=T`.
    pub fn new(max_fails: u32, fail_timeout: Nanos) -> PassiveHealth {
        PassiveHealth { max_fails, fail_timeout, consecutive_failures: None, timeouts: true, server_errors: true, overloads: false }
    }

    pub(crate) fn validate(&self) -> Result<(), ConfigError> {
        if self.max_fails > MAX_FAILS_MAX {
            return Err(ConfigError::new("passive.max_fails", self.max_fails, format!("0 to {MAX_FAILS_MAX}")));
        }
        if self.fail_timeout == Nanos::ZERO {
            return Err(ConfigError::new("passive.fail_timeout", self.fail_timeout, "longer than 0s"));
        }
        if self.consecutive_failures == Some(0) {
            return Err(ConfigError::new("passive.consecutive_failures", 0, "1 or more, or absent"));
        }
        Ok(())
    }

    fn verdict(&self, kind: OutcomeKind) -> Verdict {
        match kind {
            OutcomeKind::Success => Verdict::Good,
            OutcomeKind::ConnectFailed => Verdict::Bad,
            OutcomeKind::Timeout if self.timeouts => Verdict::Bad,
            OutcomeKind::ServerError if self.server_errors => Verdict::Bad,
            OutcomeKind::Overloaded if self.overloads => Verdict::Bad,
            OutcomeKind::Timeout | OutcomeKind::ServerError | OutcomeKind::Overloaded | OutcomeKind::Cancelled => Verdict::Neither,
        }
    }
}

enum Verdict {
    Good,
    Bad,
    /// Says nothing: doesn't end a run of failures, doesn't pass a trial.
    Neither,
}

/// What an outcome or a probe changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    Nothing,
    /// Whether it may be picked must be worked out anew.
    Eligibility,
    /// It came back into service.
    Recovered,
}

/// Passive health of one backend.
#[derive(Debug, Clone, Default)]
pub(crate) struct PassiveState {
    /// When the last failures were, oldest first, never more than `max_fails`.
    failures: VecDeque<Nanos>,
    /// Failures in a row.
    pub(crate) streak: u32,
    /// Ejected until then; afterwards still not trusted, but open to a trial.
    pub(crate) ejected_until: Option<Nanos>,
    /// A trial request is on its way.
    trial: bool,
}

impl PassiveState {
    /// Out, and not even open to a trial.
    pub(crate) fn closed(&self, now: Nanos) -> bool {
        self.ejected_until.is_some_and(|until| now < until || self.trial)
    }

    /// A request was sent there. True if it is a trial, which closes the door behind it.
    pub(crate) fn begin(&mut self, now: Nanos) -> bool {
        let trial = !self.trial && self.ejected_until.is_some_and(|until| now >= until);
        self.trial |= trial;
        trial
    }

    /// A request ended. Requests carry no mark, so while a trial is out any outcome counts as its outcome: the answer of an older request
    /// is as good a sign of life. What ends before `ejected_until` was sent before the ejection (or in panic) and changes nothing.
    pub(crate) fn finish(&mut self, config: &PassiveHealth, kind: OutcomeKind, now: Nanos) -> Change {
        let verdict = config.verdict(kind);
        match (self.ejected_until, verdict) {
            (Some(until), _) if now < until => Change::Nothing,
            (Some(_), Verdict::Good) => {
                *self = PassiveState::default();
                Change::Recovered
            }
            (Some(_), Verdict::Bad) => {
                self.streak = self.streak.saturating_add(1);
                self.eject(config, now)
            }
            (Some(_), Verdict::Neither) => {
                self.trial = false;
                Change::Eligibility
            }
            (None, Verdict::Good) => {
                self.streak = 0;
                Change::Nothing
            }
            (None, Verdict::Bad) => self.count(config, now),
            (None, Verdict::Neither) => Change::Nothing,
        }
    }

    fn count(&mut self, config: &PassiveHealth, now: Nanos) -> Change {
        self.streak = self.streak.saturating_add(1);
        let mut out = config.consecutive_failures.is_some_and(|limit| self.streak >= limit);
        if config.max_fails > 0 {
            while self.failures.front().is_some_and(|then| now.since(*then) > config.fail_timeout) {
                self.failures.pop_front();
            }
            self.failures.push_back(now);
            out |= self.failures.len() >= config.max_fails as usize;
        }
        if out { self.eject(config, now) } else { Change::Nothing }
    }

    fn eject(&mut self, config: &PassiveHealth, now: Nanos) -> Change {
        self.failures.clear();
        self.ejected_until = Some(now + config.fail_timeout);
        self.trial = false;
        Change::Eligibility
    }
}

fn default_interval() -> Nanos {
    Nanos::from_secs(30)
}
fn default_timeout() -> Nanos {
    Nanos::from_secs(5)
}
fn default_rise() -> u32 {
    2
}
fn default_fall() -> u32 {
    3
}

/// Probes on a timetable. A new backend counts as up and is probed at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActiveHealth {
    /// From one probe to the next. Domain time.
    #[serde(with = "span", default = "default_interval")]
    pub interval: Nanos,
    /// A probe without a result for this long has failed. Domain time, at most `interval`.
    #[serde(with = "span", default = "default_timeout")]
    pub timeout: Nanos,
    /// Good probes in a row that bring a backend back.
    #[serde(default = "default_rise")]
    pub rise: u32,
    /// Bad probes in a row that take it out.
    #[serde(default = "default_fall")]
    pub fall: u32,
}

impl Default for ActiveHealth {
    fn default() -> ActiveHealth {
        ActiveHealth { interval: default_interval(), timeout: default_timeout(), rise: default_rise(), fall: default_fall() }
    }
}

impl ActiveHealth {
    pub(crate) fn validate(&self) -> Result<(), ConfigError> {
        if self.interval == Nanos::ZERO {
            return Err(ConfigError::new("active.interval", self.interval, "longer than 0s"));
        }
        if self.timeout == Nanos::ZERO || self.timeout > self.interval {
            return Err(ConfigError::new(
                "active.timeout",
                self.timeout,
                format!("longer than 0s, at most the interval of {}", self.interval),
            ));
        }
        if self.rise == 0 {
            return Err(ConfigError::new("active.rise", self.rise, "1 or more"));
        }
        if self.fall == 0 {
            return Err(ConfigError::new("active.fall", self.fall, "1 or more"));
        }
        Ok(())
    }
}

/// Active health of one backend.
#[derive(Debug, Clone)]
pub(crate) struct ActiveState {
    pub(crate) down: bool,
    /// Results in a row that speak against the present state.
    against: u32,
    next: Nanos,
    sent: Option<Nanos>,
}

impl ActiveState {
    pub(crate) fn new(now: Nanos) -> ActiveState {
        ActiveState { down: false, against: 0, next: now, sent: None }
    }

    /// When this backend next needs attention: a probe to send or one to give up.
    pub(crate) fn due(&self, config: &ActiveHealth) -> Nanos {
        self.sent.map_or(self.next, |sent| (sent + config.timeout).min(self.next))
    }

    /// Gives up a probe without an answer.
    pub(crate) fn expire(&mut self, config: &ActiveHealth, now: Nanos) -> Change {
        match self.sent {
            Some(sent) if now.since(sent) >= config.timeout => self.result(config, false),
            _ => Change::Nothing,
        }
    }

    /// True if a probe must be sent now, which is taken as done.
    pub(crate) fn send(&mut self, config: &ActiveHealth, now: Nanos) -> bool {
        let due = now >= self.next && self.sent.is_none();
        if due {
            self.sent = Some(now);
            self.next = now + config.interval;
        }
        due
    }

    /// A probe's answer. An answer to no probe (late, or repeated) changes nothing.
    pub(crate) fn result(&mut self, config: &ActiveHealth, ok: bool) -> Change {
        if self.sent.take().is_none() {
            return Change::Nothing;
        }
        if ok != self.down {
            self.against = 0;
            return Change::Nothing;
        }
        self.against += 1;
        let needed = if self.down { config.rise } else { config.fall };
        if self.against < needed {
            return Change::Nothing;
        }
        self.against = 0;
        self.down = !self.down;
        if self.down { Change::Eligibility } else { Change::Recovered }
    }
}
