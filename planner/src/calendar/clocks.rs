//! How a zone's clocks stand against UTC, for forecasts: the predictor knows no table of zones.

use jiff::Timestamp;

use super::zone;

/// A zone's clocks between two times; `None` for a name that is no zone's. Outside of the stretch they stay as at its ends.
#[must_use]
pub fn clocks(name: &str, from_ms: i64, to_ms: i64) -> Option<predictor::Calendar> {
    let zone = zone(name)?;
    let offset_ms = |at: Timestamp| i64::from(zone.to_offset(at).seconds()) * 1_000;
    // Times that no calendar has stand for UTC: what is forecast there has no place.
    let (Ok(from), Ok(to)) = (Timestamp::from_millisecond(from_ms), Timestamp::from_millisecond(to_ms)) else {
        return Some(predictor::Calendar::default());
    };
    let changes = zone.following(from).map(|change| change.timestamp()).take_while(|at| *at <= to);
    let changes = changes.map(|at| (at.as_millisecond(), offset_ms(at))).collect();
    Some(predictor::Calendar::new(offset_ms(from), changes))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_MS: i64 = 3_600_000;
    /// 2026-03-29T01:00:00Z, when clocks go forward in Europe.
    const SPRING_MS: i64 = 1_774_746_000_000;

    #[test]
    fn the_clocks_of_berlin_go_forward_in_spring_and_those_of_shanghai_never_change() {
        let year_ms = 365 * 24 * HOUR_MS;
        let berlin = clocks("Europe/Berlin", SPRING_MS - year_ms, SPRING_MS + year_ms).unwrap();
        assert_eq!((berlin.offset_ms(SPRING_MS - 1), berlin.offset_ms(SPRING_MS)), (HOUR_MS, 2 * HOUR_MS));
        let shanghai = clocks("Asia/Shanghai", SPRING_MS - year_ms, SPRING_MS + year_ms).unwrap();
        assert_eq!(shanghai, predictor::Calendar::new(8 * HOUR_MS, Vec::new()));
        assert_eq!(clocks("UTC", 0, SPRING_MS), Some(predictor::Calendar::default()));
        assert_eq!(clocks("Mars/Olympus", 0, SPRING_MS), None);
    }
}
