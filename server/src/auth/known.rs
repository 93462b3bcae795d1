//! What the database says of tokens, accounts and sessions, read at most once a second, whole: the tables are small, and the command line may
//! change them at any moment. So a revocation counts within a second, and while the database doesn't answer those who were known stay known.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::Role;
use super::access::AccessError;
use crate::store::{AccessRows, SessionRow, Store, TokenRow};

/// How old what is known may be.
const FRESH_MS: i64 = 1_000;
/// A database that takes longer doesn't hold a request up: what was known counts on.
const READ_TIMEOUT: Duration = Duration::from_secs(2);
/// After a failed read.
const RETRY_MS: i64 = 5_000;

/// What was last read.
#[derive(Default)]
pub struct Known {
    pub tokens: HashMap<String, (TokenRow, Role)>,
    /// Role, and the password's hash.
    pub accounts: HashMap<String, (Role, String)>,
    pub sessions: HashMap<String, SessionRow>,
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

/// What was read last, and when it is to be read again.
struct Last {
    known: Option<Arc<Known>>,
    next_ms: i64,
}

/// Reads, but not too often.
pub struct Cache(tokio::sync::Mutex<Last>);

impl Default for Cache {
    fn default() -> Self {
        Self(tokio::sync::Mutex::new(Last { known: None, next_ms: i64::MIN }))
    }
}

impl Cache {
    /// What is known now.
    ///
    /// # Errors
    /// If the database has never answered yet.
    pub async fn read(&self, store: &Store, now_ms: i64) -> Result<Arc<Known>, AccessError> {
        let mut cache = self.0.lock().await;
        // A clock that was set back must not make what is known count for long.
        let fresh = now_ms < cache.next_ms && cache.next_ms - now_ms <= RETRY_MS;
        if let (true, Some(known)) = (fresh, &cache.known) {
            return Ok(known.clone());
        }
        let read = tokio::time::timeout(READ_TIMEOUT, store.access()).await;
        match (read, &cache.known) {
            (Ok(Ok(rows)), _) => {
                let known = Arc::new(Known::new(rows));
                *cache = Last { known: Some(known.clone()), next_ms: now_ms + FRESH_MS };
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

    /// After a change of one's own: it counts at once.
    pub async fn forget(&self) {
        self.0.lock().await.next_ms = i64::MIN;
    }
}
