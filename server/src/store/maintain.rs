//! What is done with history and journal as they grow old: days are sealed, then thinned to hourly means, then deleted.
//!
//! All of it in small transactions, so that a decision never waits long for its commit, and so that it can be stopped at any point: each
//! step does what is still to do, and doing it twice changes nothing.

use sqlx::Row;

use super::block::Block;
use super::chunk::{DAY_MS, Day};
use super::writer::{Write, in_time};
use super::{Store, StoreError};

/// Days of series in one transaction: some hundredths of a second.
const DAYS: usize = 100;
/// Journal rows in one transaction.
const ROWS: i64 = 5_000;
/// The step of thinned history.
const HOUR_MS: i64 = 3_600_000;

/// How long what is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Days of history at its own step. A forecast looks back 28 days: fewer would show it hourly means.
    pub fine_days: u32,
    /// Days of history as means of an hour, counted from now as well.
    pub hourly_days: u32,
    /// Days of journal. The newest entry of each kind of each service stays however old it is: it is what the present state stands on.
    pub journal_days: u32,
}

/// A week more than a forecast looks at, and a year with some weeks to compare it with.
impl Default for Retention {
    fn default() -> Self {
        Self { fine_days: 35, hourly_days: 400, journal_days: 400 }
    }
}

/// What was done, for the log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Maintained {
    /// Days of series that were sealed.
    pub sealed: u64,
    /// Days of series that were thinned to hourly means.
    pub thinned: u64,
    /// Days of series that were deleted.
    pub deleted: u64,
    /// Journal entries that were deleted.
    pub journal: u64,
    /// Forecasts that were deleted.
    pub forecasts: u64,
}

impl Store {
    /// Seals days that are over, thins and deletes what is older than `retention` says. Meant to run once a day.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] for an unreadable chunk; what the database says. What was done until then stays done.
    pub async fn maintain(&self, now_ms: i64, retention: &Retention) -> Result<Maintained, StoreError> {
        let today = now_ms.div_euclid(DAY_MS);
        let oldest = |days: u32| today - i64::from(days);
        Ok(Maintained {
            sealed: self.seal(now_ms).await?,
            thinned: self.thin(oldest(retention.fine_days)).await?,
            deleted: self.delete_hourly(oldest(retention.hourly_days)).await?,
            journal: self.delete_journal(oldest(retention.journal_days) * DAY_MS).await?
                + self.delete_access_journal(oldest(retention.journal_days) * DAY_MS).await?,
            forecasts: self.delete_forecasts(now_ms).await?,
        })
    }

    /// Puts what came in for days that are over into their chunks; returns how many days of series that were.
    ///
    /// # Errors
    /// As [`Store::maintain`].
    pub async fn seal(&self, now_ms: i64) -> Result<u64, StoreError> {
        let over = sqlx::query(
            "SELECT DISTINCT t.series_id, t.day, s.step_ms FROM tail t JOIN series s ON s.id = t.series_id \
             WHERE t.day < $1 ORDER BY t.series_id, t.day",
        )
        .bind(now_ms.div_euclid(DAY_MS))
        .fetch_all(self.reader()?)
        .await?;
        for rows in over.chunks(DAYS) {
            in_time(async {
                let mut write = self.begin().await?;
                for row in rows {
                    write.seal(row.try_get(0)?, row.try_get(1)?, row.try_get(2)?).await?;
                }
                write.commit().await.map(drop)
            })
            .await?;
        }
        Ok(over.len() as u64)
    }

    async fn thin(&self, before_day: i64) -> Result<u64, StoreError> {
        let old = sqlx::query("SELECT series_id, day FROM chunk WHERE day < $1 ORDER BY day, series_id")
            .bind(before_day)
            .fetch_all(self.reader()?)
            .await?;
        for rows in old.chunks(DAYS) {
            in_time(async {
                let mut write = self.begin().await?;
                for row in rows {
                    write.thin(row.try_get(0)?, row.try_get(1)?).await?;
                }
                write.commit().await.map(drop)
            })
            .await?;
        }
        Ok(old.len() as u64)
    }

