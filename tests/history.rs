//! `import-history` and `backup` as a user runs them, and what is in the database afterwards.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Command;

use predictor::Series;
use server::series_file::SeriesFile;
use server::store::{Location, SeriesKey, Store};

use crate::support::postgres::Postgres;
use crate::support::{Demo, run, wait_for};

const TESTDATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata");

/// What is stored as the load of `chat-api`.
fn stored(location: &Location) -> Option<Series> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = Store::open(location).await.unwrap();
        let series = store.read(SeriesKey { service: "chat-api", metric: "load" }, 0, i64::MAX).await.unwrap();
        store.close().await;
        series
    })
}

fn in_file(name: &str) -> Series {
    SeriesFile::read(&Path::new(TESTDATA).join(name)).unwrap().series().unwrap().0
}

fn sealed_days(folder: &Path) -> i64 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        sqlx::any::install_default_drivers();
        let url = format!("sqlite://{}", folder.join("prescale.db").display());
        let pool = sqlx::AnyPool::connect(&url).await.unwrap();
        let days = sqlx::query_scalar("SELECT COUNT(*) FROM chunk").fetch_one(&pool).await.unwrap();
        pool.close().await;
        days
    })
}

#[track_caller]
fn import(arguments: &[&str], code: i32, words: &[&str]) {
    let (status, stdout, stderr) = run(&[&["import-history", "--service", "chat-api"], arguments].concat());
    assert_eq!(status, code, "{arguments:?}\n{stderr}");
    assert_eq!(stdout, "", "{arguments:?}");
    assert!(words.iter().all(|word| stderr.contains(word)), "{arguments:?}: {words:?} are missing in\n{stderr}");
}

#[test]
fn csv_and_parquet_are_imported_alike_into_sqlite_and_postgresql_and_twice_is_once() {
    let server = Postgres::start();
    let url = server.database("imported");
    for name in ["load.csv", "load.parquet"] {
        let file = format!("{TESTDATA}/{name}");
        let told = ["1380 rows from 1998-05-01T00:00:00Z to 1998-05-01T23:59:00Z", "1380 points written, 60 missing, 0 duplicates"];
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().to_str().unwrap();
        for _ in 0..2 {
            import(&["--data-dir", dir, &file], 0, &told);
            assert_eq!(stored(&Location::Folder(folder.path().into())).unwrap(), in_file("load.csv"));
        }
        import(&["--data-dir", dir, "--database", &url, &file], 0, &told);
        assert_eq!(stored(&Location::Postgres { url: url.clone(), folder: folder.path().into() }).unwrap(), in_file("load.csv"));
    }
}

#[test]
fn a_finer_file_is_averaged_and_a_step_that_does_not_fit_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().to_str().unwrap();
    let file = format!("{TESTDATA}/load.csv");
    import(&["--data-dir", dir, "--step", "5m", &file], 0, &["averaged from 60 s to 300 s", "276 points written"]);
    let location = Location::Folder(folder.path().into());
    let five = in_file("load.csv").resample(300_000).unwrap();
    let kept = stored(&location).unwrap();
    assert_eq!(kept.step_ms(), 300_000);
    // Kept as f32.
    assert!((0..five.len()).all(|i| kept.value(i) == five.value(i).map(|value| f64::from(value as f32))));

    let coarse = folder.path().join("coarse.csv");
    fs::write(&coarse, "timestamp,value\n1998-05-02T00:00:00Z,1\n1998-05-02T00:10:00Z,2\n1998-05-02T00:10:00Z,3\n").unwrap();
    let coarse = coarse.to_str().unwrap();
    import(&["--data-dir", dir, &file, coarse], 2, &["coarse.csv", "600 s can't be stored at 300 s", "divides 300 s evenly"]);
    import(&["--data-dir", dir, "--step", "1m", &file], 2, &["--step", "stored at a step of 300 s already"]);
    import(
        &["--data-dir", dir, "--metric", "error_ratio", "--step", "7m", &file],
        2,
        &["error_ratio of chat-api", "420 s", "whole number of steps"],
    );
    import(
        &["--data-dir", dir, "--metric", "error_ratio", coarse],
        0,
        &["error_ratio of chat-api is new", "3 rows", "2 points written", "1 duplicates"],
    );
    import(&["--data-dir", dir, "--metric", "lod", &file], 2, &["--metric lod", "load, replicas_ready"]);
    import(&["--data-dir", dir, "no/such.parquet"], 2, &["no/such.parquet"]);
    import(&["--data-dir", dir, "--database", "mysql://u:canary@h/d", &file], 2, &["mysql", "allowed: postgres://"]);
    assert_eq!(stored(&location).unwrap(), kept, "a refused import writes nothing");
}

