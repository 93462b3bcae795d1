//! Signing in and out: one password at a time, guessing slowed down, and what happened told, within bounds.

use std::net::IpAddr;

use parking_lot::Mutex;
use tokio::sync::Semaphore;

use super::access::{Access, AccessError, IDLE_MS, SESSION_MS, csrf};
use super::backoff::Backoff;
use super::{Principal, Role, Via, digest_of, password, secret};
use crate::secret::Secret;
use crate::store::{AccessChange, AccessEvent, SessionRow, StoreError};

/// Passwords looked at, and waiting to be, at once. More are told to come again.
const QUEUE_MAX: usize = 32;
/// Failed sign-ins in the access journal per hour. Whoever guesses must not fill the disk.
const TOLD_PER_HOUR: u32 = 60;
const HOUR_MS: i64 = 3_600_000;

/// A sign-in.
#[derive(Debug)]
pub struct SignIn {
    /// Who it is.
    pub principal: Principal,
    /// The session's id, for the browser.
    pub session: Secret,
}

/// Why a sign-in failed.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// There is no such account, or this isn't its password: which, isn't said.
    #[error("account or password are wrong")]
    Wrong,
    /// Too many failures of late.
    #[error("too many attempts")]
    Wait {
        /// How long to wait [s].
        seconds: u32,
    },
    /// Our fault.
    #[error(transparent)]
    Access(#[from] AccessError),
}

impl From<StoreError> for SignInError {
    fn from(error: StoreError) -> Self {
        Self::Access(error.into())
    }
}

/// Failed sign-ins that were told of in this hour, and those that weren't.
#[derive(Default)]
struct Tally {
    hour: i64,
    told: u32,
    untold: u64,
}

/// What is remembered of sign-ins.
pub struct Attempts {
    backoff: Mutex<Backoff>,
    tally: Mutex<Tally>,
    /// One password at a time: a core must be left for the control loop and the proxy.
    hashing: Semaphore,
    queue: Semaphore,
}

impl Default for Attempts {
    fn default() -> Self {
        Self { backoff: Mutex::default(), tally: Mutex::default(), hashing: Semaphore::new(1), queue: Semaphore::new(QUEUE_MAX) }
    }
}

impl Access {
    /// Signs a browser in. `previous`: the session that it had, which ends.
    ///
    /// # Errors
    /// See [`SignInError`].
    pub async fn sign_in(&self, account: &str, given: Secret, from: IpAddr, previous: Option<&Secret>) -> Result<SignIn, SignInError> {
        let Ok(_place) = self.attempts.queue.try_acquire() else { return Err(SignInError::Wait { seconds: 1 }) };
        let now_ms = (self.tools.now)();
        self.attempts.backoff.lock().begin(account, from, now_ms).map_err(wait)?;
        let known = match self.known().await {
            Ok(known) => known,
            Err(error) => {
                self.attempts.backoff.lock().abandoned(account, from);
                return Err(error.into());
            }
        };
        let found = known.accounts.get(account).cloned();
        let kept = found.as_ref().map_or(password::NOBODYS, |(_, kept)| kept).to_owned();
        let right = self.is_right(given, kept).await?;
        let Some((role, _)) = found.filter(|_| right) else {
            self.tell_failure(known.accounts.contains_key(account).then_some(account), from, now_ms).await;
            return Err(SignInError::Wrong);
        };
        self.attempts.backoff.lock().succeeded(account, from, now_ms);
        if let Some(previous) = previous {
            self.store.change_access(&AccessChange::EndSession(digest_of(previous.expose())), None).await?;
        }
        self.begin_session(account, role, from).await
    }

    async fn is_right(&self, given: Secret, kept: String) -> Result<bool, SignInError> {
        let unavailable = |why: String| SignInError::Access(AccessError::Unavailable(why));
        let _turn = self.attempts.hashing.acquire().await.map_err(|error| unavailable(error.to_string()))?;
        tokio::task::spawn_blocking(move || password::is_right(&given, &kept)).await.map_err(|error| unavailable(error.to_string()))
    }

    async fn begin_session(&self, account: &str, role: Role, from: IpAddr) -> Result<SignIn, SignInError> {
        let session = Secret::new(secret(&self.tools.random).map_err(AccessError::Unavailable)?);
        let now_ms = (self.tools.now)();
        let hash = digest_of(session.expose());
        let row = SessionRow { hash: hash.clone(), account: account.into(), created_ms: now_ms, seen_ms: now_ms };
        let change = AccessChange::AddSession(row, now_ms - SESSION_MS, now_ms - IDLE_MS);
        let event = self.event(account, "signed_in", format!("Signed in from {from}."));
        if !self.change((change, event)).await? {
            // The account went, or got another password, while this one was looked at.
            return Err(SignInError::Wrong);
        }
        tracing::info!(account, %from, "signed in");
        let via = Via::Session { csrf: csrf(&session), hash };
        Ok(SignIn { principal: Principal { who: account.into(), role, via }, session })
    }

    fn event(&self, who: &str, kind: &'static str, what: String) -> AccessEvent {
        AccessEvent { at_ms: (self.tools.journal_now)(), who: who.into(), kind, what, before: None, after: None }
    }

    /// The name that was tried is told only if there is such an account: people type their password into the wrong field.
    async fn tell_failure(&self, account: Option<&str>, from: IpAddr, now_ms: i64) {
        let untold = {
            let mut tally = self.attempts.tally.lock();
            let hour = now_ms.div_euclid(HOUR_MS);
            if tally.hour != hour {
                *tally = Tally { hour, told: 0, untold: tally.untold };
            }
            if tally.told >= TOLD_PER_HOUR {
                tally.untold += 1;
                return;
            }
            tally.told += 1;
            std::mem::take(&mut tally.untold)
        };
        let subject = account.map_or_else(|| "an account that doesn't exist".to_owned(), |name| name.to_owned());
        let more = if untold == 0 { String::new() } else { format!(" {untold} more before it were not written down.") };
        tracing::warn!(account = subject, %from, untold, "a sign-in failed");
        let event = self.event("nobody", "sign_in_failed", format!("A sign-in as {subject} from {from} failed.{more}"));
        if let Err(error) = self.store.change_access(&AccessChange::None, Some(&event)).await {
            tracing::warn!(%error, "a failed sign-in could not be written down");
        }
    }

    /// Ends the session of whoever has one.
    ///
    /// # Errors
    /// What the database says.
    pub async fn sign_out(&self, principal: &Principal) -> Result<(), AccessError> {
        if let Via::Session { hash, .. } = &principal.via {
            self.change((AccessChange::EndSession(hash.clone()), self.event(&principal.who, "signed_out", "Signed out.".into()))).await?;
        }
        Ok(())
    }
}

fn wait(wait_ms: i64) -> SignInError {
    SignInError::Wait { seconds: u32::try_from((wait_ms + 999) / 1_000).unwrap_or(u32::MAX) }
}
