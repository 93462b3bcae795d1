//! `prescale webhook`: tries a receiver before a fleet depends on it.

use super::{CliError, forecast, parse_duration};
use crate::act::webhook::{Options, Sender};
use crate::secret::Secret;
use jiff::Timestamp;
use std::time::Duration;

/// The variable that the secret is read from: the command line is seen by every user of the machine.
pub const SECRET: &str = "PRESCALE_WEBHOOK_SECRET";

/// Sends a message of type "test" to a webhook receiver, signed as orders are, and says whether it was acknowledged.
#[derive(Debug, clap::Args)]
#[command(after_help = "The secret that signs is read from PRESCALE_WEBHOOK_SECRET; without it the message is not signed.\n\n\
                        Example:\n  prescale webhook https://hooks.example.com/scale")]
pub struct Args {
    /// Where orders will be sent
    url: String,
    /// When an answer is not waited for any more
    #[arg(long, default_value = "10s")]
    timeout: String,
    /// Also goes to link-local and cloud metadata addresses
    #[arg(long)]
    allow_link_local: bool,
}

/// Sends the message.
///
/// # Errors
/// Options that can't be used, and an answer that is no acknowledgement.
pub fn run(args: Args) -> Result<(), CliError> {
    let timeout_ms = parse_duration(&args.timeout).map_err(|why| CliError::BadInput(format!("--timeout: {why}")))?;
    let options = Options {
        url: args.url,
        status_url: None,
        secret: Secret::from_env(SECRET).map_err(CliError::BadInput)?,
        timeout: Duration::from_millis(timeout_ms.unsigned_abs()),
        allow_link_local: args.allow_link_local,
    };
    let sender = Sender::new(options).map_err(|error| CliError::BadInput(error.text))?;
    let now = Timestamp::now();
    let body = serde_json::json!({"type": "test", "issued_at": now.to_string()}).to_string();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::Failed(format!("the runtime can't start: {error}")))?;
    runtime.block_on(sender.deliver(&format!("test-{}", now.as_millisecond()), body)).map_err(|error| CliError::Failed(error.text))?;
    forecast::print("acknowledged\n")
}
