//! The results of a sweep: a table for people, JSON, CSV, and Parquet for other programs.

use std::fmt::Write as _;
use std::path::Path;

use serde::Serialize;
use tables::Values;

use super::matrix::Matrix;
use super::rank::{Ranked, Ranking, apart, shown};
use crate::api::dto::{Cell, Difference, Figure};
use crate::cli::CliError;
use crate::cli::forecast::{Format, json};
use crate::jobs::compare::compare;
use crate::jobs::figures::NAMES;
use crate::jobs::report::{self, escaped};

/// What a table shows besides the figure that decides.
const SHOWN: [&str; 3] = ["latency_p99_ms", "error_ratio", "replica_hours"];

#[derive(Serialize)]
struct Whole<'a> {
    sweep: &'a str,
    seed: u64,
    seeds: u32,
    ranked_by: &'a str,
    sentence: &'a str,
    cells: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    rank: usize,
    index: u32,
    name: &'a str,
    /// By axis.
    values: std::collections::BTreeMap<&'a str, &'a str>,
    requests: u64,
    error: Option<&'a str>,
    figures: &'a std::collections::BTreeMap<String, Figure>,
    against_first: Option<&'a Difference>,
    worse: bool,
}

fn rows<'a>(matrix: &'a Matrix, cells: &'a [Cell], ranking: &'a Ranking) -> Vec<Row<'a>> {
    let row = |(at, ranked): (usize, &'a Ranked)| {
        let cell = cells.get(ranked.cell as usize)?;
        let values = matrix.cells.get(ranked.cell as usize)?.values.iter().map(String::as_str);
        Some(Row {
            rank: at + 1,
            index: cell.index,
            name: &cell.name,
            values: matrix.axes.iter().map(String::as_str).zip(values).collect(),
            requests: cell.requests,
            error: cell.error.as_deref(),
            figures: &cell.figures,
            against_first: ranked.against_first.as_ref(),
            worse: ranked.worse,
        })
    };
    ranking.rows.iter().enumerate().filter_map(row).collect()
}

/// What is printed.
pub fn text(format: Format, matrix: &Matrix, cells: &[Cell], ranking: &Ranking) -> Result<String, CliError> {
    let rows = rows(matrix, cells, ranking);
    match format {
        Format::Table => Ok(table(matrix, &rows, ranking)),
        Format::Json => {
            let (name, seed, seeds, by, sentence) = (&matrix.name, matrix.seed, matrix.seeds, ranking.by, &ranking.sentence);
            json(&Whole { sweep: name, seed, seeds, ranked_by: by, sentence, cells: rows }, true)
        }
        Format::Jsonl => rows.iter().map(|row| json(row, false)).collect(),
        Format::Csv => Ok(csv(matrix, &rows)),
    }
}

