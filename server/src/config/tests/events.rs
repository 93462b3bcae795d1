//! The calendar of a service.

use expect_test::expect;

use super::{OBSERVED, parse, refused};

/// What it takes to plan, with a calendar.
fn with_events(events: &str) -> String {
    format!(
        "{OBSERVED}time_zone = \"Asia/Shanghai\"\nslo = {{ latency_ms = 500, percentile = 99 }}\ncapacity = {{ rps_per_replica = 100 }}\n\
         rails = {{ min = 2, max = 20 }}\n{events}"
    )
}

#[test]
fn events_are_read_and_shown_as_they_were_said() {
    let config = parse(&with_events(
        "[[services.events]]\nname = \"market open\"\nat = \"09:30 mon-fri\"\nlasts = \"45m\"\nmultiplier = 4.0\nfloor = 12\n\
         [[services.events]]\nname = \"sale\"\nat = \"2026-11-27T20:00\"\nlasts = \"4h\"\nceiling = 15\n\
         [[services.events]]\nname = \"season\"\nat = \"18:00 daily\"\nfrom = \"2026-12-01\"\nuntil = \"2026-12-24\"\nlasts = \"3h\"\nfloor = 5\n",
    ))
    .unwrap();
    let events = &config.services[0].events;
    assert_eq!(config.services[0].time_zone, "Asia/Shanghai");
    assert_eq!((events.len(), events[0].lasts_ms, events[0].multiplier, events[0].floor), (3, 2_700_000, Some(4.0), Some(12)));
    assert_eq!((events[1].at.to_string().as_str(), events[1].ceiling), ("2026-11-27T20:00", Some(15)));
    assert_eq!(events[2].until.map(|day| day.to_string()).as_deref(), Some("2026-12-24"));
    let learning = "[[services.events]]\nname = \"sale\"\nat = \"20:00 daily\"\nlasts = \"1h\"\nlearn = true\nceiling = 15\n";
    assert!(parse(&with_events(learning)).unwrap().services[0].events[0].learn);
    let again = parse(&config.shown_toml()).unwrap();
    assert_eq!(again.file, config.file);
    let after = parse(&config.shown_toml().replace("multiplier = 4.0", "multiplier = 3.0")).unwrap();
    let changes: Vec<String> = after.changes_since(&config).iter().map(ToString::to_string).collect();
    assert_eq!(changes, ["services.shop.events.market open.multiplier: 4.0 → 3.0"]);
}

