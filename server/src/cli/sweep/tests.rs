use std::fs;
use std::sync::atomic::Ordering;

use super::*;
use crate::api::dto::Figure;

const BASE: &str = "name = \"base\"\nseed = 3\nreplications = 4\nduration = \"60s\"\n\
                    [workload]\narrivals = { kind = \"poisson\", rate_rps = 30.0 }\n\
                    [slo]\nlatency_ms = 300\npercentile = 95\n[[pools]]\nname = \"app\"\nreplicas = 2\nconcurrency = 2\nqueue = 8\n\
                    service_time = { dist = \"exponential\", mean_ms = 100.0 }\n";

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("base.toml"), BASE).unwrap();
    folder
}

fn read(folder: &Path, text: &str) -> Result<Matrix, String> {
    let whole = format!("scenario = \"base.toml\"\n{text}");
    Matrix::read(&Source { path: "sweep.toml", text: &whole }, folder).map_err(|error| error.to_string())
}

const SWEEP: &str = "algorithms = [\"random\", \"p2c\"]\n[[plans]]\nname = \"fixed\"\n[[plans]]\nname = \"hpa\"\n\
                     set = { \"autoscaler\" = { policy = \"hpa\", target = 0.6, min = 2, max = 6, rps_per_replica = 15 } }\n\
                     [matrix]\n\"pools.app.replicas\" = [3, 4]\n";

#[test]
fn every_combination_is_a_cell_with_a_name_a_table_and_a_hash_of_its_own() {
    let folder = folder();
    let matrix = read(folder.path(), SWEEP).unwrap();
    assert_eq!(matrix.axes, ["algorithm", "plan", "pools.app.replicas"]);
    assert_eq!((matrix.cells.len(), matrix.seed, matrix.seeds), (8, 3, 4));
    assert_eq!(matrix.cells[3].name, "random, hpa, replicas 4");
    assert_eq!(matrix.cells[3].table["autoscaler"]["policy"].as_str(), Some("hpa"));
    assert_eq!(matrix.cells[4].values, ["p2c", "fixed", "3"]);
    assert_eq!(matrix.cells[4].table["pools"][0]["replicas"].as_integer(), Some(3));
    assert!(!matrix.cells[4].table.contains_key("autoscaler"));
    let hashes: std::collections::BTreeSet<&str> = matrix.cells.iter().map(|cell| cell.hash.as_str()).collect();
    assert_eq!(hashes.len(), 8);
    let other = read(folder.path(), &format!("seeds = 5\n{SWEEP}")).unwrap();
    assert_ne!(other.cells[0].hash, matrix.cells[0].hash, "other seeds are another result");
    let shorter = read(folder.path(), "[set]\nduration = \"30s\"\n").unwrap();
    assert_eq!((shorter.cells.len(), shorter.cells[0].requests), (1, 900.0));
}

