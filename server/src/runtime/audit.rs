//! The journals in sentences: who changed what, from what to what.

use planner::{Changed, Entry, Pause, ReleaseOutcome};

use crate::api::dto::AuditEntry;
use crate::api::time::Time;
use crate::store::{Audited, JournalRow, THE_LOOP};

/// An entry as it is shown.
pub fn entry(seq: i64, audited: Audited) -> AuditEntry {
    let seq = seq.unsigned_abs();
    match audited {
        Audited::Access(event) => AuditEntry {
            seq,
            at: Time(event.at_ms),
            who: event.who,
            kind: event.kind.into(),
            service: None,
            what: event.what,
            before: event.before,
            after: event.after,
            decision: None,
        },
        Audited::Operation(row) => operation(seq, row),
    }
}

fn operation(seq: u64, row: JournalRow) -> AuditEntry {
    let told = serde_json::from_str::<Entry>(&row.entry).map_or_else(
        // Of a newer version, perhaps: that it happened is known all the same.
        |error| Told { what: format!("This entry can't be read ({error})."), ..Told::default() },
        |entry| tell(entry, &row.service),
    );
    AuditEntry {
        seq,
        at: Time(row.at_ms),
        who: told.who.unwrap_or_else(|| THE_LOOP.into()),
        kind: row.kind,
        service: (!row.service.is_empty()).then_some(row.service),
        what: told.what,
        before: told.before,
        after: told.after,
        decision: told.decision,
    }
}

#[derive(Default)]
struct Told {
    who: Option<String>,
    what: String,
    before: Option<String>,
    after: Option<String>,
    decision: Option<u64>,
}

impl Told {
    fn new(what: String, before: impl Into<String>, after: impl Into<String>) -> Self {
        Self { what, before: Some(before.into()), after: Some(after.into()), ..Self::default() }
    }

    fn by(self, who: String) -> Self {
        Self { who: Some(who), ..self }
    }

    fn about(self, decision: u64) -> Self {
        Self { decision: Some(decision), ..self }
    }
}

fn tell(entry: Entry, service: &str) -> Told {
    let subject = if service.is_empty() { "all services" } else { service };
    match entry {
        Entry::ModeChanged { who, from, to, .. } => {
            Told::new(format!("Set the mode of {subject} to {}.", to.name()), from.name(), to.name()).by(who)
        }
        Entry::Paused { who, was, pause, .. } => {
            Told::new(format!("Paused {subject}: {}.", held(pause)), state(was), state(Some(pause))).by(who)
        }
        Entry::Resumed { who, was, .. } => Told::new(format!("Ended the pause of {subject}."), state(was), state(None)).by(who),
        Entry::Approved { decision, who, edit: Some(edit), .. } => {
            let what = format!("Approved decision {} for {subject}, but for {} replicas: {}", decision.0, edit.replicas, edit.reason);
            Told::new(what, format!("{} proposed", edit.proposed), format!("{} ordered", edit.replicas)).by(who).about(decision.0)
        }
        Entry::Approved { decision, who, .. } => {
            Told::new(format!("Approved decision {} for {subject}.", decision.0), "waiting", "approved").by(who).about(decision.0)
        }
        Entry::Rejected { decision, who, reason, .. } => {
            let what = format!("Rejected decision {} for {subject}: {reason}", decision.0);
            Told::new(what, "waiting", "rejected").by(who).about(decision.0)
        }
        Entry::Expired { decision, why, .. } => {
            Told::new(format!("Decision {} for {subject} lapsed: {why}.", decision.0), "waiting", "lapsed").about(decision.0)
        }
        Entry::OrderIssued(order) => {
            let what = format!("Ordered {} replicas for {subject}.", order.target);
            Told::new(what, order.from.to_string(), order.target.to_string()).about(order.decision.0)
        }
        Entry::OrderFailed { order, error, next_attempt_ms, .. } => {
            let after = if next_attempt_ms.is_some() { "is tried again" } else { "given up" };
            Told::new(format!("Order {} for {subject} failed: {error}", order.0), "ordered", after)
        }
        Entry::ReleaseOrdered { who, .. } => {
            Told::new(format!("Released {subject}: what is held on its behalf is given up."), "held", "being released").by(who)
        }
        Entry::ReleaseEnded { outcome, .. } => {
            let (what, after) = match outcome {
                ReleaseOutcome::Released => (format!("Nothing is held on behalf of {subject} any more."), "released"),
                ReleaseOutcome::Superseded => (format!("The release of {subject} ended: Prescale acts on it again."), "held"),
                ReleaseOutcome::Failed { error } => (format!("The release of {subject} failed: {error}"), "held"),
            };
            Told::new(what, "being released", after)
        }
        Entry::Configured { who, changes, .. } => configured(&changes).by(who),
        // The audit passes over these.
        Entry::Decision(_) | Entry::OrderRetried(_) | Entry::OrderAcknowledged { .. } | Entry::OrderClosed { .. } => Told::default(),
    }
}

