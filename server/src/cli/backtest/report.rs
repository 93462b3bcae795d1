//! A backtest as one HTML file that needs nothing else, in the words and charts of a job's report.

use std::fmt::Write as _;

use super::Row;
use crate::api::dto::ModelScore;
use crate::jobs::report::{escaped, number, page, scores};

/// One section a series, in the order in which they were given, after what holds for all of them.
pub(super) fn html(rows: &[Row], how: &str) -> Result<String, String> {
    let mut body = format!("<h1>Backtest</h1>\n<p class=\"about\">{}</p>\n", escaped(how));
    let means = super::geometric_means(rows);
    if !means.is_empty() {
        body += "<h2>All series</h2>\n<ul>\n";
        for (model, mean) in means {
            // Writing to a String can't fail.
            let _ = writeln!(body, "<li>{}: {} of seasonal naive's loss (geometric mean)</li>", escaped(model), number(mean));
        }
        body += "</ul>\n";
    }
    for of_series in rows.chunk_by(|one, next| one.series == next.series) {
        let models: Vec<ModelScore> = of_series.iter().map(Row::score).collect();
        body += &scores(&of_series[0].series, &models)?;
    }
    Ok(page("Backtest", &body))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::dto::LeadScore;

    #[test]
    fn the_file_says_every_figure_of_every_series_and_nothing_of_a_name_is_html() {
        let row = |series: &str, relative| Row {
            series: series.to_owned(),
            model: "auto".to_owned(),
            loss: Some(0.0851),
            relative,
            coverage: [("0.9".to_owned(), 0.926)].into(),
            peak_error: Some(0.077),
            peaks_below_q90: Some(0.875),
            lead: Some(LeadScore {
                lead_s: 600.0,
                loss: Some(0.02),
                coverage: [("0.9".to_owned(), 0.911)].into(),
                against_persistence: Some(0.31),
                against_seasonal_naive: Some(-0.045),
            }),
            points: 960,
        };
        let text = html(&[row("a<b>", Some(0.49)), row("c", Some(0.6))], "10 origins & more").unwrap();
        for part in
            ["a&lt;b&gt;", "0.0851", "0.49", "92.6 %", "7.7 %", "87.5 %", "31 %", "-4.5 %", "10 min", "10 origins &amp; more", "960"]
        {
            assert!(text.contains(part), "{part} is missing in {text}");
        }
        assert!(text.contains("0.542 of seasonal naive&#39;s loss") || text.contains("0.542 of seasonal naive's loss"), "{text}");
        let foreign = text.replace("http://www.w3.org/2000/svg", "");
        assert!(["a<b>", "<script", "http://", "https://", "url("].iter().all(|part| !foreign.contains(part)), "{text}");
        // Loss and skill of each of the two series.
        assert_eq!(text.matches("<svg role=\"img\"").count(), 4);
    }

    #[test]
    fn without_a_relative_loss_there_is_a_table_and_no_chart() {
        let text = html(&[Row { series: "quiet".to_owned(), ..Row::default() }], "").unwrap();
        assert!(text.contains("<table>") && !text.contains("<svg"), "{text}");
    }
}
