//! The charts of a report, as SVG inside the HTML. Colours are written for light paper; a style sheet turns them over in the dark, and gives
//! each line its own dashes, so that colour is never all that tells them apart.

use std::fmt::Write as _;

use plotters::prelude::*;

use super::{Drawing, escaped};
use crate::api::dto::{Cell, CellPoint, ModelScore};

/// Colour on white, colour on dark, dashes: contrast 5:1 or more on both.
const LINES: [(RGBColor, &str, &str); 6] = [
    (RGBColor(0x00, 0x72, 0xB2), "#56b4e9", "none"),
    (RGBColor(0xB3, 0x47, 0x00), "#e69f00", "7 3"),
    (RGBColor(0x00, 0x75, 0x5A), "#2bc29a", "2 3"),
    (RGBColor(0xA8, 0x32, 0x6E), "#cc79a7", "9 3 2 3"),
    (RGBColor(0x5E, 0x4F, 0xA2), "#b3a8e8", "12 4"),
    (RGBColor(0x6B, 0x5B, 0x00), "#c9b458", "4 2 1 2"),
];
const INK: (RGBColor, &str) = (RGBColor(0x1F, 0x29, 0x33), "#e6edf3");
const GRID: (RGBColor, &str) = (RGBColor(0xDD, 0xE2, 0xE7), "#2a333d");

const SIZE: (u32, u32) = (980, 220);
const SMALL: (u32, u32) = (980, 320);

fn line(index: u32) -> RGBColor {
    LINES[index as usize % LINES.len()].0
}

/// As plotters writes a colour.
fn hex(colour: RGBColor) -> String {
    format!("#{:02X}{:02X}{:02X}", colour.0, colour.1, colour.2)
}

/// The part of the style sheet that knows the colours.
pub fn style() -> String {
    let mut out = String::new();
    for (at, (colour, _, dashes)) in LINES.iter().enumerate() {
        let hex = hex(*colour);
        // Writing to a String can't fail.
        let _ = writeln!(out, "svg polyline[stroke=\"{hex}\"] {{ stroke-dasharray: {dashes}; }}");
        let _ = writeln!(out, ".swatch-{at} {{ border-top: 3px solid {hex}; }}");
    }
    out.push_str(".swatch { display: inline-block; width: 20px; margin-right: 8px; vertical-align: middle; }\n@media (prefers-color-scheme: dark) {\n");
    let pairs = LINES.iter().map(|(light, dark, _)| (*light, *dark)).chain([INK, GRID]);
    for (light, dark) in pairs {
        let hex = hex(light);
        let _ = writeln!(out, "svg [stroke=\"{hex}\"] {{ stroke: {dark}; }} svg [fill=\"{hex}\"] {{ fill: {dark}; }}");
    }
    LINES.iter().enumerate().for_each(|(at, (_, dark, _))| {
        let _ = writeln!(out, ".swatch-{at} {{ border-top-color: {dark}; }}");
    });
    out + "}\n"
}

/// The colour of a cell beside its name.
pub fn swatch(index: u32) -> String {
    format!("<span class=\"swatch swatch-{}\"></span>", index as usize % LINES.len())
}

fn wrong(error: impl std::fmt::Display) -> String {
    format!("a chart can't be drawn: {error}")
}

/// What plotters drew, ready to stand in HTML.
fn framed(title: &str, text: &str, svg: &str) -> String {
    let svg = svg.replacen("<svg ", &format!("<svg role=\"img\" aria-label=\"{}\" ", escaped(title)), 1);
    format!("<figure tabindex=\"0\"><h3>{}</h3>\n{svg}<figcaption>{}</figcaption></figure>\n", escaped(title), escaped(text))
}

/// Load, replicas and p99 over time, then hours against p99.
pub fn of_cells(cells: &[Cell]) -> Drawing {
    let shown: Vec<&Cell> = cells.iter().filter(|cell| !cell.timeline.is_empty()).collect();
    let mut out = String::new();
    if let Some(first) = shown.first() {
        out += "<h2>Over time</h2>\n";
        out += &over_time("Load [requests/s]", &[first], |point| Some(point.load_rps))?;
        out += &over_time("Ready replicas", &shown, |point| Some(point.replicas))?;
        out += &over_time("p99 [ms]", &shown, |point| point.p99_ms)?;
    }
    if shown.len() > 1 {
        out += &hours_against_p99(&shown)?;
    }
    Ok(out)
}

