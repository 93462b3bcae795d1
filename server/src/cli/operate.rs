//! `prescale mode`, `pause`, `resume`, `release`, `approve`, `reject`: what an operator does on the page, from a shell, through the same API.

use clap::{Args, ValueEnum};
use reqwest::Method;
use serde_json::json;

use super::CliError;
use super::remote::Server;

/// Sets how far Prescale may go by itself.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  prescale mode worldcup approve")]
pub struct Mode {
    /// The service
    service: String,
    /// The new mode
    #[arg(value_enum)]
    mode: ModeName,
    #[command(flatten)]
    server: Server,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ModeName {
    Observe,
    Recommend,
    Approve,
    Automatic,
}

/// Holds a service (or all) where it is, at once.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  prescale pause\n  prescale pause worldcup --direction down")]
pub struct Pause {
    /// The service; all services without it
    service: Option<String>,
    /// Which direction is held
    #[arg(long, value_enum, default_value_t = Direction::Both)]
    direction: Direction,
    #[command(flatten)]
    server: Server,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Direction {
    Up,
    Down,
    Both,
}

/// Ends a pause of a service (or the pause of all).
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  prescale resume worldcup")]
pub struct Resume {
    /// The service; the pause of all services without it
    service: Option<String>,
    #[command(flatten)]
    server: Server,
}

/// Gives up what is held on behalf of a service, such as the floor of its autoscaler, and stops acting on it.
///
/// A service in mode approve or automatic is in mode recommend from then on. Replicas stay as they are; from here on they are their owner's
/// business.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  prescale release chat-api")]
pub struct Release {
    /// The service
    service: String,
    #[command(flatten)]
    server: Server,
}

/// Lets a proposal be carried out, or another number of replicas instead.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  prescale approve 1042\n  prescale approve 1042 --replicas 9 --reason 'the campaign starts at noon'")]
pub struct Approve {
    /// The decision's id, as the page and the API show it
    #[arg(value_parser = decision_id)]
    decision: u64,
    /// So many instead of what was proposed; the rails hold all the same
    #[arg(long, requires = "reason")]
    replicas: Option<u32>,
    /// Why another number, for the journal
    #[arg(long, requires = "replicas")]
    reason: Option<String>,
    #[command(flatten)]
    server: Server,
}

/// Turns a proposal down.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  prescale reject 1042 --reason 'the campaign was cancelled'")]
pub struct Reject {
    /// The decision's id, as the page and the API show it
    #[arg(value_parser = decision_id)]
    decision: u64,
    /// Why, for the journal
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    server: Server,
}

impl Mode {
    /// # Errors
    /// What the control plane answered.
    pub fn run(self) -> Result<(), CliError> {
        let mode = format!("{:?}", self.mode).to_lowercase();
        self.server.send(Method::PUT, &format!("/services/{}/mode", self.service), Some(json!({ "mode": mode })))?;
        done(&format!("{} is in mode {mode}", self.service));
        Ok(())
    }
}

impl Pause {
    /// # Errors
    /// What the control plane answered.
    pub fn run(self) -> Result<(), CliError> {
        let pause = format!("{:?}", self.direction).to_lowercase();
        self.server.send(Method::POST, &pause_path(self.service.as_deref()), Some(json!({ "pause": pause })))?;
        done(&format!("{} paused ({pause})", who(self.service.as_deref())));
        Ok(())
    }
}

impl Resume {
    /// # Errors
    /// What the control plane answered.
    pub fn run(self) -> Result<(), CliError> {
        self.server.send(Method::DELETE, &pause_path(self.service.as_deref()), None)?;
        done(&format!("{} resumed", who(self.service.as_deref())));
        Ok(())
    }
}

impl Release {
    /// # Errors
    /// What the control plane answered.
    pub fn run(self) -> Result<(), CliError> {
        self.server.send(Method::POST, &format!("/services/{}/release", self.service), None)?;
        done(&format!("{} is released: what Prescale held for it is being given up", self.service));
        Ok(())
    }
}

impl Approve {
    /// # Errors
    /// What the control plane answered.
    pub fn run(self) -> Result<(), CliError> {
        let edit = self.replicas.map(|replicas| json!({ "replicas": replicas, "reason": self.reason }));
        self.server.send(Method::POST, &format!("/decisions/{}/approve", self.decision), edit)?;
        let instead = self.replicas.map_or_else(String::new, |replicas| format!(", with {replicas} replicas"));
        done(&format!("decision {} approved{instead}", self.decision));
        Ok(())
    }
}

impl Reject {
    /// # Errors
    /// What the control plane answered.
    pub fn run(self) -> Result<(), CliError> {
        self.server.send(Method::POST, &format!("/decisions/{}/reject", self.decision), Some(json!({ "reason": self.reason })))?;
        done(&format!("decision {} rejected", self.decision));
        Ok(())
    }
}

fn decision_id(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| "allowed: the whole number that the page and the API show for a decision, such as 1042".to_owned())
}

fn who(service: Option<&str>) -> &str {
    service.unwrap_or("all services")
}

fn pause_path(service: Option<&str>) -> String {
    service.map_or_else(|| "/pause".into(), |name| format!("/services/{name}/pause"))
}

fn done(text: &str) {
    eprintln!("{text}");
}