fn table(matrix: &Matrix, rows: &[Row<'_>], ranking: &Ranking) -> String {
    let has = |name: &&(&str, &str)| rows.iter().any(|row| row.figures.contains_key(name.0));
    let decides = NAMES.iter().filter(|(name, _)| *name == ranking.by);
    let others = NAMES.iter().filter(|(name, _)| *name != ranking.by && SHOWN.contains(name));
    let columns: Vec<&(&str, &str)> = decides.chain(others).filter(has).collect();
    let mut lines = vec![vec!["rank".to_owned(), "cell".to_owned()]];
    lines[0].extend(columns.iter().map(|(_, words)| (*words).to_owned()));
    lines[0].push("against the first".to_owned());
    for row in rows {
        let mut line = vec![row.rank.to_string(), row.name.to_owned()];
        if let Some(error) = row.error {
            line.push(format!("no result: {error}"));
        } else {
            line.extend(columns.iter().map(|(name, _)| row.figures.get(*name).map_or_else(|| "–".to_owned(), |found| shown(found, name))));
            line.push(match row.against_first {
                None => String::new(),
                Some(found) if found.value == 0.0 && found.low == found.high => "the same".to_owned(),
                Some(found) if row.worse => apart(found, ranking.by),
                Some(found) => format!("{}, may be chance", apart(found, ranking.by)),
            });
        }
        lines.push(line);
    }
    let mut out = format!("{}: {} cells, {} seeds each from seed {}\n\n", matrix.name, rows.len(), matrix.seeds, matrix.seed);
    // The long text of a cell without a result is last in its line, and makes no column wide.
    let width = |column: usize| {
        let cells = lines.iter().filter(|line| line.len() > column + 1).map(|line| line[column].chars().count());
        cells.max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns.len() + 3).map(width).collect();
    for line in &lines {
        let padded: Vec<String> = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        // Writing to a String can't fail.
        let _ = writeln!(out, "{}", padded.join("  ").trim_end());
    }
    let _ = writeln!(out, "\nIn brackets: 95 % intervals over seeds.\n{}", ranking.sentence);
    out
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

/// A row per cell and figure.
fn csv(matrix: &Matrix, rows: &[Row<'_>]) -> String {
    let axes: Vec<String> = matrix.axes.iter().map(|axis| quoted(axis)).collect();
    let mut out = format!("{},figure,value,low,high\n", [vec!["rank".to_owned(), "cell".to_owned()], axes].concat().join(","));
    for row in rows {
        let axes = matrix.axes.iter().map(|axis| quoted(row.values.get(axis.as_str()).unwrap_or(&"")));
        let head: Vec<String> = [row.rank.to_string(), quoted(row.name)].into_iter().chain(axes).collect();
        for (name, figure) in row.figures {
            let end = |end: Option<f64>| end.map_or_else(String::new, |end| end.to_string());
            let _ = writeln!(out, "{},{name},{},{},{}", head.join(","), figure.value, end(figure.low), end(figure.high));
        }
    }
    out
}

/// Lines that a chart holds before nobody can follow one.
const DRAWN: usize = 6;

/// One file for people that needs nothing else.
pub fn html(matrix: &Matrix, cells: &[Cell], ranking: &Ranking, file: &str) -> Result<String, String> {
    // In order of rank; colours go by place, so that the lines of the charts differ.
    let ranked = ranking.rows.iter().filter_map(|row| cells.get(row.cell as usize));
    let sorted: Vec<Cell> = (0..).zip(ranked).map(|(at, cell)| Cell { index: at, ..cell.clone() }).collect();
    let drawn = &sorted[..sorted.len().min(DRAWN)];
    let mut body = format!("<h1>{}</h1>\n", escaped(&matrix.name));
    // Writing to a String can't fail.
    let _ = writeln!(
        body,
        "<p class=\"about\">A sweep of {} cells over {}: {} paired runs each from seed {}, Prescale {}.</p>\n<p class=\"sentence\">{}</p>",
        cells.len(),
        escaped(&matrix.scenario.display().to_string()),
        matrix.seeds,
        matrix.seed,
        env!("CARGO_PKG_VERSION"),
        escaped(&ranking.sentence)
    );
    let by = NAMES.iter().find(|(name, _)| *name == ranking.by).map_or(ranking.by, |(_, words)| words);
    let _ = writeln!(body, "<h2>Ranked by {}</h2>\n{}", escaped(by), report::figures(&sorted));
    if let Some(comparison) = compare(&sorted, Some(0)) {
        body += &report::differences(&comparison, &sorted);
    }
    body += &report::chart::of_cells(drawn)?;
    if drawn.len() < sorted.len() {
        let _ = writeln!(body, "<p class=\"about\">The charts show the first {DRAWN} of {} cells.</p>", sorted.len());
    }
    let _ = writeln!(body, "<h2>The sweep</h2>\n<pre>{}</pre>", escaped(file));
    Ok(report::page(&matrix.name, &body))
}

/// A row per cell and seed, in the order of the matrix.
pub fn parquet(path: &Path, matrix: &Matrix, cells: &[Cell]) -> Result<(), CliError> {
    let rows: Vec<(&Cell, Option<usize>)> = cells
        .iter()
        .flat_map(|cell| {
            let seeds = cell.figures.values().map(|figure| figure.seeds.len()).max().unwrap_or(0);
            // A cell without a result has a row that says why.
            if seeds == 0 { vec![(cell, None)] } else { (0..seeds).map(|seed| (cell, Some(seed))).collect() }
        })
        .collect();
    let text = |of: &dyn Fn(&Cell) -> Option<String>| Values::Text(rows.iter().map(|(cell, _)| of(cell)).collect());
    let mut columns = vec![("cell", Values::Whole(rows.iter().map(|(cell, _)| Some(u64::from(cell.index))).collect()))];
    columns.push(("name", text(&|cell| Some(cell.name.clone()))));
    columns.push(("scenario_hash", text(&|cell| Some(matrix.cells.get(cell.index as usize)?.hash.clone()))));
    for (at, axis) in matrix.axes.iter().enumerate() {
        columns.push((axis, text(&|cell| matrix.cells.get(cell.index as usize)?.values.get(at).cloned())));
    }
    columns.push(("seed", Values::Whole(rows.iter().map(|_| Some(matrix.seed)).collect())));
    columns.push(("replication", Values::Whole(rows.iter().map(|(_, seed)| seed.map(|seed| seed as u64)).collect())));
    for (name, _) in NAMES {
        let value = |(cell, seed): &(&Cell, Option<usize>)| cell.figures.get(name)?.seeds.get((*seed)?).copied();
        columns.push((name, Values::Number(rows.iter().map(value).collect())));
    }
    columns.push(("error", text(&|cell| cell.error.clone())));
    let failed = |error: &dyn std::fmt::Display| CliError::Failed(format!("{}: {error}", path.display()));
    let mut bytes = Vec::new();
    tables::write(&mut bytes, columns).map_err(|error| failed(&error))?;
    std::fs::write(path, bytes).map_err(|error| failed(&error))
}
