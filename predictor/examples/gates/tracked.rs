//! Forecasts as they are issued live, every ten minutes of the last 30 %: made anew each hour and updated between, with and without the record
//! of what they were worth.

use predictor::{Calendar, DAY_MS, Fitted, Forecast, Request, Series, Tracker, boosted::Models, fit, score::Tally};
use rayon::prelude::*;

use crate::measure::{HOUR_MS, How, geometric_mean, mean};
use crate::traces::Trace;

const LEVELS: [f64; 4] = [0.5, 0.9, 0.95, 0.99];
const EVERY_MS: i64 = 600_000;
/// Leads that are scored: (name, from, to) [ms], both ends included.
const LEADS: [(&str, i64, i64); 4] =
    [("10 min", 600_000, 600_000), ("1 h", 0, HOUR_MS), ("1 to 6 h", HOUR_MS + 1, 6 * HOUR_MS), ("6 to 24 h", 6 * HOUR_MS + 1, DAY_MS)];

/// Prints coverage and loss per lead: anew each time, updated, and tracked.
pub fn report(how: &How, traces: &[Trace]) {
    let rows: Vec<Vec<Scores>> = traces.par_iter().map(|trace| replay(&trace.series, how.models(&trace.name))).collect();
    println!("issued every 10 min       loss against made anew   coverage q.90/q.95/q.99   farthest series");
    for (at, (lead, ..)) in LEADS.iter().enumerate() {
        for (how, name) in ["made anew", "updated", "updated and tracked"].iter().enumerate() {
            let loss: Vec<f64> = rows.iter().filter_map(|row| Some(row[how][at].loss()? / row[0][at].loss()?)).collect();
            let cover = |level: f64| rows.iter().filter_map(|row| row[how][at].coverage(level)).collect::<Vec<f64>>();
            let all = [0.9, 0.95, 0.99].map(|level| (level, cover(level)));
            let far = all.iter().flat_map(|(level, found)| found.iter().map(move |cover| (cover - level).abs())).fold(0.0, f64::max);
            let [a, b, c] = all.map(|(_, found)| mean(&found));
            println!("{lead:<10} {name:<20} {:.4}      {a:.3}/{b:.3}/{c:.3}      {far:.3}", geometric_mean(&loss));
        }
    }
}

/// One tally per lead.
type Scores = [Tally; 4];

fn replay(series: &Series, models: &Models) -> Vec<Scores> {
    let calendar = Calendar::default();
    let mut scores: Vec<Scores> = (0..3).map(|_| LEADS.map(|_| Tally::new(&LEVELS))).collect();
    let mut fitted: Option<Fitted> = None;
    let mut tracker = Tracker::default();
    let request = Request { quantiles: LEVELS.to_vec(), ..Request::over(DAY_MS) };
    let every = (EVERY_MS / series.step_ms()).max(1) as usize;
    for origin in (series.len() * 7 / 10..series.len()).step_by(every) {
        let origin_ms = series.timestamp_ms(origin);
        let known = series.until(origin_ms).since(origin_ms - 21 * DAY_MS);
        let Ok((anew, new)) = fit(&known, origin_ms, &request, &calendar, models) else { continue };
        let kept = fitted.take().filter(|fitted| origin_ms - fitted.at_ms() < HOUR_MS);
        let (updated, kept) = match kept.and_then(|kept| Some((kept.update(&known, origin_ms, &calendar, models)?, kept))) {
            Some((updated, kept)) => (updated, Some(kept)),
            None => (anew.clone(), new),
        };
        fitted = kept;
        let mut tracked = updated.clone();
        tracker.judge(&known, origin_ms);
        tracker.follow(&mut tracked);
        for (scores, forecast) in scores.iter_mut().zip([anew, updated, tracked]) {
            add(scores, series, origin, &forecast);
        }
    }
    scores
}

fn add(scores: &mut Scores, series: &Series, origin: usize, forecast: &Forecast) {
    for (i, point) in forecast.points.iter().enumerate() {
        let lead_ms = (i as i64 + 1) * forecast.step_ms;
        let Some(actual) = (origin + 1 + i < series.len()).then(|| series.value(origin + 1 + i)).flatten() else { continue };
        for ((_, from_ms, to_ms), tally) in LEADS.iter().zip(scores.iter_mut()) {
            // A lead shorter than a step is the first step.
            if (*from_ms..=(*to_ms).max(forecast.step_ms)).contains(&lead_ms) {
                tally.add(actual, &point.q);
            }
        }
    }
}