#[test]
fn what_is_wrong_is_named_with_its_line_and_what_is_allowed() {
    let folder = folder();
    let refused = |text: &str, words: &[&str]| {
        let error = read(folder.path(), text).map(|_| ()).unwrap_err();
        words.iter().for_each(|word| assert!(error.contains(word), "{word:?} is missing in {error}"));
    };
    refused("algorithms = [\"p2c\",\n\"best\"]\n", &["line 3: `algorithms[1]` is \"best\"", "\"least_connections\", "]);
    refused("[matrix]\n\"pools.db.replicas\" = [1]\n", &["line 3: `matrix.pools.db.replicas[0]`", "one of app after pools"]);
    refused("[matrix]\n\"pools.app.replicaz\" = [1]\n", &["line 3", "an unknown key", "replicas, weight, "]);
    refused("[matrix]\n\"pools.app.replicas\" = [3, 0]\n", &["line 3: `matrix.pools.app.replicas[1]` is 0", "1 to 100000"]);
    refused("[matrix]\n\"pools.app.replicas\" = []\n", &["`matrix.pools.app.replicas` is an empty list"]);
    refused("algorithms = []\n", &["line 2: `algorithms` is an empty list"]);
    refused("[matrix]\n\"workload.arrivals.rate_rps\" = [nan, 4]\n", &["`matrix.workload.arrivals.rate_rps[0]` is nan", "above 0"]);
    refused(
        "[[plans]]\nname = \"x\"\nset = { \"autoscaler\" = { policy = \"oracle\" } }\n",
        &["line 4: `plans[0].set.autoscaler.policy` is \"oracle\"", "hpa"],
    );
    refused("seeds = 0\n", &["line 2: `seeds` = 0 is not allowed", "from 1 to 10000"]);
    refused("rank_by = \"beauty\"\n", &["line 2: `rank_by` is \"beauty\"", "latency_p99_ms"]);
    refused("colour = 1\n", &["line 2", "colour", "algorithms"]);
    refused("algorithms = [\"p2c\", \"p2c\"]\n", &["line 2: `algorithms[1]` is p2c twice"]);
    let many: Vec<String> = (1..=101).map(|at| at.to_string()).collect();
    let many = many.join(", ");
    refused(
        &format!("[matrix]\n\"pools.app.replicas\" = [{many}]\n\"pools.app.queue\" = [{many}]\n"),
        &["101 × 101 cells; allowed: at most 10000"],
    );
    let text = "scenario = \"nowhere.toml\"\n";
    let error = Matrix::read(&Source { path: "s", text }, folder.path()).map(|_| ()).unwrap_err().to_string();
    assert!(error.starts_with("s: line 1: `scenario` is \"nowhere.toml\": No such file"), "{error}");
}

#[test]
fn everything_that_is_wrong_with_a_sweep_is_named_once_and_nothing_is_written() {
    let folder = folder();
    let sweep = folder.path().join("sweep.toml");
    let text = "scenario = \"base.toml\"\nseeds = 0\nrank_by = \"beauty\"\ncolour = 1\nalgorithms = [\"p2c\", \"best\", \"p2c\"]\n\
                [set]\n\"slo.percentile\" = 950\n[[plans]]\nname = \"fixed\"\n[[plans]]\nname = \"hpa\"\n\
                set = { \"autoscaler\" = { policy = \"hpa\", min = 4, max = 0, rps_per_replica = 15, target = 2 } }\n\
                [matrix]\n\"pools.app.replicas\" = [3, 200_000, -1]\n\"pools.db.replicas\" = [1]\n\"seed.more\" = 3\n";
    fs::write(&sweep, text).unwrap();
    let (out, report) = (folder.path().join("out.parquet"), folder.path().join("out.html"));
    let args = Args { sweep, jobs: None, out: Some(out), report: Some(report), yes: false, format: Format::Table };
    let Err(CliError::BadInput(error)) = run(args) else { panic!("it was run") };
    let expected = [
        "line 2: `seeds` = 0 is not allowed: a whole number from 1 to 10000",
        "line 3: `rank_by` is \"beauty\"; allowed: ",
        "line 4: `colour` is unknown: ",
        "line 5: `algorithms[1]` is \"best\"; allowed: ",
        "line 5: `algorithms[2]` is p2c twice; allowed: each once",
        "line 7: `set.slo.percentile` is 950; allowed: ",
        "line 12: `plans[1].set.autoscaler.max` is 0; allowed: ",
        "line 12: `plans[1].set.autoscaler.target` is 2; allowed: ",
        "line 14: `matrix.pools.app.replicas[1]` is 200000; allowed: ",
        "line 14: `matrix.pools.app.replicas[2]` is -1; allowed: ",
        "line 15: `matrix.pools.db.replicas[0]` is a path that leads nowhere; allowed: ",
        "line 16: `matrix.seed.more` = 3 is not allowed: a list",
    ];
    let lines: Vec<&str> = error.lines().map(|line| line.split_once("sweep.toml: ").unwrap().1).collect();
    assert_eq!(lines.len(), expected.len(), "{error}");
    for (line, expected) in lines.iter().zip(expected) {
        assert!(line.starts_with(expected) && !line.contains("in the cell"), "{line:?} is not {expected:?}");
    }
    let mut left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["base.toml", "sweep.toml"]);
}