fn over_time(title: &str, cells: &[&Cell], value: impl Fn(&CellPoint) -> Option<f64>) -> Drawing {
    let known = |cell: &Cell| cell.timeline.iter().filter_map(|point| Some((point.t_s, value(point)?))).collect();
    let lines: Vec<Line> = cells.iter().map(|cell| (cell.index, known(cell))).collect();
    let end_s = cells.iter().flat_map(|cell| cell.timeline.last()).map(|point| point.t_s).fold(0.0, f64::max);
    lines_over_time(title, end_s, &lines)
}

/// The place of its colour, and (seconds from the start, value).
pub(crate) type Line = (u32, Vec<(f64, f64)>);

/// Shorter than this is read in minutes.
const IN_MINUTES_S: f64 = 2.0 * 3_600.0;

/// Lines from the start to `end_s`.
pub(crate) fn lines_over_time(title: &str, end_s: f64, lines: &[Line]) -> Drawing {
    let (unit_s, time) = if end_s < IN_MINUTES_S { (60.0, "minutes from the start") } else { (3_600.0, "hours from the start") };
    // An axis without a length can't be drawn.
    let end = f64::max(end_s, 1.0) / unit_s;
    let most = lines.iter().flat_map(|(_, points)| points).map(|(_, value)| *value).fold(0.0, f64::max);
    let top = if most > 0.0 { most * 1.08 } else { 1.0 };
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        let mut chart = ChartBuilder::on(&area)
            .margin(8)
            .x_label_area_size(34)
            .y_label_area_size(64)
            .build_cartesian_2d(0.0..end, 0.0..top)
            .map_err(wrong)?;
        chart
            .configure_mesh()
            .x_desc(time)
            .label_style(("sans-serif", 12, &INK.0))
            .axis_style(INK.0)
            .bold_line_style(GRID.0)
            .light_line_style(TRANSPARENT)
            .y_labels(5)
            .draw()
            .map_err(wrong)?;
        for (index, points) in lines {
            let points = points.iter().map(|(at_s, value)| (at_s / unit_s, *value));
            chart.draw_series(LineSeries::new(points, line(*index).stroke_width(2))).map_err(wrong)?;
        }
        area.present().map_err(wrong)?;
    }
    Ok(framed(title, "", &svg).replace("<figcaption></figcaption>", ""))
}

/// Low and left is good.
fn hours_against_p99(cells: &[&Cell]) -> Drawing {
    let points: Vec<(&Cell, f64, f64)> = (cells.iter())
        .filter_map(|cell| Some((*cell, cell.figures.get("replica_hours")?.value, cell.figures.get("latency_p99_ms")?.value)))
        .collect();
    let (hours, p99) = points.iter().fold((0.0_f64, 0.0_f64), |(hours, p99), point| (hours.max(point.1), p99.max(point.2)));
    if points.len() < 2 {
        return Ok(String::new());
    }
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, SMALL).into_drawing_area();
        let mut chart = ChartBuilder::on(&area)
            .margin(8)
            .x_label_area_size(40)
            .y_label_area_size(64)
            .build_cartesian_2d(0.0..hours * 1.3, 0.0..p99 * 1.15)
            .map_err(wrong)?;
        chart
            .configure_mesh()
            .x_desc("replica-hours")
            .y_desc("p99 [ms]")
            .label_style(("sans-serif", 12, &INK.0))
            .axis_style(INK.0)
            .bold_line_style(GRID.0)
            .light_line_style(TRANSPARENT)
            .draw()
            .map_err(wrong)?;
        let places: Vec<(f64, f64)> = points.iter().map(|(_, x, y)| (x / hours, y / p99.max(f64::MIN_POSITIVE))).collect();
        for ((cell, hours, p99), line_down) in points.iter().zip(lines_down(&places)) {
            let colour = line(cell.index);
            let style = TextStyle::from(("sans-serif", 12).into_font()).color(&INK.0);
            let dot = EmptyElement::at((*hours, *p99))
                + Circle::new((0, 0), 5, colour.filled())
                + Text::new(cell.name.clone(), (9, -6 + 14 * line_down), style);
            chart.draw_series([dot]).map_err(wrong)?;
        }
        area.present().map_err(wrong)?;
    }
    Ok(framed("Replica-hours against p99", "Down and to the left is better for both.", &svg))
}

