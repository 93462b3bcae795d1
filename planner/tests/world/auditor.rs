//! Watches every step and knows what must never happen. It keeps its own book of what the loop was told, so that it doesn't have to believe
//! the loop.

use std::collections::{BTreeMap, BTreeSet};

use planner::{
    Command, Decision, Entry, Event, Mode, Order, OrderId, OrderOutcome, Pause, ReleaseOutcome, ReplicaState, ServiceConfig, State,
};

/// What the auditor knows of one service.
#[derive(Default, Clone)]
struct Book {
    /// Newest usable sample and newest observation, by their own time.
    sample_ms: Option<i64>,
    fleet_ms: Option<i64>,
    unknown_since: Option<i64>,
    ready: Vec<u32>,
    /// Orders in the durable journal.
    issued: BTreeMap<OrderId, Order>,
    open: Option<OrderId>,
    /// Releases in the durable journal, and the one that is under way.
    releases: BTreeSet<OrderId>,
    releasing: Option<OrderId>,
    /// Releases that the loop was told are done.
    released: BTreeSet<OrderId>,
    /// Target of the last order that was reached: what the fleet loses by itself may come back on top of a step.
    reached: u32,
    last_change_ms: Option<i64>,
    /// A decision was made from data, so that there is a number.
    known: bool,
    epoch: u64,
    mode: Option<Mode>,
    paused: Option<Pause>,
}

/// How much was seen, so that a world that is too kind is noticed.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    pub orders: u32,
    pub retries: u32,
    pub crashes: u32,
    pub decisions: u32,
    pub holds_without_data: u32,
    pub approvals: u32,
    pub refusals: u32,
    pub releases: u32,
    pub largest_state: usize,
}

#[derive(Clone)]
pub struct Auditor {
    books: BTreeMap<String, Book>,
    configs: BTreeMap<String, ServiceConfig>,
    paused_all: Option<Pause>,
    last_id: u64,
    pub seen: Seen,
}

impl Auditor {
    pub fn new(configs: &[ServiceConfig]) -> Auditor {
        let configs: BTreeMap<String, ServiceConfig> = configs.iter().map(|c| (c.name.clone(), c.clone())).collect();
        let book = |c: &ServiceConfig| Book { mode: Some(c.mode), ..Book::default() };
        let books = configs.iter().map(|(name, c)| (name.clone(), book(c))).collect();
        Auditor { books, configs, paused_all: None, last_id: 0, seen: Seen::default() }
    }

    /// Notes what the loop is told, at the loop's own time.
    pub fn told(&mut self, event: &Event, now_ms: i64) {
        let sane = |at_ms: i64| at_ms <= now_ms + 60_000;
        match event {
            Event::Sample { service, at_ms, load_rps: Some(rps), .. } if rps.is_finite() && *rps >= 0.0 && sane(*at_ms) => {
                let book = self.book(service);
                book.sample_ms = book.sample_ms.max(Some(*at_ms));
            }
            Event::Fleet { service, at_ms, replicas } if sane(*at_ms) => {
                let ready = replicas.iter().filter(|r| r.state == ReplicaState::Ready).map(|r| r.id).collect();
                let book = self.book(service);
                if book.fleet_ms.is_none_or(|known| known < *at_ms) {
                    book.fleet_ms = Some(*at_ms);
                    book.ready = ready;
                    book.unknown_since = book.unknown_since.filter(|since| since > at_ms);
                }
            }
            Event::FleetUnknown { service, at_ms, .. } if sane(*at_ms) => {
                let book = self.book(service);
                if book.fleet_ms.is_none_or(|known| known < *at_ms) {
                    book.unknown_since = Some(*at_ms);
                }
            }
            Event::Released { id, .. } => {
                let asked = |book: &&mut Book| book.releases.contains(id);
                if let Some(book) = self.books.values_mut().find(asked) {
                    book.released.insert(*id);
                }
            }
            _ => {}
        }
    }

