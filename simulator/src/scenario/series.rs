//! Series files as arrivals, and what lies before them as history.

use balancer::Nanos;

use super::parse::POSITIVE;
use super::{Arrivals, History, Reader, ScenarioError};

/// Brings series files: the crate itself reads no files.
pub trait SeriesSource {
    /// The series behind the name that the scenario gives.
    ///
    /// # Errors
    /// A sentence that says what is wrong with the file.
    fn load(&self, file: &str) -> Result<SeriesData, String>;

    /// The times of a request log [s], in the order of its rows.
    ///
    /// # Errors
    /// A sentence that says what is wrong with the file.
    fn load_log(&self, file: &str) -> Result<Vec<f64>, String> {
        Err(format!("there are no request logs here, so {file} can't be read"))
    }
}

/// A series as read from a file: one value per step, gaps as `None`.
#[derive(Debug, Clone, PartialEq)]
pub struct SeriesData {
    /// Time of the first value [epoch ms].
    pub start_ms: i64,
    /// Length of a step.
    pub step: Nanos,
    /// One value per step.
    pub values: Vec<Option<f64>>,
}

/// For callers without files: every name is refused.
impl SeriesSource for () {
    fn load(&self, file: &str) -> Result<SeriesData, String> {
        Err(format!("there is nowhere to read {file} from"))
    }
}

/// A stretch of a series file, as it arrives.
struct Piece {
    step: Nanos,
    /// What lies before it, from this time on [epoch ms].
    before: Vec<f64>,
    before_ms: i64,
    rates_rps: Vec<f64>,
}

pub(super) fn read_series(arrivals: &mut Reader, source: &dyn SeriesSource) -> Result<(Arrivals, Option<History>), ScenarioError> {
    arrivals.only(&["kind", "file", "scale", "skip", "lasts", "stretch", "unit", "gaps", "splice"])?;
    let mut whole = read_piece(arrivals, source)?;
    for mut reader in arrivals.tables("splice")? {
        reader.only(&["file", "scale", "skip", "lasts", "stretch", "unit", "gaps"])?;
        let piece = read_piece(&mut reader, source)?;
        if piece.step != whole.step {
            let value = format!("{} with a step of {}", reader.error("file", "").value, piece.step);
            return Err(ScenarioError::new(
                reader.name("file"),
                value,
                format!("a series with a step of {}, like the one before", whole.step),
            ));
        }
        reader.finish()?;
        whole.rates_rps.extend(piece.rates_rps);
    }
    let Piece { step, before, before_ms, rates_rps } = whole;
    let history = (!before.is_empty()).then_some(History { start_ms: before_ms, step, rates_rps: before });
    Ok((Arrivals::Series { step, rates_rps }, history))
}

fn read_piece(arrivals: &mut Reader, source: &dyn SeriesSource) -> Result<Piece, ScenarioError> {
    const UNITS: &str = "\"rps\" (requests per second) or \"count\" (requests per step)";
    const STRETCH: &str = "a number above 0, at most 1000";
    let file = arrivals.string("file", "a file name")?;
    let file = arrivals.required(file, "file", "a file name")?;
    let scale = arrivals.number("scale", POSITIVE, |scale| scale > 0.0)?.unwrap_or(1.0);
    let skip = arrivals.duration("skip")?.unwrap_or(Nanos(0));
    let lasts = arrivals.duration("lasts")?;
    let stretch = arrivals.number("stretch", STRETCH, |stretch| stretch > 0.0 && stretch <= 1e3)?.unwrap_or(1.0);
    let unit = arrivals.string("unit", UNITS)?.unwrap_or("rps");
    let series = source.load(file).map_err(|reason| ScenarioError::new(arrivals.name("file"), format!("\"{file}\""), reason))?;
    if series.step.0 == 0 {
        return Err(arrivals.error("file", "a series with a step above 0"));
    }
    let per_rps = match unit {
        "rps" => scale,
        "count" => scale / crate::units::as_s(series.step.0),
        _ => return Err(arrivals.error("unit", UNITS)),
    };
    let skipped = usize::try_from(skip.0 / series.step.0).unwrap_or(usize::MAX);
    let mut rates_rps = read_rates(arrivals, file, &series, skipped)?;
    rates_rps.iter_mut().for_each(|rate| *rate *= per_rps);
    let known = skipped.min(series.values.len());
    let before = known.min(rates_rps.len().saturating_sub(series.values.len() - known));
    let first = known - before;
    let mut arriving = rates_rps.split_off(before);
    if let Some(lasts) = lasts {
        arriving.truncate(usize::try_from(lasts.0 / series.step.0).unwrap_or(usize::MAX));
    }
    if arriving.iter().all(|rate| *rate == 0.0) {
        return Err(match lasts {
            Some(_) => arrivals.error("lasts", "a step of the series or longer, with some load in it"),
            None => arrivals.error("skip", "less than the length of the series, and some load left in it"),
        });
    }
    let before_ms = series.start_ms + (first as u64 * series.step.0 / 1_000_000) as i64;
    // The rate stays, the time goes by more slowly; what came before is as it was.
    let step = Nanos((libm::round(series.step.0 as f64 * stretch) as u64).max(1));
    if step != series.step {
        rates_rps.clear();
    }
    Ok(Piece { step, before: rates_rps, before_ms, rates_rps: arriving })
}

/// The values of a series without its gaps.
fn read_rates(arrivals: &mut Reader, file: &str, series: &SeriesData, skipped: usize) -> Result<Vec<f64>, ScenarioError> {
    const GAPS: &str = "\"error\" or \"hold\" (the last known value)";
    const NOT_NEGATIVE: &str = "a finite number from 0 on in every step";
    let hold = match arrivals.string("gaps", GAPS)?.unwrap_or("error") {
        "error" => false,
        "hold" => true,
        _ => return Err(arrivals.error("gaps", GAPS)),
    };
    let mut last = None;
    let mut rates = Vec::with_capacity(series.values.len());
    for (i, value) in series.values.iter().enumerate() {
        last = if hold { value.or(last) } else { *value };
        match last {
            // What is skipped is history up to its last gap: nothing is made up for the time before.
            None if i < skipped => rates.clear(),
            Some(value) if value.is_finite() && value >= 0.0 => rates.push(value),
            Some(bad) => {
                return Err(ScenarioError::new(arrivals.name("file"), format!("\"{file}\" with {bad} in row {i}"), NOT_NEGATIVE));
            }
            None => {
                let allowed = "a series without gaps, or gaps = \"hold\" with a value before the first gap";
                return Err(ScenarioError::new(arrivals.name("file"), format!("\"{file}\" with a gap in row {i}"), allowed));
            }
        }
    }
    Ok(rates)
}
