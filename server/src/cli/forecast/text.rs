//! Forecasts as a table and as CSV.

use std::fmt::Write as _;

use predictor::{Explanation, Mix};

use super::Line;
use crate::cli::show_time;

/// Members of a mix that a person wants to know.
const TOP_MEMBERS: usize = 3;
/// Rows of a table that a person reads.
const TABLE_ROWS: usize = 24;

pub(super) fn csv(lines: &[Line]) -> String {
    let mut text = String::from("series,origin,ts,mean");
    for level in lines.first().into_iter().flat_map(|line| line.points.names.iter()) {
        let _ = write!(text, ",q{level}");
    }
    text.push('\n');
    for line in lines {
        // A name may hold a comma or a quote.
        let name = line.series.replace('"', "\"\"");
        for point in &line.points.points {
            let _ = write!(text, "\"{name}\",{},{},{}", line.origin, show_time(point.ts_ms), point.mean);
            point.q.iter().for_each(|value| {
                let _ = write!(text, ",{value}");
            });
            text.push('\n');
        }
    }
    text
}

pub(super) fn table(line: &Line) -> String {
    let points = &line.points.points;
    let every = points.len().div_ceil(TABLE_ROWS).max(1);
    let basis = line.basis.map_or(String::new(), |basis| format!(", basis {}", basis.name()));
    let mut text = format!("{} at {}, {} points of history, model {}{basis}\n", line.series, line.origin, line.history_points, line.model);
    if every > 1 {
        let _ = writeln!(text, "one in {every} of {} points (--format csv prints all)", points.len());
    }
    let _ = write!(text, "{:<21}{:>12}", "time", "mean");
    line.points.names.iter().for_each(|level| {
        let _ = write!(text, "{:>12}", format!("q{level}"));
    });
    text.push('\n');
    for point in points.iter().skip(every - 1).step_by(every) {
        let _ = write!(text, "{:<21}{:>12.2}", show_time(point.ts_ms), point.mean);
        row(&mut text, &point.q);
    }
    for (window, max) in &line.max {
        let _ = write!(text, "{:<21}{:>12}", format!("highest of {window}"), "");
        row(&mut text, &max.q.values);
    }
    for (window, max) in &line.max {
        let _ = writeln!(text, "highest of {window}: about {}, as likely as not from {} to {}", max.at, max.from, max.to);
    }
    if let Some(predictor::BeyondHistory { highest, bound, reached, points }) = line.beyond_history.as_deref() {
        let place = if *points == 0 { "for the highest of the horizon".to_owned() } else { format!("at {points} points") };
        let _ = writeln!(
            text,
            "beyond history: up to {reached:.2} {place}, cut off at {bound:.2}: {} times the highest load of the history ({highest:.2})",
            predictor::MOST_TIMES
        );
    }
    let members: Vec<String> =
        line.members.iter().filter(|m| m.weight >= 0.005).map(|m| format!("{} {:.0} %", m.name, m.weight * 100.0)).collect();
    let _ = writeln!(text, "members: {}", members.join(", "));
    why(&mut text, &line.explanation);
    for uplift in &line.learnt {
        let (event, occurrences, highest) = (&uplift.event, uplift.occurrences, uplift.highest());
        let _ = match occurrences {
            0 => writeln!(text, "event {event}: nothing learnt, no earlier occurrence in the history"),
            _ => writeln!(text, "event {event}: up to ×{highest:.2}, learnt from {occurrences} in the history"),
        };
    }
    for note in &line.cleaning {
        let _ = writeln!(text, "cleaning: {} ({} to {})", note.note, note.first, note.last);
    }
    text
}

fn row(text: &mut String, q: &[f64]) {
    for value in q {
        let _ = write!(text, "{value:>12.2}");
    }
    text.push('\n');
}

/// Who was listened to, whether a flash crowd is followed, and what the quantiles rest on. A cold start has nothing to say here.
fn why(text: &mut String, explanation: &Explanation) {
    for (part, mix) in [("next hour", &explanation.near), ("the rest", &explanation.far)] {
        if let Some(mix) = mix {
            let _ = writeln!(text, "why, {part}: {}", reasons(mix));
        }
    }
    for holiday in &explanation.holidays {
        let predictor::ExpectedHoliday { date, name, factor, earlier } = holiday;
        let from = match earlier {
            0 => "from Sundays and other holidays".to_owned(),
            1 => "from an earlier one and Sundays".to_owned(),
            times => format!("from {times} earlier ones and Sundays"),
        };
        let _ = writeln!(text, "why: {date} is a holiday, {name}: ×{factor} on average, {from}");
    }
    match explanation.crowd {
        0.0 => {}
        1.0 => text.push_str("why, next hour: a flash crowd is followed in place of the members\n"),
        belief => {
            let _ = writeln!(text, "why, next hour: a flash crowd is possible ({:.0} %): the upper quantiles follow it", belief * 100.0);
        }
    }
}

fn reasons(mix: &Mix) -> String {
    let mut members: Vec<_> = mix.members.iter().filter_map(|member| Some((member, member.loss?))).collect();
    members.sort_by(|one, other| other.0.weight.total_cmp(&one.0.weight));
    let origins = members.iter().map(|(member, _)| member.origins).max().unwrap_or(0);
    let told = members.iter().take(TOP_MEMBERS).map(|(m, loss)| format!("{} {:.0} % (loss {loss:.2})", m.name, m.weight * 100.0));
    let told = told.collect::<Vec<_>>().join(", ");
    let Mix { residuals, effective_residuals, .. } = mix;
    format!("{told}, judged at {origins} past origins; quantiles from {residuals} past errors, worth {effective_residuals} of equal weight")
}
