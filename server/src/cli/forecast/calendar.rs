//! The file of `--calendar`: what the history's place is, and what is planned there.

use std::path::Path;

use planner::calendar::Place;
use planner::{CalendarEvent, Holidays};
use serde::Deserialize;

use super::bad_input;
use crate::cli::CliError;
use crate::config::{file, planned_event};

/// What may stand in it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    time_zone: String,
    #[serde(default)]
    holidays: file::HolidayList,
    #[serde(default)]
    events: Vec<file::Event>,
}

/// The file, checked.
#[derive(Debug)]
pub(crate) struct Plan {
    time_zone: String,
    events: Vec<CalendarEvent>,
    holidays: Vec<Holidays>,
}

impl Default for Plan {
    fn default() -> Self {
        Plan { time_zone: "UTC".to_owned(), events: Vec::new(), holidays: Vec::new() }
    }
}

impl Plan {
    pub fn place(&self) -> Place<'_> {
        Place { time_zone: &self.time_zone, events: &self.events, holidays: &self.holidays }
    }
}

pub(crate) fn read(path: &Path) -> Result<Plan, CliError> {
    let named = |problem: &dyn std::fmt::Display| bad_input(format!("{}: {problem}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| named(&error))?;
    let File { time_zone, holidays, events } = toml::from_str(&text).map_err(|error| named(&error))?;
    if planner::calendar::zone(&time_zone).is_none() {
        let allowed = "a name of the IANA time zone database, such as Europe/Berlin or UTC";
        return Err(named(&format!("time_zone = {time_zone:?} is not allowed: {allowed}")));
    }
    let texts = holidays.texts();
    let holiday = |(at, text): (usize, &&str)| {
        let key = if matches!(holidays, file::HolidayList::One(_)) { "holidays".to_owned() } else { format!("holidays[{at}]") };
        text.parse().map_err(|allowed: String| named(&format!("{key} = {text:?} is not allowed: {allowed}")))
    };
    let holidays = texts.iter().enumerate().map(holiday).collect::<Result<_, _>>()?;
    let events = events.iter().enumerate().map(|(at, one)| checked(at, one).map_err(|problem| named(&problem)));
    Ok(Plan { time_zone, holidays, events: events.collect::<Result<_, _>>()? })
}

/// An event as the planner has it, or what is wrong with it.
fn checked(at: usize, written: &file::Event) -> Result<CalendarEvent, String> {
    let wrong = |key: &str, value: &dyn std::fmt::Display, allowed: &str| format!("events[{at}].{key} = {value} is not allowed: {allowed}");
    written.at.parse::<planner::At>().map_err(|allowed| wrong("at", &format!("{:?}", written.at), &allowed))?;
    for (key, day) in [("from", &written.from), ("until", &written.until)] {
        let Some(day) = day else { continue };
        day.parse::<planner::Day>().map_err(|allowed| wrong(key, &format!("{day:?}"), &allowed))?;
    }
    let known = planned_event(written).ok_or_else(|| wrong("at", &format!("{:?}", written.at), "a local time and its days"))?;
    let path = format!("events[{at}]");
    known.validate("calendar", &path).map_err(|wrong| format!("{} = {} is not allowed: {}", wrong.key, wrong.value, wrong.allowed))?;
    Ok(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_meant_is_named_with_what_is_allowed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("calendar.toml");
        let read = |text: &str| {
            std::fs::write(&path, text).unwrap();
            read(&path).map_err(|error| error.to_string())
        };
        assert_eq!(read("time_zone = \"Europe/Berlin\"").unwrap().place().time_zone, "Europe/Berlin");
        let event = |rest: &str| format!("time_zone = \"UTC\"\n[[events]]\nname = \"sale\"\n{rest}");
        assert!(read(&event("at = \"09:30 daily\"\nlasts = \"45m\"\nlearn = true")).unwrap().place().events[0].learn);
        for (rest, part) in [
            ("at = \"9 o'clock\"\nlasts = \"45m\"\nlearn = true", "events[0].at = \"9 o'clock\" is not allowed: a local time"),
            ("at = \"09:30 daily\"\nlasts = \"45m\"\nlearn = true\nmultiplier = 2", "events[0].learn = true is not allowed: false beside"),
            ("at = \"09:30 daily\"\nlasts = \"45m\"\nmultiplier = 0", "events[0].multiplier = 0 is not allowed: above 0"),
            ("at = \"09:30 daily\"\nlasts = \"45m\"", "at least one of multiplier"),
        ] {
            let error = read(&event(rest)).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
        for (text, parts) in [
            ("time_zone = \"Mars/Olympus\"", ["calendar.toml: time_zone = \"Mars/Olympus\"", "Europe/Berlin"]),
            ("time_zone = \"UTC\"\nholidays = \"Germany\"", ["holidays = \"Germany\"", "did you mean DE (Germany)?"]),
            ("time_zone = \"UTC\"\nholidays = [\"DE\", \"DE-XX\"]", ["holidays[1] = \"DE-XX\"", "DE-BY"]),
            ("timezone = \"UTC\"", ["timezone", "time_zone"]),
            ("", ["calendar.toml", "time_zone"]),
        ] {
            let error = read(text).unwrap_err();
            assert!(parts.iter().all(|part| error.contains(part)), "{error}");
        }
        let missing = super::read(&folder.path().join("none.toml")).unwrap_err().to_string();
        assert!(missing.contains("none.toml"), "{missing}");
    }
}
