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

pub(super) fn read_series(arrivals: &mut Reader, source: &dyn SeriesSource) -> Result<(Arrivals, Option<History>), ScenarioError> {
    const UNITS: &str = "\"rps\" (requests per second) or \"count\" (requests per step)";
    const GAPS: &str = "\"error\" or \"hold\" (the last known value)";
    const NOT_NEGATIVE: &str = "a finite number from 0 on in every step";
    arrivals.only(&["kind", "file", "scale", "skip", "unit", "gaps"])?;
    let file = arrivals.string("file", "a file name")?;
    let file = arrivals.required(file, "file", "a file name")?;
    let scale = arrivals.number("scale", POSITIVE, |scale| scale > 0.0)?.unwrap_or(1.0);
    let skip = arrivals.duration("skip")?.unwrap_or(Nanos(0));
    let unit = arrivals.string("unit", UNITS)?.unwrap_or("rps");
    let hold = match arrivals.string("gaps", GAPS)?.unwrap_or("error") {
        "error" => false,
        "hold" => true,
        _ => return Err(arrivals.error("gaps", GAPS)),
    };
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
    let mut last = None;
    let mut rates_rps = Vec::with_capacity(series.values.len());
    for (i, value) in series.values.iter().enumerate() {
        last = if hold { value.or(last) } else { *value };
        match last {
            // What is skipped is history up to its last gap: nothing is made up for the time before.
            None if i < skipped => rates_rps.clear(),
            Some(value) if value.is_finite() && value >= 0.0 => rates_rps.push(value * per_rps),
            Some(bad) => {
                return Err(ScenarioError::new(arrivals.name("file"), format!("\"{file}\" with {bad} in row {i}"), NOT_NEGATIVE));
            }
            None => {
                let allowed = "a series without gaps, or gaps = \"hold\" with a value before the first gap";
                return Err(ScenarioError::new(arrivals.name("file"), format!("\"{file}\" with a gap in row {i}"), allowed));
            }
        }
    }
    let known = skipped.min(series.values.len());
    let before = known.min(rates_rps.len().saturating_sub(series.values.len() - known));
    let first = known - before;
    let arriving = rates_rps.split_off(before);
    if arriving.iter().all(|rate| *rate == 0.0) {
        return Err(arrivals.error("skip", "less than the length of the series, and some load left in it"));
    }
    let start_ms = series.start_ms + (first as u64 * series.step.0 / 1_000_000) as i64;
    let history = (before > 0).then_some(History { start_ms, step: series.step, rates_rps });
    Ok((Arrivals::Series { step: series.step, rates_rps: arriving }, history))
}