fn held(pause: Pause) -> &'static str {
    match pause {
        Pause::Up => "no replica is added",
        Pause::Down => "no replica is taken away",
        Pause::Both => "nothing is scaled",
    }
}

fn state(pause: Option<Pause>) -> &'static str {
    match pause {
        None => "not paused",
        Some(Pause::Up) => "paused up",
        Some(Pause::Down) => "paused down",
        Some(Pause::Both) => "paused",
    }
}

fn configured(changes: &[Changed]) -> Told {
    if let [change] = changes {
        let what = format!("Changed {} in the configuration.", change.key);
        return Told { what, before: change.before.clone(), after: change.after.clone(), ..Told::default() };
    }
    let keys: Vec<&str> = changes.iter().map(|change| change.key.as_str()).collect();
    let side = |value: fn(&Changed) -> Option<&String>| {
        let known: Vec<String> = changes.iter().filter_map(|one| Some(format!("{} = {}", one.key, value(one)?))).collect();
        (!known.is_empty()).then(|| known.join("; "))
    };
    Told {
        what: format!("Changed the configuration: {}.", keys.join(", ")),
        before: side(|change| change.before.as_ref()),
        after: side(|change| change.after.as_ref()),
        ..Told::default()
    }
}

#[cfg(test)]
mod tests {
    use planner::{DecisionId, Mode};

    use super::*;
    use crate::runtime::control_loop::row;

    fn shown(entry: Entry) -> AuditEntry {
        super::entry(7, Audited::Operation(row(&entry).unwrap()))
    }

    #[test]
    fn a_change_says_who_and_from_what_to_what() {
        let mode =
            shown(Entry::ModeChanged { service: "shop".into(), at_ms: 5, who: "ada".into(), from: Mode::Observe, to: Mode::Automatic });
        assert_eq!((mode.seq, mode.at, mode.who.as_str(), mode.kind.as_str()), (7, Time(5), "ada", "mode_changed"));
        assert_eq!((mode.before.as_deref(), mode.after.as_deref()), (Some("observe"), Some("automatic")));
        let pause = shown(Entry::Paused { service: None, at_ms: 5, who: "ada".into(), was: Some(Pause::Up), pause: Pause::Both });
        assert_eq!((pause.service, pause.what.as_str()), (None, "Paused all services: nothing is scaled."));
        assert_eq!((pause.before.as_deref(), pause.after.as_deref()), (Some("paused up"), Some("paused")));
        let lapsed = shown(Entry::Expired { decision: DecisionId(4), service: "shop".into(), at_ms: 5, why: "time over".into() });
        assert_eq!((lapsed.who.as_str(), lapsed.decision), ("prescale", Some(4)));
    }

    #[test]
    fn a_configuration_tells_each_key() {
        let change = |key: &str, before: Option<&str>, after: Option<&str>| Changed {
            key: key.into(),
            before: before.map(str::to_owned),
            after: after.map(str::to_owned),
        };
        let changes = vec![change("rails.max", Some("4"), Some("6")), change("rails.min", None, Some("1"))];
        let both = shown(Entry::Configured { at_ms: 5, who: "prescale.toml".into(), changes });
        assert_eq!((both.before.as_deref(), both.after.as_deref()), (Some("rails.max = 4"), Some("rails.max = 6; rails.min = 1")));
        assert_eq!(both.what, "Changed the configuration: rails.max, rails.min.");
    }

    #[test]
    fn a_pause_of_an_older_version_can_still_be_read() {
        let old = r#"{"paused":{"service":null,"at_ms":5,"who":"ada","pause":"both"}}"#;
        assert!(serde_json::from_str::<Entry>(old).is_ok());
    }
}
