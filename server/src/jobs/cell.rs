//! One cell of a what-if as a scenario file, complete with comments: what the server simulates is this text, so that whoever saves it gets
//! the same result from `prescale simulate`.

use std::fmt::Write as _;

use balancer::Algorithm;
use planner::{HpaPolicy, Policy, PredictivePolicy, ServiceConfig};

use super::fleet::Fleet;
use super::load::Load;
use super::plan::Plan;
use crate::api::dto::WhatIf;

/// More in flight is hopeless overload: the queues are bounded, so this is some thousand full replicas.
const MAX_IN_FLIGHT: u32 = 1_000_000;

/// What all cells of a what-if share.
pub struct Common<'a> {
    pub request: &'a WhatIf,
    pub config: &'a ServiceConfig,
    pub fleet: &'a Fleet,
    pub load: &'a Load,
    /// From an order to a replica that serves [ms].
    pub boot_ms: i64,
    /// What the planner reckons with [ms].
    pub lead_ms: i64,
    /// Load that one replica holds, as the planner sees it now [requests/s].
    pub per_replica_rps: f64,
    /// Replicas that were ready, from which second of the run on; empty when nobody knows.
    pub recorded: &'a [(i64, u32)],
}

impl Common<'_> {
    /// The cell's name.
    pub fn name(algorithm: Algorithm, plan: Plan) -> String {
        format!("{algorithm}, {}", plan.words())
    }

    /// Requests that arrive in one run.
    pub fn requests(&self) -> f64 {
        self.load.window().iter().sum::<f64>() * self.load.step_ms as f64 / 1_000.0 * self.request.traffic
    }

    /// Replicas that the first minutes need, which is what a fleet would have that was planned before.
    fn initial(&self, target: f64) -> u32 {
        let steps = ((self.lead_ms / self.load.step_ms).max(1) as usize + 1).min(self.load.window().len());
        let highest = self.load.window().iter().take(steps).fold(0.0_f64, |highest, rps| highest.max(*rps));
        let needed = (highest * self.request.traffic / (self.per_replica_rps * target)).ceil();
        let rails = &self.config.rails;
        // A rate is finite and not negative, so that this is a whole number from 0 on.
        (needed as u32).clamp(rails.min, rails.max)
    }

    /// The scenario.
    pub fn scenario(&self, algorithm: Algorithm, plan: Plan) -> String {
        let (request, config, load) = (self.request, self.config, self.load);
        let mut out = String::new();
        let name = toml::Value::String(format!("{}: {}", config.name, Self::name(algorithm, plan)));
        let mut line = |text: std::fmt::Arguments<'_>| {
            // Writing to a String can't fail.
            let _ = out.write_fmt(text);
            out.push('\n');
        };
        line(format_args!("name = {name}\nseed = {}\nreplications = {}", request.seed, request.seeds));
        line(format_args!("duration = \"{}ms\"", load.window().len() as i64 * load.step_ms));
        line(format_args!("timeline = true\nmax_in_flight = {MAX_IN_FLIGHT}\n"));
        line(format_args!("[workload]"));
        let skip = load.before as i64 * load.step_ms;
        let skip = if skip > 0 { format!(", skip = \"{skip}ms\"") } else { String::new() };
        line(format_args!("arrivals = {{ kind = \"trace\", file = \"load.csv\", scale = {:?}{skip} }}\n", request.traffic));
        let slo = &config.slo;
        line(format_args!("[slo]\nlatency_ms = {:?}\npercentile = {:?}\n", slo.latency_ms, slo.percentile));
        line(format_args!("[balancer]\nalgorithm = \"{algorithm}\"\n"));
        let fleet = self.fleet;
        line(format_args!("[[pools]]\nname = {}\nreplicas = {}", toml::Value::String(config.name.clone()), self.replicas(plan)));
        line(format_args!("concurrency = {}\nqueue = {}", fleet.concurrency, fleet.queue));
        let service_ms = fleet.service_time_ms * request.service_time;
        line(format_args!("service_time = {{ dist = \"exponential\", mean_ms = {service_ms:?} }}\nboot_delay = \"{}ms\"", self.boot_ms));
        if let Some(price) = request.replica_hour {
            line(format_args!("\n[cost]\nreplica_hour = {price:?}"));
        }
        let autoscaler = self.autoscaler(plan);
        if !autoscaler.is_empty() {
            line(format_args!("\n[autoscaler]\n{}", autoscaler.join("\n")));
        }
        out
    }

    /// Replicas at the start.
    fn replicas(&self, plan: Plan) -> u32 {
        match plan {
            Plan::Fixed(replicas) => replicas,
            Plan::Planner(more) => {
                let target = match &self.config.policy {
                    Policy::Predictive(_) => 1.0,
                    Policy::Hpa(policy) => policy.target,
                };
                self.initial(target).saturating_add_signed(more).max(1)
            }
            Plan::Recorded(more) => self.recorded.first().map_or(1, |(_, replicas)| replicas.saturating_add_signed(more).max(1)),
            Plan::Hpa(target) => self.initial(target),
        }
    }

    /// The lines of the `[autoscaler]` table; none for a fixed fleet.
    fn autoscaler(&self, plan: Plan) -> Vec<String> {
        match plan {
            Plan::Fixed(_) => Vec::new(),
            Plan::Recorded(more) => {
                let step = |(at_s, replicas): &(i64, u32)| {
                    format!("    {{ at = \"{at_s}s\", replicas = {} }},", replicas.saturating_add_signed(more).max(1))
                };
                let mut lines = vec!["policy = \"schedule\"".to_owned(), "steps = [".to_owned()];
                lines.extend(self.recorded.iter().map(step));
                lines.push("]".to_owned());
                lines
            }
            Plan::Hpa(target) => {
                let policy = HpaPolicy { target, ..HpaPolicy::default() };
                let mut lines = hpa(&policy);
                lines.extend(self.rails(15_000));
                lines
            }
            Plan::Planner(more) => {
                let mut lines = match &self.config.policy {
                    Policy::Predictive(policy) => self.predictive(policy),
                    Policy::Hpa(policy) => hpa(policy),
                };
                lines.extend(self.rails(self.config.tick_ms));
                lines.push(format!("ramp = \"{}ms\"", self.config.ramp_ms));
                if more != 0 {
                    lines.push(format!("more = {more}"));
                }
                lines
            }
        }
    }

    fn rails(&self, interval_ms: i64) -> Vec<String> {
        let rails = &self.config.rails;
        let mut lines = vec![
            format!("interval = \"{interval_ms}ms\""),
            format!("min = {}\nmax = {}\nstep_up = {}\nstep_down = {}", rails.min, rails.max, rails.step_up, rails.step_down),
            format!("cool_down = \"{}ms\"", rails.cool_down_ms),
            format!("lead_time = \"{}ms\"", self.lead_ms),
        ];
        match self.fleet.declared_rps {
            Some(rps) => lines.push(format!("rps_per_replica = {rps:?}")),
            // The planner believes what is configured, not what the what-if makes of it.
            None if self.request.service_time != 1.0 => lines.push(format!("service_time_ms = {:?}", self.fleet.service_time_ms)),
            None => {}
        }
        lines
    }

    fn predictive(&self, policy: &PredictivePolicy) -> Vec<String> {
        vec![
            "policy = \"predictive\"".to_owned(),
            format!("quantile = {:?}\ntarget = {:?}\nfallback_target = {:?}", policy.quantile, policy.target, policy.fallback_target),
            format!("fallback_stabilisation = \"{}ms\"", policy.fallback_stabilisation_ms),
            format!("stabilisation = \"{}ms\"", self.config.rails.stabilisation_ms),
            format!("forecast_every = \"{}ms\"", self.config.forecast_every_ms),
            format!("forecast_update = \"{}ms\"", self.config.forecast_update_ms),
            format!("forecast_max_age = \"{}ms\"", self.config.forecast_max_age_ms),
        ]
    }
}

fn hpa(policy: &HpaPolicy) -> Vec<String> {
    vec![
        "policy = \"hpa\"".to_owned(),
        format!("target = {:?}\ntolerance = {:?}", policy.target, policy.tolerance),
        format!("stabilisation = \"{}ms\"", policy.stabilisation_ms),
    ]
}
