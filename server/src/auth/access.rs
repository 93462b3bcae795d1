//! Who somebody is: by a token, by a browser's session, or by the loopback address; and the tokens themselves.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::desk::{self, Doer, NewToken};
use super::known::{Cache, Known};
use super::sign_in::Attempts;
use super::{Principal, Tools, Via, digest_of};
use crate::secret::Secret;
use crate::store::{AccessChange, Store, StoreError, TokenRow};

/// A session that nobody used for so long ends: a working day and a long lunch.
pub const IDLE_MS: i64 = 12 * 3_600_000;
/// A session ends after that in any case.
pub const SESSION_MS: i64 = 7 * 86_400_000;
/// Last uses are written down this coarsely: a scrape every fifteen seconds isn't a write every fifteen seconds.
const COARSE_MS: i64 = 5 * 60_000;

/// What somebody shows to be known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credentials {
    /// Nothing.
    None,
    /// A token.
    Token(Secret),
    /// A session's id.
    Session(Secret),
}

/// Why it isn't known who somebody is, or why a change failed.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// The token doesn't count: it never did, it was revoked, or it expired.
    #[error("this token is not known, or it was revoked, or it has expired")]
    Token,
    /// The name is taken.
    #[error("a token named {0} exists already; revoke it first, or choose another name")]
    Taken(String),
    /// The database.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// The database has never answered yet, or the system has no randomness.
    #[error("{0}")]
    Unavailable(String),
}

/// Who may come in, and what they may do.
pub struct Access {
    pub(super) store: Arc<Store>,
    sign_in_needed: bool,
    pub(super) tools: Tools,
    cache: Cache,
    pub(super) attempts: Attempts,
    /// When uses were last written down.
    used: Mutex<HashMap<String, i64>>,
}

impl Access {
    /// Over a database. Without `sign_in_needed`, whoever comes in by the loopback address may do everything.
    #[must_use]
    pub fn new(store: Arc<Store>, sign_in_needed: bool, tools: Tools) -> Self {
        Self { store, sign_in_needed, tools, cache: Cache::default(), attempts: Attempts::default(), used: Mutex::default() }
    }

    /// Whether the loopback address is no reason to let somebody in.
    #[must_use]
    pub fn sign_in_needed(&self) -> bool {
        self.sign_in_needed
    }

    pub(super) async fn known(&self) -> Result<Arc<Known>, AccessError> {
        self.cache.read(&self.store, (self.tools.now)()).await
    }

    pub(crate) async fn change(&self, (change, event): desk::Deed) -> Result<bool, StoreError> {
        let changed = self.store.change_access(&change, Some(&event)).await;
        self.cache.forget().await;
        changed
    }

    /// Who shows this; `None` = nobody who is known. `local`: by the loopback address, and through no proxy that we know of.
    ///
    /// # Errors
    /// [`AccessError::Token`] for a token that doesn't count: a program should hear that, where a browser is shown the sign-in.
    pub async fn identify(self: &Arc<Self>, shown: &Credentials, local: bool) -> Result<Option<Principal>, AccessError> {
        self.who(shown, local, true).await
    }

    /// Whether who shows this isn't known any more. Asking is no use of it: a page that nobody looks at keeps no session alive. A database
    /// that doesn't answer makes nobody unknown.
    pub async fn forgot(self: &Arc<Self>, shown: &Credentials, local: bool) -> bool {
        matches!(self.who(shown, local, false).await, Ok(None) | Err(AccessError::Token))
    }

    async fn who(self: &Arc<Self>, shown: &Credentials, local: bool, uses: bool) -> Result<Option<Principal>, AccessError> {
        let open = local && !self.sign_in_needed;
        let known = match shown {
            Credentials::None => None,
            Credentials::Token(token) => Some(self.by_token(token, uses).await?),
            Credentials::Session(id) => match self.by_session(id, uses).await {
                // An old cookie is no reason to shut out whoever needs none.
                Err(_) if open => None,
                known => known?,
            },
        };
        Ok(known.or_else(|| open.then(Principal::local)))
    }

