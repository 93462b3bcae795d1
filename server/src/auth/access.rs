//! The running server's knowledge of who may come in.
//!
//! What the database says is read at most once a second, whole: the tables are small, and the command line may change them at any moment. So
//! a revocation counts within a second, and while the database doesn't answer those who were known stay known.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Semaphore;

use super::backoff::Backoff;
use super::desk::{self, Doer, NewToken};
use super::{Principal, Role, Tools, Via, digest_of, password, secret};
use crate::secret::Secret;
use crate::store::{AccessChange, AccessEvent, AccessRows, SessionRow, Store, StoreError, TokenRow};

/// How old what is known may be.
const FRESH_MS: i64 = 1_000;
/// A database that takes longer doesn't hold a request up: what was known counts on.
const READ_TIMEOUT: Duration = Duration::from_secs(2);
/// After a failed read.
const RETRY_MS: i64 = 5_000;
/// A session that nobody used for so long ends: a working day and a long lunch.
pub const IDLE_MS: i64 = 12 * 3_600_000;
/// A session ends after that in any case.
pub const SESSION_MS: i64 = 7 * 86_400_000;
/// Last uses are written down this coarsely: a scrape every fifteen seconds isn't a write every fifteen seconds.
const COARSE_MS: i64 = 5 * 60_000;
/// Passwords looked at, and waiting to be, at once. More are told to come again.
const QUEUE_MAX: usize = 32;
/// Failed sign-ins in the access journal per hour. Whoever guesses must not fill the disk.
const TOLD_PER_HOUR: u32 = 60;
const HOUR_MS: i64 = 3_600_000;

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

/// What was last read.
#[derive(Default)]
struct Known {
    tokens: HashMap<String, (TokenRow, Role)>,
    /// Role, and the password's hash.
    accounts: HashMap<String, (Role, String)>,
    sessions: HashMap<String, SessionRow>,
}

impl Known {
    /// A role of a newer version is none of ours: whoever has it is not let in.
    fn new(rows: AccessRows) -> Self {
        let role = |text: &str| text.parse::<Role>().ok();
        Self {
            tokens: rows.tokens.into_iter().filter_map(|row| role(&row.role).map(|role| (row.hash.clone(), (row, role)))).collect(),
            accounts: rows.accounts.into_iter().filter_map(|row| Some((row.name, (role(&row.role)?, row.password)))).collect(),
            sessions: rows.sessions.into_iter().map(|row| (row.hash.clone(), row)).collect(),
        }
    }
}

/// When what is known is to be read again.
struct Cache {
    known: Option<Arc<Known>>,
    next_ms: i64,
}

/// Failed sign-ins that were told of in this hour, and those that weren't.
#[derive(Default)]
struct Tally {
    hour: i64,
    told: u32,
    untold: u64,
}

/// Who may come in, and what they may do.
pub struct Access {
    store: Arc<Store>,
    sign_in_needed: bool,
    tools: Tools,
    cache: tokio::sync::Mutex<Cache>,
    backoff: Mutex<Backoff>,
    tally: Mutex<Tally>,
    /// When uses were last written down.
    used: Mutex<HashMap<String, i64>>,
    /// One password at a time: a core must be left for the control loop and the proxy.
    hashing: Semaphore,
    queue: Semaphore,
}

impl Access {
    /// Over a database. Without `sign_in_needed`, whoever comes in by the loopback address may do everything.
    #[must_use]
    pub fn new(store: Arc<Store>, sign_in_needed: bool, tools: Tools) -> Self {
        Self {
            store,
            sign_in_needed,
            tools,
            cache: tokio::sync::Mutex::new(Cache { known: None, next_ms: i64::MIN }),
            backoff: Mutex::default(),
            tally: Mutex::default(),
            used: Mutex::default(),
            hashing: Semaphore::new(1),
            queue: Semaphore::new(QUEUE_MAX),
        }
    }

    /// Whether the loopback address is no reason to let somebody in.
    #[must_use]
    pub fn sign_in_needed(&self) -> bool {
        self.sign_in_needed
    }

    async fn known(&self) -> Result<Arc<Known>, AccessError> {
        let mut cache = self.cache.lock().await;
        let now_ms = (self.tools.now)();
        // A clock that was set back must not make what is known count for long.
        let fresh = now_ms < cache.next_ms && cache.next_ms - now_ms <= RETRY_MS;
        if let (true, Some(known)) = (fresh, &cache.known) {
            return Ok(known.clone());
        }
        let read = tokio::time::timeout(READ_TIMEOUT, self.store.access()).await;
        match (read, &cache.known) {
            (Ok(Ok(rows)), _) => {
                let known = Arc::new(Known::new(rows));
                *cache = Cache { known: Some(known.clone()), next_ms: now_ms + FRESH_MS };
                Ok(known)
            }
            (_, Some(known)) => {
                let known = known.clone();
                tracing::warn!("accounts and tokens can't be read from the database: those that were known stay known");
                cache.next_ms = now_ms + RETRY_MS;
                Ok(known)
            }
            (Ok(Err(error)), None) => Err(error.into()),
            (Err(_), None) => Err(AccessError::Unavailable(format!("the database gave no answer within {READ_TIMEOUT:?}"))),
        }
    }

