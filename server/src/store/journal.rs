//! The journal, and the control loop's memory beside it: one transaction for both, before anything is acted on.
//!
//! The memory is kept in parts (migration 0006): 10,000 services are tens of megabytes, and a step changes a few kilobytes of them.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row};

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

/// Services in one statement, far below each database's limit of parameters.
const ROWS: usize = 200;

/// Rows of `control_state`.
const HEAD: i64 = 1;
const CURVES: i64 = 2;

/// What a step changed in the control loop's memory, each part as JSON.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StateChange {
    /// What belongs to no service; written each time.
    pub head: String,
    /// The capacities that were found, if they changed.
    pub curves: Option<String>,
    /// The services that changed, by name; `None` = forgotten.
    pub services: BTreeMap<String, Option<String>>,
}

/// The control loop's memory as it was last written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// Domain time of the write, epoch milliseconds.
    pub written_ms: i64,
    /// What belongs to no service; before migration 0006, everything.
    pub head: String,
    /// The capacities that were found.
    pub curves: Option<String>,
    /// The services, by name.
    pub services: BTreeMap<String, String>,
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
    pub async fn commit(&self, entries: &[JournalRow], state: &StateChange, now_ms: i64) -> Result<(), StoreError> {
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
            write.state(state, now_ms).await?;
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
        // One statement is one moment.
        let rows = sqlx::query(
            "SELECT id, written_ms, '', state FROM control_state \
             UNION ALL SELECT CAST(0 AS BIGINT), CAST(0 AS BIGINT), service, state FROM service_state",
        )
        .fetch_all(self.reader()?)
        .await?;
        let (mut head, mut curves, mut services) = (None, None, BTreeMap::new());
        for row in rows {
            let text: String = row.try_get(3)?;
            match row.try_get(0)? {
                HEAD => head = Some((row.try_get(1)?, text)),
                CURVES => curves = Some(text),
                _ => _ = services.insert(row.try_get(2)?, text),
            }
        }
        Ok(head.map(|(written_ms, head)| Saved { written_ms, head, curves, services }))
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
        .fetch_all(self.reader()?)
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
        .fetch_all(self.reader()?)
        .await?;
        rows.iter().map(read_row).collect()
    }
}

impl Write<'_> {
    async fn state(&mut self, change: &StateChange, now_ms: i64) -> Result<(), StoreError> {
        for (id, text) in [(HEAD, Some(&change.head)), (CURVES, change.curves.as_ref())] {
            let Some(text) = text else { continue };
            sqlx::query(
                "INSERT INTO control_state (id, written_ms, state) VALUES ($1, $2, $3) \
                 ON CONFLICT (id) DO UPDATE SET written_ms = excluded.written_ms, state = excluded.state",
            )
            .bind(id)
            .bind(now_ms)
            .bind(text)
            .execute(&mut self.connection)
            .await?;
        }
        let kept: Vec<(&String, &String)> = change.services.iter().filter_map(|(name, text)| Some((name, text.as_ref()?))).collect();
        for rows in kept.chunks(ROWS) {
            let values = (0..rows.len()).map(|at| format!("(${}, ${})", at * 2 + 1, at * 2 + 2)).collect::<Vec<_>>().join(", ");
            // Made of numbers alone.
            let mut query = sqlx::query(AssertSqlSafe(format!(
                "INSERT INTO service_state (service, state) VALUES {values} ON CONFLICT (service) DO UPDATE SET state = excluded.state"
            )));
            for (name, text) in rows {
                query = query.bind(*name).bind(*text);
            }
            query.execute(&mut self.connection).await?;
        }
        for (name, _) in change.services.iter().filter(|(_, text)| text.is_none()) {
            sqlx::query("DELETE FROM service_state WHERE service = $1").bind(name).execute(&mut self.connection).await?;
        }
        Ok(())
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
