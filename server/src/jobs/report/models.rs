//! The scores of a backtest's models: a table and two charts.

use std::fmt::Write as _;

use super::{Drawing, chart, escaped, number};
use crate::api::dto::{LeadScore, ModelScore};

/// A section with every figure of every model on one series.
pub(crate) fn scores(title: &str, models: &[ModelScore]) -> Drawing {
    let mut out = format!("<h2>{}</h2>\n{}\n", escaped(title), table(models));
    out += &chart::of_models(models)?;
    out += &chart::of_skill(models)?;
    Ok(out)
}

/// A model's score up to the lead time as a column.
type AtLead = fn(&LeadScore) -> Option<f64>;

const AT_LEAD: [(&str, AtLead); 3] = [
    ("at or below q0.9", |lead| lead.coverage.get("0.9").copied()),
    ("less loss than the last value", |lead| lead.against_persistence),
    ("less loss than yesterday", |lead| lead.against_seasonal_naive),
];

fn table(models: &[ModelScore]) -> String {
    let mut levels: Vec<&String> = models.iter().flat_map(|model| model.coverage.keys()).collect();
    levels.sort();
    levels.dedup();
    let lead = models.iter().find_map(|model| model.lead.as_ref()).map(|lead| number(lead.lead_s / 60.0));
    let mut heads: Vec<String> = ["Model", "loss", "relative"].map(str::to_owned).into();
    heads.extend(levels.iter().map(|level| format!("at or below q{level}")));
    heads.extend(["peak error", "peaks at or below q0.9"].map(str::to_owned));
    heads.extend(lead.iter().flat_map(|minutes| AT_LEAD.map(|(words, _)| format!("{words}, next {minutes} min"))));
    heads.push("values".to_owned());
    let mut out = "<div class=\"wide\" role=\"region\" aria-label=\"Models\" tabindex=\"0\"><table>\n\
                   <caption>Relative: loss relative to seasonal naive's on the same origins, below 1 is better. Peak error: how far the median of the \
                   horizon's maximum was from what came (median over origins)</caption>\n<tr>"
        .to_owned();
    // Writing to a String can't fail.
    heads.iter().for_each(|head| {
        let _ = write!(out, "<th scope=\"col\">{}</th>", escaped(head));
    });
    out.push_str("</tr>\n");
    let shown = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), number);
    let percent = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |share| format!("{} %", number(share * 100.0)));
    for model in models {
        let _ = write!(out, "<tr><th scope=\"row\">{}</th>", escaped(&model.model));
        if let Some(error) = &model.error {
            let _ = writeln!(out, "<td class=\"text\" colspan=\"{}\">{}</td></tr>", heads.len() - 1, escaped(error));
            continue;
        }
        let mut cells = vec![shown(model.loss), shown(model.relative)];
        cells.extend(levels.iter().map(|level| percent(model.coverage.get(*level).copied())));
        cells.extend([percent(model.peak_error), percent(model.peaks_below_q90)]);
        if lead.is_some() {
            cells.extend(AT_LEAD.map(|(_, value)| percent(model.lead.as_ref().and_then(value))));
        }
        cells.iter().for_each(|cell| {
            let _ = write!(out, "<td>{cell}</td>");
        });
        let _ = writeln!(out, "<td>{}</td></tr>", model.points);
    }
    out + "</table></div>"
}
