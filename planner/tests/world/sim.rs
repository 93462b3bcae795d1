//! The world's clock, its faults, and the shell around the loop: journal and state are written, then commands are executed, unless it crashes.

use planner::{
    Behaviour, Capacity, Command, Event, HpaPolicy, Mode, OperatorAction, Order, OrderId, Policy, PredictivePolicy, Rails, ServiceConfig,
    Slo, State, WeightPlan, step,
};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

use crate::auditor::Auditor;
use crate::site::{Fleet, Site};

const TICK_MS: i64 = 15_000;
const START_MS: i64 = 1_700_006_400_000;

/// Something on its way.
pub enum Mail {
    /// To the executor; it answers, or not.
    Order(Order),
    /// To the executor, too.
    Release(String, OrderId),
    /// To the balancer.
    Weights(usize, WeightPlan),
    /// To the loop.
    Event(Box<Event>),
}

pub struct Sim {
    pub state: State,
    pub sites: Vec<Site>,
    pub auditor: Auditor,
    pub now_ms: i64,
    pub rng: Pcg64,
    pub mail: Vec<(i64, Mail)>,
    /// Faults happen with these odds times this.
    trouble: f64,
    /// Begin and end of the present outage of a source of data, per site: (load, fleet).
    pub outages: Vec<(i64, i64)>,
    ticks: u32,
}

fn config(name: &str, policy: Policy, rps_per_replica: f64, max: u32) -> ServiceConfig {
    ServiceConfig {
        name: name.to_owned(),
        slo: Slo { latency_ms: 500.0, percentile: 99.0, errors: 0.001 },
        capacity: Capacity::Declared { rps_per_replica },
        lead_time_ms: Some(120_000),
        rails: Rails { min: 2, max, step_up: 6, step_down: 2, stabilisation_ms: 300_000, cool_down_ms: 45_000, max_jump_factor: Some(4.0) },
        mode: Mode::Automatic,
        policy,
        tick_ms: TICK_MS,
        stale_after_ms: 60_000,
        forecast_every_ms: 300_000,
        forecast_update_ms: 60_000,
        forecast_max_age_ms: 1_800_000,
        approval_ttl_ms: 120_000,
        drain_ms: 30_000,
        ramp_ms: 60_000,
        holds_at: None,
        time_zone: "UTC".to_owned(),
        events: Vec::new(),
        holidays: Vec::new(),
    }
}

impl Sim {
    pub fn new(seed: u64) -> Sim {
        let hpa = HpaPolicy { target: 0.7, stabilisation_ms: 120_000, scale_up: Behaviour::default_up(), ..HpaPolicy::default() };
        let configs =
            vec![config("shop", Policy::Predictive(PredictivePolicy::default()), 100.0, 30), config("pay", Policy::Hpa(hpa), 40.0, 25)];
        let site = |c: &ServiceConfig, peak_rps, rps_per_replica| Site {
            name: if c.name == "shop" { "shop" } else { "pay" },
            fleet: Fleet::new(4, 90_000),
            balancer: WeightPlan::default(),
            peak_rps,
            rps_per_replica,
            min: c.rails.min,
            max: c.rails.max,
            calm_since: None,
        };
        let sites = vec![site(&configs[0], 2_400.0, 100.0), site(&configs[1], 800.0, 40.0)];
        let auditor = Auditor::new(&configs);
        let state = State::new(configs).unwrap();
        let rng = Pcg64::seed_from_u64(seed);
        Sim { state, sites, auditor, now_ms: START_MS, rng, mail: Vec::new(), trouble: 1.0, outages: vec![(0, 0); 2], ticks: 0 }
    }

    /// The faults stop, the load stays as it is, and everybody may act.
    pub fn calm(&mut self) {
        self.trouble = 0.0;
        self.outages = vec![(0, 0); 2];
        for at in 0..self.sites.len() {
            self.sites[at].calm_since = Some(self.now_ms);
            let service = self.sites[at].name.to_owned();
            self.operator(OperatorAction::SetMode { service: service.clone(), mode: Mode::Automatic });
            self.operator(OperatorAction::Resume { service: Some(service) });
        }
        self.operator(OperatorAction::Resume { service: None });
    }

    /// One tick of every service.
    pub fn tick(&mut self) {
        self.ticks += 1;
        self.now_ms += TICK_MS + self.jitter();
        for at in 0..self.sites.len() {
            self.sites[at].fleet.pass_time(self.now_ms);
            if self.happens(0.004) {
                let which = self.rng.random_range(0..64);
                self.sites[at].fleet.kill(which);
            }
        }
        self.deliver();
        for at in 0..self.sites.len() {
            self.observe(at);
            let service = self.sites[at].name.to_owned();
            self.feed(Event::Tick { service });
        }
        if self.happens(0.03) {
            self.meddle();
        }
        if self.ticks.is_multiple_of(50) {
            let size = serde_json::to_string(&self.state).unwrap().len();
            assert!(size < 200_000, "the state of two services has {size} bytes");
            self.auditor.seen.largest_state = self.auditor.seen.largest_state.max(size);
        }
    }

