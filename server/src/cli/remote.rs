//! A running prescale, asked through its API.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use reqwest::{Method, Url};
use serde_json::Value;

use super::CliError;
use crate::secret::Secret;

/// An answer is a few lines; whatever is longer isn't our API.
const ANSWER_MAX: usize = 1024 * 1024;
/// An order is answered when it is in the journal, which may wait for a slow database.
const TIMEOUT: Duration = Duration::from_secs(60);
/// The variable with a token.
const TOKEN: &str = "PRESCALE_TOKEN";

/// Where the control plane listens, and who we are.
#[derive(Debug, Args)]
pub struct Server {
    /// The running prescale
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    server: String,
    /// The file with a token, where one must sign in; or the variable PRESCALE_TOKEN
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

impl Server {
    /// Sends an order, and waits until it is journalled.
    ///
    /// # Errors
    /// What the control plane answered, or that it didn't.
    pub fn send(&self, method: Method, path: &str, body: Option<Value>) -> Result<(), CliError> {
        let url = self.url(path)?;
        let token = self.token()?;
        if token.is_some() && url.scheme() == "http" && !is_loopback(&url) {
            eprintln!("warning: the token goes to {} unencrypted; use the https:// address", self.server);
        }
        let (success, is_ours_to_mend, text) = super::block_on(self.ask(method, url, token, body))??;
        if success {
            return Ok(());
        }
        let detail =
            serde_json::from_str::<Value>(&text).ok().and_then(|problem| Some(problem.get("detail")?.as_str()?.to_owned())).unwrap_or(text);
        Err(if is_ours_to_mend { CliError::BadInput(detail) } else { CliError::Failed(detail) })
    }

    fn url(&self, path: &str) -> Result<Url, CliError> {
        let url = format!("{}/api/v1{path}", self.server.trim_end_matches('/'));
        let wrong = |why: &dyn std::fmt::Display| {
            CliError::BadInput(format!("--server {}: {why}; allowed: an address such as http://127.0.0.1:8080", self.server))
        };
        let url = Url::parse(&url).map_err(|error| wrong(&error))?;
        if matches!(url.scheme(), "http" | "https") { Ok(url) } else { Err(wrong(&"it has another scheme")) }
    }

    fn token(&self) -> Result<Option<Secret>, CliError> {
        let Some(file) = &self.token_file else { return Secret::from_env(TOKEN).map_err(CliError::BadInput) };
        let text = std::fs::read_to_string(file)
            .map_err(|error| CliError::BadInput(format!("--token-file {}: it can't be read: {error}", file.display())))?;
        match text.trim() {
            "" => Err(CliError::BadInput(format!("--token-file {}: it is empty; allowed: a file with a token", file.display()))),
            token => Ok(Some(Secret::new(token))),
        }
    }

    /// Whether it was done, whether the caller must change something if not, and what was said.
    async fn ask(&self, method: Method, url: Url, token: Option<Secret>, body: Option<Value>) -> Result<(bool, bool, String), CliError> {
        let unreachable =
            |error: &dyn std::fmt::Display| CliError::Failed(format!("no answer from {}: {error}; is prescale running?", self.server));
        // An answer that leads elsewhere isn't followed: the token is for this server.
        let client = reqwest::Client::builder().timeout(TIMEOUT).redirect(reqwest::redirect::Policy::none()).build();
        let mut request = client.map_err(|error| unreachable(&error))?.request(method, url).header("content-type", "application/json");
        if let Some(token) = token {
            request = request.bearer_auth(token.expose());
        }
        let sent = request.body(body.map(|body| body.to_string()).unwrap_or_default()).send().await;
        let mut answer = sent.map_err(|error| unreachable(&error.without_url()))?;
        let status = answer.status();
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| unreachable(&error.without_url()))? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > ANSWER_MAX {
                return Err(unreachable(&"its answer has no end"));
            }
        }
        let is_ours_to_mend = status.is_client_error() && status != reqwest::StatusCode::CONFLICT;
        Ok((status.is_success(), is_ours_to_mend, String::from_utf8_lossy(&bytes).into_owned()))
    }
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    host == "localhost" || host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}
