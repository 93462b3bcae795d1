//! Nanoseconds per request (pick, begin, finish) of every algorithm at 10, 100, 1,000 and 10,000 backends, with the requirement that
//! ten thousand cost at most four times ten. Run by `make bench`; the table is in docs/balancing.md.
#![expect(clippy::print_stdout, reason = "a benchmark prints")]

use std::collections::VecDeque;
use std::hint::black_box;
use std::time::Instant;

use balancer::{Algorithm, BackendConfig, BackendId, Nanos, Outcome, OutcomeKind, PickRequest, Pool, PoolConfig, hash_key};
use rand_pcg::{Pcg64Mcg, rand_core::SeedableRng};

const SIZES: [u32; 4] = [10, 100, 1_000, 10_000];
const REQUESTS: u64 = 200_000;
const ROUNDS: usize = 9;

/// CPU time of this process [s] where the system tells (Linux), else wall time.
fn cpu_s(start: Instant) -> f64 {
    let schedstat = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    let nanos = schedstat.split(' ').next().and_then(|first| first.parse::<f64>().ok());
    nanos.map_or_else(|| start.elapsed().as_secs_f64(), |nanos| nanos / 1e9)
}

/// One pool under a steady load: as many requests in flight as backends, each ending when as many have begun since.
struct Load {
    pool: Pool,
    rng: Pcg64Mcg,
    busy: VecDeque<BackendId>,
    now: u64,
    size: u32,
}

impl Load {
    fn new(algorithm: Algorithm, size: u32, weighted: bool) -> Result<Load, balancer::ConfigError> {
        // The weights 1 to 10 in turn, the same at every size.
        let backends = (0..size).map(|id| BackendConfig::new(id, if weighted { id % 10 + 1 } else { 1 })).collect();
        let pool = Pool::try_new(PoolConfig::new(algorithm, backends))?;
        let mut load = Load { pool, rng: Pcg64Mcg::seed_from_u64(9), busy: VecDeque::new(), now: 0, size };
        // Tables that are filled as they are used are full, and loads steady, before the clock runs.
        load.run(REQUESTS);
        Ok(load)
    }

    fn run(&mut self, requests: u64) {
        for _ in 0..requests {
            self.now += 20_000;
            let request = PickRequest { key: Some(hash_key(&self.now.to_le_bytes())), ..PickRequest::default() };
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

    /// CPU time, the best of some rounds: other programs on the machine only ever add.
    fn nanos(&mut self) -> f64 {
        let round = |load: &mut Load| {
            let start = Instant::now();
            let before = cpu_s(start);
            load.run(REQUESTS);
            (cpu_s(start) - before) * 1e9 / REQUESTS as f64
        };
        (0..ROUNDS).map(|_| round(self)).fold(f64::INFINITY, f64::min)
    }
}

fn main() -> Result<(), balancer::ConfigError> {
    // `cargo bench -p balancer -- NAME` measures one.
    let only: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    println!("| algorithm | weights | 10 | 100 | 1,000 | 10,000 | 10,000 against 10 |\n| --- | --- | --- | --- | --- | --- | --- |");
    for algorithm in Algorithm::ALL.into_iter().filter(|algorithm| only.is_empty() || only.contains(&algorithm.to_string())) {
        for weighted in [false, true] {
            let mut nanos = Vec::new();
            for size in SIZES {
                nanos.push(Load::new(algorithm, size, weighted)?.nanos());
            }
            let cells: Vec<String> = nanos.iter().map(|nanos| format!("{nanos:.0}")).collect();
            let ratio = nanos[3] / nanos[0];
            let verdict = if ratio <= 4.0 { "" } else { " (above 4)" };
            let weights = if weighted { "1–10" } else { "equal" };
            println!("| `{algorithm}` | {weights} | {} | {ratio:.1}{verdict} |", cells.join(" | "));
        }
    }
    Ok(())
}
