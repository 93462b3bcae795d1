use super::table::{FIRST_YEAR, LAST_YEAR};
use super::*;

const DAY_MS: i64 = 86_400_000;

fn listed(texts: &[&str]) -> Vec<Holidays> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

/// Days and names of one year in a place.
fn year(texts: &[&str], year: i16) -> Vec<String> {
    let at = |month: i8, day: i8| days_since_epoch(Date::constant(year, month, day)) * DAY_MS;
    let found = holidays(&listed(texts), "UTC", at(1, 1), at(12, 31));
    let day = |day: i64| Timestamp::from_second(day * 86_400).unwrap().to_zoned(TimeZone::UTC).date();
    found.iter().map(|one| format!("{} {}", day(one.day), one.name)).collect()
}

#[test]
fn a_part_of_a_country_has_holidays_of_its_own() {
    let bavaria = year(&["DE-BY"], 2026);
    for known in [
        "2026-01-06 Epiphany",
        "2026-04-03 Good Friday",
        "2026-06-04 Corpus Christi",
        "2026-10-03 German Unity Day",
        "2026-12-26 Second Day of Christmas",
    ] {
        assert!(bavaria.iter().any(|day| day == known), "{known} is not in {bavaria:?}");
    }
    let berlin = year(&["DE-BE"], 2026);
    assert!(!berlin.iter().any(|day| day.contains("Epiphany")) && berlin.iter().any(|day| day == "2026-03-08 Women's Day"), "{berlin:?}");
    assert_eq!(year(&["DE"], 2026).len(), 9, "the nine of all of Germany");
}

#[test]
fn moving_and_observed_days_are_there_in_each_year_of_the_table() {
    for (when, known) in [
        (1995, "1995-11-23 Thanksgiving Day"),
        (2014, "2014-11-27 Thanksgiving Day"),
        (2026, "2026-07-03 Independence Day (observed)"),
        (2040, "2040-11-22 Thanksgiving Day"),
    ] {
        let days = year(&["US"], when);
        assert!(days.iter().any(|day| day == known), "{known} is not in {days:?}");
    }
    assert!(year(&["US"], 1994).is_empty() && year(&["US"], 2041).is_empty(), "the table ends");
}

#[test]
fn days_of_ones_own_stand_beside_those_of_a_country() {
    let both = year(&["US", "2026-12-24 company holiday", "2026-12-25 closing"], 2026);
    assert!(both.contains(&"2026-12-24 company holiday".to_owned()), "{both:?}");
    assert!(both.contains(&"2026-12-25 Christmas Day, closing".to_owned()), "{both:?}");
    assert_eq!(year(&["2026-12-24"], 2026), ["2026-12-24 holiday"]);
    assert!(year(&["XNYS"], 2026).contains(&"2026-04-03 Good Friday".to_owned()), "an exchange");
}

#[test]
fn days_are_those_of_the_places_clocks() {
    let at = |text: &str| text.parse::<Timestamp>().unwrap().as_millisecond();
    let seen = |from: &str, to: &str| holidays(&listed(&["US"]), "America/New_York", at(from), at(to)).len();
    assert_eq!(seen("2026-07-05T03:00:00Z", "2026-07-05T03:59:00Z"), 1, "it is still the fourth of July in New York");
    assert_eq!(seen("2026-07-05T04:01:00Z", "2026-07-06T00:00:00Z"), 0);
    assert!(holidays(&listed(&["US"]), "UTC", i64::MIN, i64::MAX).is_empty(), "no calendar has these times");
}

#[test]
fn every_block_of_the_table_can_be_read() {
    assert!(table::blocks().count() > 250);
    let (first, last) = (Date::constant(FIRST_YEAR, 1, 1), Date::constant(LAST_YEAR, 12, 31));
    for block in table::blocks() {
        for part in std::iter::once(None).chain(block.parts().map(Some)) {
            let days = block.days(part, first, last);
            assert!(days.len() > 40, "{} {part:?}: {} days", block.code, days.len());
            assert!(days.iter().all(|(_, name)| !name.is_empty()));
            let text = part.map_or_else(|| block.code.to_owned(), |part| format!("{}-{part}", block.code));
            assert_eq!(text.parse::<Holidays>().map(String::from), Ok(text));
        }
    }
}

#[test]
fn what_cannot_be_meant_is_refused_with_the_nearest_spelling() {
    for (text, parts) in [
        ("Germany", ["did you mean DE (Germany)?", "\"US-CA\""]),
        ("UK", ["did you mean GB (United Kingdom)?", "\"DE\""]),
        ("de", ["did you mean DE (Germany)?", ""]),
        ("DE-BX", ["did you mean DE-BB?", "DE-SN"]),
        ("US-California", ["US-CA", "US or one of its parts"]),
        ("JP-13", ["JP (Japan), which has no parts", ""]),
        ("", ["a country such as", ""]),
        ("24.12.2026", ["2026-12-24 company holiday", ""]),
        ("2026-02-30 never", ["2026-12-24 company holiday", ""]),
    ] {
        let error = text.parse::<Holidays>().unwrap_err();
        assert!(parts.iter().all(|part| error.contains(part)), "{text}: {error}");
    }
    let stored = serde_json::to_string(&listed(&["DE-BY"])).unwrap();
    assert_eq!(stored, "[\"DE-BY\"]");
    assert!(serde_json::from_str::<Vec<Holidays>>("[\"Atlantis\"]").is_err());
}