#[test]
fn an_event_that_cannot_be_is_told_with_line_key_and_what_is_allowed() {
    refused(
        &with_events(
            r#"[[services.events]]
name = "a"
at = "09:30 mo-fri"
lasts = "45m"
floor = 12
[[services.events]]
name = "b"
at = "25:61 daily"
lasts = "8d"
multiplier = 0
[[services.events]]
name = "c"
at = "2026-02-30T09:30"
from = "tomorrow"
lasts = "0s"
"#,
        ),
        expect![[r#"
            prescale.toml can't be used (8 problems):
              prescale.toml:13: services[0].events[0].at = "09:30 mo-fri" is not allowed: a local time and its days, such as "09:30 mon-fri", "20:00 sat,sun" or "06:00 daily" (mon, tue, wed, thu, fri, sat, sun), or one day: "2026-11-27T09:30"
              prescale.toml:18: services[0].events[1].at = "25:61 daily" is not allowed: a local time and its days, such as "09:30 mon-fri", "20:00 sat,sun" or "06:00 daily" (mon, tue, wed, thu, fri, sat, sun), or one day: "2026-11-27T09:30"
              prescale.toml:19: services[0].events[1].lasts = 8d is not allowed: more than 0s, and at most 7d
              prescale.toml:20: services[0].events[1].multiplier = 0 is not allowed: a number from 0.01 to 1000
              prescale.toml:21: services[0].events[2].multiplier is missing: an event does something: at least one of multiplier, floor, ceiling and learn = true
              prescale.toml:23: services[0].events[2].at = "2026-02-30T09:30" is not allowed: a local time and its days, such as "09:30 mon-fri", "20:00 sat,sun" or "06:00 daily" (mon, tue, wed, thu, fri, sat, sun), or one day: "2026-11-27T09:30"
              prescale.toml:24: services[0].events[2].from = "tomorrow" is not allowed: a day, such as "2026-11-27"
              prescale.toml:25: services[0].events[2].lasts = 0s is not allowed: more than 0s, and at most 7d"#]],
    );
    refused(
        &with_events(
            r#"[[services.events]]
name = "d"
at = "09:30 mon"
from = "2026-12-24"
until = "2026-12-01"
lasts = "8d"
floor = 21
ceiling = 1
[[services.events]]
name = "d"
at = "09:30 mon"
lasts = "0s"
[[services.events]]
name = "e"
at = "09:30 mon"
lasts = "1h"
learn = true
floor = 12
"#,
        ),
        expect![[r#"
            prescale.toml can't be used (8 problems):
              prescale.toml:15: services[0].events[0].until = "2026-12-01" is not allowed: a day not before from = "2026-12-24"
              prescale.toml:16: services[0].events[0].lasts = 8d is not allowed: more than 0s, and at most 7d
              prescale.toml:17: services[0].events[0].floor = 21 is not allowed: from rails.min = 2 to rails.max = 20
              prescale.toml:18: services[0].events[0].ceiling = 1 is not allowed: from rails.min = 2 to rails.max = 20
              prescale.toml:19: services[0].events[1].multiplier is missing: an event does something: at least one of multiplier, floor, ceiling and learn = true
              prescale.toml:20: services[0].events[1].name = "d" is not allowed: each name once; events[0] has it already
              prescale.toml:22: services[0].events[1].lasts = 0s is not allowed: more than 0s, and at most 7d
              prescale.toml:27: services[0].events[2].learn = true is not allowed: false beside a floor: what is learnt takes its place; keep one of the two"#]],
    );
}

#[test]
fn holidays_are_one_text_or_a_list_and_come_back_as_they_were_said() {
    for (written, read) in [
        ("holidays = \"US-CA\"\n", vec!["US-CA"]),
        ("holidays = [\"DE-BY\", \"2026-12-24 company holiday\"]\n", vec!["DE-BY", "2026-12-24 company holiday"]),
        ("", vec![]),
    ] {
        let config = parse(&with_events(written)).unwrap();
        assert_eq!(config.services[0].holidays.iter().map(ToString::to_string).collect::<Vec<_>>(), read);
        assert_eq!(parse(&config.shown_toml()).unwrap().file, config.file);
    }
    refused(
        &with_events("holidays = \"Germany\"\n"),
        expect![[r#"
        prescale.toml can't be used (1 problem):
          prescale.toml:11: services[0].holidays = "Germany" is not allowed: a country such as "DE", a part of one such as "US-CA", an exchange such as "XNYS", or a day with its name such as "2026-12-24 company holiday"; did you mean DE (Germany)?"#]],
    );
    refused(
        &with_events("holidays = [\"US\", \"US-XX\", 5, \"24.12.2026\"]\n"),
        expect![[r#"
        prescale.toml can't be used (3 problems):
          prescale.toml:11: services[0].holidays[1] = "US-XX" is not allowed: US or one of its parts; did you mean US-TX? Known are US-AK, US-AL, US-AR, US-AS, US-AZ, US-CA, US-CO, US-CT, US-DC, US-DE, US-FL, US-GA, US-GU, US-HI, US-IA, US-ID, US-IL, US-IN, US-KS, US-KY, US-LA, US-MA, US-MD, US-ME, US-MI, US-MN, US-MO, US-MP, US-MS, US-MT, US-NC, US-ND, US-NE, US-NH, US-NJ, US-NM, US-NV, US-NY, US-OH, US-OK, US-OR, US-PA, US-PR, US-RI, US-SC, US-SD, US-TN, US-TX, US-UM, US-UT, US-VA, US-VI, US-VT, US-WA, US-WI, US-WV, US-WY
          prescale.toml:11: services[0].holidays[2] = 5 is not allowed: a country such as "DE", a part of one such as "US-CA", an exchange such as "XNYS", or a day with its name such as "2026-12-24 company holiday"
          prescale.toml:11: services[0].holidays[3] = "24.12.2026" is not allowed: a country such as "DE", a part of one such as "US-CA", an exchange such as "XNYS", or a day with its name such as "2026-12-24 company holiday""#]],
    );
    refused(
        &with_events("holidays = 5\n"),
        expect![[r#"
        prescale.toml can't be used (1 problem):
          prescale.toml:11: services[0].holidays = 5 is not allowed: a country such as "DE", a part of one such as "US-CA", an exchange such as "XNYS", or a day with its name such as "2026-12-24 company holiday""#]],
    );
}