    pub fn happens(&mut self, odds: f64) -> bool {
        let drawn: f64 = self.rng.random();
        drawn < odds * self.trouble
    }

    fn jitter(&mut self) -> i64 {
        self.rng.random_range(-200..200)
    }

    /// Hands out what is due, in the order of its time.
    fn deliver(&mut self) {
        let now_ms = self.now_ms;
        let (mut due, later): (Vec<_>, Vec<_>) = std::mem::take(&mut self.mail).into_iter().partition(|(at, _)| *at <= now_ms);
        self.mail = later;
        due.sort_by_key(|(at, _)| *at);
        for (_, mail) in due {
            match mail {
                Mail::Event(event) => self.feed(*event),
                Mail::Order(order) => self.execute(&order),
                Mail::Release(service, id) => self.execute_release(&service, id),
                Mail::Weights(at, plan) => {
                    let (service, epoch) = (self.sites[at].name.to_owned(), plan.epoch);
                    let event = match self.sites[at].take_weights(&plan) {
                        Ok(()) => Event::WeightsApplied { service, epoch },
                        Err(current_epoch) => Event::WeightsRefused { service, epoch, current_epoch },
                    };
                    if !self.happens(0.1) {
                        self.feed(event);
                    }
                }
            }
        }
    }

    /// To the loop: now, later, or twice.
    pub fn send(&mut self, event: Event) {
        if self.happens(0.03) {
            let later = self.now_ms + self.rng.random_range(1_000..90_000);
            self.mail.push((later, Mail::Event(Box::new(event.clone()))));
            if self.happens(0.5) {
                return;
            }
        }
        self.feed(event);
    }

    pub fn operator(&mut self, action: OperatorAction) {
        self.feed(Event::Operator { at_ms: self.now_ms, who: "ada".to_owned(), action });
    }

    /// One step of the loop with the shell's protocol around it, and the crashes that it must survive.
    fn feed(&mut self, event: Event) {
        let crash = self.happens(0.008);
        let before = if crash { Some(serde_json::to_string(&self.state).unwrap()) } else { None };
        let now_ms = self.loop_clock();
        let books = self.auditor.clone();
        self.auditor.told(&event, now_ms.max(self.state.clock_ms));
        let commands = step(&mut self.state, event.clone(), now_ms);
        let Some(before) = before else {
            self.auditor.check(&event, &commands, &self.state, self.state.clock_ms);
            commands.into_iter().for_each(|command| self.carry_out(command));
            return;
        };
        // It dies: before the write (nothing has happened), or after it with some of the commands executed.
        let seen = self.auditor.seen;
        let written = if self.rng.random() {
            self.auditor = books;
            before
        } else {
            self.auditor.check(&event, &commands, &self.state, self.state.clock_ms);
            let executed = self.rng.random_range(0..=commands.len());
            commands.into_iter().take(executed).for_each(|command| self.carry_out(command));
            self.auditor.seen.crashes = seen.crashes;
            serde_json::to_string(&self.state).unwrap()
        };
        self.auditor.seen.crashes = seen.crashes + 1;
        self.state = serde_json::from_str(&written).unwrap();
        let restarted = Event::Restarted { at_ms: self.now_ms };
        let commands = step(&mut self.state, restarted.clone(), self.now_ms);
        self.auditor.check(&restarted, &commands, &self.state, self.state.clock_ms);
        commands.into_iter().for_each(|command| self.carry_out(command));
    }

    /// The loop's clock is a bit off at times.
    fn loop_clock(&mut self) -> i64 {
        if self.happens(0.01) { self.now_ms - self.rng.random_range(0..20_000) } else { self.now_ms }
    }

    /// What the shell does with a command; all of it may get lost or late on the way.
    fn carry_out(&mut self, command: Command) {
        let delay = if self.happens(0.2) { self.rng.random_range(0..60_000) } else { 1 };
        let at_ms = self.now_ms + delay;
        match command {
            Command::Scale(order) => {
                if !self.happens(0.1) {
                    self.mail.push((at_ms, Mail::Order(order.clone())));
                }
                if self.happens(0.05) {
                    self.mail.push((at_ms + 45_000, Mail::Order(order)));
                }
            }
            Command::PushWeights { service, snapshot } => {
                if let Some(at) = self.sites.iter().position(|site| site.name == service).filter(|_| !self.happens(0.1)) {
                    self.mail.push((at_ms, Mail::Weights(at, snapshot)));
                }
            }
            Command::Release { service, id, .. } => {
                if !self.happens(0.1) {
                    self.mail.push((at_ms, Mail::Release(service, id)));
                }
            }
            Command::RequestForecast { service, .. } => self.answer_forecast(service, at_ms),
            Command::Journal(_) | Command::Alert { .. } | Command::Refused { .. } => {}
        }
    }
}
