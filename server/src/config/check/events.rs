//! The checks of a service's calendar.

use crate::config::file::{Event, Service};
use crate::config::problem::{KeyPath, Problem};
use crate::config::value::Span;

pub fn check(service: &Service, path: &KeyPath, problems: &mut Vec<Problem>) {
    for (at, event) in service.events.iter().enumerate() {
        let path = path.key("events").at(at);
        check_event(event, service, &path, problems);
        if let Some(other) = service.events[..at].iter().position(|other| other.name == event.name) {
            let allowed = format!("each name once; events[{other}] has it already");
            let other = path.section().key("events").at(other).key("name");
            problems.push(Problem::value(path.key("name"), format!("{:?}", event.name), allowed).because([other]));
        }
    }
}

fn check_event(event: &Event, service: &Service, path: &KeyPath, problems: &mut Vec<Problem>) {
    let most = Span(planner::calendar::MOST_MS);
    if !(1..=most.ms()).contains(&event.lasts.ms()) {
        problems.push(Problem::value(path.key("lasts"), event.lasts, format!("more than 0s, and at most {most}")));
    }
    // Written as YYYY-MM-DD, so that texts are in the order of days.
    if let (Some(from), Some(until)) = (&event.from, &event.until)
        && from > until
    {
        let problem = Problem::value(path.key("until"), format!("{until:?}"), format!("a day not before from = {from:?}"));
        problems.push(problem.because([path.key("from")]));
    }
    if event.learn {
        let beside = [("multiplier", event.multiplier.is_some()), ("floor", event.floor.is_some())];
        for (key, _) in beside.into_iter().filter(|(_, given)| *given) {
            let allowed = format!("false beside a {key}: what is learnt takes its place; keep one of the two");
            problems.push(Problem::value(path.key("learn"), "true", allowed).because([path.key(key)]));
        }
    } else if event.multiplier.is_none() && event.floor.is_none() && event.ceiling.is_none() {
        let wanted = "an event does something: at least one of multiplier, floor, ceiling and learn = true";
        problems.push(Problem::missing(path.key("multiplier"), wanted).because([
            path.key("floor"),
            path.key("ceiling"),
            path.key("learn"),
        ]));
    }
    for (key, replicas) in [("floor", event.floor), ("ceiling", event.ceiling)] {
        let (Some(replicas), Some(rails)) = (replicas, &service.rails) else { continue };
        if !(rails.min..=rails.max).contains(&replicas) {
            let allowed = format!("from rails.min = {} to rails.max = {}", rails.min, rails.max);
            problems.push(Problem::value(path.key(key), replicas, allowed).because([path.section().key("rails")]));
        }
    }
}