    /// Checks the commands of a step that was written down.
    pub fn check(&mut self, event: &Event, commands: &[Command], state: &State, now_ms: i64) {
        let mut approved = false;
        for command in commands {
            match command {
                Command::Journal(entry) => {
                    approved |= matches!(entry, Entry::Approved { .. });
                    self.entry(entry, approved, now_ms);
                }
                Command::Scale(order) => self.scale(order),
                Command::PushWeights { service, snapshot } => {
                    let book = self.book(service);
                    assert!(snapshot.epoch >= book.epoch, "{service}: epoch {} after {}", snapshot.epoch, book.epoch);
                    book.epoch = snapshot.epoch;
                    let effective = snapshot.backends.iter().filter(|b| book.ready.contains(&b.id)).map(|b| b.weight).sum::<u32>();
                    assert!(effective > 0 || book.ready.is_empty(), "{service}: all ready replicas have weight 0");
                    assert!(snapshot.backends.is_sorted_by_key(|b| b.id));
                }
                Command::Alert { text, .. } => assert!(!text.is_empty()),
                Command::Refused { reason, .. } => {
                    assert!(!reason.is_empty());
                    self.seen.refusals += 1;
                }
                Command::Release { service, id, .. } => {
                    assert_eq!(self.books[service].releasing, Some(*id), "{service}: a release of nothing")
                }
                Command::RequestForecast { .. } => {}
            }
        }
        if let Event::Tick { service } = event {
            let decisions = commands.iter().filter(|c| matches!(c, Command::Journal(Entry::Decision(_)))).count();
            assert_eq!(decisions, 1, "each tick is one decision");
            let open = state.services[service].pending.as_ref().map(|pending| pending.order.id);
            assert_eq!(open, self.books[service].open, "{service}: the journal and the state tell the same story");
            let releasing = state.services[service].release.as_ref().map(|release| release.id);
            assert_eq!(releasing, self.books[service].releasing, "{service}: of releases, too");
            // Whoever follows the number finds one within the rails, whatever has happened to load, fleet and orders, unless it was given up.
            let (known, rails) = (&state.services[service], &self.configs[service].rails);
            let silent = known.mode == Mode::Observe || known.released || !self.books[service].known;
            assert!(known.wanted().map_or(silent, |wanted| (rails.min..=rails.max).contains(&wanted)), "{service}: {:?}", known.wanted());
        }
    }

    fn entry(&mut self, entry: &Entry, approved: bool, now_ms: i64) {
        match entry {
            Entry::Decision(decision) => self.decision(decision),
            Entry::OrderIssued(order) => self.issued(order, approved, now_ms),
            Entry::OrderRetried(order) => self.retried(order, now_ms),
            // No world of these tests changes its configuration.
            Entry::Configured { .. } => {}
            Entry::OrderClosed { order, service, outcome, .. } => {
                let book = self.book(service);
                if *outcome == OrderOutcome::Reached {
                    book.reached = book.issued[order].target;
                }
                assert_eq!(book.open, Some(*order), "{service}: closed an order that wasn't open");
                book.open = None;
            }
            Entry::OrderAcknowledged { order, service, .. } | Entry::OrderFailed { order, service, .. } => {
                assert!(self.books[service].issued.contains_key(order), "{service}: an answer to nothing");
            }
            Entry::ModeChanged { service, from, to, .. } => {
                let book = self.book(service);
                book.mode = Some(*to);
                // What was only observed was told to nobody: while the fleet can't be seen, there is no number before the next decision.
                book.known &= !(*from == Mode::Observe && *to == Mode::Approve);
            }
            Entry::ReleaseOrdered { id, service, .. } => {
                self.fresh_id(id.0);
                self.seen.releases += 1;
                let book = self.book(service);
                assert!(book.mode < Some(Mode::Automatic), "{service}: a release while it acts by itself");
                assert_eq!(book.releasing.replace(*id), None, "{service}: two releases at once");
                book.releases.insert(*id);
            }
            Entry::ReleaseEnded { id, service, outcome, .. } => {
                let book = self.book(service);
                assert_eq!(book.releasing.take(), Some(*id), "{service}: ended a release that wasn't under way");
                assert!(*outcome != ReleaseOutcome::Released || book.released.contains(id), "{service}: nobody has released it");
            }
            Entry::Paused { service: Some(service), pause, .. } => self.book(service).paused = Some(*pause),
            Entry::Paused { service: None, pause, .. } => self.paused_all = Some(*pause),
            Entry::Resumed { service: Some(service), .. } => self.book(service).paused = None,
            Entry::Resumed { service: None, .. } => self.paused_all = None,
            Entry::Approved { .. } => self.seen.approvals += 1,
            Entry::Rejected { .. } | Entry::Expired { .. } => {}
        }
    }

