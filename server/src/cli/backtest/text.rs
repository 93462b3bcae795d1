//! A backtest as a table and as comma-separated values.

use std::fmt::Write as _;

use super::Row;

/// For people, with the geometric means over several series below.
pub(super) fn table(rows: &[Row]) -> String {
    let width = rows.iter().map(|row| row.series.len()).max().unwrap_or(0).max("geometric mean".len()) + 2;
    let lead = rows.iter().find_map(|row| row.lead.as_ref()).map_or(0.0, |lead| lead.lead_s / 60.0);
    let mut text = format!(
        "{:<width$}{:<28}{:>10}{:>10}{:>8}{:>8}{:>8}{:>8}{:>10}{:>12}{:>12}   (skill: up to {lead} min ahead)\n",
        "series", "model", "loss", "relative", "q0.9", "q0.95", "q0.99", "peak", "peak<=q9", "skill last", "skill day"
    );
    let number = |value: Option<f64>, digits: usize| value.map_or_else(|| "–".to_owned(), |value| format!("{value:.digits$}"));
    for row in rows {
        let _ = write!(text, "{:<width$}{:<28}{:>10}{:>10}", row.series, row.model, number(row.loss, 4), number(row.relative, 4));
        row.coverage.values().for_each(|share| {
            let _ = write!(text, "{share:>8.3}");
        });
        let [persistence, naive] = skills(row);
        let _ = write!(text, "{:>8}{:>10}", number(row.peak_error, 3), number(row.peaks_below_q90, 3));
        let _ = writeln!(text, "{:>12}{:>12}", number(persistence, 3), number(naive, 3));
    }
    for (model, mean) in geometric_means(rows) {
        let _ = writeln!(text, "{:<width$}{:<28}{:>10}{:>10.4}", "geometric mean", model, "", mean);
    }
    text
}

fn skills(row: &Row) -> [Option<f64>; 2] {
    row.lead.as_ref().map_or([None, None], |lead| [lead.against_persistence, lead.against_seasonal_naive])
}

/// Of the relative losses, per model over all series; only where there are several.
pub(super) fn geometric_means(rows: &[Row]) -> Vec<(&str, f64)> {
    let mut models: Vec<&str> = Vec::new();
    for row in rows {
        if !models.contains(&row.model.as_str()) {
            models.push(&row.model);
        }
    }
    let mean = |model: &str| {
        let logs: Vec<f64> = rows.iter().filter(|row| row.model == model).filter_map(|row| row.relative.map(f64::ln)).collect();
        (logs.len() > 1).then(|| (logs.iter().sum::<f64>() / logs.len() as f64).exp())
    };
    models.into_iter().filter_map(|model| Some((model, mean(model)?))).collect()
}

/// With a header; what is unknown is empty.
pub(super) fn csv(rows: &[Row]) -> String {
    let mut text = String::from(
        "series,model,loss,relative,q0.9,q0.95,q0.99,points,peak_error,peaks_below_q90,lead_s,skill_persistence,skill_seasonal_naive\n",
    );
    let number = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
    for row in rows {
        let name = row.series.replace('"', "\"\"");
        let _ = write!(text, "\"{name}\",{},{},{}", row.model, number(row.loss), number(row.relative));
        row.coverage.values().for_each(|share| {
            let _ = write!(text, ",{share}");
        });
        let [persistence, naive] = skills(row);
        let _ = write!(text, ",{}", row.points);
        for value in [row.peak_error, row.peaks_below_q90, row.lead.as_ref().map(|lead| lead.lead_s), persistence, naive] {
            let _ = write!(text, ",{}", number(value));
        }
        text.push('\n');
    }
    text
}