#[test]
fn nobody_is_told_of_more_than_twenty_mistakes_nor_waits_for_ten_thousand_wrong_cells() {
    let folder = folder();
    let values: Vec<String> = (0..600).map(|at| format!("-{}", at + 1)).collect();
    let error = read(folder.path(), &format!("[matrix]\n\"pools.app.queue\" = [{}]\n", values.join(", "))).map(|_| ()).unwrap_err();
    let lines: Vec<&str> = error.lines().collect();
    assert_eq!((lines.len(), lines[20], lines[21]), (22, "and 480 more", "sweep.toml: 100 cells were not read"), "{error}");
}

#[test]
fn a_mistake_that_only_a_combination_makes_names_the_cell_and_one_of_the_scenario_its_line() {
    let folder = folder();
    let refused = |text: &str| read(folder.path(), text).map(|_| ()).unwrap_err();
    let autoscaler = "[set]\n\"autoscaler\" = { policy = \"hpa\", rps_per_replica = 15 }\n[matrix]\n\"autoscaler.min\" = [2, 8]\n";
    let error = refused(&format!("{autoscaler}\"autoscaler.max\" = [4, 9]\n\"pools.app.replicas\" = [2, 3, 4]\n"));
    assert_eq!(error.lines().count(), 1, "{error}");
    assert!(
        error.starts_with("sweep.toml: line 6: `matrix.autoscaler.max[0]` is 4; allowed: at least rails.min = 8 (in the cell “"),
        "{error}"
    );
    assert!(error.ends_with("” and 2 more)") && error.contains("min 8"), "{error}");
    // The base's own mistakes are named with its lines, once, whatever the cells are.
    fs::write(folder.path().join("base.toml"), BASE.replace("seed = 3", "seed = -3").replace("queue = 8", "queue = -8")).unwrap();
    let error = refused("[matrix]\n\"pools.app.replicas\" = [2, 0]\n");
    let lines: Vec<&str> = error.lines().collect();
    assert_eq!(lines.len(), 3, "{error}");
    assert!(lines[0].starts_with("sweep.toml: line 3: `matrix.pools.app.replicas[1]` is 0"), "{error}");
    assert!(
        lines[1].contains("base.toml: line 2: `seed` is -3") && lines[2].contains("base.toml: line 14: `pools[0].queue` is -8"),
        "{error}"
    );
    // A wrong autoscaler matters only where a cell has it.
    fs::write(folder.path().join("base.toml"), format!("{BASE}[autoscaler]\npolicy = \"hpa\"\nmax = 0\nrps_per_replica = 9\n")).unwrap();
    let plan = "[[plans]]\nname = \"fixed\"\nset = { \"autoscaler\" = { policy = \"static\", replicas = 2 } }\n";
    assert!(read(folder.path(), plan).is_ok());
    let error = refused(&format!("{plan}[[plans]]\nname = \"as it is\"\n"));
    assert!(error.contains("base.toml: line 18: `autoscaler.max` is 0") && error.lines().count() == 1, "{error}");
}

fn everything(folder: &Path, out: &Path, jobs: usize) -> (Vec<u8>, String, Vec<Cell>) {
    let matrix = read(folder, SWEEP).unwrap();
    let store = Store::beside(Some(out)).unwrap();
    let cells: Vec<Cell> = work::cells(&matrix, &store, jobs, &work::Stop::default()).unwrap().into_iter().flatten().collect();
    let ranking = rank::rank(&cells, matrix.rank_by);
    show::parquet(out, &matrix, &cells).unwrap();
    let text = show::text(Format::Json, &matrix, &cells, &ranking).unwrap() + &show::html(&matrix, &cells, &ranking, SWEEP).unwrap();
    (fs::read(out).unwrap(), text, cells)
}

