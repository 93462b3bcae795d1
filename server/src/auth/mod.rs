//! Who is asking, and what they may do.
//!
//! Programs have *tokens*, people have *accounts*, and a browser that signed in has a *session*. Each has one of three roles, and each role may
//! do what the ones below it may. On the loopback address, unless the configuration says otherwise, whoever reaches the port is the
//! machine's own operator and may do everything, as with any tool that runs there.
//!
//! What is kept can't be used to get in: tokens and session ids are 256 random bits of which only the SHA-256 is stored (a fast hash is right
//! for what nobody can guess), passwords go through Argon2id ([`password`]). Guessing is slowed down per address and per account
//! ([`backoff`]). Nothing here knows HTTP, and time and randomness come in from outside ([`Tools`]).

mod access;
pub mod address;
pub mod backoff;
pub mod desk;
mod known;
pub mod password;
mod sign_in;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest;
use serde::{Deserialize, Serialize};

pub use access::{Access, AccessError, Credentials, SESSION_MS};
pub use sign_in::{SignIn, SignInError};

use crate::secret::Secret;

/// What somebody may do. Each may do what the ones before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// See everything, change nothing.
    Viewer,
    /// Change modes, pause, approve: the daily work.
    Operator,
    /// Also make and revoke tokens.
    Admin,
}

impl Role {
    /// Every role, the least first.
    pub const ALL: [Role; 3] = [Role::Viewer, Role::Operator, Role::Admin];

    /// As in commands, answers and the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Role::Viewer => "viewer",
            Role::Operator => "operator",
            Role::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Role {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Role::ALL.into_iter().find(|role| role.name() == text).ok_or(())
    }
}

/// Somebody who is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// As it is written into the journal: an account's name, `token NAME`, or [`LOCAL`].
    pub who: String,
    /// What they may do.
    pub role: Role,
    /// How they are known.
    pub via: Via,
}

/// How somebody is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Via {
    /// By reaching a port that only this machine reaches.
    Loopback,
    /// By a token.
    Token,
    /// By a browser's session.
    Session {
        /// The session's key in the database.
        hash: String,
        /// What the page must send along with every change: a page of another site can't know it.
        csrf: Secret,
    },
}

/// Whoever reaches the loopback address.
pub const LOCAL: &str = "local operator";

impl Principal {
    /// Whoever reaches the loopback address.
    #[must_use]
    pub fn local() -> Self {
        Self { who: LOCAL.into(), role: Role::Admin, via: Via::Loopback }
    }
}

/// Fills bytes that nobody can foresee.
pub type Random = Arc<dyn Fn(&mut [u8]) -> Result<(), String> + Send + Sync>;
/// Shows epoch milliseconds.
pub type Now = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Time and chance.
#[derive(Clone)]
pub struct Tools {
    /// The time by which sessions and tokens end: the wall's, also where domain time runs faster.
    pub now: Now,
    /// The time that is written into the access journal: the journal's, so that the audit has one order.
    pub journal_now: Now,
    /// Makes secrets.
    pub random: Random,
}

impl Tools {
    /// Of the system, with the journal's clock.
    #[must_use]
    pub fn system(journal_now: Now) -> Self {
        Self { now: Arc::new(wall_ms), journal_now, random: Arc::new(|bytes| getrandom::fill(bytes).map_err(|error| error.to_string())) }
    }
}

/// The system's clock, epoch milliseconds. One that shows a time before 1970 shows 1970: nothing has expired then, and `serve` refuses to start.
#[must_use]
pub fn wall_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// 256 random bits as text.
fn secret(random: &Random) -> Result<String, String> {
    let mut bytes = [0_u8; 32];
    random(&mut bytes).map_err(|error| format!("the system gives no random numbers: {error}"))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// What is kept of a secret that nobody can guess: SHA-256 in hex.
fn digest_of(secret: &str) -> String {
    let digest = digest::digest(&digest::SHA256, secret.as_bytes());
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether two secrets are the same. What is compared are their digests, so that the time it takes says nothing about them.
#[must_use]
pub fn same(left: &Secret, right: &str) -> bool {
    digest_of(left.expose()) == digest_of(right)
}

#[cfg(test)]
mod tests;
