//! Kinds of requests, and what the users behind them do when they wait or fail.

use balancer::Nanos;
use serde::Serialize;

use super::{Reader, ScenarioError, ServiceTime, read_pool::read_service};

/// A kind of request.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClassSpec {
    /// For the report.
    pub name: String,
    /// Part of the requests, relative to the other classes' shares.
    pub share: f64,
    /// 0 is the most important; counts with the priority disciplines.
    pub priority: u8,
    /// Its work relative to the pool's.
    pub work: f64,
    /// After how long an attempt is given up, if it differs from the scenario's.
    pub timeout: Option<Nanos>,
    /// The group of replicas that it asks for, with splits.
    pub group: Option<u8>,
}

impl Default for ClassSpec {
    /// Everything as usual.
    fn default() -> Self {
        Self { name: "class".to_owned(), share: 1.0, priority: 0, work: 1.0, timeout: None, group: None }
    }
}

/// What users do when they wait or fail. The balancer's own retries are another matter: those are tried elsewhere, at once.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Clients {
    /// Who waits longer than this for the start of the service leaves the queue, and counts as timed out (Palm 1957).
    pub patience: Option<ServiceTime>,
    /// Users try again.
    pub retries: Option<ClientRetries>,
}

/// Users that try again after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ClientRetries {
    /// Tries in all.
    pub max_attempts: u32,
    /// How long they wait before.
    pub backoff: Backoff,
}

/// delay × factor^(n - 1) before the n-th retry, at most `max`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Backoff {
    /// Before the first retry.
    pub delay: Nanos,
    /// Growth from retry to retry.
    pub factor: f64,
    /// Never longer.
    pub max: Nanos,
    /// What chance does to it.
    pub jitter: Jitter,
}

/// What chance does to a back-off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Jitter {
    /// Nothing.
    None,
    /// Uniform between 0 and the back-off ("full jitter").
    Full,
    /// Exponential with the back-off as its mean.
    Exponential,
}

/// Most classes: they are counted with a byte.
const MOST_CLASSES: usize = 64;

pub(super) fn read_classes(readers: Vec<Reader>) -> Result<Vec<ClassSpec>, ScenarioError> {
    const SHARE: &str = "a number above 0";
    if readers.len() > MOST_CLASSES {
        return Err(ScenarioError::new("workload.classes", format!("{} classes", readers.len()), format!("at most {MOST_CLASSES}")));
    }
    let one = |mut class: Reader| {
        class.only(&["name", "share", "priority", "work", "timeout", "group"])?;
        let name = class.string("name", "a text")?;
        let name = class.required(name, "name", "a text")?.to_owned();
        let share = class.number("share", SHARE, |share| share > 0.0)?;
        let share = class.required(share, "share", SHARE)?;
        let priority = class.integer("priority", 0, 15)?.unwrap_or(0) as u8;
        let work = class.number("work", SHARE, |work| work > 0.0 && work <= 1e6)?.unwrap_or(1.0);
        let timeout = match class.duration("timeout")? {
            Some(Nanos(0)) => return Err(class.error("timeout", "a duration above 0, like \"2s\"")),
            found => found,
        };
        let group = class.integer("group", 0, 255)?.map(|group| group as u8);
        class.finish()?;
        Ok(ClassSpec { name, share, priority, work, timeout, group })
    };
    readers.into_iter().map(one).collect()
}

pub(super) fn read_clients(mut clients: Reader) -> Result<Clients, ScenarioError> {
    clients.only(&["patience", "retries"])?;
    let patience = clients.table("patience")?.map(read_service).transpose()?;
    let retries = clients.table("retries")?.map(read_retries).transpose()?;
    clients.finish()?;
    Ok(Clients { patience, retries })
}

fn read_retries(mut retries: Reader) -> Result<ClientRetries, ScenarioError> {
    const JITTERS: &str = "\"none\", \"full\" or \"exponential\"";
    retries.only(&["max_attempts", "delay", "factor", "max_delay", "jitter"])?;
    let max_attempts = retries.integer("max_attempts", 1, 1_000_000)?.unwrap_or(3) as u32;
    let delay = retries.duration("delay")?.unwrap_or(Nanos(0));
    let factor = retries.number("factor", "a number from 1 to 100", |factor| (1.0..=100.0).contains(&factor))?.unwrap_or(1.0);
    let max = retries.duration("max_delay")?.unwrap_or(Nanos::from_secs(3_600));
    let jitter = match retries.string("jitter", JITTERS)?.unwrap_or("none") {
        "none" => Jitter::None,
        "full" => Jitter::Full,
        "exponential" => Jitter::Exponential,
        _ => return Err(retries.error("jitter", JITTERS)),
    };
    retries.finish()?;
    Ok(ClientRetries { max_attempts, backoff: Backoff { delay, factor, max, jitter } })
}
