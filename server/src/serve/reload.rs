//! Takes over a changed configuration: read whole, checked whole, put in force whole, or refused with the old one in force as before.
//!
//! The files' *content* is compared every two seconds: that sees an editor's new file, a changed secret, and the link that Kubernetes turns
//! when a ConfigMap changes, on every file system. A refused file is tried again each time, since what it lacks may come (a secret, a free
//! port); it is logged once.

use std::time::Duration;

use super::DRAIN;
use super::assemble::{Assembly, Parts, needs_a_start, services};
use crate::api::control::HealthCheck;
use crate::cli::show_time;
use crate::config::Config;
use crate::runtime::Runtime;

const CHECK: &str = "configuration";

/// The configuration in force, and what waits to be.
pub struct Reload {
    config: Config,
    since_ms: i64,
    assembly: Assembly,
    refused: Option<String>,
}

impl Reload {
    /// `config` runs as `parts`.
    pub fn new(config: Config, mut assembly: Assembly, parts: Parts, runtime: &Runtime) -> Self {
        assembly.adopt(parts, DRAIN);
        let reload = Self { config, since_ms: runtime.shared().clock.now_ms(), assembly, refused: None };
        reload.show(runtime);
        reload
    }

    /// Looks whether there is something new, in any case if `asked`.
    pub async fn look(&mut self, runtime: &Runtime, asked: bool) {
        let due = asked || self.refused.is_some() || tokio::task::block_in_place(|| self.config.is_outdated());
        if !due {
            return;
        }
        match self.take_over(runtime).await {
            Ok(()) => self.refused = None,
            Err(why) if self.refused.as_ref() != Some(&why) => {
                tracing::error!(why, in_force = show_time(self.since_ms), "the changed configuration is refused, the old one stays");
                self.refused = Some(why);
            }
            Err(_) => {}
        }
        self.show(runtime);
    }

    async fn take_over(&mut self, runtime: &Runtime) -> Result<(), String> {
        let path = self.config.path.clone();
        let next = tokio::task::block_in_place(|| Config::load(&path)).map_err(|problems| problems.to_string())?;
        let changes = next.changes_since(&self.config);
        if changes.is_empty() {
            // The same in other words.
            self.config = next;
            return Ok(());
        }
        if let Some(why) = needs_a_start(&self.config, &next) {
            return Err(why);
        }
        let parts = self.assembly.next(&next).await?;
        runtime.reconfigure(services(&parts), &path.display().to_string(), changes.clone()).await?;
        for change in &changes {
            tracing::info!(%change, "the configuration changed");
        }
        self.assembly.adopt(parts, DRAIN);
        (self.config, self.since_ms) = (next, runtime.shared().clock.now_ms());
        Ok(())
    }

    fn show(&self, runtime: &Runtime) {
        let (file, since) = (self.config.path.display(), show_time(self.since_ms));
        let text = match &self.refused {
            None => format!("{file} is in force since {since}"),
            Some(why) => {
                let why = why.lines().map(str::trim).collect::<Vec<_>>().join("; ");
                format!("refused: {why}; running with the one of {since}")
            }
        };
        runtime.shared().note(HealthCheck { name: CHECK.into(), ok: self.refused.is_none(), text });
    }

    /// Lets the proxies finish what they have.
    pub async fn drain(&self, deadline: Duration) {
        let fronts = self.assembly.live.values().filter_map(|part| part.front.clone());
        let draining: Vec<_> = fronts.map(|front| tokio::spawn(async move { front.drain(deadline).await })).collect();
        for one in draining {
            // A proxy whose drain failed has stopped all the same.
            let _ = one.await;
        }
    }
}
