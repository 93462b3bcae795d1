//! Forecasts as they were issued, one an hour of each service, and what the next ones rest on. What is in them is the runtime's business.

use sqlx::Row;

use super::writer::in_time;
use super::{Store, StoreError};

const HOUR_MS: i64 = 3_600_000;
/// A forecast reaches a day ahead, and people compare with last week and the one before.
const DAYS_KEPT: i64 = 14;

impl Store {
    /// Keeps a forecast, if it is the first that was issued in its hour.
    ///
    /// # Errors
    /// What the database says.
    pub async fn keep_forecast(&self, service: &str, origin_ms: i64, data: &[u8]) -> Result<(), StoreError> {
        in_time(async {
            let mut write = self.begin().await?;
            sqlx::query(
                "INSERT INTO forecast (service, hour, origin_ms, data) VALUES ($1, $2, $3, $4) ON CONFLICT (service, hour) DO NOTHING",
            )
            .bind(service)
            .bind(origin_ms.div_euclid(HOUR_MS))
            .bind(origin_ms)
            .bind(data)
            .execute(&mut write.connection)
            .await?;
            write.commit().await.map(drop)
        })
        .await
    }

    /// The newest forecast that was issued at or before an instant.
    ///
    /// # Errors
    /// What the database says.
    pub async fn forecast_at(&self, service: &str, at_ms: i64) -> Result<Option<Vec<u8>>, StoreError> {
        let row = sqlx::query("SELECT data FROM forecast WHERE service = $1 AND hour <= $2 AND origin_ms <= $3 ORDER BY hour DESC LIMIT 1")
            .bind(service)
            .bind(at_ms.div_euclid(HOUR_MS))
            .bind(at_ms)
            .fetch_optional(&self.pool)
            .await?;
        row.map(|row| Ok(row.try_get(0)?)).transpose()
    }

    /// When the oldest forecast that is kept was issued.
    ///
    /// # Errors
    /// What the database says.
    pub async fn forecasts_since(&self, service: &str) -> Result<Option<i64>, StoreError> {
        let row = sqlx::query("SELECT origin_ms FROM forecast WHERE service = $1 ORDER BY hour LIMIT 1")
            .bind(service)
            .fetch_optional(&self.pool)
            .await?;
        row.map(|row| Ok(row.try_get(0)?)).transpose()
    }

    /// Keeps what a service's forecasts rest on.
    ///
    /// # Errors
    /// What the database says.
    pub async fn keep_forecaster(&self, service: &str, data: &[u8]) -> Result<(), StoreError> {
        in_time(async {
            let mut write = self.begin().await?;
            sqlx::query("INSERT INTO forecaster (service, data) VALUES ($1, $2) ON CONFLICT (service) DO UPDATE SET data = excluded.data")
                .bind(service)
                .bind(data)
                .execute(&mut write.connection)
                .await?;
            write.commit().await.map(drop)
        })
        .await
    }

    /// What was kept last.
    ///
    /// # Errors
    /// What the database says.
    pub async fn forecaster(&self, service: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let row = sqlx::query("SELECT data FROM forecaster WHERE service = $1").bind(service).fetch_optional(&self.pool).await?;
        row.map(|row| Ok(row.try_get(0)?)).transpose()
    }

    /// Deletes the forecasts that are too old to be asked for.
    pub(super) async fn delete_forecasts(&self, now_ms: i64) -> Result<u64, StoreError> {
        in_time(async {
            let mut write = self.begin().await?;
            let done = sqlx::query("DELETE FROM forecast WHERE hour < $1")
                .bind(now_ms.div_euclid(HOUR_MS) - DAYS_KEPT * 24)
                .execute(&mut write.connection)
                .await?;
            drop(write.commit().await?);
            Ok(done.rows_affected())
        })
        .await
    }
}
