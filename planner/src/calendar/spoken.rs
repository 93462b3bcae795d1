//! Events as sentences name them.

use super::*;

impl Calendar<'_> {
    /// "event market open, 09:30–10:15 Asia/Shanghai".
    pub(crate) fn name(&self, one: &Occurrence) -> String {
        let local = |at_ms: i64| Timestamp::from_millisecond(at_ms).map(|at| at.to_zoned(self.zone.clone()));
        let (Ok(from), Ok(until)) = (local(one.from_ms), local(one.until_ms)) else { return format!("event {}", one.event.name) };
        let clock = |at: &jiff::Zoned| format!("{:02}:{:02}", at.hour(), at.minute());
        let (from_day, until_day) = if from.date() == until.date() || one.event.lasts_ms < 86_400_000 {
            (String::new(), String::new())
        } else {
            (format!("{} ", from.date()), format!("{} ", until.date()))
        };
        format!("event {}, {from_day}{}–{until_day}{} {}", one.event.name, clock(&from), clock(&until), self.place.time_zone)
    }

    /// " (event market open, 09:30–10:15 Asia/Shanghai: ×4)" with all that multiplies the load in a window; empty without any.
    pub(crate) fn multiplied(&self, from_ms: i64, to_ms: i64) -> String {
        let spoken = |one: &Occurrence| match one.uplift {
            Some(uplift) => {
                let times = if uplift.occurrences == 1 { "occurrence" } else { "occurrences" };
                let (name, highest) = (self.name(one), text::number(uplift.highest()));
                format!("{name}: up to ×{highest}, learnt from {} {times}", uplift.occurrences)
            }
            None => format!("{}: ×{}", self.name(one), text::number(one.factor(one.from_ms))),
        };
        let events: Vec<String> = self.multipliers(from_ms, to_ms).iter().map(spoken).collect();
        if events.is_empty() { String::new() } else { format!(" ({})", events.join("; ")) }
    }

    /// "event market open, 09:30–10:15 Asia/Shanghai: at least 12 replicas".
    pub(crate) fn at_least(&self, floor: u32, one: &Occurrence) -> String {
        format!("{}: at least {}", self.name(one), text::replicas(floor))
    }
}
