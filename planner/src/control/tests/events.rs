//! Events of the calendar in decisions.

use expect_test::expect;
use proptest::prelude::*;

use super::decisions::check;
use super::*;

const MIN: i64 = 60_000;
const DAY: i64 = 86_400_000;

/// It is 22:00 UTC, 06:00 in Shanghai.
fn event(at: &str) -> CalendarEvent {
    CalendarEvent {
        name: "market open".into(),
        at: at.parse().unwrap(),
        from: None,
        until: None,
        lasts_ms: 45 * MIN,
        multiplier: None,
        learn: false,
        floor: None,
        ceiling: None,
    }
}

fn desk(event: CalendarEvent) -> Desk {
    Desk::new(|config| {
        config.time_zone = "Asia/Shanghai".into();
        config.events = vec![event];
    })
}

#[test]
fn a_multiplier_is_part_of_the_forecast() {
    let mut desk = desk(CalendarEvent { multiplier: Some(3.0), ..event("06:05 daily") });
    desk.past(400.0).load(400.0).fleet(6, 0).forecast(|_| 500.0);
    check(
        &mut desk,
        expect![[r#"
            Up ForecastUp
            6 → 15 now: p95 of the maximum load between 22:05 and 22:05:15 UTC is 1,500 rps (event market open, 06:05–06:50 Asia/Shanghai: ×3); one replica holds 100 rps and takes 5 min to start (configured)."#]],
    );
    // And what it needs is kept until it is over.
    desk.wait(5 * MIN).load(400.0).fleet(15, 0).forecast(|_| 500.0);
    desk.decide();
    desk.wait(5 * MIN).load(400.0).fleet(15, 0);
    check(
        &mut desk,
        expect![[r#"
            Hold Steady
            Hold 15: the load now is 400 rps, p95 of the maximum load between 22:15 and 22:15:15 UTC is 1,500 rps (event market open, 06:05–06:50 Asia/Shanghai: ×3), and 15 ready replicas hold 1,500 rps."#]],
    );
}

#[test]
fn what_was_learnt_of_an_event_is_part_of_the_forecast_and_told() {
    let mut desk = desk(CalendarEvent { learn: true, ..event("06:05 daily") });
    desk.past(400.0).load(400.0).fleet(6, 0).forecast(|_| 500.0);
    let forecast = desk.service().forecast.clone().unwrap();
    let factors = [vec![3.0; 3], vec![1.5; 6]].concat();
    let learnt = vec![crate::calendar::Uplift { event: "market open".into(), occurrences: 9, piece_ms: 5 * MIN, factors }];
    desk.send(Event::Forecast { service: "shop".into(), forecast, learnt });
    let decision = desk.decide();
    assert_eq!(decision.target, Some(15));
    let told = "(event market open, 06:05–06:50 Asia/Shanghai: up to ×3, learnt from 9 occurrences)";
    assert!(decision.sentence.contains("1,500 rps") && decision.sentence.contains(told), "{}", decision.sentence);
}

#[test]
fn without_a_forecast_a_multiplier_is_of_the_load_now() {
    let mut desk = desk(CalendarEvent { multiplier: Some(3.0), ..event("06:05 daily") });
    desk.load(340.0).fleet(6, 0);
    check(
        &mut desk,
        expect![[r#"
            Up EventUp
            6 → 11 now: 340 rps now make 1,020 rps (event market open, 06:05–06:50 Asia/Shanghai: ×3), which needs 11 replicas."#]],
    );
    // Once it runs it is in the load.
    desk.wait(6 * MIN).load(1_020.0).fleet(11, 0);
    assert!(desk.decide().candidates.iter().all(|candidate| candidate.name != "event"));
}

#[test]
fn a_floor_is_ordered_so_early_that_it_is_warm_and_holds_to_the_end() {
    let mut desk = desk(CalendarEvent { floor: Some(12), ..event("06:10 mon-fri") });
    desk.load(340.0).fleet(6, 0);
    assert_eq!(desk.decide().reason, ReasonCode::Steady);
    desk.wait(4 * MIN + 30_000).load(340.0).fleet(6, 0);
    check(
        &mut desk,
        expect![[r#"
            Up EventUp
            6 → 12 now: event market open, 06:10–06:55 Asia/Shanghai: at least 12 replicas."#]],
    );
    desk.wait(5 * MIN).load(200.0).fleet(12, 0);
    desk.decide();
    desk.wait(30 * MIN).load(200.0).fleet(12, 0);
    desk.decide();
    desk.wait(10 * MIN).load(200.0).fleet(12, 0);
    check(
        &mut desk,
        expect![[r#"
            Hold ReactiveHolds
            Hold 12: there is no forecast yet; fewer were not enough lately, and the load now is 200 rps."#]],
    );
    for _ in 0..6 {
        desk.wait(MIN).load(200.0).fleet(12, 0).decide();
    }
    assert_eq!(desk.service().last_decision.as_ref().unwrap().action, Action::Down, "it is over at 06:55");
}

#[test]
fn a_floor_needs_no_load_to_be_known_but_a_fleet() {
    let floor = || desk(CalendarEvent { floor: Some(12), ..event("06:05 daily") });
    let mut desk = floor();
    desk.fleet(6, 0);
    check(
        &mut desk,
        expect![[r#"
            Up EventUp
            6 → 12 now: event market open, 06:05–06:50 Asia/Shanghai: at least 12 replicas."#]],
    );
    let mut desk = floor();
    desk.load(340.0);
    assert_eq!(desk.decide().reason, ReasonCode::FleetUnknown);
    let mut desk = floor();
    desk.fleet(6, 0).operator(OperatorAction::Pause { service: None, pause: Pause::Up });
    assert_eq!(desk.decide().reason, ReasonCode::Paused);
}

#[test]
fn a_ceiling_is_the_maximum_while_the_event_runs() {
    let mut desk = desk(CalendarEvent { ceiling: Some(8), ..event("06:00 daily") });
    desk.load(600.0).fleet(6, 0).forecast(|_| 1_100.0);
    check(
        &mut desk,
        expect![[r#"
            Up ForecastUp
            6 → 8 now: p95 of the maximum load between 22:05 and 22:05:15 UTC is 1,100 rps; one replica holds 100 rps and takes 5 min to start (configured); 11 replicas are needed, the maximum is 8 (event market open, 06:00–06:45 Asia/Shanghai); 8 replicas do not hold 1,100 rps within the SLO."#]],
    );
    assert!(desk.service().alarms.breach);
    // The same number counts for a person's approval, and nothing of it once the event is over.
    desk.wait(45 * MIN).load(600.0).fleet(8, 0).forecast(|_| 1_100.0);
    assert_eq!(desk.decide().target, Some(11));
}

#[test]
fn an_event_that_a_person_has_seen_coming_is_no_implausible_jump() {
    let mut desk = desk(CalendarEvent { floor: Some(16), ..event("06:05 daily") });
    desk.state.services.get_mut("shop").unwrap().config.rails.max_jump_factor = Some(1.5);
    desk.load(340.0).fleet(6, 0);
    assert_eq!(desk.decide().action, Action::Up);
}

#[test]
fn an_event_that_does_not_fit_is_refused_with_what_is_allowed() {
    type Change = fn(&mut CalendarEvent);
    let wrong: [(Change, &str); 8] = [
        (|event| event.floor = None, "events[0] = market open is not allowed: at least one of multiplier, floor, ceiling and learn"),
        (|event| event.lasts_ms = 0, "events[0].lasts_ms = 0 is not allowed: 1 to 604800000 ms"),
        (|event| event.lasts_ms = 7 * DAY + 1, "events[0].lasts_ms = 604800001 is not allowed: 1 to 604800000 ms"),
        (|event| event.multiplier = Some(0.0), "events[0].multiplier = 0 is not allowed: above 0 and at most 1000"),
        (|event| event.multiplier = Some(f64::NAN), "events[0].multiplier = NaN is not allowed: above 0 and at most 1000"),
        (|event| event.floor = Some(21), "events[0].floor = 21 is not allowed: 2 to 20, the rails"),
        (|event| event.ceiling = Some(1), "events[0].ceiling = 1 is not allowed: 2 to 20, the rails"),
        (
            |event| (event.from, event.until) = ("2026-12-24".parse().ok(), "2026-12-23".parse().ok()),
            "events[0].until = 2026-12-23 is not allowed: not before from = 2026-12-24",
        ),
    ];
    for (change, expected) in wrong {
        let mut event = CalendarEvent { floor: Some(12), ..event("06:05 daily") };
        change(&mut event);
        let config = ServiceConfig { events: vec![event], ..fixtures::service("shop") };
        assert_eq!(config.validate().unwrap_err().to_string(), format!("shop: {expected}"));
    }
    let config = ServiceConfig { time_zone: "Mars/Olympus".into(), ..fixtures::service("shop") };
    assert!(config.validate().unwrap_err().to_string().contains("time_zone = Mars/Olympus"));
}

/// A fleet that does what it is told and takes `boot_ms` to start.
struct Follower {
    ready: u32,
    booting: Vec<i64>,
}

impl Follower {
    fn pass(&mut self, desk: &mut Desk, boot_ms: i64) {
        let now_ms = desk.now_ms;
        self.ready += self.booting.iter().filter(|&&ordered| ordered + boot_ms <= now_ms).count() as u32;
        self.booting.retain(|ordered| ordered + boot_ms > now_ms);
        desk.load(150.0).fleet(self.ready, self.booting.len() as u32);
        for order in orders(&desk.tick()) {
            desk.send(Event::Acknowledged { order: order.id, at_ms: now_ms });
            let there = self.ready + self.booting.len() as u32;
            (there..order.target).for_each(|_| self.booting.push(now_ms));
            self.ready -= there.saturating_sub(order.target);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Zones without clock changes, so that the test needs no calendar of its own to know when an event runs.
    #[test]
    fn a_floor_is_ready_when_its_event_begins_and_stays_through_it_on_each_of_its_days(
        (zone, offset_h) in prop::sample::select(vec![("UTC", 0i64), ("Asia/Shanghai", 8), ("America/Phoenix", -7)]),
        hour in 0i64..24, minute in 0i64..60, lasts_min in 1i64..1_500, floor in 2u32..=20, step_up in 1u32..6,
        chosen in prop::sample::subsequence(vec![0usize, 1, 2, 3, 4, 5, 6], 1..7),
    ) {
        const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
        let days: Vec<&str> = chosen.iter().map(|&day| DAYS[day]).collect();
        let at = format!("{hour:02}:{minute:02} {}", days.join(","));
        let mut desk = Desk::new(|config| {
            config.time_zone = zone.into();
            config.events = vec![CalendarEvent { lasts_ms: lasts_min * MIN, floor: Some(floor), ..event(&at) }];
            config.rails.step_up = step_up;
            config.tick_ms = MIN;
        });
        let (boot_ms, begin_ms) = (280_000, desk.now_ms);
        // 1970-01-01 was a Thursday.
        let runs = |at_ms: i64| {
            let local_ms = at_ms + offset_h * 60 * MIN;
            (0..=2).any(|back| {
                let day = local_ms.div_euclid(DAY) - back;
                let from_ms = day * DAY + (hour * 60 + minute) * MIN;
                chosen.contains(&((day + 3).rem_euclid(7) as usize)) && (from_ms..from_ms + lasts_min * MIN).contains(&local_ms)
            })
        };
        let mut follower = Follower { ready: 2, booting: Vec::new() };
        while desk.now_ms < begin_ms + 3 * DAY {
            follower.pass(&mut desk, boot_ms);
            let there = follower.ready + follower.booting.len() as u32;
            prop_assert!((2..=20).contains(&there), "{there} are outside of the rails");
            // The first half hour may have begun too late for the lead time.
            if desk.now_ms > begin_ms + 30 * MIN && runs(desk.now_ms) {
                prop_assert!(follower.ready >= floor, "{} of {floor} are ready at {} in {zone}, {at}", follower.ready, desk.now_ms);
            }
            desk.wait(MIN);
        }
    }
}