#[test]
fn a_forecast_reads_parquet_as_it_reads_csv() {
    let folder = tempfile::tempdir().unwrap();
    let bent = folder.path().join("bent.parquet");
    fs::write(&bent, b"PAR1 and then nothing of the kind").unwrap();
    let (status, _, stderr) = run(&["forecast", "--input", bent.to_str().unwrap(), "--horizon", "1h"]);
    assert!(status == 2 && stderr.contains("bent.parquet: no readable Parquet file"), "{status} {stderr}");
    let answers = ["load.csv", "load.parquet"].map(|name| {
        let (status, stdout, stderr) = run(&["forecast", "--input", &format!("{TESTDATA}/{name}"), "--horizon", "1h", "--format", "csv"]);
        assert!(status == 0 && stdout.lines().count() > 10, "{status} {stderr}");
        stdout
    });
    assert_eq!(answers[0], answers[1]);
}

#[test]
fn a_folder_in_use_is_backed_up_but_not_imported_into() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().to_str().unwrap();
    let copies = tempfile::tempdir().unwrap();
    let copy = copies.path().join("prescale.db");
    let out = copy.to_str().unwrap();
    {
        let _demo = Demo::start(folder.path(), &["--from", "1998-05-26T06:00:00Z"], None);
        wait_for("the two weeks before to be sealed", || (sealed_days(folder.path()) >= 14).then_some(()));
        import(&["--data-dir", dir, &format!("{TESTDATA}/load.csv")], 1, &[dir, "in use by another prescale"]);
        let (status, stdout, stderr) = run(&["backup", "--data-dir", dir, "--out", out]);
        assert_eq!((status, stdout.as_str()), (0, ""), "{stderr}");
        assert!(stderr.contains("MiB"), "{stderr}");
        let (status, _, stderr) = run(&["backup", "--data-dir", dir, "--out", out]);
        assert!(status == 2 && stderr.contains("exists already"), "{status} {stderr}");
    }
    // Restored, the copy is a data folder like any other.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let weeks = runtime.block_on(async {
        let store = Store::open(&Location::Folder(copies.path().into())).await.unwrap();
        store.read(SeriesKey { service: "worldcup", metric: "load" }, 0, i64::MAX).await.unwrap().unwrap().observed()
    });
    assert!(weeks > 14 * 1_400, "{weeks}");
}

#[test]
fn a_folder_that_may_not_be_written_is_said_so_and_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let (dir, file) = (data.to_str().unwrap(), format!("{TESTDATA}/load.csv"));
    import(&["--data-dir", dir, &file], 0, &[]);
    let readable = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    fs::read_dir(&data).unwrap().for_each(|file| readable(&file.unwrap().path(), 0o444));
    readable(&data, 0o555);
    readable(folder.path(), 0o755);
    // Root may write anywhere, so somebody else tries, with a copy of the program that everybody can reach.
    let program = folder.path().join("prescale");
    fs::copy(env!("CARGO_BIN_EXE_prescale"), &program).unwrap();
    fs::copy(&file, folder.path().join("load.csv")).unwrap();
    let mut command = if fs::metadata("/proc/self").unwrap().uid() == 0 {
        let mut command = Command::new("runuser");
        command.args(["-u", "nobody", "--"]).arg(&program);
        command
    } else {
        Command::new(&program)
    };
    command.args(["import-history", "--service", "chat-api", "--data-dir", dir]).arg(folder.path().join("load.csv"));
    let answer = command.output().unwrap();
    let stderr = String::from_utf8_lossy(&answer.stderr);
    assert!(answer.status.code() == Some(1) && stderr.contains(dir) && stderr.contains("Permission denied"), "{stderr}");
    readable(&data, 0o755);
    fs::read_dir(&data).unwrap().for_each(|file| readable(&file.unwrap().path(), 0o644));
    assert_eq!(stored(&Location::Folder(data)).unwrap(), in_file("load.csv"), "it works again");
}
