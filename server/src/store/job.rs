//! Jobs and their results. A limited number is kept for a limited time, so that they never crowd out the history.

use sqlx::Row;
use sqlx::any::AnyRow;

use super::writer::in_time;
use super::{Store, StoreError};

/// Ended jobs that are kept, at most.
pub const KEPT: i64 = 50;
/// How long an ended job is kept [ms].
pub const KEPT_MS: i64 = 30 * 86_400_000;

/// The last id that was given; ids are never used again.
const LAST_ID: &str = "job.last_id";

/// A job without what came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobRow {
    /// Its number.
    pub id: i64,
    /// `what_if`, `scenario`, `backtest`.
    pub kind: String,
    /// In a few words.
    pub title: String,
    /// Who asked for it.
    pub who: String,
    /// `queued`, `running`, `done`, `failed`, `cancelled`.
    pub state: String,
    /// Epoch milliseconds.
    pub created_ms: i64,
    /// Epoch milliseconds; 0 = not yet.
    pub ended_ms: i64,
    /// Wall milliseconds that it took.
    pub wall_ms: i64,
    /// What was asked, as JSON.
    pub request: String,
    /// Why it failed, or nothing.
    pub error: String,
}

/// How a job ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended<'a> {
    /// `done`, `failed`, `cancelled`.
    pub state: &'a str,
    /// Epoch milliseconds.
    pub ended_ms: i64,
    /// Wall milliseconds that it took.
    pub wall_ms: i64,
    /// What came out, as JSON.
    pub result: &'a str,
    /// Why it failed, or nothing.
    pub error: &'a str,
    /// The simulated load, compressed.
    pub load: &'a [u8],
}

const COLUMNS: &str = "SELECT id, kind, title, who, state, created_ms, ended_ms, wall_ms, request, error FROM job";

impl Store {
    /// Queues a job, and deletes ended ones that are too old or too many. Gives its id.
    ///
    /// # Errors
    /// What the database says; nothing is written then.
    pub async fn add_job(&self, kind: &str, title: &str, who: &str, request: &str, now_ms: i64) -> Result<i64, StoreError> {
        in_time(async {
            let mut write = self.begin().await?;
            let id: String = sqlx::query_scalar(
                "INSERT INTO meta (key, value) VALUES ($1, '1') \
                 ON CONFLICT (key) DO UPDATE SET value = CAST(CAST(meta.value AS BIGINT) + 1 AS TEXT) RETURNING value",
            )
            .bind(LAST_ID)
            .fetch_one(&mut write.connection)
            .await?;
            let id: i64 = id.parse().map_err(|_| StoreError::Corrupt { what: LAST_ID.into(), why: format!("{id:?} is no number") })?;
            sqlx::query(
                "INSERT INTO job (id, kind, title, who, state, created_ms, ended_ms, wall_ms, request, result, error, load) \
                 VALUES ($1, $2, $3, $4, 'queued', $5, 0, 0, $6, '', '', $7)",
            )
            .bind(id)
            .bind(kind)
            .bind(title)
            .bind(who)
            .bind(now_ms)
            .bind(request)
            .bind(Vec::<u8>::new())
            .execute(&mut write.connection)
            .await?;
            sqlx::query(
                "DELETE FROM job WHERE ended_ms > 0 AND (ended_ms < $1 OR id NOT IN \
                 (SELECT id FROM job WHERE ended_ms > 0 ORDER BY id DESC LIMIT $2))",
            )
            .bind(now_ms - KEPT_MS)
            .bind(KEPT)
            .execute(&mut write.connection)
            .await?;
            drop(write.commit().await?);
            Ok(id)
        })
        .await
    }

    /// Notes that a job runs.
    ///
    /// # Errors
    /// What the database says.
    pub async fn begin_job(&self, id: i64) -> Result<(), StoreError> {
        in_time(async {
            let mut write = self.begin().await?;
            sqlx::query("UPDATE job SET state = 'running' WHERE id = $1").bind(id).execute(&mut write.connection).await?;
            write.commit().await.map(drop)
        })
        .await
    }

    /// Writes down how a job ended.
    ///
    /// # Errors
    /// What the database says.
    pub async fn end_job(&self, id: i64, ended: &Ended<'_>) -> Result<(), StoreError> {
        in_time(async {
            let mut write = self.begin().await?;
            sqlx::query("UPDATE job SET state = $1, ended_ms = $2, wall_ms = $3, result = $4, error = $5, load = $6 WHERE id = $7")
                .bind(ended.state)
                .bind(ended.ended_ms)
                .bind(ended.wall_ms)
                .bind(ended.result)
                .bind(ended.error)
                .bind(ended.load)
                .bind(id)
                .execute(&mut write.connection)
                .await?;
            write.commit().await.map(drop)
        })
        .await
    }

    /// Notes of jobs that ran when the last process ended that they came to nothing; how many.
    ///
    /// # Errors
    /// What the database says.
    pub async fn fail_running_jobs(&self, why: &str, now_ms: i64) -> Result<u64, StoreError> {
        in_time(async {
            let mut write = self.begin().await?;
            let done = sqlx::query("UPDATE job SET state = 'failed', ended_ms = $1, error = $2 WHERE state = 'running'")
                .bind(now_ms)
                .bind(why)
                .execute(&mut write.connection)
                .await?;
            drop(write.commit().await?);
            Ok(done.rows_affected())
        })
        .await
    }

    /// The newest jobs, newest first.
    ///
    /// # Errors
    /// What the database says.
    pub async fn jobs(&self, limit: i64) -> Result<Vec<JobRow>, StoreError> {
        let sql = format!("{COLUMNS} ORDER BY id DESC LIMIT $1");
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(limit).fetch_all(&self.pool).await?;
        rows.iter().map(read).collect()
    }

    /// One job.
    ///
    /// # Errors
    /// What the database says.
    pub async fn job(&self, id: i64) -> Result<Option<JobRow>, StoreError> {
        let sql = format!("{COLUMNS} WHERE id = $1");
        let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id).fetch_optional(&self.pool).await?;
        row.as_ref().map(read).transpose()
    }

    /// What came out of a job as JSON (nothing before it ended), and the load that it simulated.
    ///
    /// # Errors
    /// What the database says.
    pub async fn job_result(&self, id: i64) -> Result<Option<(String, Vec<u8>)>, StoreError> {
        let row = sqlx::query("SELECT result, load FROM job WHERE id = $1").bind(id).fetch_optional(&self.pool).await?;
        row.map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).transpose()
    }

    /// Deletes an ended job; whether there was one.
    ///
    /// # Errors
    /// What the database says.
    pub async fn delete_job(&self, id: i64) -> Result<bool, StoreError> {
        in_time(async {
            let mut write = self.begin().await?;
            let done = sqlx::query("DELETE FROM job WHERE id = $1 AND ended_ms > 0").bind(id).execute(&mut write.connection).await?;
            drop(write.commit().await?);
            Ok(done.rows_affected() > 0)
        })
        .await
    }
}

fn read(row: &AnyRow) -> Result<JobRow, StoreError> {
    Ok(JobRow {
        id: row.try_get(0)?,
        kind: row.try_get(1)?,
        title: row.try_get(2)?,
        who: row.try_get(3)?,
        state: row.try_get(4)?,
        created_ms: row.try_get(5)?,
        ended_ms: row.try_get(6)?,
        wall_ms: row.try_get(7)?,
        request: row.try_get(8)?,
        error: row.try_get(9)?,
    })
}
