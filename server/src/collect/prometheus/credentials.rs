//! How we say who we are to a Prometheus that asks.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::RequestBuilder;

use super::Problem;
use crate::secret::Secret;

/// Sent with every request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credentials {
    /// `Authorization: Bearer …`.
    Bearer(Secret),
    /// `Authorization: Basic …`.
    Basic {
        /// The user.
        username: String,
        /// Its password.
        password: Secret,
    },
}

impl Credentials {
    /// What can't be sent in a header is found here, where it can be named, and not at the first request.
    pub(super) fn check(&self) -> Result<(), Problem> {
        let wrong = |key, value: String, allowed| Err(Problem::Option { key, value, allowed });
        let hidden = || "(not shown)".to_owned();
        match self {
            Self::Bearer(token) if token.expose().is_empty() || !token.expose().bytes().all(|byte| byte.is_ascii_graphic()) => {
                wrong("bearer_token", hidden(), "visible ASCII characters without blanks are allowed")
            }
            Self::Basic { username, .. } if username.is_empty() || username.contains(':') => {
                wrong("basic_auth.username", username.clone(), "a name without a colon is allowed, since the colon ends it")
            }
            Self::Basic { password, .. } if password.expose().is_empty() => {
                wrong("basic_auth.password", hidden(), "a password that isn't empty is allowed")
            }
            _ => Ok(()),
        }
    }

    pub(super) fn sign(&self, request: RequestBuilder) -> RequestBuilder {
        match self {
            Self::Bearer(token) => request.bearer_auth(token.expose()),
            Self::Basic { username, password } => request.basic_auth(username, Some(password.expose())),
        }
    }

    /// A text without them: a server may repeat what it was sent, as it was sent.
    pub(super) fn scrub(&self, text: &str) -> String {
        match self {
            Self::Bearer(token) => token.scrub(text),
            Self::Basic { username, password } => {
                let sent = Secret::new(STANDARD.encode(format!("{username}:{}", password.expose())));
                password.scrub(&sent.scrub(text))
            }
        }
    }
}

/// What to look at when the server doesn't let us in.
pub(super) fn advice(credentials: Option<&Credentials>) -> &'static str {
    match credentials {
        None => {
            "it wants to know who asks, and no credentials are configured: give prometheus.bearer_token_file (or token), or prometheus.basic_auth"
        }
        Some(Credentials::Bearer(_)) => "check the bearer token, whether it has expired, and that it may query",
        Some(Credentials::Basic { .. }) => "check user and password of prometheus.basic_auth, and that this user may query",
    }
}
