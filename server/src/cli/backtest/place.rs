//! By whose clocks and holidays models are scored, and at which origins.

use predictor::backtest::Setup;
use predictor::{Calendar, DAY_MS, Series};

use crate::cli::forecast::calendar::Plan;
use crate::cli::{CliError, parse_time};

/// The origins that are asked for in place of evenly spread ones.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum At {
    /// These times [epoch ms].
    Times(Vec<i64>),
    /// The begin of each holiday, by the clocks of the calendar.
    Holidays,
    /// The end of each.
    AfterHolidays,
}

pub(super) fn parse_at(text: &str) -> Result<At, String> {
    match text {
        "holidays" => Ok(At::Holidays),
        "after-holidays" => Ok(At::AfterHolidays),
        times => times.split(',').map(|time| parse_time(time.trim())).collect::<Result<_, _>>().map(At::Times).map_err(|error| {
            format!("{error}; allowed: times separated by commas, holidays (the begin of each), or after-holidays (its end)")
        }),
    }
}

/// Less history before a holiday than a week and a day shows no Sunday beside its weekday.
const LEAST_MS: i64 = 8 * DAY_MS;

/// The setup with the clocks, the holidays and the origins.
///
/// # Errors
/// [`CliError::BadInput`] for origins at holidays that the calendar doesn't have in the series.
pub(super) fn at_place(setup: Setup, series: &Series, plan: &Plan, at: Option<&At>) -> Result<Setup, CliError> {
    let (from_ms, to_ms) = (series.start_ms(), series.end_ms() + setup.horizon_ms);
    let place = plan.place();
    let clocks = planner::calendar::clocks(place.time_zone, from_ms, to_ms).unwrap_or_default();
    let holidays = planner::calendar::holidays(place.holidays, place.time_zone, from_ms, to_ms);
    // Members are judged on some days before.
    let least_ms = from_ms + LEAST_MS.max(2 * DAY_MS + setup.horizon_ms);
    let begins = |later: i64| {
        let found = holidays.iter().map(|holiday| midnight(&clocks, holiday.day + later));
        found.filter(|at_ms| *at_ms >= least_ms && at_ms + setup.horizon_ms < series.end_ms()).collect()
    };
    let at_ms: Vec<i64> = match at {
        None => Vec::new(),
        Some(At::Times(times)) => times.clone(),
        Some(At::Holidays) => begins(0),
        Some(At::AfterHolidays) => begins(1),
    };
    if at.is_some() && at_ms.is_empty() {
        return Err(CliError::BadInput(
            "--at holidays: the calendar (--calendar FILE with `holidays`) has none within the series, more than a week after its begin"
                .to_owned(),
        ));
    }
    Ok(Setup { calendar: clocks.clone().with_holidays(holidays), at_ms, ..setup })
}

/// When a day begins by the clocks.
fn midnight(clocks: &Calendar, day: i64) -> i64 {
    let local_ms = day * DAY_MS;
    local_ms - clocks.offset_ms(local_ms - clocks.offset_ms(local_ms))
}
