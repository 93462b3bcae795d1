//! One series against the gates.

use std::{fmt, fs};

use predictor::{
    DAY_MS, ModelChoice, Request, Series,
    backtest::{self, Setup},
    boosted::Models,
    recurrent::Networks,
};

use crate::traces::Trace;

pub const HOUR_MS: i64 = 3_600_000;
pub const QUARTER_MS: i64 = HOUR_MS / 4;

/// With what is forecast.
pub struct How {
    pub model: ModelChoice,
    /// Trained models by the beginning of the names of the series that they never saw.
    pub left_out: Vec<(String, Models)>,
    /// Whether forecasts are replayed as they are issued live.
    pub issued: bool,
    /// How many services are forecast, to see what that takes; 0 for the scores.
    pub many: usize,
}

impl How {
    pub fn models(&self, name: &str) -> &Models {
        self.left_out.iter().find(|(source, _)| name.starts_with(source)).map_or_else(|| Models::shipped(), |(_, models)| models)
    }
}

/// Trained models by file name, without the ending: trees are `.bin`, networks beside them `.lstm`.
pub fn read_models(folder: &str) -> Result<Vec<(String, Models)>, String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| format!("{folder}: {error}"))? {
        let path = entry.map_err(|error| error.to_string())?.path();
        if path.extension().is_some_and(|ending| ending == "bin") {
            let problem = |error: &dyn fmt::Display| format!("{}: {error}", path.display());
            let bytes = fs::read(&path).map_err(|error| problem(&error))?;
            let models = Models::from_bytes(&bytes).map_err(|error| problem(&error))?;
            let networks = match fs::read(path.with_extension("lstm")) {
                Ok(bytes) => Networks::from_bytes(&bytes).map_err(|error| problem(&error))?,
                Err(_) => Networks::shipped(),
            };
            found.push((
                path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default(),
                models.with_networks(networks),
            ));
        }
    }
    Ok(found)
}

/// The measures of one series.
pub struct Row {
    pub name: String,
    /// Loss over a day relative to seasonal naive's.
    pub day: f64,
    /// Loss over an hour relative to seasonal naive's.
    pub hour: f64,
    /// Coverage of q.90, q.95, q.99 over a day.
    pub cover_day: [f64; 3],
    /// The same over the next ten minutes.
    pub cover_lead: [f64; 3],
    /// (q.50, q.90, actual) of the next day's maximum.
    pub maxima: Vec<(f64, f64, f64)>,
    /// Median of their relative errors.
    pub max_error: f64,
    /// One thread's time for 24 h and 1 h [ms].
    pub cpu_ms: f64,
}

impl Row {
    pub fn of(how: &How, trace: &Trace) -> Self {
        let native = &trace.series;
        let coarse = if native.step_ms() < QUARTER_MS { native.resample(QUARTER_MS).ok() } else { None };
        let daily = coarse.as_ref().unwrap_or(native);
        let score = |series: &Series, horizon_ms, origins| {
            let history_ms = if series.step_ms() >= HOUR_MS { 56 } else { 21 } * DAY_MS;
            backtest::run_with(
                series,
                &Setup { horizon_ms, origins, last: 0.3, history_ms, ..Setup::default() },
                how.model,
                how.models(&trace.name),
            )
        };
        let relative = |series, horizon_ms| score(series, horizon_ms, 10).ok().and_then(|report| report.relative()).unwrap_or(f64::NAN);
        let cover = |report: &backtest::Report| [0.9, 0.95, 0.99].map(|q| report.model.coverage(q).unwrap_or(f64::NAN));
        let (day, lead) = (score(daily, DAY_MS, 40), score(native, (HOUR_MS / 6).max(native.step_ms()), 40));
        let maxima = day.as_ref().map(|report| report.maxima.clone()).unwrap_or_default();
        Self {
            name: trace.name.clone(),
            day: relative(daily, DAY_MS),
            hour: relative(native, HOUR_MS),
            cover_day: day.as_ref().map_or([f64::NAN; 3], cover),
            cover_lead: lead.as_ref().map_or([f64::NAN; 3], cover),
            max_error: median(maxima.iter().map(|(mid, _, actual)| off(*mid, *actual)).collect()),
            maxima,
            cpu_ms: cpu_ms(how, native),
        }
    }
}

/// CPU of a forecast over 24 h (which holds the next hour at the native step), by the kernel's account of this thread; NaN where there is none.
fn cpu_ms(how: &How, series: &Series) -> f64 {
    let end_ms = series.end_ms() - series.step_ms();
    let history = series.since(end_ms - 21 * DAY_MS);
    let request = Request { model: how.model, ..Request::over(DAY_MS) };
    let runs = 8;
    let before = thread_ns();
    for i in 0..runs {
        std::hint::black_box(predictor::forecast_at(&history, end_ms - i * HOUR_MS, &request)).ok();
    }
    (thread_ns() - before) / 1e6 / runs as f64
}

/// First number of Linux's `schedstat`: nanoseconds on a processor.
fn thread_ns() -> f64 {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split_whitespace().next().and_then(|ns| ns.parse().ok()).unwrap_or(f64::NAN)
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let three = |c: &[f64; 3]| format!("{:.3}/{:.3}/{:.3}", c[0], c[1], c[2]);
        let below = mean(&self.maxima.iter().map(|(_, high, actual)| f64::from(u8::from(actual <= high))).collect::<Vec<_>>());
        let bias = median(self.maxima.iter().map(|(mid, _, actual)| mid / actual - 1.0).collect());
        write!(
            f,
            "{:<18} {:>6.3} {:>6.3} | {:^16} {:^16} | {:>6.3} {:>6.3} {:>6.3} | {:>6.2}",
            self.name,
            self.day,
            self.hour,
            three(&self.cover_day),
            three(&self.cover_lead),
            self.max_error,
            below,
            bias,
            self.cpu_ms
        )
    }
}

/// |predicted − actual| as a share of the actual.
pub fn off(predicted: f64, actual: f64) -> f64 {
    if actual > 0.0 { (predicted / actual - 1.0).abs() } else { predicted.min(1.0) }
}

pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

pub fn geometric_mean(values: &[f64]) -> f64 {
    (values.iter().map(|v| v.ln()).sum::<f64>() / values.len() as f64).exp()
}

pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
