//! The checks of a configuration.

use std::collections::BTreeSet;

use super::{Capacity, HpaPolicy, Mode, Policy, PredictivePolicy, ServiceConfig};
use crate::calendar::{self, CalendarEvent};

/// A value that can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{service}: {key} = {value} is not allowed: {allowed}")]
pub struct ConfigError {
    /// The service, or `services` for the list as a whole.
    pub service: String,
    /// Dotted path of the key.
    pub key: String,
    /// What was given.
    pub value: String,
    /// What would be right.
    pub allowed: String,
}

struct Checker<'a>(&'a str);

impl Checker<'_> {
    fn ensure(&self, ok: bool, key: &str, value: impl ToString, allowed: &str) -> Result<(), ConfigError> {
        if ok {
            return Ok(());
        }
        Err(ConfigError { service: self.0.to_owned(), key: key.to_owned(), value: value.to_string(), allowed: allowed.to_owned() })
    }
    /// A share strictly above 0 and at most 1.
    fn share(&self, key: &str, value: f64) -> Result<(), ConfigError> {
        self.ensure(value > 0.0 && value <= 1.0, key, value, "above 0 and at most 1")
    }
    fn above_zero(&self, key: &str, value: f64) -> Result<(), ConfigError> {
        self.ensure(value > 0.0 && value.is_finite(), key, value, "a finite number above 0")
    }
    /// Durations up to a year: beyond that a unit was mistaken, and sums could overflow.
    fn duration(&self, key: &str, value: i64, least: i64) -> Result<(), ConfigError> {
        let allowed = format!("{least} to 31536000000 ms");
        self.ensure((least..=31_536_000_000).contains(&value), key, value, &allowed)
    }
}

impl CalendarEvent {
    /// Are all values usable, whatever the service's rails? `path` is where the event stands, of which service.
    ///
    /// # Errors
    /// The first key that isn't, with its value and what is allowed.
    pub fn validate(&self, service: &str, path: &str) -> Result<(), ConfigError> {
        let (c, key) = (Checker(service), |name: &str| format!("{path}.{name}"));
        c.ensure(!self.name.is_empty(), &key("name"), &self.name, "1 character or more")?;
        let (lasts, most) = (self.lasts_ms, calendar::MOST_MS);
        c.ensure((1..=most).contains(&lasts), &key("lasts_ms"), lasts, &format!("1 to {most} ms"))?;
        if let (Some(from), Some(until)) = (self.from, self.until) {
            c.ensure(from <= until, &key("until"), until, &format!("not before from = {from}"))?;
        }
        let does_nothing = self.multiplier.is_none() && self.floor.is_none() && self.ceiling.is_none() && !self.learn;
        c.ensure(!does_nothing, path, &self.name, "at least one of multiplier, floor, ceiling and learn")?;
        let told = self.multiplier.is_some() || self.floor.is_some();
        c.ensure(
            !(self.learn && told),
            &key("learn"),
            self.learn,
            "false beside a multiplier or a floor: what is learnt takes their place",
        )?;
        if let Some(multiplier) = self.multiplier {
            c.ensure(multiplier > 0.0 && multiplier <= 1_000.0, &key("multiplier"), multiplier, "above 0 and at most 1000")?;
        }
        Ok(())
    }
}

impl ServiceConfig {
    /// Can these services be taken over together?
    ///
    /// # Errors
    /// The first value that can't be used, or a name that occurs twice.
    pub fn validate_all(configs: &[ServiceConfig]) -> Result<(), ConfigError> {
        let mut names = BTreeSet::new();
        for config in configs {
            config.validate()?;
            if !names.insert(&config.name) {
                let (value, allowed) = (config.name.clone(), "each name once".to_owned());
                return Err(ConfigError { service: "services".to_owned(), key: "name".to_owned(), value, allowed });
            }
        }
        Ok(())
    }