#[test]
fn a_sweep_gives_the_same_bytes_with_any_number_of_threads_and_when_it_went_on_after_an_interruption() {
    let folder = folder();
    let one = everything(folder.path(), &folder.path().join("one.parquet"), 1);
    let three = everything(folder.path(), &folder.path().join("three.parquet"), 3);
    assert!(one == three);
    assert_eq!(one.2.len(), 8);
    // Interrupted: some cells are kept, one of them is half a file.
    let out = folder.path().join("two.parquet");
    let matrix = read(folder.path(), SWEEP).unwrap();
    let stop = work::Stop::default();
    stop.store(true, Ordering::Relaxed);
    let store = Store::beside(Some(&out)).unwrap();
    let none = work::cells(&matrix, &store, 2, &stop).unwrap();
    assert!(none.iter().all(Option::is_none));
    for cell in &one.2[..5] {
        store.save(&matrix.cells[cell.index as usize].hash, cell).unwrap();
    }
    let cut = folder.path().join("two.parquet.cells").join(format!("{}.toml", matrix.cells[4].hash));
    let text = fs::read_to_string(&cut).unwrap();
    fs::write(&cut, &text[..text.len() / 2]).unwrap();
    assert_eq!(store.load(&matrix.cells[0].hash).as_ref(), one.2.first(), "kept to the last bit");
    let kept = work::cells(&matrix, &store, 2, &stop).unwrap();
    assert_eq!(kept.iter().flatten().count(), 4, "what is kept needs no run");
    assert!(everything(folder.path(), &out, 2) == one);
}

#[test]
fn a_cell_that_drowns_is_a_row_that_says_so() {
    let folder = folder();
    let text =
        "[set]\nmax_in_flight = 40\n[matrix]\n\"pools.app.queue\" = [8, \"unbounded\"]\n\"workload.arrivals.rate_rps\" = [10.0, 300.0]\n";
    let matrix = read(folder.path(), text).unwrap();
    let cells = work::cells(&matrix, &Store::beside(None).unwrap(), 2, &work::Stop::default()).unwrap();
    let cells: Vec<Cell> = cells.into_iter().flatten().collect();
    let errors: Vec<&str> = cells.iter().filter(|cell| cell.error.is_some()).map(|cell| cell.name.as_str()).collect();
    assert_eq!(errors, ["queue unbounded, rate_rps 300.0"]);
    let ranking = rank::rank(&cells, None);
    assert_eq!(ranking.rows[3].cell, 3);
    assert!(ranking.sentence.ends_with("One cell has no result."), "{}", ranking.sentence);
    let table = show::text(Format::Table, &matrix, &cells, &ranking).unwrap();
    assert!(table.contains("no result: more than 40 requests are in flight"), "{table}");
}

fn cell(index: u32, p99: [f64; 4], hours: [f64; 4]) -> Cell {
    let figure = |seeds: [f64; 4]| Figure { value: seeds.iter().sum::<f64>() / 4.0, low: None, high: None, seeds: seeds.to_vec() };
    let figures = [("latency_p99_ms", p99), ("replica_hours", hours)].map(|(name, seeds)| (name.to_owned(), figure(seeds)));
    Cell { index, name: format!("c{index}"), requests: 1, error: None, figures: figures.into(), timeline: Vec::new() }
}

#[test]
fn the_sentence_says_what_won_and_whether_it_is_real() {
    let base = [100.0, 200.0, 300.0, 400.0];
    // Paired, the second is apart by some 10 whatever the seed; unpaired, nobody could tell.
    let real = rank::rank(&[cell(0, base.map(|value| value + 10.0 + value / 1e3), [2.0; 4]), cell(1, base, [2.0; 4])], None);
    assert_eq!((real.by, real.rows[0].cell, real.rows[1].worse), ("latency_p99_ms", 1, true));
    assert!(real.sentence.starts_with("“c1” comes first with p99 [ms] 250, and that is real"), "{}", real.sentence);
    let chance = rank::rank(&[cell(0, [101.0, 199.0, 302.0, 399.0], [1.0, 1.1, 1.0, 1.1]), cell(1, base, [2.0, 2.1, 2.0, 2.1])], None);
    assert!(chance.sentence.contains("but that may be chance: it can't be told from “c0”"), "{}", chance.sentence);
    assert!(chance.sentence.ends_with("“c0” needs the fewest replica-hours: 1.05 instead of 2.05."), "{}", chance.sentence);
    // By replica-hours the other one is first.
    let asked = rank::rank(&[cell(0, base, [2.0, 2.1, 2.0, 2.1]), cell(1, base, [1.0, 1.1, 1.0, 1.1])], Some("replica_hours"));
    assert!(asked.sentence.starts_with("“c1” comes first with replica-hours 1.05, and that is real"), "{}", asked.sentence);
}

