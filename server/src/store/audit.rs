//! What was changed, by whom: the journal without the decisions, and the access journal, in one order.
//!
//! Both have numbers of their own. A journal entry `n` is shown as `n * 2^20`, and what happened to accounts and tokens after it has the
//! numbers that follow (see the migration), so that one number says where the next page begins.

use sqlx::Row;

use super::journal::read_row;
use super::{JournalRow, Store, StoreError};

/// Numbers between two journal entries. A million sign-ins between two decisions don't happen: they are written down more rarely.
pub const NUMBERS_PER_ENTRY: i64 = 1 << 20;

/// Who did what nobody ordered.
pub const THE_LOOP: &str = "prescale";

/// Which entries are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Only those with a lower number.
    pub before: Option<i64>,
    /// At most so many.
    pub limit: i64,
    /// Only of this service.
    pub service: Option<String>,
    /// Only of this kind.
    pub kind: Option<String>,
    /// Only by these.
    pub who: Option<ByWhom>,
}

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ByWhom {
    /// A person or a program.
    Named(String),
    /// The control loop by itself.
    TheLoop,
}

/// An entry of either journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audited {
    /// Of the control loop's.
    Operation(JournalRow),
    /// Of the access journal.
    Access(AccessEvent),
}

/// What happened to an account, a token or a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessEvent {
    /// When, epoch milliseconds.
    pub at_ms: i64,
    /// Who did it.
    pub who: String,
    /// `signed_in`, `token_created`, …
    pub kind: &'static str,
    /// In a sentence.
    pub what: String,
    /// What was.
    pub before: Option<String>,
    /// What is.
    pub after: Option<String>,
}

/// The kinds of [`AccessEvent`].
pub const ACCESS_KINDS: [&str; 8] = [
    "signed_in",
    "sign_in_failed",
    "signed_out",
    "token_created",
    "token_revoked",
    "account_created",
    "account_removed",
    "password_changed",
];

impl Store {
    /// The newest entries that fit, newest first, with their numbers.
    ///
    /// # Errors
    /// What the database says.
    pub async fn audit(&self, filter: &AuditFilter) -> Result<Vec<(i64, Audited)>, StoreError> {
        let mut entries = self.audited_operations(filter).await?;
        entries.extend(self.audited_access(filter).await?);
        entries.sort_by_key(|(number, _)| std::cmp::Reverse(*number));
        entries.truncate(usize::try_from(filter.limit).unwrap_or(0));
        Ok(entries)
    }

    async fn audited_operations(&self, filter: &AuditFilter) -> Result<Vec<(i64, Audited)>, StoreError> {
        let below = filter.before.map_or(i64::MAX, |before| before.saturating_add(NUMBERS_PER_ENTRY - 1) / NUMBERS_PER_ENTRY);
        // As serde writes it. Inside of another text the quotes are escaped, so that nothing else looks like it.
        let (by, by_the_loop) = match &filter.who {
            None => (String::new(), 0),
            Some(ByWhom::Named(who)) => (format!("\"who\":{}", serde_json::Value::from(who.as_str())), 0),
            Some(ByWhom::TheLoop) => (String::new(), 1_i64),
        };
        let rows = sqlx::query(
            "SELECT at_ms, service, kind, ref, entry, seq FROM journal \
             WHERE kind NOT IN ('decision', 'order_acknowledged', 'order_closed', 'order_retried') AND seq < $1 \
             AND ($2 = '' OR service = $2) AND ($3 = '' OR kind = $3) AND ($4 = '' OR REPLACE(entry, $4, '') <> entry) \
             AND ($5 = 0 OR REPLACE(entry, '\"who\":\"', '') = entry) ORDER BY seq DESC LIMIT $6",
        )
        .bind(below)
        .bind(filter.service.as_deref().unwrap_or_default())
        .bind(filter.kind.as_deref().unwrap_or_default())
        .bind(by)
        .bind(by_the_loop)
        .bind(filter.limit)
        .fetch_all(self.reader()?)
        .await?;
        rows.iter().map(|row| Ok((row.try_get::<i64, _>(5)? * NUMBERS_PER_ENTRY, Audited::Operation(read_row(row)?)))).collect()
    }

    async fn audited_access(&self, filter: &AuditFilter) -> Result<Vec<(i64, Audited)>, StoreError> {
        let by = match &filter.who {
            None => "",
            Some(ByWhom::Named(who)) => who,
            Some(ByWhom::TheLoop) => return Ok(Vec::new()),
        };
        if filter.service.is_some() {
            return Ok(Vec::new());
        }
        let rows = sqlx::query(
            "SELECT seq, at_ms, who, kind, what, value_before, value_after FROM access_journal \
             WHERE seq < $1 AND ($2 = '' OR kind = $2) AND ($3 = '' OR who = $3) ORDER BY seq DESC LIMIT $4",
        )
        .bind(filter.before.unwrap_or(i64::MAX))
        .bind(filter.kind.as_deref().unwrap_or_default())
        .bind(by)
        .bind(filter.limit)
        .fetch_all(self.reader()?)
        .await?;
        let event = |row: &sqlx::any::AnyRow| {
            let kind: String = row.try_get(3)?;
            let known = ACCESS_KINDS.iter().find(|known| **known == kind);
            let kind = *known.ok_or_else(|| StoreError::Corrupt { what: "the access journal".into(), why: format!("kind {kind:?}") })?;
            let text = |at: usize| row.try_get::<String, _>(at).map(|text| (!text.is_empty()).then_some(text));
            let event = AccessEvent {
                at_ms: row.try_get(1)?,
                who: row.try_get(2)?,
                kind,
                what: row.try_get(4)?,
                before: text(5)?,
                after: text(6)?,
            };
            Ok((row.try_get(0)?, Audited::Access(event)))
        };
        rows.iter().map(event).collect()
    }
}
