//! Public holidays, by country, part of it, or exchange, and days that somebody names.
//!
//! The table is compiled in: the same file gives the same plan on every machine, and nothing is read. It comes from the Python package `holidays`
//! (`make holidays`), holds the years 1995 to 2040, and what it says of years to come is what the law says today.

mod table;

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::{Day, zone};

/// Which days aren't as their weekday: `DE`, `DE-BY` or `US-CA` for a country's or a part's public holidays, `XNYS` for an exchange's, or a day
/// of one's own with its name, `2026-12-24 company holiday`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Holidays {
    text: String,
    days: Days,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Days {
    Of { code: String, part: Option<String> },
    One { day: Day, name: String },
}

/// Spellings that are less alike weren't meant.
const ALIKE: f64 = 0.75;
/// Characters of a day's own name, at most.
const MOST_NAME: usize = 100;

impl FromStr for Holidays {
    type Err = String;
    fn from_str(text: &str) -> Result<Holidays, String> {
        let text = text.trim();
        let days = if text.starts_with(|first: char| first.is_ascii_digit()) { one(text) } else { of(text) }?;
        Ok(Holidays { text: text.to_owned(), days })
    }
}

fn one(text: &str) -> Result<Days, String> {
    let (day, name) = text.split_once(' ').unwrap_or((text, "holiday"));
    let day = day.parse().map_err(|_| Holidays::ALLOWED.to_owned())?;
    let name = name.trim();
    if name.chars().count() > MOST_NAME {
        return Err(format!("{}; the name has up to {MOST_NAME} characters", Holidays::ALLOWED));
    }
    Ok(Days::One { day, name: name.to_owned() })
}

fn of(text: &str) -> Result<Days, String> {
    let (code, part) = text.split_once('-').map_or((text, None), |(code, part)| (code, Some(part)));
    let Some(block) = table::block(code) else { return Err(format!("{}{}", Holidays::ALLOWED, meant(text))) };
    match part {
        Some(part) if !block.parts().any(|known| known == part) => {
            let known: Vec<String> = block.parts().map(|known| format!("{code}-{known}")).collect();
            Err(match (known.is_empty(), nearest(text, known.iter().map(|known| (known.as_str(), known.as_str())))) {
                (true, _) => format!("{code} ({}), which has no parts with holidays of their own", block.title),
                (false, Some(near)) => format!("{code} or one of its parts; did you mean {near}? Known are {}", known.join(", ")),
                (false, None) => format!("{code} or one of its parts: {}", known.join(", ")),
            })
        }
        part => Ok(Days::Of { code: code.to_owned(), part: part.map(str::to_owned) }),
    }
}

/// The code that was probably meant, by its own spelling or by its country's name.
fn meant(text: &str) -> String {
    let by_code = table::blocks().map(|block| (block.code, block.code));
    let by_name = table::blocks().map(|block| (block.title, block.code));
    // "UK" is what everybody says, and no code.
    let by_use =
        [("UK", "GB"), ("USA", "US"), ("England", "GB-ENG"), ("Scotland", "GB-SCT"), ("NYSE", "XNYS"), ("NASDAQ", "XNAS"), ("LSE", "XLON")];
    match nearest(text, by_use.into_iter().chain(by_name).chain(by_code)) {
        Some(code) => {
            let title = table::block(code).map_or(String::new(), |block| format!(" ({})", block.title));
            format!("; did you mean {code}{title}?")
        }
        None => String::new(),
    }
}

/// What belongs to the spelling that is most alike, the first of several.
fn nearest<'a>(text: &str, known: impl Iterator<Item = (&'a str, &'a str)>) -> Option<&'a str> {
    let text = text.to_lowercase();
    let alike = known.map(|(spelling, what)| (strsim::jaro_winkler(&text, &spelling.to_lowercase()), what));
    alike
        .fold(None, |best: Option<(f64, &str)>, one| best.filter(|best| best.0 >= one.0).or(Some(one)))
        .filter(|best| best.0 >= ALIKE)
        .map(|best| best.1)
}

impl Holidays {
    /// What may be written, for error messages.
    pub const ALLOWED: &str = "a country such as \"DE\", a part of one such as \"US-CA\", an exchange such as \"XNYS\", or a day with its name such as \
                               \"2026-12-24 company holiday\"";

    /// All that is in force on a day, and the name of each, for the days from one to another.
    fn add(&self, first: Date, last: Date, found: &mut BTreeMap<Date, Vec<String>>) {
        match &self.days {
            Days::One { day, name } if (first..=last).contains(&day.0) => found.entry(day.0).or_default().push(name.clone()),
            Days::One { .. } => {}
            Days::Of { code, part } => {
                let Some(block) = table::block(code) else { return };
                for (day, name) in block.days(part.as_deref(), first, last) {
                    found.entry(day).or_default().push(name.to_owned());
                }
            }
        }
    }
}

/// The holidays of a place whose local days lie within `[from_ms, to_ms]`, by day. Of times that no calendar has there are none.
#[must_use]
pub fn holidays(listed: &[Holidays], time_zone: &str, from_ms: i64, to_ms: i64) -> Vec<predictor::Holiday> {
    let local = |at_ms: i64| Some(Timestamp::from_millisecond(at_ms).ok()?.to_zoned(zone(time_zone)?).date());
    let (Some(first), Some(last), false) = (local(from_ms), local(to_ms), listed.is_empty()) else { return Vec::new() };
    let mut found = BTreeMap::new();
    listed.iter().for_each(|one| one.add(first, last, &mut found));
    let told = |(day, mut names): (Date, Vec<String>)| {
        names.dedup();
        Some(predictor::Holiday { day: days_since_epoch(day), name: names.join(", ") })
    };
    found.into_iter().filter_map(told).collect()
}

fn days_since_epoch(day: Date) -> i64 {
    day.to_datetime(jiff::civil::Time::midnight()).to_zoned(TimeZone::UTC).map_or(0, |at| at.timestamp().as_second().div_euclid(86_400))
}

impl TryFrom<String> for Holidays {
    type Error = String;
    fn try_from(text: String) -> Result<Holidays, String> {
        text.parse()
    }
}

impl From<Holidays> for String {
    fn from(holidays: Holidays) -> String {
        holidays.text
    }
}

impl fmt::Display for Holidays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests;