    async fn delete_hourly(&self, before_day: i64) -> Result<u64, StoreError> {
        in_time(async {
            let mut write = self.begin().await?;
            let done = sqlx::query("DELETE FROM hourly WHERE day < $1").bind(before_day).execute(&mut write.connection).await?;
            drop(write.commit().await?);
            Ok(done.rows_affected())
        })
        .await
    }

    async fn delete_journal(&self, before_ms: i64) -> Result<u64, StoreError> {
        let mut deleted = 0;
        loop {
            let done = in_time(async {
                let mut write = self.begin().await?;
                let done = sqlx::query(
                    "DELETE FROM journal WHERE seq IN (SELECT old.seq FROM journal old WHERE old.at_ms < $1 AND EXISTS (\
                     SELECT 1 FROM journal newer WHERE newer.service = old.service AND newer.kind = old.kind AND newer.ref >= old.ref \
                     AND newer.seq > old.seq) ORDER BY old.seq LIMIT $2)",
                )
                .bind(before_ms)
                .bind(ROWS)
                .execute(&mut write.connection)
                .await?;
                drop(write.commit().await?);
                Ok(done.rows_affected())
            })
            .await?;
            if done == 0 {
                return Ok(deleted);
            }
            deleted += done;
        }
    }

    async fn delete_access_journal(&self, before_ms: i64) -> Result<u64, StoreError> {
        in_time(async {
            let mut write = self.begin().await?;
            let done = sqlx::query("DELETE FROM access_journal WHERE at_ms < $1").bind(before_ms).execute(&mut write.connection).await?;
            drop(write.commit().await?);
            Ok(done.rows_affected())
        })
        .await
    }
}

impl Write<'_> {
    async fn seal(&mut self, id: i64, day: i64, step_ms: i64) -> Result<(), StoreError> {
        let mut sealed = self.stored_day("SELECT data FROM chunk WHERE series_id = $1 AND day = $2", id, day).await?;
        let blocks = sqlx::query("SELECT block, data FROM tail WHERE series_id = $1 AND day = $2")
            .bind(id)
            .bind(day)
            .fetch_all(&mut self.connection)
            .await?;
        let sealed = sealed.get_or_insert_with(|| Day::empty(step_ms));
        for row in blocks {
            let number = usize::try_from(row.try_get::<i64, _>(0)?).unwrap_or(usize::MAX);
            sealed.put(number, &Block::decode(&row.try_get::<Vec<u8>, _>(1)?)?);
        }
        let upsert =
            "INSERT INTO chunk (series_id, day, data) VALUES ($1, $2, $3) ON CONFLICT (series_id, day) DO UPDATE SET data = excluded.data";
        sqlx::query(upsert).bind(id).bind(day).bind(sealed.encode()).execute(&mut self.connection).await?;
        sqlx::query("DELETE FROM tail WHERE series_id = $1 AND day = $2").bind(id).bind(day).execute(&mut self.connection).await?;
        Ok(())
    }

    async fn thin(&mut self, id: i64, day: i64) -> Result<(), StoreError> {
        let Some(fine) = self.stored_day("SELECT data FROM chunk WHERE series_id = $1 AND day = $2", id, day).await? else {
            return Ok(());
        };
        let mut coarse = fine.at_step(HOUR_MS);
        if let Some(mut below) = self.stored_day("SELECT data FROM hourly WHERE series_id = $1 AND day = $2", id, day).await? {
            below.lay_over(&coarse);
            coarse = below;
        }
        let upsert =
            "INSERT INTO hourly (series_id, day, data) VALUES ($1, $2, $3) ON CONFLICT (series_id, day) DO UPDATE SET data = excluded.data";
        sqlx::query(upsert).bind(id).bind(day).bind(coarse.encode()).execute(&mut self.connection).await?;
        sqlx::query("DELETE FROM chunk WHERE series_id = $1 AND day = $2").bind(id).bind(day).execute(&mut self.connection).await?;
        Ok(())
    }

    async fn stored_day(&mut self, sql: &'static str, id: i64, day: i64) -> Result<Option<Day>, StoreError> {
        let stored: Option<Vec<u8>> = sqlx::query_scalar(sql).bind(id).bind(day).fetch_optional(&mut self.connection).await?;
        stored.map(|bytes| Day::decode(&bytes)).transpose()
    }
}
