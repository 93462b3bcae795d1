//! Capacity plans of a what-if, as they are written: `KIND` or `KIND:NUMBER`.

use std::fmt;
use std::str::FromStr;

use simulator::scenario::MOST_REPLICAS;

/// How many replicas there are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Plan {
    /// The service's own policy in the loop, and so many replicas more than it wants.
    Planner(i32),
    /// As many as there were, and so many more.
    Recorded(i32),
    /// Always so many.
    Fixed(u32),
    /// Kubernetes' HPA that aims at this utilisation.
    Hpa(f64),
}

/// What is allowed.
pub const ALLOWED: &str =
    "\"planner\", \"recorded\" (both also with replicas more or fewer, like \"planner:-3\"), \"fixed:12\" or \"hpa:0.7\"";

impl FromStr for Plan {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (kind, number) = text.split_once(':').map_or((text, None), |(kind, number)| (kind, Some(number)));
        let more = || match number {
            None => Ok(0),
            Some(number) => number.parse().ok().filter(|more: &i32| more.unsigned_abs() <= MOST_REPLICAS).ok_or(()),
        };
        match (kind, number) {
            ("planner", _) => Ok(Plan::Planner(more()?)),
            ("recorded", _) => Ok(Plan::Recorded(more()?)),
            ("fixed", Some(number)) => number.parse().ok().filter(|fixed| (1..=MOST_REPLICAS).contains(fixed)).map(Plan::Fixed).ok_or(()),
            ("hpa", Some(number)) => number.parse().ok().filter(|target| *target > 0.0 && *target <= 1.0).map(Plan::Hpa).ok_or(()),
            _ => Err(()),
        }
    }
}

/// As it is written in a request.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let more = |f: &mut fmt::Formatter<'_>, kind: &str, more: i32| match more {
            0 => f.write_str(kind),
            more => write!(f, "{kind}:{more}"),
        };
        match *self {
            Plan::Planner(replicas) => more(f, "planner", replicas),
            Plan::Recorded(replicas) => more(f, "recorded", replicas),
            Plan::Fixed(replicas) => write!(f, "fixed:{replicas}"),
            Plan::Hpa(target) => write!(f, "hpa:{target}"),
        }
    }
}

impl Plan {
    /// For people.
    pub fn words(&self) -> String {
        let more = |what: &str, more: i32| match more {
            0 => what.to_owned(),
            more => format!("{what}, {} {}", more.unsigned_abs(), if more < 0 { "fewer" } else { "more" }),
        };
        match *self {
            Plan::Planner(replicas) => more("planner", replicas),
            Plan::Recorded(replicas) => more("as it was", replicas),
            Plan::Fixed(1) => "1 replica".to_owned(),
            Plan::Fixed(replicas) => format!("{replicas} replicas"),
            Plan::Hpa(target) => format!("HPA at {} %", (target * 1_000.0).round() / 10.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_come_back_as_they_were_written_and_say_themselves_in_words() {
        for (text, words) in [
            ("planner", "planner"),
            ("planner:-3", "planner, 3 fewer"),
            ("recorded:2", "as it was, 2 more"),
            ("fixed:12", "12 replicas"),
            ("hpa:0.7", "HPA at 70 %"),
        ] {
            let plan: Plan = text.parse().unwrap();
            assert_eq!((plan.to_string().as_str(), plan.words().as_str()), (text, words));
        }
        for text in ["", "planer", "fixed", "fixed:0", "fixed:-1", "hpa", "hpa:0", "hpa:1.5", "hpa:NaN", "planner:x", "planner:999999999"] {
            assert_eq!(text.parse::<Plan>(), Err(()), "{text}");
        }
    }
}
