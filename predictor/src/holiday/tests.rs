use super::*;

#[test]
fn days_are_written_as_people_write_them() {
    for (day, text) in [(0, "1970-01-01"), (-1, "1969-12-31"), (11_016, "2000-02-29"), (20_812, "2026-12-25"), (2_932_896, "9999-12-31")] {
        assert_eq!(date(day), text);
    }
}

/// Four weeks of hours from a Monday on: 400 on weekdays, 100 on Sundays and on the holidays among `free`.
fn weeks(free: &[i64]) -> Series {
    let load = |hour: i64| {
        let day = hour.div_euclid(24);
        if free.contains(&day) || (day + 3).rem_euclid(7) == 6 { 100.0 } else { 400.0 }
    };
    let start_hour = 4 * 24;
    Series::try_new((start_hour + 1) * HOUR_MS, HOUR_MS, (0..28 * 24).map(|i| Some(load(start_hour + i))).collect()).unwrap()
}

fn holiday(day: i64, name: &str) -> Holiday {
    Holiday { day, name: name.to_owned() }
}

#[test]
fn a_past_holiday_is_taken_out_and_what_is_left_is_the_usual_load() {
    // The second Thursday.
    let mut series = weeks(&[14]);
    let whole = series.clone();
    let effects = Effects::take_out(&whole, &mut series, &[holiday(14, "one")], 50.0, 32 * DAY_MS);
    for i in 0..series.len() {
        let middle_ms = series.timestamp_ms(i) - HOUR_MS / 2;
        let usual = weeks(&[]).value(i).unwrap();
        assert!((series.value(i).unwrap() / usual - 1.0).abs() < 1e-9, "hour {i}: {:?} for {usual}", series.value(i));
        assert_eq!(effects.holds(middle_ms), middle_ms.div_euclid(DAY_MS) == 14);
    }
    let judged = effects.left_out(&series).unwrap();
    assert_eq!(judged.observed(), series.observed() - 24, "nobody is judged on that day");
}

#[test]
fn a_holiday_to_come_is_between_its_weekday_and_a_sunday_until_it_was_seen_once() {
    let share = |free: &[i64], names: &[(i64, &str)]| {
        let mut series = weeks(free);
        let whole = series.clone();
        let holidays: Vec<Holiday> = names.iter().map(|(day, name)| holiday(*day, name)).collect();
        let effects = Effects::take_out(&whole, &mut series, &holidays, 50.0, 34 * DAY_MS);
        let sunday = libm::log1p(100.0 / 50.0) - libm::log1p(400.0 / 50.0);
        (effects.at(32 * DAY_MS + 18 * HOUR_MS).0 / sunday, effects.told().first().map_or(9, |told| told.earlier))
    };
    let (first, earlier) = share(&[], &[(32, "new")]);
    assert!((0.55..0.65).contains(&first) && earlier == 0, "{first}");
    let (after_another, _) = share(&[14], &[(14, "other"), (32, "new")]);
    assert!(after_another > first + 0.05, "another holiday was as a Sunday: {after_another}");
    let (after_a_working_one, _) = share(&[], &[(14, "other"), (32, "new")]);
    assert!(after_a_working_one < first - 0.05, "another holiday was as any day: {after_a_working_one}");
    let (again, earlier) = share(&[14], &[(14, "new"), (32, "new (observed)")]);
    assert!(again > 0.85 && earlier == 1, "{again}");
}