    async fn forget(&self) {
        self.cache.lock().await.next_ms = i64::MIN;
    }

    pub(crate) async fn change(&self, (change, event): desk::Deed) -> Result<bool, StoreError> {
        let changed = self.store.change_access(&change, Some(&event)).await;
        self.forget().await;
        changed
    }

    /// Who shows this; `None` = nobody who is known. `local`: by the loopback address, and through no proxy that we know of.
    ///
    /// # Errors
    /// [`AccessError::Token`] for a token that doesn't count: a program should hear that, where a browser is shown the sign-in.
    pub async fn identify(self: &Arc<Self>, shown: &Credentials, local: bool) -> Result<Option<Principal>, AccessError> {
        let open = local && !self.sign_in_needed;
        let known = match shown {
            Credentials::None => None,
            Credentials::Token(token) => Some(self.by_token(token).await?),
            Credentials::Session(id) => match self.by_session(id).await {
                // An old cookie is no reason to shut out whoever needs none.
                Err(_) if open => None,
                known => known?,
            },
        };
        Ok(known.or_else(|| open.then(Principal::local)))
    }

    async fn by_token(self: &Arc<Self>, token: &Secret) -> Result<Principal, AccessError> {
        let known = self.known().await?;
        let now_ms = (self.tools.now)();
        match known.tokens.get(&digest_of(token.expose())) {
            Some((row, role)) if row.expires_ms == 0 || now_ms < row.expires_ms => {
                self.note_use(&row.id, row.used_ms, AccessChange::TokenUsed(row.id.clone(), now_ms), now_ms);
                Ok(Principal { who: format!("token {}", row.name), role: *role, via: Via::Token })
            }
            _ => Err(AccessError::Token),
        }
    }

    async fn by_session(self: &Arc<Self>, id: &Secret) -> Result<Option<Principal>, AccessError> {
        let known = self.known().await?;
        let now_ms = (self.tools.now)();
        let hash = digest_of(id.expose());
        let Some(session) = known.sessions.get(&hash) else { return Ok(None) };
        let seen_ms = self.used.lock().get(&hash).copied().unwrap_or(0).max(session.seen_ms);
        if now_ms - session.created_ms >= SESSION_MS || now_ms - seen_ms >= IDLE_MS {
            return Ok(None);
        }
        let Some((role, _)) = known.accounts.get(&session.account) else { return Ok(None) };
        self.note_use(&hash, session.seen_ms, AccessChange::SessionSeen(hash.clone(), now_ms), now_ms);
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

    /// Signs a browser in. `previous`: the session that it had, which ends.
    ///
    /// # Errors
    /// See [`SignInError`].
    pub async fn sign_in(&self, account: &str, given: Secret, from: IpAddr, previous: Option<&Secret>) -> Result<SignIn, SignInError> {
        let Ok(_place) = self.queue.try_acquire() else { return Err(SignInError::Wait { seconds: 1 }) };
        let now_ms = (self.tools.now)();
        self.backoff.lock().begin(account, from, now_ms).map_err(|wait_ms| wait(wait_ms))?;
        let known = match self.known().await {
            Ok(known) => known,
            Err(error) => {
                self.backoff.lock().abandoned(account, from);
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
        self.backoff.lock().succeeded(account, from, now_ms);
        if let Some(previous) = previous {
            self.store.change_access(&AccessChange::EndSession(digest_of(previous.expose())), None).await?;
        }
        self.begin_session(account, role, from).await
    }

    async fn is_right(&self, given: Secret, kept: String) -> Result<bool, SignInError> {
        let unavailable = |why: String| SignInError::Access(AccessError::Unavailable(why));
        let _turn = self.hashing.acquire().await.map_err(|error| unavailable(error.to_string()))?;
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
            let mut tally = self.tally.lock();
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

fn wait(wait_ms: i64) -> SignInError {
    SignInError::Wait { seconds: u32::try_from((wait_ms + 999) / 1_000).unwrap_or(u32::MAX) }
}

/// What the page of this session knows and no other does: it follows from the session's id, which only the browser has.
fn csrf(session: &Secret) -> Secret {
    Secret::new(digest_of(&format!("csrf {}", session.expose())))
}
