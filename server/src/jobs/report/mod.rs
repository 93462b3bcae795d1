//! A job's result as one HTML file that needs nothing else: no script, no font, no image from elsewhere; readable in light and dark, and on
//! paper.

pub(crate) mod chart;
mod models;

use std::fmt::Write as _;

use super::compare::signed;
use super::figures::NAMES;
use crate::api::dto::{Cell, Comparison, Figure, JobDetail, JobKind, JobState};

pub(crate) use models::scores;

/// What can't be drawn.
pub(crate) type Drawing = Result<String, String>;

const STYLE: &str = include_str!("style.css");

/// The whole file. Fails only if a chart can't be drawn, which would be a bug.
pub fn html(detail: &JobDetail) -> Result<String, String> {
    let job = &detail.job;
    let mut body = String::new();
    let mut add = |text: &str| {
        body.push_str(text);
        body.push('\n');
    };
    add(&format!("<h1>{}</h1>", escaped(&job.title)));
    let kind = match job.kind {
        JobKind::WhatIf => "What-if",
        JobKind::Scenario => "Simulation",
        JobKind::Backtest => "Backtest",
    };
    let took = job.wall_s.map_or_else(String::new, |wall_s| format!(", worked out in {} s", number(wall_s)));
    add(&format!("<p class=\"about\">{kind} {} of Prescale, asked for by {} at {}{took}.</p>", job.id, escaped(&job.who), job.created));
    if job.state != JobState::Done {
        let why = job.error.as_deref().unwrap_or("it was cancelled, or is still being worked out");
        add(&format!("<p class=\"warning\">This is not everything: {}</p>", escaped(why)));
    }
    let cells = &detail.result.cells;
    if let Some(comparison) = &detail.comparison {
        add(&format!("<p class=\"sentence\">{}</p>", escaped(&comparison.sentence)));
    }
    if !cells.is_empty() {
        add("<h2>Figures</h2>");
        add(&figures(cells));
        if let Some(comparison) = &detail.comparison {
            add(&differences(comparison, cells));
        }
        add(&chart::of_cells(cells)?);
    }
    if !detail.result.models.is_empty() {
        add(&scores("Models", &detail.result.models)?);
    }
    add("<h2>What this stands on</h2>\n<ul>");
    detail.result.notes.iter().for_each(|note| add(&format!("<li>{}</li>", escaped(note))));
    add("</ul>\n<h2>The request</h2>");
    add(&format!("<pre>{}</pre>", escaped(&detail.toml)));
    Ok(page(&job.title, &body))
}

/// One file that needs nothing else around `body`, which is HTML.
pub(crate) fn page(title: &str, body: &str) -> String {
    let (title, colours) = (escaped(title), chart::style());
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{title}</title>\n<style>\n{STYLE}{colours}</style>\n</head>\n<body>\n<main>\n{body}</main>\n</body>\n</html>\n"
    )
}

/// Every figure of every cell, with its interval.
pub(crate) fn figures(cells: &[Cell]) -> String {
    let known: Vec<(&str, &str)> =
        NAMES.into_iter().filter(|(name, _)| cells.iter().any(|cell| cell.figures.contains_key(*name))).collect();
    let mut out = "<div class=\"wide\" role=\"region\" aria-label=\"Figures\" tabindex=\"0\"><table>\n\
         <caption>Each value with its 95 % interval over seeds</caption>\n<tr><th scope=\"col\">Cell</th>"
        .to_owned();
    for (_, words) in &known {
        let _ = write!(out, "<th scope=\"col\">{words}</th>");
    }
    out.push_str("</tr>\n");
    for cell in cells {
        let _ = write!(out, "<tr><th scope=\"row\">{}{}</th>", chart::swatch(cell.index), escaped(&cell.name));
        if let Some(error) = &cell.error {
            let _ = writeln!(out, "<td class=\"text\" colspan=\"{}\">{}</td></tr>", known.len(), escaped(error));
            continue;
        }
        for (name, _) in &known {
            out.push_str(&cell.figures.get(*name).map_or_else(|| "<td>–</td>".to_owned(), |figure| figure_cell(name, figure)));
        }
        out.push_str("</tr>\n");
    }
    out + "</table></div>"
}

fn figure_cell(name: &str, figure: &Figure) -> String {
    // Shares are read in per cent.
    let (factor, unit) = if matches!(name, "error_ratio" | "utilisation") { (100.0, " %") } else { (1.0, "") };
    let value = number(figure.value * factor);
    let range = interval(figure.low, figure.high, |end| number(end * factor));
    let range = range.map_or_else(String::new, |range| format!("<br><small>{range}</small>"));
    format!("<td>{value}{unit}{range}</td>")
}

/// "3.9 to 4.1"; `None` without an interval, and where both ends read the same, which says no more than the value itself.
pub(crate) fn interval(low: Option<f64>, high: Option<f64>, shown: impl Fn(f64) -> String) -> Option<String> {
    let (low, high) = (shown(low?), shown(high?));
    (low != high).then(|| format!("{low} to {high}"))
}

pub(crate) fn differences(comparison: &Comparison, cells: &[Cell]) -> String {
    let name = |index: u32| cells.iter().find(|cell| cell.index == index).map_or("", |cell| cell.name.as_str());
    let known: Vec<(&str, &str)> =
        NAMES.into_iter().filter(|(name, _)| comparison.rows.iter().any(|row| row.differences.contains_key(*name))).collect();
    let mut out = format!(
        "<div class=\"wide\" role=\"region\" aria-label=\"Differences\" tabindex=\"0\"><table>\n\
         <caption>Difference to “{}”, paired by seed; what may be chance is grey and in brackets</caption>\n<tr><th scope=\"col\">Cell</th>",
        escaped(name(comparison.baseline))
    );
    for (_, words) in &known {
        let _ = write!(out, "<th scope=\"col\">{words}</th>");
    }
    out.push_str("</tr>\n");
    for row in &comparison.rows {
        let _ = write!(out, "<tr><th scope=\"row\">{}{}</th>", chart::swatch(row.cell), escaped(name(row.cell)));
        for (figure, _) in &known {
            let Some(found) = row.differences.get(*figure) else {
                out.push_str("<td>–</td>");
                continue;
            };
            let factor = if matches!(*figure, "error_ratio" | "utilisation") { 100.0 } else { 1.0 };
            let value = signed(found.value * factor);
            let range = interval(found.low, found.high, |end| signed(end * factor));
            let range = range.map_or_else(String::new, |range| format!("<br><small>{range}</small>"));
            let _ =
                if found.real { write!(out, "<td>{value}{range}</td>") } else { write!(out, "<td class=\"chance\">({value}){range}</td>") };
        }
        out.push_str("</tr>\n");
    }
    out + "</table></div>"
}

/// Three digits that count.
pub fn number(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return if value == 0.0 { "0".to_owned() } else { "–".to_owned() };
    }
    let digits = (2.0 - value.abs().log10().floor()).clamp(0.0, 9.0) as usize;
    let text = format!("{value:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// Text that says itself, whatever is in it.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

#[cfg(test)]
mod tests;
