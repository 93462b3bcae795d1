use clap::Parser;

use super::*;

#[derive(Parser)]
struct Alone {
    #[command(flatten)]
    args: Args,
}

const START_MS: i64 = 1_772_409_600_000;

/// A series at 15 minutes: 100 at night, 400 by day, and a bit of a pattern.
fn write(path: &Path, days: usize) {
    let load = |i: usize| if (32..72).contains(&(i % 96)) { 400.0 } else { 100.0 } + (i * 7 % 11) as f64;
    let row = |i: usize| format!("{},{}\n", show_time(START_MS + i as i64 * 900_000), load(i));
    let rows: String = (0..days * 96).map(row).collect();
    std::fs::write(path, format!("timestamp,value\n{rows}")).unwrap();
}

fn trained(folder: &Path, options: &str) -> Result<Vec<u8>, String> {
    let (input, output) = (folder.join("load.csv"), folder.join("trees.bin"));
    let (input, output) = (input.to_str().unwrap(), output.to_str().unwrap());
    let words = ["train", "--input", input, "--output", output].into_iter().chain(options.split_whitespace());
    run(&Alone::try_parse_from(words).unwrap().args).map_err(|error| error.to_string())?;
    Ok(std::fs::read(output).unwrap())
}

#[test]
fn the_file_has_trees_behind_those_in_the_binary_and_is_the_same_each_time() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("load.csv"), 14);
    let bytes = trained(folder.path(), "").unwrap();
    assert_eq!(trained(folder.path(), "").unwrap(), bytes);
    let (models, shipped) = (Models::from_bytes(&bytes).unwrap(), Models::shipped());
    assert!(models.far.0.starts_with(&shipped.far.0) && models.far.0.len() > shipped.far.0.len());
    assert!(models.near.0.starts_with(&shipped.near.0) && models.near.0.len() > shipped.near.0.len());
    assert_eq!(models.until_ms, Some(START_MS + (14 * 96 - 1) * 900_000));
}

#[test]
fn rows_after_until_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let until = format!("--until {}", show_time(START_MS + (10 * 96 - 1) * 900_000));
    let after = |days| {
        write(&folder.path().join("load.csv"), days);
        trained(folder.path(), &until).unwrap()
    };
    assert_eq!(after(10), after(20));
}

#[test]
fn origins_before_the_newest_row_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("load.csv"), 10);
    trained(folder.path(), "").unwrap();
    let trained = Trained::of(Some(&folder.path().join("trees.bin"))).unwrap();
    let newest_ms = START_MS + (10 * 96 - 1) * 900_000;
    assert!(trained.check(newest_ms).is_ok());
    let error = trained.check(newest_ms - 1).unwrap_err().to_string();
    assert!(error.contains("trees.bin") && error.contains(&show_time(newest_ms)) && error.contains("--until"), "{error}");
    assert!(Trained::of(None).unwrap().check(0).is_ok());
}

#[test]
fn what_cant_be_used_says_why() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("load.csv"), 4);
    let error = trained(folder.path(), "").unwrap_err();
    assert!(error.contains("load") && error.contains("4.0 days") && error.contains("at least 5"), "{error}");
    let file = folder.path().join("other.bin");
    for bytes in [&b""[..], b"PSB1", b"PSB2 and more"] {
        std::fs::write(&file, bytes).unwrap();
        let error = Trained::of(Some(&file)).unwrap_err().to_string();
        assert!(error.contains("other.bin") && error.contains("prescale train"), "{error}");
    }
    assert!(Trained::of(Some(&folder.path().join("missing.bin"))).unwrap_err().to_string().contains("missing.bin"));
}

#[test]
fn a_file_that_cant_be_written_is_refused_before_the_work() {
    let folder = tempfile::tempdir().unwrap();
    let (missing, output) = (folder.path().join("load.csv"), folder.path().join("nowhere/trees.bin"));
    let words = ["train", "--input", missing.to_str().unwrap(), "--output", output.to_str().unwrap()];
    let error = run(&Alone::try_parse_from(words).unwrap().args).unwrap_err();
    assert!(matches!(&error, CliError::BadInput(text) if text.starts_with("--output ") && text.contains("name a file")), "{error}");
}
