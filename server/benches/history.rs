//! What history costs, on both databases: bytes on disk for 28 days of minutes, the time to read one series back, a minute's samples of all
//! series, and a day's sealing. `cargo bench -p server --bench history -- 10000` for 10,000 series; 500 without a number; with `SQLite` or
//! `PostgreSQL` only one of them.
//!
//! The series are the World Cup's requests per second, each scaled and with noise of its own on every value: nothing repeats, and the lower
//! half of each number is as random as a measured rate's.

#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::path::Path;
use std::time::Instant;

use rand::{RngExt, SeedableRng};
use server::series_file::SeriesFile;
use server::store::{Batch, Location, SeriesKey, Store};

#[path = "../../tests/support/postgres.rs"]
#[allow(dead_code)]
mod postgres;

const DAY_MS: i64 = 86_400_000;
const STEP_MS: i64 = 60_000;
const DAYS: i64 = 28;
/// Series in one transaction while the days are filled.
const AT_ONCE: usize = 20;
const MIB: f64 = 1_048_576.0;

fn main() {
    let series = std::env::args().filter_map(|word| word.parse().ok()).next().unwrap_or(500);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let skipped = |name: &str| std::env::args().any(|word| ["SQLite", "PostgreSQL"].contains(&word.as_str()) && word != name);
    if !skipped("SQLite") {
        let folder = tempfile::tempdir().unwrap();
        runtime.block_on(measure("SQLite", &Location::Folder(folder.path().into()), series, || (), || sqlite_bytes(folder.path())));
    }
    if skipped("PostgreSQL") {
        return;
    }
    let server = postgres::Postgres::start_durable();
    let other = tempfile::tempdir().unwrap();
    let location = Location::Postgres { url: server.database("history"), folder: other.path().into() };
    // PostgreSQL gives deleted rows' space back by itself, once a minute; here a day passes in seconds.
    let vacuum = || _ = server.query("history", "VACUUM tail");
    let bytes = || server.query("history", "SELECT pg_database_size('history')").parse().unwrap();
    runtime.block_on(measure("PostgreSQL", &location, series, vacuum, bytes));
}

fn sqlite_bytes(folder: &Path) -> u64 {
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().metadata().unwrap().len());
    files.sum()
}

/// The trace as requests per second, as long as it takes.
fn trace() -> Vec<f64> {
    let file = SeriesFile::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/wc98_may.csv")).unwrap();
    let counts = file.points.iter().map(|(_, count)| count / 60.0);
    counts.cycle().take(((DAYS + 1) * DAY_MS / STEP_MS) as usize).collect()
}

async fn measure(name: &str, location: &Location, series: usize, vacuum: impl Fn(), bytes: impl Fn() -> u64) {
    let store = Store::open(location).await.unwrap();
    let mut rng = rand_pcg::Pcg64Mcg::seed_from_u64(1);
    let trace = trace();
    let names: Vec<String> = (0..series).map(|at| format!("service-{at}")).collect();
    let key = |at: usize| SeriesKey { service: &names[at], metric: "load" };
    let mut noisy =
        |at: usize, minute: i64| (minute * STEP_MS, trace[minute as usize] * (1.0 + at as f64 / 100.0) * rng.random_range(0.9..1.1));

    let (began, mut sealing) = (Instant::now(), 0.0);
    for day in 0..DAYS {
        for group in (0..series).collect::<Vec<_>>().chunks(AT_ONCE) {
            let mut one_day = |at: usize| (day * 1_440..(day + 1) * 1_440).map(|minute| noisy(at, minute)).collect::<Vec<_>>();
            let points: Vec<Vec<(i64, f64)>> = group.iter().map(|at| one_day(*at)).collect();
            let batch = |(at, points): (&usize, _)| Batch { key: key(*at), step_ms: STEP_MS, points };
            let batches: Vec<Batch<'_>> = group.iter().zip(points.iter().map(Vec::as_slice)).map(batch).collect();
            store.append_many(&batches).await.unwrap();
        }
        let sealed = Instant::now();
        store.seal((day + 1) * DAY_MS).await.unwrap();
        sealing += sealed.elapsed().as_secs_f64();
        vacuum();
    }
    println!(
        "{name}: {series} series, {DAYS} days of minutes, filled in {:.0?}; a day sealed in {:.2} s",
        began.elapsed(),
        sealing / DAYS as f64
    );

    // The next morning, minute by minute: a row a series.
    let minutes = 3;
    let began = Instant::now();
    for minute in DAYS * 1_440..DAYS * 1_440 + minutes {
        let points: Vec<[(i64, f64); 1]> = (0..series).map(|at| [noisy(at, minute)]).collect();
        let batches: Vec<Batch<'_>> =
            points.iter().enumerate().map(|(at, points)| Batch { key: key(at), step_ms: STEP_MS, points }).collect();
        store.append_many(&batches).await.unwrap();
    }
    println!("  a minute's samples of all series written in {:.0} ms", began.elapsed().as_secs_f64() * 1e3 / minutes as f64);

    let mut took: Vec<f64> = Vec::new();
    for at in (0..series).step_by((series / 100).max(1)) {
        let began = Instant::now();
        let read = store.read(key(at), 0, (DAYS + 1) * DAY_MS).await.unwrap().unwrap();
        took.push(began.elapsed().as_secs_f64() * 1e3);
        assert_eq!(read.len(), (DAYS * 1_440 + minutes) as usize);
    }
    took.sort_by(f64::total_cmp);
    println!(
        "  one series' 28 days read in {:.2} ms (median), {:.2} ms (95 of 100), {:.2} ms (slowest)",
        took[took.len() / 2],
        took[took.len() * 95 / 100],
        took[took.len() - 1]
    );
    store.close().await;
    let bytes = bytes() as f64;
    let day = bytes / series as f64 / DAYS as f64;
    println!(
        "  {:.0} MiB on disk, {day:.0} bytes a series and day; 10,000 series: {:.2} GiB",
        bytes / MIB,
        day * 10_000.0 * DAYS as f64 / MIB / 1_024.0
    );
}
