//! Nanoseconds per request (pick, begin, finish, a hash of the key if the algorithm has one) of every algorithm at 10, 100, 1,000 and
//! 10,000 backends, and the ratio of ten thousand to ten, which is to be at most four. `make bench` runs it; the table: docs/balancing.md.
//!
//! The sizes of a row take turns in one run, so that a busy moment of the machine meets all of them, and each cell is its best round:
//! other programs only ever add. Rounds are short, so that many of them fall between two interruptions, and wall time counts, because the
//! CPU time that systems tell may move in steps as long as a round.
#![expect(clippy::print_stdout, reason = "a benchmark prints")]

use std::collections::VecDeque;
use std::hint::black_box;
use std::time::Instant;

use balancer::{Algorithm, BackendConfig, BackendId, Nanos, Outcome, OutcomeKind, PickRequest, Pool, PoolConfig, hash_key};
use rand_pcg::{Pcg64Mcg, rand_core::SeedableRng};

const SIZES: [u32; 4] = [10, 100, 1_000, 10_000];
/// In a measured round, and before it to have the pool in the caches.
const REQUESTS: u64 = 20_000;
const ROUNDS: usize = 60;
/// Ten thousand against ten.
const RATIO_MAX: f64 = 4.0;

/// One pool under a steady load: as many requests in flight as backends, each ending when as many have begun since.
struct Load {
    pool: Pool,
    rng: Pcg64Mcg,
    busy: VecDeque<BackendId>,
    now: u64,
    size: u32,
    keyed: bool,
}

impl Load {
    fn new(algorithm: Algorithm, size: u32, weighted: bool) -> Result<Load, balancer::ConfigError> {
        // The weights 1 to 10 in turn, the same at every size.
        let backends = (0..size).map(|id| BackendConfig::new(id, if weighted { id % 10 + 1 } else { 1 })).collect();
        let pool = Pool::try_new(PoolConfig::new(algorithm, backends))?;
        let mut load = Load { pool, rng: Pcg64Mcg::seed_from_u64(9), busy: VecDeque::new(), now: 0, size, keyed: algorithm.hashes() };
        // Tables that are filled as they are used are full, and loads steady, before the clock runs.
        load.run(10 * REQUESTS);
        Ok(load)
    }

    fn run(&mut self, requests: u64) {
        for _ in 0..requests {
            self.now += 20_000;
            let key = self.keyed.then(|| hash_key(&self.now.to_le_bytes()));
            let request = PickRequest { key, ..PickRequest::default() };
            let Ok(id) = self.pool.pick(Nanos(self.now), black_box(&request), &mut self.rng) else { return };
            self.pool.begin(id, Nanos(self.now));
            self.busy.push_back(id);
            if self.busy.len() > self.size as usize
                && let Some(done) = self.busy.pop_front()
            {
                self.pool.finish(done, Nanos(self.now), &Outcome::new(OutcomeKind::Success, Nanos(1_000_000 + self.now % 65_536)));
            }
        }
    }

    /// Nanoseconds per request of one round.
    fn round(&mut self) -> f64 {
        self.run(REQUESTS);
        let start = Instant::now();
        self.run(REQUESTS);
        start.elapsed().as_secs_f64() * 1e9 / REQUESTS as f64
    }
}

fn main() -> Result<(), balancer::ConfigError> {
    // `cargo bench -p balancer -- NAME` measures one.
    let only: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    println!("| algorithm | weights | 10 | 100 | 1,000 | 10,000 | 10,000 against 10 |\n| --- | --- | --- | --- | --- | --- | --- |");
    for algorithm in Algorithm::ALL.into_iter().filter(|algorithm| only.is_empty() || only.contains(&algorithm.to_string())) {
        for weighted in [false, true] {
            let mut loads = Vec::new();
            for size in SIZES {
                loads.push(Load::new(algorithm, size, weighted)?);
            }
            let mut nanos = [f64::INFINITY; SIZES.len()];
            for _ in 0..ROUNDS {
                loads.iter_mut().zip(&mut nanos).for_each(|(load, best)| *best = best.min(load.round()));
            }
            let cells: Vec<String> = nanos.iter().map(|nanos| format!("{nanos:.0}")).collect();
            let ratio = nanos[SIZES.len() - 1] / nanos[0];
            let verdict = if ratio <= RATIO_MAX { "" } else { " (above 4)" };
            let weights = if weighted { "1–10" } else { "equal" };
            println!("| `{algorithm}` | {weights} | {} | {ratio:.1}{verdict} |", cells.join(" | "));
        }
    }
    Ok(())
}