/// How many lines below its usual place each name stands, so that none is written over the one of a point beside it. Places are shares of the
/// largest value on each axis.
fn lines_down(places: &[(f64, f64)]) -> Vec<i32> {
    // As far as the names of two points on a chart of this size can meet: a name's length, and a line's height.
    const NEAR: (f64, f64) = (0.35, 0.07);
    let near = |a: &(f64, f64), b: &(f64, f64)| (a.0 - b.0).abs() < NEAR.0 && (a.1 - b.1).abs() < NEAR.1;
    (0..places.len()).map(|at| places[..at].iter().filter(|before| near(before, &places[at])).count() as i32).collect()
}

/// Relative loss of each model; 1 is seasonal naive.
pub fn of_models(models: &[ModelScore]) -> Drawing {
    let known: Vec<(&str, f64)> = models.iter().filter_map(|model| Some((model.model.as_str(), model.relative?))).collect();
    let words = Bars {
        title: "Loss relative to seasonal naive",
        axis: "loss relative to seasonal naive",
        text: "Left of the line at 1 is better than seasonal naive.",
        mark: 1.0,
    };
    bars(&known, &words)
}

/// What each model saves of the last value's loss up to the lead time.
pub fn of_skill(models: &[ModelScore]) -> Drawing {
    let skill = |model: &ModelScore| Some(100.0 * model.lead.as_ref()?.against_persistence?);
    let known: Vec<(&str, f64)> = models.iter().filter_map(|model| Some((model.model.as_str(), skill(model)?))).collect();
    let words = Bars {
        title: "Skill up to the lead time",
        axis: "% less loss than the last value",
        text: "Right of the line at 0 is better than the last value held. What is worse by more than all of it is cut off.",
        mark: 0.0,
    };
    bars(&known, &words)
}

/// What a bar chart says, and where its line of comparison stands.
struct Bars<'a> {
    title: &'a str,
    axis: &'a str,
    text: &'a str,
    mark: f64,
}

/// A bar a model, from 0; nothing without one.
fn bars(known: &[(&str, f64)], words: &Bars<'_>) -> Drawing {
    if known.is_empty() {
        return Ok(String::new());
    }
    let most = known.iter().map(|(_, value)| *value).fold(words.mark.max(1.0), f64::max) * 1.05;
    // One model that is many times worse would leave nothing to see of the others.
    let least = known.iter().map(|(_, value)| *value).fold(0.0, f64::min).max(-100.0) * 1.05;
    let rows = known.len() as i32;
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (980, 60 + 26 * known.len() as u32)).into_drawing_area();
        let mut chart = ChartBuilder::on(&area)
            .margin(8)
            .x_label_area_size(36)
            .y_label_area_size(190)
            .build_cartesian_2d(least..most, (0..rows).into_segmented())
            .map_err(wrong)?;
        let name = |at: &SegmentValue<i32>| match at {
            SegmentValue::CenterOf(at) => {
                usize::try_from(rows - 1 - at).ok().and_then(|at| known.get(at)).map_or_else(String::new, |(name, _)| (*name).to_owned())
            }
            _ => String::new(),
        };
        chart
            .configure_mesh()
            .x_desc(words.axis)
            .y_labels(known.len())
            .y_label_formatter(&name)
            .label_style(("sans-serif", 12, &INK.0))
            .axis_style(INK.0)
            .bold_line_style(GRID.0)
            .light_line_style(TRANSPARENT)
            .disable_y_mesh()
            .draw()
            .map_err(wrong)?;
        let bars = (0..rows).zip(known.iter().rev()).map(|(row, (_, value))| {
            let corners = [(0.0, SegmentValue::Exact(row)), (value.max(least), SegmentValue::Exact(row + 1))];
            let mut bar = Rectangle::new(corners, line(0).filled());
            bar.set_margin(5, 5, 0, 0);
            bar
        });
        chart.draw_series(bars).map_err(wrong)?;
        let mark = [(words.mark, SegmentValue::Exact(0)), (words.mark, SegmentValue::Exact(rows))];
        chart.draw_series(LineSeries::new(mark, INK.0.stroke_width(1))).map_err(wrong)?;
        area.present().map_err(wrong)?;
    }
    Ok(framed(words.title, words.text, &svg))
}
