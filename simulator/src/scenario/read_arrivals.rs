//! `[workload]`'s `arrivals`.

use balancer::Nanos;

use super::arrivals::{MOST_LOGGED, offsets};
use super::parse::POSITIVE;
use super::read_pool::read_service;
use super::series::{SeriesSource, read_series};
use super::{Arrivals, History, RatePhase, Reader, ScenarioError};

const KINDS: &str = "\"poisson\", \"constant\", \"trace\" (a series file; also called \"series\"), \"sinusoid\", \"mmpp\", \"flash\", \
     \"log\" (a request log) or \"closed\"";

pub(super) fn read_arrivals(workload: &mut Reader, source: &dyn SeriesSource) -> Result<(Arrivals, Option<History>), ScenarioError> {
    let arrivals = workload.table("arrivals")?;
    let mut arrivals = workload.required(arrivals, "arrivals", "a table like { kind = \"poisson\", rate_rps = 6.4 }")?;
    let kind = arrivals.string("kind", KINDS)?;
    let kind = arrivals.required(kind, "kind", KINDS)?;
    let read = match kind {
        "poisson" | "constant" => {
            arrivals.only(&["kind", "rate_rps"])?;
            let rate_rps = rate(&mut arrivals, "rate_rps")?;
            if kind == "poisson" { Arrivals::Poisson { rate_rps } } else { Arrivals::Constant { rate_rps } }
        }
        "trace" | "series" => {
            let read = read_series(&mut arrivals, source)?;
            arrivals.finish()?;
            return Ok(read);
        }
        "sinusoid" => read_sinusoid(&mut arrivals)?,
        "mmpp" => read_mmpp(&mut arrivals)?,
        "flash" => read_flash(&mut arrivals)?,
        "log" => read_log(&mut arrivals, source)?,
        "closed" => read_closed(&mut arrivals)?,
        _ => return Err(arrivals.error("kind", KINDS)),
    };
    arrivals.finish()?;
    Ok((read, None))
}

fn rate(arrivals: &mut Reader, key: &'static str) -> Result<f64, ScenarioError> {
    let rate = arrivals.number(key, POSITIVE, |rate| rate > 0.0)?;
    arrivals.required(rate, key, POSITIVE)
}

fn length(arrivals: &mut Reader, key: &'static str) -> Result<Nanos, ScenarioError> {
    let length = arrivals.duration(key)?.filter(|length| length.0 > 0);
    arrivals.required(length, key, "a duration above 0")
}

fn read_sinusoid(arrivals: &mut Reader) -> Result<Arrivals, ScenarioError> {
    const SHARE: &str = "a share of the mean from 0 to 1";
    arrivals.only(&["kind", "rate_rps", "amplitude", "period"])?;
    let rate_rps = rate(arrivals, "rate_rps")?;
    let amplitude = arrivals.number("amplitude", SHARE, |share| (0.0..=1.0).contains(&share))?;
    let amplitude = arrivals.required(amplitude, "amplitude", SHARE)?;
    Ok(Arrivals::Sinusoid { rate_rps, amplitude, period: length(arrivals, "period")? })
}

fn read_mmpp(arrivals: &mut Reader) -> Result<Arrivals, ScenarioError> {
    const RATE: &str = "a number from 0 on";
    arrivals.only(&["kind", "phases"])?;
    let mut phases = Vec::new();
    for mut phase in arrivals.tables("phases")? {
        phase.only(&["rate_rps", "mean"])?;
        let rate = phase.number("rate_rps", RATE, |rate| rate >= 0.0)?;
        let rate_rps = phase.required(rate, "rate_rps", RATE)?;
        let mean = length(&mut phase, "mean")?;
        phase.finish()?;
        phases.push(RatePhase { rate_rps, mean });
    }
    if phases.iter().all(|phase| phase.rate_rps == 0.0) {
        return Err(arrivals.error("phases", "tables like { rate_rps = 5.0, mean = \"30s\" }, one with a rate above 0"));
    }
    Ok(Arrivals::Mmpp { phases })
}

fn read_flash(arrivals: &mut Reader) -> Result<Arrivals, ScenarioError> {
    arrivals.only(&["kind", "rate_rps", "peak_rps", "at", "ramp", "hold", "decay"])?;
    let (rate_rps, peak_rps) = (rate(arrivals, "rate_rps")?, rate(arrivals, "peak_rps")?);
    let at = arrivals.duration("at")?;
    let at = arrivals.required(at, "at", crate::units::DURATION_FORM)?;
    let ramp = arrivals.duration("ramp")?.unwrap_or(Nanos(0));
    let decay = arrivals.duration("decay")?.unwrap_or(ramp);
    Ok(Arrivals::Flash { rate_rps, peak_rps, at, ramp, hold: length(arrivals, "hold")?, decay })
}

fn read_log(arrivals: &mut Reader, source: &dyn SeriesSource) -> Result<Arrivals, ScenarioError> {
    const OFFSETS: &str = "a request log with ascending offsets in seconds, spanning at most 100 years";
    const SCALE: &str = "a number above 0, at most 1000";
    arrivals.only(&["kind", "file", "scale", "stretch"])?;
    let file = arrivals.string("file", "a file name")?;
    let file = arrivals.required(file, "file", "a file name")?;
    let scale = arrivals.number("scale", SCALE, |scale| scale > 0.0 && scale <= 1e3)?.unwrap_or(1.0);
    let stretch = arrivals.number("stretch", SCALE, |stretch| stretch > 0.0 && stretch <= 1e3)?.unwrap_or(1.0);
    let seconds = source.load_log(file).map_err(|reason| ScenarioError::new(arrivals.name("file"), format!("\"{file}\""), reason))?;
    if seconds.is_empty() {
        return Err(ScenarioError::new(arrivals.name("file"), format!("\"{file}\" with no requests"), OFFSETS));
    }
    if seconds.len() as f64 * scale > MOST_LOGGED as f64 {
        let value = format!("\"{file}\" with {} requests, times {scale}", seconds.len());
        return Err(ScenarioError::new(arrivals.name("file"), value, format!("at most {MOST_LOGGED} requests")));
    }
    if let Some(row) = seconds.windows(2).position(|pair| pair[1].is_nan() || pair[1] < pair[0]) {
        let value = format!("\"{file}\" with {} after {} in row {}", seconds[row + 1], seconds[row], row + 1);
        return Err(ScenarioError::new(arrivals.name("file"), value, OFFSETS));
    }
    let at_ns = offsets(&seconds, scale, stretch).filter(|at_ns| !at_ns.is_empty());
    let at_ns = at_ns.ok_or_else(|| ScenarioError::new(arrivals.name("file"), format!("\"{file}\""), OFFSETS))?;
    Ok(Arrivals::Log { at_ns })
}

fn read_closed(arrivals: &mut Reader) -> Result<Arrivals, ScenarioError> {
    const SESSIONS: &str = "a whole number from 1 to 1000000";
    arrivals.only(&["kind", "sessions", "think"])?;
    let sessions = arrivals.integer("sessions", 1, 1_000_000)?;
    let sessions = arrivals.required(sessions, "sessions", SESSIONS)? as u32;
    let think = arrivals.table("think")?;
    let think = read_service(arrivals.required(think, "think", "a table like { dist = \"exponential\", mean_ms = 5000.0 }")?)?;
    Ok(Arrivals::Closed { sessions, think })
}
