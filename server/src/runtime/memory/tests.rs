use planner::{Event, Mode, OperatorAction, Pause, Replica, ReplicaState, ServiceConfig};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::*;
use crate::demo::world;

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

fn config(name: &str) -> ServiceConfig {
    let capacity = planner::Capacity::Declared { rps_per_replica: 10.0 };
    ServiceConfig { name: name.into(), capacity, mode: Mode::Automatic, ..world::config(false, 0.9, 0.95) }
}

/// A database that has taken these changes.
#[derive(Default)]
struct Database(Option<Saved>);

impl Database {
    fn take(&mut self, change: &StateChange) {
        let empty = Saved { written_ms: 0, head: String::new(), curves: None, services: BTreeMap::new() };
        let saved = self.0.get_or_insert(empty);
        saved.head.clone_from(&change.head);
        saved.curves = change.curves.clone().or(saved.curves.take());
        for (name, text) in &change.services {
            match text {
                Some(text) => _ = saved.services.insert(name.clone(), text.clone()),
                None => _ = saved.services.remove(name),
            }
        }
    }
}

fn event(rng: &mut Pcg64Mcg, now_ms: i64) -> Event {
    let service = NAMES[rng.random_range(0..NAMES.len())].to_owned();
    let replica = |id| Replica { id, address: String::new(), state: ReplicaState::Ready, ordered_ms: None, ready_ms: None };
    match rng.random_range(0..20) {
        0..8 => Event::Tick { service },
        8..13 => Event::Sample { service, at_ms: now_ms, load_rps: Some(f64::from(rng.random_range(10..90))), saturated: false },
        13..18 => Event::Fleet { service, at_ms: now_ms, replicas: (0..rng.random_range(2..6)).map(replica).collect() },
        18 => {
            let action = OperatorAction::Pause { service: None, pause: Pause::Down };
            Event::Operator { at_ms: now_ms, who: "somebody".into(), action }
        }
        _ => {
            let services = NAMES.iter().filter(|_| rng.random_range(0..4) > 0).map(|name| config(name)).collect();
            Event::Configured { at_ms: now_ms, who: "a file".into(), services, changes: Vec::new(), curves: Curves::default() }
        }
    }
}

/// Without the forecasts, which nobody writes down.
fn text(state: &State) -> String {
    serde_json::to_string(state).unwrap()
}

#[test]
fn what_is_written_is_the_whole_state_and_what_is_not_is_taken_back_also_if_it_was_all_the_same() {
    let mut rng = Pcg64Mcg::seed_from_u64(7);
    let mut state = State::new(NAMES.map(config).to_vec()).unwrap();
    let (mut memory, mut database) = (Memory::new(&mut state, None), Database::default());
    let mut last = text(&state);
    let (mut written, mut failed, mut parts) = (0, 0, 0);
    let mut now_ms = 1_000_000_000_000;
    for _ in 0..5_000 {
        // Now and then the clock is set back for real.
        now_ms += if rng.random_range(0..500) == 0 { -3_600_000 } else { rng.random_range(0..5_000) };
        let event = event(&mut rng, now_ms);
        let (touched, before_ms) = (planner::service_of(&state, &event), state.clock_ms);
        let commands = planner::step(&mut state, event, now_ms);
        memory.touch(&state, touched.as_deref().filter(|_| state.clock_ms >= before_ms));
        if !commands.iter().any(|command| matches!(command, planner::Command::Journal(_))) {
            continue;
        }
        let change = memory.change(&mut state);
        let fate = rng.random_range(0..10);
        if fate > 0 {
            // Written; or written without anybody hearing of it.
            database.take(&change);
        }
        if fate > 1 {
            (written, parts) = (written + 1, parts + change.services.len());
            last = text(&state);
            memory.written(change);
            let saved = database.0.as_ref().unwrap();
            assert!(text(&decode(saved).unwrap()) == last, "after {written} steps");
        } else {
            failed += 1;
            memory.roll_back(&mut state, &change);
            assert!(text(&state) == last, "after {failed} failures");
        }
        if rng.random_range(0..200) == 0
            && let Some(saved) = &database.0
        {
            // A restart goes on from what is there.
            state = decode(saved).unwrap();
            memory = Memory::new(&mut state, Some(saved));
            last = text(&state);
        }
    }
    assert!(written > 1_000 && failed > 100, "{written} {failed}");
    assert!(parts < 3 * written, "{parts} services were written in {written} steps");
}

#[test]
fn a_state_from_before_services_had_rows_is_read_and_written_anew() {
    let mut old = State::new(NAMES.map(config).to_vec()).unwrap();
    planner::step(&mut old, Event::Tick { service: "a".into() }, 1_000_000_000_000);
    let saved = Saved { written_ms: 1, head: text(&old), curves: None, services: BTreeMap::new() };
    let mut state = decode(&saved).unwrap();
    assert_eq!(text(&state), text(&old));
    let mut database = Database(Some(saved.clone()));
    let memory = Memory::new(&mut state, Some(&saved));
    let change = memory.change(&mut state);
    assert_eq!(change.services.len(), NAMES.len());
    database.take(&change);
    assert_eq!(text(&decode(database.0.as_ref().unwrap()).unwrap()), text(&old));
}

#[test]
fn a_format_that_is_not_known_is_refused() {
    let saved = |head: &str| Saved { written_ms: 1, head: head.into(), curves: None, services: BTreeMap::new() };
    assert!(decode(&saved("{\"version\":9}")).unwrap_err().contains("this version knows 1"));
    assert!(decode(&saved("")).is_err());
}
