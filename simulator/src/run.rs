//! One replication, and many.

use rayon::prelude::*;

use crate::autoscale::AutoscalerFactory;
use crate::fast;
use crate::report::Report;
use crate::result::RunResult;
use crate::rng::{Stream, child_seed};
use crate::scenario::{Scenario, ScenarioError, Warmup};
use crate::tally::Tally;
use crate::trace::{Recorder, Trace, TraceSpec};
use crate::watch::{Watch, Watched, nobody};
use crate::world::World;

/// Why a run came to nothing.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SimError {
    /// The scenario (or its autoscaler's table) can't be accepted. Fix the file.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// Hopeless overload: more requests in flight than the scenario's `max_in_flight`. Bound the queues, add replicas, or shorten the run.
    #[error(
        "more than {most} requests are in flight after {at_s} s: bound the queues, add replicas, shorten the run or raise max_in_flight"
    )]
    TooManyInFlight {
        /// When [s].
        at_s: f64,
        /// The limit.
        most: u32,
    },
    /// The run was over before the warm-up was.
    #[error("the warm-up of {warmup_s} s leaves nothing of a run of {end_s} s: shorten the one or lengthen the other")]
    NothingLeft {
        /// What was to be cut [s].
        warmup_s: f64,
        /// How long the run was [s].
        end_s: f64,
    },
    /// The watcher ended it.
    #[error("ended by its watcher")]
    Stopped,
    /// The thread pool could not be started.
    #[error("no threads to run on: {0}")]
    Threads(String),
}

impl SimError {
    pub(crate) fn balancer(error: balancer::ConfigError) -> Self {
        Self::Scenario(ScenarioError::new(format!("balancer.{}", error.key), error.value, error.allowed))
    }
}

/// Which engine computes a replication. Both give the same result to the last bit (but the recursion keeps nobody in memory, so
/// `max_in_flight` can't stop it).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Engine {
    /// The recursion where it is exact, the event loop elsewhere.
    #[default]
    Auto,
    /// Always the event loop.
    Events,
}

/// Runs one replication. The same scenario, seed and replication give the same result, to the last bit, on every machine.
///
/// With an automatic warm-up cut the replication is run twice: once to find the cut, once to count behind it.
///
/// # Errors
/// [`SimError`]; a checked scenario fails only by its autoscaler's table, by hopeless overload, or when the warm-up outlasts the run.
pub fn run(scenario: &Scenario, factory: &dyn AutoscalerFactory, seed: u64, replication: u32) -> Result<RunResult, SimError> {
    run_on(Engine::Auto, scenario, factory, seed, replication)
}

/// [`run`], watched: the same result, or [`SimError::Stopped`].
///
/// # Errors
/// As [`run`].
pub fn run_watched(
    scenario: &Scenario,
    factory: &dyn AutoscalerFactory,
    seed: u64,
    replication: u32,
    watch: Watch<'_>,
) -> Result<RunResult, SimError> {
    one(Engine::Auto, scenario, factory, seed, replication, watch, None).map(|(result, _)| result)
}

/// [`run`] on a chosen engine.
///
/// # Errors
/// As [`run`].
pub fn run_on(
    engine: Engine,
    scenario: &Scenario,
    factory: &dyn AutoscalerFactory,
    seed: u64,
    replication: u32,
) -> Result<RunResult, SimError> {
    one(engine, scenario, factory, seed, replication, &nobody, None).map(|(result, _)| result)
}

/// [`run_on`], recorded: the same result, and what happened.
///
/// # Errors
/// As [`run`].
pub fn run_traced(
    engine: Engine,
    scenario: &Scenario,
    factory: &dyn AutoscalerFactory,
    seed: u64,
    replication: u32,
    spec: &TraceSpec,
) -> Result<(RunResult, Trace), SimError> {
    one(engine, scenario, factory, seed, replication, &nobody, Some(spec))
}

fn one(
    engine: Engine,
    scenario: &Scenario,
    factory: &dyn AutoscalerFactory,
    seed: u64,
    replication: u32,
    watch: Watch<'_>,
    spec: Option<&TraceSpec>,
) -> Result<(RunResult, Trace), SimError> {
    let once = |cut: u64, look_for_warmup: bool| {
        let mut recorder = spec.map(|spec| Recorder::new(spec, scenario, seed, replication, cut));
        let autoscaler = factory.build(scenario.autoscaler.as_ref(), scenario, child_seed(seed, replication, Stream::Autoscaler))?;
        let tally = Tally::new(scenario, cut, look_for_warmup);
        let watched = Watched::new(watch, replication);
        let result = if engine == Engine::Auto && fast::applies(scenario) {
            fast::run(scenario, (seed, replication), tally, cut, watched, recorder.as_mut())?
        } else {
            World::new(scenario, autoscaler, seed, replication, tally, cut)?.recorded(recorder.as_mut()).run(watched)?
        };
        Ok::<_, SimError>((result, recorder.map(Recorder::finish).unwrap_or_default()))
    };
    let found = match scenario.warmup {
        Warmup::Fixed(cut) => once(cut.0, false)?,
        Warmup::Auto => {
            let whole = once(0, true)?;
            match whole.0.proposed_cut {
                None | Some(0) => whole,
                Some(cut) => once(cut, false)?,
            }
        }
    };
    Ok((RunResult { proposed_cut: None, ..found.0 }, found.1))
}

/// Runs replications 0..`replications` on up to `jobs` threads and merges them in order, so that the number of threads makes no
/// difference to the report.
///
/// # Errors
/// The error of the first replication that failed, in order.
pub fn replicate(
    scenario: &Scenario,
    factory: &dyn AutoscalerFactory,
    seed: u64,
    replications: u32,
    jobs: usize,
) -> Result<Report, SimError> {
    let runs = run_all(scenario, factory, seed, replications, jobs)?;
    Ok(Report::new(scenario, seed, &runs))
}

/// The results behind [`replicate`], in the order of replications.
///
/// # Errors
/// As [`replicate`].
pub fn run_all(
    scenario: &Scenario,
    factory: &dyn AutoscalerFactory,
    seed: u64,
    replications: u32,
    jobs: usize,
) -> Result<Vec<RunResult>, SimError> {
    spread(replications, jobs, |replication| run(scenario, factory, seed, replication))
}

/// [`run_all`], recorded: the same results, and what happened.
///
/// # Errors
/// As [`replicate`].
pub fn run_all_traced(
    scenario: &Scenario,
    factory: &dyn AutoscalerFactory,
    seed: u64,
    replications: u32,
    jobs: usize,
    spec: &TraceSpec,
) -> Result<Vec<(RunResult, Trace)>, SimError> {
    spread(replications, jobs, |replication| run_traced(Engine::Auto, scenario, factory, seed, replication, spec))
}

/// Replications over threads, their results in order.
fn spread<T: Send>(replications: u32, jobs: usize, one: impl Fn(u32) -> Result<T, SimError> + Send + Sync) -> Result<Vec<T>, SimError> {
    if jobs <= 1 || replications <= 1 {
        return (0..replications).map(one).collect();
    }
    let threads = rayon::ThreadPoolBuilder::new().num_threads(jobs).build().map_err(|error| SimError::Threads(error.to_string()))?;
    let results: Vec<_> = threads.install(|| (0..replications).into_par_iter().map(one).collect());
    results.into_iter().collect()
}
