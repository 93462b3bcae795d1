//! When an event begins, as people write it.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, DateTime, Time, Weekday};
use serde::{Deserialize, Serialize};

/// `09:30 mon-fri`, `20:00 sat,sun`, `06:00 daily`, or once: `2026-11-27T09:30`. Local time, without a zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct At {
    text: String,
    when: When,
}

/// A day of the calendar, `2026-11-27`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Day(pub(super) Date);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    Once(DateTime),
    /// By weekday, Monday first.
    Weekly([bool; 7], Time),
}

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const ALLOWED: &str = "a local time and its days, such as \"09:30 mon-fri\", \"20:00 sat,sun\" or \"06:00 daily\" (mon, tue, wed, thu, fri, sat, sun), \
                       or one day: \"2026-11-27T09:30\"";

impl At {
    /// The local time at which it begins on a day; `None` = not on that day.
    pub(super) fn on(&self, day: Date) -> Option<DateTime> {
        match self.when {
            When::Once(at) => Some(at).filter(|at| at.date() == day),
            When::Weekly(days, time) => days[weekday(day.weekday())].then(|| day.to_datetime(time)),
        }
    }
}

fn weekday(day: Weekday) -> usize {
    usize::from(day.to_monday_zero_offset().unsigned_abs())
}

impl FromStr for At {
    type Err = String;
    fn from_str(text: &str) -> Result<At, String> {
        let text = text.trim();
        let when = match text.split_once('T') {
            Some((day, at)) => date(day).zip(time(at)).map(|(day, at)| When::Once(day.to_datetime(at))),
            None => text.split_once(' ').and_then(|(at, named)| Some(When::Weekly(days(named.trim())?, time(at)?))),
        };
        when.map(|when| At { text: text.to_owned(), when }).ok_or_else(|| ALLOWED.to_owned())
    }
}

/// Hours and minutes, `09:30`.
fn time(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    let number = |digits: &str| if digits.len() == 2 { digits.parse::<u8>().ok() } else { None };
    Time::new(i8::try_from(number(hour)?).ok()?, i8::try_from(number(minute)?).ok()?, 0, 0).ok()
}

fn date(text: &str) -> Option<Date> {
    // The parser reads more than a date, so its length is looked at too.
    text.parse::<Date>().ok().filter(|_| text.len() == 10)
}

/// `daily`, or days and ranges of days with commas between them; a range may go round the end of the week.
fn days(text: &str) -> Option<[bool; 7]> {
    if text == "daily" {
        return Some([true; 7]);
    }
    let day = |name: &str| DAYS.iter().position(|known| *known == name.trim());
    let mut chosen = [false; 7];
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (day(first)?, day(last)?);
        for ahead in 0..=(last + 7 - first) % 7 {
            chosen[(first + ahead) % 7] = true;
        }
    }
    Some(chosen)
}

impl FromStr for Day {
    type Err = String;
    fn from_str(text: &str) -> Result<Day, String> {
        date(text).map(Day).ok_or_else(|| "a day, such as \"2026-11-27\"".to_owned())
    }
}

impl TryFrom<String> for At {
    type Error = String;
    fn try_from(text: String) -> Result<At, String> {
        text.parse()
    }
}

impl From<At> for String {
    fn from(at: At) -> String {
        at.text
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl TryFrom<String> for Day {
    type Error = String;
    fn try_from(text: String) -> Result<Day, String> {
        text.parse()
    }
}

impl From<Day> for String {
    fn from(day: Day) -> String {
        day.to_string()
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weekly(text: &str) -> String {
        match text.parse::<At>().unwrap().when {
            When::Weekly(days, time) => format!("{time} {}", days.map(|on| if on { 'x' } else { '.' }).iter().collect::<String>()),
            When::Once(at) => at.to_string(),
        }
    }

    #[test]
    fn days_are_written_one_by_one_as_ranges_and_as_all_of_them() {
        for (text, read) in [
            ("09:30 mon-fri", "09:30:00 xxxxx.."),
            ("00:00 daily", "00:00:00 xxxxxxx"),
            ("23:59 sun", "23:59:00 ......x"),
            ("20:00 mon, wed", "20:00:00 x.x...."),
            ("20:00 sat-mon,wed", "20:00:00 x.x..xx"),
            (" 2026-11-27T09:30 ", "2026-11-27T09:30:00"),
        ] {
            assert_eq!(weekly(text), read, "{text}");
        }
    }

    #[test]
    fn everything_else_is_refused_with_what_is_allowed() {
        for text in [
            "",
            "09:30",
            "9:30 mon",
            "25:61 mon",
            "24:00 daily",
            "09:30 mo",
            "09:30 mon-",
            "09:30 mon fri",
            "mon 09:30",
            "2026-02-30T09:30",
        ] {
            assert!(text.parse::<At>().unwrap_err().contains("09:30 mon-fri"), "{text}");
        }
        for text in ["2026-11-27T09:30Z", "2026-11-27T09:30:00", "2026-11-27T", "+09:30 mon", "20261127T09:30", "09:-1 mon"] {
            assert!(text.parse::<At>().is_err(), "{text}");
        }
        for text in ["", "2026-13-01", "27.11.2026", "2026-11-27T09:30"] {
            assert!(text.parse::<Day>().is_err(), "{text}");
        }
        assert_eq!("2026-11-27".parse::<Day>().unwrap().to_string(), "2026-11-27");
    }

    #[test]
    fn it_is_written_down_as_it_was_said() {
        let at: At = "09:30 mon-fri".parse().unwrap();
        let text = serde_json::to_string(&at).unwrap();
        assert_eq!(text, "\"09:30 mon-fri\"");
        assert_eq!(serde_json::from_str::<At>(&text).unwrap(), at);
        assert!(serde_json::from_str::<At>("\"25:00 mon\"").is_err());
    }
}