    /// Are all values usable, and do they fit together?
    ///
    /// # Errors
    /// The first key that doesn't, with its value and what is allowed.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let c = Checker(&self.name);
        c.ensure(!self.name.is_empty() && self.name.len() <= 253, "name", &self.name, "1 to 253 characters")?;
        c.above_zero("slo.latency_ms", self.slo.latency_ms)?;
        c.ensure(self.slo.percentile > 0.0 && self.slo.percentile < 100.0, "slo.percentile", self.slo.percentile, "above 0 and below 100")?;
        c.ensure((0.0..=1.0).contains(&self.slo.errors), "slo.errors", self.slo.errors, "0 to 1")?;
        self.check_capacity(&c)?;
        self.check_rails(&c)?;
        match &self.policy {
            Policy::Predictive(policy) => check_predictive(&c, policy)?,
            Policy::Hpa(policy) => check_hpa(&c, policy)?,
        }
        if let Some(lead) = self.lead_time_ms {
            c.duration("lead_time_ms", lead, 0)?;
        }
        c.duration("tick_ms", self.tick_ms, 1)?;
        c.duration("stale_after_ms", self.stale_after_ms, self.tick_ms)?;
        c.duration("forecast_every_ms", self.forecast_every_ms, 1)?;
        c.duration("forecast_update_ms", self.forecast_update_ms, 1)?;
        c.duration("forecast_max_age_ms", self.forecast_max_age_ms, self.forecast_every_ms)?;
        c.duration("approval_ttl_ms", self.approval_ttl_ms, 1)?;
        c.duration("drain_ms", self.drain_ms, 0)?;
        c.duration("ramp_ms", self.ramp_ms, 0)?;
        let zone = "a name of the IANA time zone database, such as Europe/Berlin or UTC";
        c.ensure(calendar::zone(&self.time_zone).is_some(), "time_zone", &self.time_zone, zone)?;
        self.events.iter().enumerate().try_for_each(|(i, event)| self.check_event(&c, &format!("events[{i}]"), event))
    }

    fn check_event(&self, c: &Checker, path: &str, event: &CalendarEvent) -> Result<(), ConfigError> {
        event.validate(c.0, path)?;
        let key = |name: &str| format!("{path}.{name}");
        let r = &self.rails;
        let within = format!("{} to {}, the rails", r.min, r.max);
        for (name, replicas) in [("floor", event.floor), ("ceiling", event.ceiling)] {
            let Some(replicas) = replicas else { continue };
            c.ensure((r.min..=r.max).contains(&replicas), &key(name), replicas, &within)?;
        }
        Ok(())
    }

    fn check_capacity(&self, c: &Checker) -> Result<(), ConfigError> {
        match &self.capacity {
            Capacity::Unknown => c.ensure(
                self.mode == Mode::Observe,
                "mode",
                self.mode.name(),
                "observe, as long as no capacity is given: nobody knows how many replicas are needed",
            ),
            Capacity::Declared { rps_per_replica } => c.above_zero("capacity.rps_per_replica", *rps_per_replica),
            Capacity::Modelled { concurrency, service_time_ms, queue, .. } => {
                c.ensure((1..=100_000).contains(concurrency), "capacity.concurrency", concurrency, "1 to 100000")?;
                c.above_zero("capacity.service_time_ms", *service_time_ms)?;
                c.ensure(*queue <= 1_000_000, "capacity.queue", queue, "0 to 1000000")
            }
        }
    }

    fn check_rails(&self, c: &Checker) -> Result<(), ConfigError> {
        let r = &self.rails;
        c.ensure(r.min >= 1, "rails.min", r.min, "1 or more (scaling to zero isn't supported)")?;
        c.ensure(r.max >= r.min, "rails.max", r.max, &format!("at least rails.min = {}", r.min))?;
        c.ensure(r.max <= 100_000, "rails.max", r.max, "at most 100000")?;
        c.ensure(r.step_up >= 1, "rails.step_up", r.step_up, "1 or more")?;
        c.ensure(r.step_down >= 1, "rails.step_down", r.step_down, "1 or more")?;
        c.duration("rails.stabilisation_ms", r.stabilisation_ms, 0)?;
        c.duration("rails.cool_down_ms", r.cool_down_ms, 0)?;
        match r.max_jump_factor {
            Some(f) => c.ensure(f > 1.0 && f.is_finite(), "rails.max_jump_factor", f, "a finite number above 1"),
            None => Ok(()),
        }
    }
}

fn check_predictive(c: &Checker, p: &PredictivePolicy) -> Result<(), ConfigError> {
    c.ensure(p.quantile >= 0.5 && p.quantile < 1.0, "policy.quantile", p.quantile, "0.5 to below 1")?;
    c.share("policy.target", p.target)?;
    c.share("policy.fallback_target", p.fallback_target)?;
    c.duration("policy.fallback_stabilisation_ms", p.fallback_stabilisation_ms, 0)
}

fn check_hpa(c: &Checker, p: &HpaPolicy) -> Result<(), ConfigError> {
    c.share("policy.target", p.target)?;
    c.ensure((0.0..1.0).contains(&p.tolerance), "policy.tolerance", p.tolerance, "0 to below 1")?;
    c.duration("policy.stabilisation_ms", p.stabilisation_ms, 0)?;
    c.duration("policy.stabilisation_up_ms", p.stabilisation_up_ms, 0)?;
    for (key, behaviour) in [("policy.scale_up", &p.scale_up), ("policy.scale_down", &p.scale_down)] {
        for rate in &behaviour.policies {
            c.ensure(rate.value >= 1, &format!("{key}.policies.value"), rate.value, "1 or more")?;
            c.duration(&format!("{key}.policies.period_ms"), rate.period_ms, 1)?;
        }
    }
    Ok(())
}
