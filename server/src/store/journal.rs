//! The journal, and the control loop's memory beside it: one transaction for both, before anything is acted on.

use std::ops::RangeInclusive;

use sqlx::Row;
use sqlx::any::AnyRow;

use super::writer::{Write, in_time};
use super::{Store, StoreError};

/// One journal entry as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalRow {
    /// Domain time of the entry, epoch milliseconds.
    pub at_ms: i64,
    /// The service, or empty for all.
    pub service: String,
    /// What kind of entry: `decision`, `order_issued`, …
    pub kind: String,
    /// The id of the decision or order that it is about; 0 for none.
    pub reference: i64,
    /// The entry as JSON.
    pub entry: String,
}

/// The control loop's memory as it was last written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// Domain time of the write, epoch milliseconds.
    pub written_ms: i64,
    /// The state as JSON.
    pub state: String,
}

impl Store {
    /// Writes entries and state in one transaction: after a crash either both are there or neither.
    ///
    /// A database that goes away during the commit leaves open whether it was written. The caller hears an error and goes on from what it had
    /// before; entries that turn out to be there all the same are taken back by the next commit, in its own transaction. A process that ends
    /// in between goes on from what is written.
    ///
    /// # Errors
    /// What the database says; nothing is written then.
    pub async fn commit(&self, entries: &[JournalRow], state: &str, now_ms: i64) -> Result<(), StoreError> {
        in_time(async {
            let mut write = self.begin().await?;
            let mut seq = write.writer.seq;
            if write.writer.doubt {
                sqlx::query("DELETE FROM journal WHERE seq > $1").bind(seq).execute(&mut write.connection).await?;
            }
            for row in entries {
                seq += 1;
                insert(&mut write, seq, row).await?;
            }
            sqlx::query(
                "INSERT INTO control_state (id, written_ms, state) VALUES (1, $1, $2) \
                 ON CONFLICT (id) DO UPDATE SET written_ms = excluded.written_ms, state = excluded.state",
            )
            .bind(now_ms)
            .bind(state)
            .execute(&mut write.connection)
            .await?;
            write.writer.doubt = true;
            let mut writer = write.commit().await?;
            (writer.doubt, writer.seq) = (false, seq);
            Ok(())
        })
        .await
    }

    /// The state that was last committed.
    ///
    /// # Errors
    /// What the database says.
    pub async fn saved(&self) -> Result<Option<Saved>, StoreError> {
        let row = sqlx::query("SELECT written_ms, state FROM control_state WHERE id = 1").fetch_optional(&self.pool).await?;
        row.map(|row| Ok(Saved { written_ms: row.try_get(0)?, state: row.try_get(1)? })).transpose()
    }

    /// The newest `limit` entries of a kind for a service, newest first; with `before`, only those whose reference is below it.
    ///
    /// # Errors
    /// What the database says.
    pub async fn journal(&self, service: &str, kind: &str, before: Option<i64>, limit: i64) -> Result<Vec<JournalRow>, StoreError> {
        let rows = sqlx::query(
            "SELECT at_ms, service, kind, ref, entry FROM journal WHERE service = $1 AND kind = $2 AND ref < $3 \
             ORDER BY ref DESC, seq DESC LIMIT $4",
        )
        .bind(service)
        .bind(kind)
        .bind(before.unwrap_or(i64::MAX))
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(read_row).collect()
    }

    /// What followed decisions: all entries of a service but the decisions, oldest first, whose reference lies in the range.
    ///
    /// # Errors
    /// What the database says.
    pub async fn followed(&self, service: &str, refs: RangeInclusive<i64>, limit: i64) -> Result<Vec<JournalRow>, StoreError> {
        let rows = sqlx::query(
            "SELECT at_ms, service, kind, ref, entry FROM journal \
             WHERE service = $1 AND kind <> 'decision' AND ref BETWEEN $2 AND $3 ORDER BY seq LIMIT $4",
        )
        .bind(service)
        .bind(*refs.start())
        .bind(*refs.end())
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(read_row).collect()
    }
}

async fn insert(write: &mut Write<'_>, seq: i64, row: &JournalRow) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO journal (seq, at_ms, service, kind, ref, entry) VALUES ($1, $2, $3, $4, $5, $6)")
        .bind(seq)
        .bind(row.at_ms)
        .bind(&row.service)
        .bind(&row.kind)
        .bind(row.reference)
        .bind(&row.entry)
        .execute(&mut write.connection)
        .await?;
    Ok(())
}

pub fn read_row(row: &AnyRow) -> Result<JournalRow, StoreError> {
    Ok(JournalRow {
        at_ms: row.try_get(0)?,
        service: row.try_get(1)?,
        kind: row.try_get(2)?,
        reference: row.try_get(3)?,
        entry: row.try_get(4)?,
    })
}