#[test]
fn among_many_cells_one_that_is_apart_by_chance_is_not_called_worse() {
    // Apart at 95 % by itself, which one of twenty is by chance.
    let base = [100.0, 101.0, 102.0, 103.0];
    let near = [103.0, 102.5, 106.0, 104.0];
    let alone = rank::rank(&[cell(0, base, [1.0; 4]), cell(1, near, [1.0; 4])], None);
    assert!(alone.rows[1].worse);
    let cells: Vec<Cell> = (0..20).map(|index| cell(index, if index == 0 { base } else { near }, [1.0; 4])).collect();
    assert!(rank::rank(&cells, None).rows.iter().all(|row| !row.worse));
}

#[test]
fn the_schema_knows_the_keys_and_the_bundled_sweep_is_one() {
    let schema: serde_json::Value = serde_json::from_str(&schema_text()).unwrap();
    let keys: Vec<&str> = schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["algorithms", "matrix", "name", "plans", "rank_by", "scenario", "seed", "seeds", "set"]);
    assert_eq!((&schema["additionalProperties"], &schema["required"][0]), (&false.into(), &"scenario".into()));
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/sweeps");
    let text = fs::read_to_string(folder.join("replicas.toml")).unwrap();
    assert_eq!(Matrix::read(&Source { path: "replicas.toml", text: &text }, &folder).unwrap().cells.len(), 9);
}

#[test]
fn too_much_work_is_refused_with_an_estimate_unless_somebody_says_yes() {
    let folder = folder();
    let sweep = folder.path().join("sweep.toml");
    // Nine cells of 4 × 30 × 3.6e8 requests each.
    let set = "[set]\nduration = \"100000h\"\ntimeline = false\n[matrix]\n\"pools.app.replicas\" = [1, 2, 3, 4, 5, 6, 7, 8, 9]\n";
    fs::write(&sweep, format!("scenario = \"base.toml\"\n{set}")).unwrap();
    let args = Args { sweep, jobs: None, out: None, report: None, yes: false, format: Format::Table };
    let Err(CliError::BadInput(error)) = run(args) else { panic!("it was run") };
    assert!(
        error.ends_with("sweep.toml: 3.9e11 requests in 4 replications, some 54 hours on one core: shorten it, or say --yes"),
        "{error}"
    );
}

#[test]
fn where_no_cell_keeps_the_slo_the_sentence_says_so() {
    let with = |index, minutes: f64| {
        let mut cell = cell(index, [100.0, 200.0, 300.0, 400.0], [2.0; 4]);
        let of_slo = Figure { value: minutes, low: None, high: None, seeds: vec![minutes; 4] };
        cell.figures.insert("violation_minutes".to_owned(), of_slo);
        cell
    };
    let none = rank::rank(&[with(0, 9.0), with(1, 4.0)], None).sentence;
    assert!(none.ends_with("But no cell keeps the SLO in every minute: even the best of them has 4 violation minutes a run."), "{none}");
    let one = rank::rank(&[with(0, 9.0), with(1, 0.0)], None).sentence;
    assert!(!one.contains("no cell keeps"), "{one}");
}

#[test]
fn an_interval_whose_ends_read_the_same_is_one_value() {
    let figure = |low, high| Figure { value: 4.0, low: Some(low), high: Some(high), seeds: vec![4.0; 4] };
    assert_eq!(rank::shown(&figure(3.9999, 4.0001), "latency_p99_ms"), "4");
    assert_eq!(rank::shown(&figure(3.9, 4.1), "latency_p99_ms"), "4 (3.9 to 4.1)");
}