    async fn by_token(self: &Arc<Self>, token: &Secret, uses: bool) -> Result<Principal, AccessError> {
        let known = self.known().await?;
        let now_ms = (self.tools.now)();
        match known.tokens.get(&digest_of(token.expose())) {
            Some((row, role)) if row.expires_ms == 0 || now_ms < row.expires_ms => {
                if uses {
                    self.note_use(&row.id, row.used_ms, AccessChange::TokenUsed(row.id.clone(), now_ms), now_ms);
                }
                Ok(Principal { who: format!("token {}", row.name), role: *role, via: Via::Token })
            }
            _ => Err(AccessError::Token),
        }
    }

    async fn by_session(self: &Arc<Self>, id: &Secret, uses: bool) -> Result<Option<Principal>, AccessError> {
        let known = self.known().await?;
        let now_ms = (self.tools.now)();
        let hash = digest_of(id.expose());
        let Some(session) = known.sessions.get(&hash) else { return Ok(None) };
        let seen_ms = self.used.lock().get(&hash).copied().unwrap_or(0).max(session.seen_ms);
        if now_ms - session.created_ms >= SESSION_MS || now_ms - seen_ms >= IDLE_MS {
            return Ok(None);
        }
        let Some((role, _)) = known.accounts.get(&session.account) else { return Ok(None) };
        if uses {
            self.note_use(&hash, session.seen_ms, AccessChange::SessionSeen(hash.clone(), now_ms), now_ms);
        }
        let via = Via::Session { csrf: csrf(id), hash };
        Ok(Some(Principal { who: session.account.clone(), role: *role, via }))
    }

    /// Writes a use down, coarsely, and without anybody waiting for it.
    fn note_use(self: &Arc<Self>, key: &str, written_ms: i64, change: AccessChange, now_ms: i64) {
        let mut used = self.used.lock();
        let last_ms = used.get(key).copied().unwrap_or(0).max(written_ms);
        if now_ms - last_ms < COARSE_MS {
            return;
        }
        used.retain(|_, at_ms| now_ms - *at_ms < IDLE_MS);
        used.insert(key.to_owned(), now_ms);
        drop(used);
        let access = self.clone();
        tokio::spawn(async move {
            if let Err(error) = access.store.change_access(&change, None).await {
                tracing::debug!(%error, "a last use was not written down");
            }
        });
    }

    /// All tokens, by name.
    ///
    /// # Errors
    /// What the database says.
    pub async fn tokens(&self) -> Result<Vec<TokenRow>, AccessError> {
        Ok(self.store.access().await?.tokens)
    }

    /// Makes a token; the secret is never seen again.
    ///
    /// # Errors
    /// [`AccessError::Taken`]; what the database says.
    pub async fn make_token(&self, new: NewToken, who: &str) -> Result<(TokenRow, Secret), AccessError> {
        let (row, token, deed) = desk::make_token(new, self.doer(who), &self.tools.random).map_err(AccessError::Unavailable)?;
        if self.change(deed).await? { Ok((row, token)) } else { Err(AccessError::Taken(row.name)) }
    }

    /// Revokes a token; false if there is none with this id.
    ///
    /// # Errors
    /// What the database says.
    pub async fn revoke_token(&self, id: &str, who: &str) -> Result<bool, AccessError> {
        let rows = self.store.access().await?;
        let Some(row) = rows.tokens.iter().find(|row| row.id == id) else { return Ok(false) };
        Ok(self.change(desk::revoke_token(row, self.doer(who))).await?)
    }

    fn doer<'a>(&self, who: &'a str) -> Doer<'a> {
        Doer { who, now_ms: (self.tools.now)(), journal_ms: (self.tools.journal_now)() }
    }

    /// The time by which tokens end, epoch milliseconds.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        (self.tools.now)()
    }
}

/// What the page of this session knows and no other does: it follows from the session's id, which only the browser has.
pub(super) fn csrf(session: &Secret) -> Secret {
    Secret::new(digest_of(&format!("csrf {}", session.expose())))
}
