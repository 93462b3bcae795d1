//! History: what each series was, minute by minute, in chunks of a day.

use predictor::Series;
use sqlx::Row;

use super::chunk::{DAY_MS, Day};
use super::{Store, StoreError, dialect};

/// Names a stored series, for example the `load` of `chat-api`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeriesKey<'a> {
    /// The service.
    pub service: &'a str,
    /// What is measured: `load`, `replicas_ready`, …
    pub metric: &'a str,
}

impl Store {
    /// Writes points `(epoch ms, value)` into a series with the given step, creating it; a non-finite value clears its slot.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the series exists with another step or a day isn't a whole number of steps; what the database says.
    pub async fn append(&self, key: SeriesKey<'_>, step_ms: i64, points: &[(i64, f64)]) -> Result<(), StoreError> {
        if step_ms <= 0 || DAY_MS % step_ms != 0 {
            let why = format!("a step of {step_ms} ms doesn't divide a day");
            return Err(StoreError::Corrupt { what: key.metric.into(), why });
        }
        let _writer = self.writing.lock().await;
        let mut transaction = self.pool.begin_with(dialect::BEGIN_WRITE).await?;
        let id = series_id(&mut transaction, key, step_ms).await?;
        let mut rest = points;
        while let Some((first, _)) = rest.first() {
            let day = first.div_euclid(DAY_MS);
            let split = rest.iter().position(|(ts, _)| ts.div_euclid(DAY_MS) != day).unwrap_or(rest.len());
            let (today, later) = rest.split_at(split);
            let stored: Option<Vec<u8>> = sqlx::query_scalar("SELECT data FROM chunk WHERE series_id = $1 AND day = $2")
                .bind(id)
                .bind(day)
                .fetch_optional(&mut *transaction)
                .await?;
            let mut chunk = stored.map_or_else(|| Ok(Day::empty(step_ms)), |bytes| Day::decode(&bytes))?;
            for (ts, value) in today {
                chunk.put(*ts, *value);
            }
            sqlx::query(
                "INSERT INTO chunk (series_id, day, data) VALUES ($1, $2, $3) \
                 ON CONFLICT (series_id, day) DO UPDATE SET data = excluded.data",
            )
            .bind(id)
            .bind(day)
            .bind(chunk.encode())
            .execute(&mut *transaction)
            .await?;
            rest = later;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// The series from `from_ms` to `to_ms` (inclusive), gaps explicit; `None` when nothing is stored there.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] for an unreadable chunk; what the database says.
    pub async fn read(&self, key: SeriesKey<'_>, from_ms: i64, to_ms: i64) -> Result<Option<Series>, StoreError> {
        let rows = sqlx::query(
            "SELECT c.day, c.data FROM chunk c JOIN series s ON s.id = c.series_id \
             WHERE s.service = $1 AND s.metric = $2 AND c.day BETWEEN $3 AND $4 ORDER BY c.day",
        )
        .bind(key.service)
        .bind(key.metric)
        .bind(from_ms.div_euclid(DAY_MS))
        .bind(to_ms.div_euclid(DAY_MS))
        .fetch_all(&self.pool)
        .await?;
        let mut days = Vec::with_capacity(rows.len());
        for row in rows {
            days.push((row.try_get::<i64, _>(0)?, Day::decode(&row.try_get::<Vec<u8>, _>(1)?)?));
        }
        Ok(join(&days, from_ms, to_ms))
    }

    /// Deletes the history of a service: what was learnt is forgotten, the journal stays.
    ///
    /// # Errors
    /// What the database says.
    pub async fn forget(&self, service: &str) -> Result<(), StoreError> {
        let _writer = self.writing.lock().await;
        sqlx::query("DELETE FROM chunk WHERE series_id IN (SELECT id FROM series WHERE service = $1)")
            .bind(service)
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}

/// The days as one series, cut to the first and last known value inside of the range.
fn join(days: &[(i64, Day)], from_ms: i64, to_ms: i64) -> Option<Series> {
    let step_ms = days.first()?.1.step_ms;
    let mut known = days.iter().flat_map(|(day, chunk)| {
        chunk.values.iter().enumerate().filter(|(_, value)| value.is_finite()).map(move |(slot, value)| {
            let ts = day * DAY_MS + slot as i64 * chunk.step_ms;
            (ts, f64::from(*value))
        })
    });
    let within: Vec<(i64, f64)> = known.by_ref().filter(|(ts, _)| (from_ms..=to_ms).contains(ts)).collect();
    let (first, last) = (within.first()?.0, within.last()?.0);
    let mut values = vec![None; usize::try_from((last - first) / step_ms).ok()? + 1];
    for (ts, value) in within {
        if let Some(place) = usize::try_from((ts - first) / step_ms).ok().and_then(|at| values.get_mut(at)) {
            *place = Some(value);
        }
    }
    Series::try_new(first, step_ms, values).ok()
}

async fn series_id(transaction: &mut sqlx::Transaction<'_, sqlx::Any>, key: SeriesKey<'_>, step_ms: i64) -> Result<i64, StoreError> {
    let known = sqlx::query("SELECT id, step_ms FROM series WHERE service = $1 AND metric = $2")
        .bind(key.service)
        .bind(key.metric)
        .fetch_optional(&mut **transaction)
        .await?;
    if let Some(row) = known {
        let stored: i64 = row.try_get(1)?;
        if stored != step_ms {
            let why = format!("it is stored at a step of {stored} ms, and {step_ms} ms came in");
            return Err(StoreError::Corrupt { what: format!("{} of {}", key.metric, key.service), why });
        }
        return Ok(row.try_get(0)?);
    }
    let id: i64 = sqlx::query_scalar("SELECT COALESCE(MAX(id), 0) + 1 FROM series").fetch_one(&mut **transaction).await?;
    sqlx::query("INSERT INTO series (id, service, metric, step_ms) VALUES ($1, $2, $3, $4)")
        .bind(id)
        .bind(key.service)
        .bind(key.metric)
        .bind(step_ms)
        .execute(&mut **transaction)
        .await?;
    Ok(id)
}
