//! A sweep that is interrupted ends with 130, keeps what is done, and goes on from there to the same results.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::{prescale, run, wait_for};

/// Four cells: one that is done at once, and three that take some seconds each.
fn write_sweep(folder: &Path) -> String {
    let scenario = "seed = 1\nrequests = 2_000\nwarmup = \"0s\"\ntimeline = false\n[workload]\n\
                    arrivals = { kind = \"poisson\", rate_rps = 6.0 }\n[balancer]\nalgorithm = \"least_connections\"\n[[pools]]\nname = \"app\"\n\
                    replicas = 4\nconcurrency = 2\nservice_time = { dist = \"exponential\", mean_ms = 1000.0 }\n";
    fs::write(folder.join("scenario.toml"), scenario).unwrap();
    let sweep = "scenario = \"scenario.toml\"\nseeds = 2\n[matrix]\n\"requests\" = [1_000, 4_000_000, 4_000_001, 4_000_002]\n";
    let path = folder.join("sweep.toml");
    fs::write(&path, sweep).unwrap();
    path.to_str().unwrap().to_owned()
}

fn kept(folder: &Path) -> usize {
    let done = |entry: &fs::DirEntry| entry.path().extension().is_some_and(|ending| ending == "toml");
    fs::read_dir(folder).map_or(0, |entries| entries.filter_map(Result::ok).filter(done).count())
}

#[test]
fn an_interrupted_sweep_ends_with_130_and_goes_on_where_it_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let sweep = write_sweep(folder.path());
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (out, whole, cells) = (file("results.parquet"), file("whole.parquet"), folder.path().join("results.parquet.cells"));
    let mut command = prescale();
    command.args(["sweep", &sweep, "--out", &out, "--jobs", "1"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    wait_for("the first cell", || (kept(&cells) > 0).then_some(()));
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let ended = child.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(130), "{stderr}");
    assert!(ended.stdout.is_empty() && !Path::new(&out).exists());
    let done = kept(&cells);
    assert!((1..4).contains(&done), "{done}");
    assert!(stderr.contains(&format!("{done} of 4 cells are done and kept in")) && stderr.contains("the same command goes on"), "{stderr}");
    // What is there is taken as it is: a cell that is done has the time of its first writing afterwards.
    let written = |cells: &Path| {
        let mut times: Vec<_> = fs::read_dir(cells).unwrap().map(|entry| entry.unwrap().metadata().unwrap().modified().unwrap()).collect();
        times.sort();
        times
    };
    let before = written(&cells);
    let resumed = run(&["sweep", &sweep, "--out", &out, "--jobs", "2", "--format", "json"]);
    assert_eq!(resumed.0, 0, "{}", resumed.2);
    assert_eq!(kept(&cells), 4);
    assert_eq!(written(&cells)[..done], before[..done]);
    let fresh = run(&["sweep", &sweep, "--out", &whole, "--jobs", "2", "--format", "json"]);
    assert_eq!((fresh.0, &fresh.1), (0, &resumed.1), "{}", fresh.2);
    assert_eq!(fs::read(&out).unwrap(), fs::read(&whole).unwrap());
}