    fn decision(&mut self, decision: &Decision) {
        assert!(decision.sentence.len() > 12 && decision.sentence.ends_with('.'), "{decision:?}");
        for odd in ["NaN", "inf", "unusable", "now is unknown"] {
            assert!(!decision.sentence.contains(odd), "{}", decision.sentence);
        }
        self.fresh_id(decision.id.0);
        let rails = &self.configs[&decision.service].rails;
        let (current, target) = (decision.current, decision.target);
        assert!(target == current || target.is_none_or(|t| (rails.min..=rails.max).contains(&t)), "{}", decision.sentence);
        self.seen.decisions += 1;
        let missing = matches!(decision.reason, planner::ReasonCode::LoadUnknown | planner::ReasonCode::FleetUnknown);
        self.seen.holds_without_data += u32::from(missing);
        assert!(!missing || decision.action == planner::Action::Hold);
        self.book(&decision.service).known |= !missing && target.is_some();
    }

    fn issued(&mut self, order: &Order, approved: bool, now_ms: i64) {
        self.fresh_id(order.id.0);
        self.seen.orders += 1;
        let config = self.configs[&order.service].clone();
        let (rails, name) = (&config.rails, &order.service);
        let paused = [self.paused_all, self.books[name].paused];
        let fresh = self.fresh(&config, now_ms);
        let book = self.book(name);
        let (from, target) = (order.from, order.target);
        assert!(fresh, "{name}: {from} → {target} without data");
        assert!((rails.min..=rails.max).contains(&target), "{name}: {target} outside of the rails");
        let allowed = from.max(book.reached) + rails.step_up;
        assert!(target <= allowed.max(rails.min), "{name}: {from} → {target} is too far up");
        if target < from && from <= rails.max {
            assert!(from - target <= rails.step_down, "{name}: {from} → {target} is too far down");
            let cooled = book.last_change_ms.is_none_or(|last| now_ms - last >= rails.cool_down_ms);
            assert!(cooled, "{name}: down within the cool-down");
        }
        match book.mode {
            Some(Mode::Automatic) => {}
            Some(Mode::Approve) => assert!(approved, "{name}: an order without approval"),
            other => panic!("{name}: an order in mode {other:?}"),
        }
        let held = |up: bool| paused.iter().flatten().any(|p| if up { p.holds_up() } else { p.holds_down() });
        assert!(!held(target > from), "{name}: {from} → {target} against a pause");
        assert_eq!(book.open, None, "{name}: two orders at once");
        assert_eq!(book.releasing, None, "{name}: acts and gives up at once");
        book.open = Some(order.id);
        book.last_change_ms = Some(now_ms);
        book.issued.insert(order.id, order.clone());
    }

    fn retried(&mut self, order: &Order, now_ms: i64) {
        self.seen.retries += 1;
        let first = &self.books[&order.service].issued[&order.id];
        assert_eq!(&Order { attempt: 1, ..order.clone() }, first, "the same order on every attempt");
        assert_eq!(self.books[&order.service].open, Some(order.id));
        let config = self.configs[&order.service].clone();
        assert!(order.target > order.from || self.fresh(&config, now_ms), "a step down repeated without data");
    }

    /// Journal before act: an order that isn't in the book must not be executed.
    pub fn scale(&self, order: &Order) {
        let known = self.books[&order.service].issued.get(&order.id);
        assert_eq!(known.map(|known| known.target), Some(order.target), "an order that was never written down");
    }

    /// Journal before act, for releases.
    pub fn release(&self, service: &str, id: OrderId) {
        assert!(self.books[service].releases.contains(&id), "a release that was never written down");
    }

    fn fresh(&self, config: &ServiceConfig, now_ms: i64) -> bool {
        let book = &self.books[&config.name];
        let young = |at: Option<i64>| at.is_some_and(|at| at >= now_ms - config.stale_after_ms);
        young(book.sample_ms) && young(book.fleet_ms) && book.unknown_since.is_none()
    }

    fn fresh_id(&mut self, id: u64) {
        assert!(id > self.last_id, "ids rise: {id} after {}", self.last_id);
        self.last_id = id;
    }

    fn book(&mut self, service: &str) -> &mut Book {
        self.books.get_mut(service).unwrap()
    }
}
