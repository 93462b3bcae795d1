use super::*;
use crate::cli::parse_time;

fn parse(text: &str) -> Result<SeriesFile, SeriesFileError> {
    SeriesFile::parse(text.as_bytes(), "load.csv", "load".to_owned())
}

#[test]
fn errors_name_the_line_the_value_and_what_is_allowed() {
    for (text, parts) in [
        ("", ["line 1", "timestamp,value"]),
        ("time,value\n", ["unknown column \"time\"", "`timestamp,value` is allowed"]),
        ("value,timestamp\n", ["line 1", "`timestamp,value` is allowed"]),
        ("timestamp,value\n2026-01-01T00:00:00Z,1\n2026-01-01,2\n", ["line 3", "\"2026-01-01\" is not a time"]),
        ("timestamp,value\n\n2026-01-01T00:00:00Z,many\n", ["line 3", "\"many\" is no number"]),
        ("timestamp,value\n2026-01-01T00:00:00Z,1,2\n", ["line 2", "two are allowed"]),
        ("timestamp,value\n2026-01-01T00:00:00Z\n", ["line 2", "1 field(s)"]),
    ] {
        let error = parse(text).unwrap_err().to_string();
        assert!(error.starts_with("load.csv, line"), "{error}");
        assert!(parts.iter().all(|part| error.contains(part)), "{text:?}: {error}");
    }
    let latin =
        SeriesFile::parse(&b"timestamp,value\n2026-01-01T00:00:00Z,\xe9\n"[..], "load.csv", "load".to_owned()).unwrap_err().to_string();
    assert!(latin.contains("line 2") && latin.contains("UTF-8"), "{latin}");
    let csv = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/wc98_may.csv");
    let folder = tempfile::tempdir().unwrap();
    let named = folder.path().join("load.parquet");
    std::fs::copy(csv, &named).unwrap();
    let parquet = SeriesFile::read(&named).unwrap_err().to_string();
    assert!(parquet.contains("load.parquet") && parquet.contains("no readable Parquet file"), "{parquet}");
    assert!(SeriesFile::read(Path::new("no/such/file.csv")).unwrap_err().to_string().contains("no/such/file.csv"));
}

#[test]
fn missing_rows_empty_values_and_nan_are_gaps_and_the_series_comes_back() {
    let text = "timestamp,value\n2026-01-01T00:00:00Z,1\n2026-01-01T00:01:00Z,\n2026-01-01T00:02:00Z,NaN\n2026-01-01T00:04:00Z,2.5\n2026-01-01T00:05:00Z,3\n";
    let (series, _) = parse(text).unwrap().series().unwrap();
    let values: Vec<_> = (0..series.len()).map(|i| series.value(i)).collect();
    assert_eq!(values, [Some(1.0), None, None, None, Some(2.5), Some(3.0)]);
    let again = parse(&to_csv(&series)).unwrap().series().unwrap().0;
    assert_eq!(again, series);
}

#[test]
fn what_a_spreadsheet_writes_is_read() {
    let text = "\u{feff}\"timestamp\",\"value\"\r\n\"2026-01-01T00:00:00Z\", 5\r\n2026-01-01T01:01:00+01:00,\"6.5\"\r\n";
    let points = parse(text).unwrap().points;
    assert_eq!(points, [(1_767_225_600_000, 5.0), (1_767_225_660_000, 6.5)]);
}

#[test]
fn whole_numbers_since_1970_are_told_apart_by_their_size_and_small_ones_are_refused() {
    for text in ["1767225600", "1767225600000", "1767225600000000", "1767225600000000000", "2026-01-01T00:00:00Z"] {
        assert_eq!(moment(text, &mut DayText::default()), Ok(1_767_225_600_000), "{text}");
    }
    for text in ["0", "20260101", "99999999", "-1767225600", "1767225600.5"] {
        assert!(moment(text, &mut DayText::default()).unwrap_err().contains("RFC 3339"), "{text}");
    }
    let points = parse("timestamp,value\n1767225600,5\n1767225660,6\n").unwrap().points;
    assert_eq!(points, [(1_767_225_600_000, 5.0), (1_767_225_660_000, 6.0)]);
}

#[test]
fn a_parquet_file_that_pandas_wrote_holds_the_same_series_as_its_csv() {
    let file = |name: &str| SeriesFile::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name)).unwrap();
    let (parquet, csv) = (file("load.parquet"), file("load.csv"));
    assert_eq!(parquet.name, "load");
    assert_eq!(parquet.series().unwrap(), csv.series().unwrap());
    assert_eq!(parquet.series().unwrap().0.observed(), 1_380);
}

#[test]
fn what_was_known_at_an_origin_ends_there() {
    let text = "timestamp,value\n2026-01-01T00:00:00Z,1\n2026-01-01T00:02:00Z,7\n2026-01-01T00:01:00Z,2\n2026-01-01T00:03:00Z,9\n";
    let file = parse(text).unwrap();
    let origin_ms = parse_time("2026-01-01T00:01:30Z").unwrap();
    let past = file.past().unwrap();
    let (series, notes) = past.until(origin_ms).unwrap();
    assert_eq!((series.len(), series.value(1)), (2, Some(2.0)));
    assert!(notes.is_empty(), "the row that came late came late to one after the origin: {notes:?}");
}

#[test]
fn a_file_in_order_is_at_any_moment_what_its_first_rows_are() {
    let text = "timestamp,value\n2026-01-01T00:00:00Z,1\n2026-01-01T00:01:00Z,2\n2026-01-01T00:02:00Z,4\n2026-01-01T00:05:00Z,3\n";
    let (file, minute) = (parse(text).unwrap(), 60_000);
    let past = file.past().unwrap();
    for origin_ms in (-3..16).map(|half| file.points[0].0 + half * minute / 2) {
        let rows: Vec<(i64, f64)> = file.points.iter().copied().filter(|point| point.0 <= origin_ms).collect();
        let told = past.until(origin_ms).map(|(series, notes)| (series.until(origin_ms), notes)).ok();
        assert_eq!(told, Series::try_from_points(&rows, Some(minute)).ok(), "{origin_ms}");
    }
}
