//! History: what each series was, in three layers (migration 0002): hourly means, daily chunks, and over both the tail of what came in
//! since a day was last sealed.
//!
//! A sample goes into a block of sixty slots, whatever day it belongs to: 10,000 series a minute are 10,000 rows of 249 bytes, not 10,000
//! days rewritten. [`Store::maintain`] seals a day's blocks into its chunk when the day is over, and again when samples came late.

use std::collections::BTreeMap;

use predictor::Series;
use sqlx::{AssertSqlSafe, Row};

use super::block::{Block, SLOTS};
use super::chunk::{DAY_MS, Day, check_step};
use super::writer::{Write, in_time};
use super::{Store, StoreError};

/// Rows in one statement: few round trips, and far below each database's limit of parameters.
const ROWS: usize = 200;

const FINE: i64 = 1;
const TAIL: i64 = 2;

/// All layers of a series in one statement: one round trip, and one moment, so that what sinks from one layer to the next meanwhile is seen
/// once. Layer, day, block, data, step.
const LAYERS: &str = "SELECT CAST(1 AS BIGINT), l.day, l.day, l.data, s.step_ms FROM series s JOIN chunk l ON l.series_id = s.id \
     WHERE s.service = $1 AND s.metric = $2 AND l.day BETWEEN $3 AND $4 \
     UNION ALL SELECT CAST(2 AS BIGINT), l.day, l.block, l.data, s.step_ms FROM series s JOIN tail l ON l.series_id = s.id \
     WHERE s.service = $1 AND s.metric = $2 AND l.day BETWEEN $3 AND $4 \
     UNION ALL SELECT CAST(3 AS BIGINT), l.day, l.day, l.data, s.step_ms FROM series s JOIN hourly l ON l.series_id = s.id \
     WHERE s.service = $1 AND s.metric = $2 AND l.day BETWEEN $3 AND $4";

/// Names a stored series, for example the `load` of `chat-api`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeriesKey<'a> {
    /// The service.
    pub service: &'a str,
    /// What is measured: `load`, `replicas_ready`, …
    pub metric: &'a str,
}

/// New points of one series.
#[derive(Debug, Clone, Copy)]
pub struct Batch<'a> {
    /// The series; it is made if there is none.
    pub key: SeriesKey<'a>,
    /// Its step, which must divide a day.
    pub step_ms: i64,
    /// (epoch ms, value) in any order; a non-finite value clears its slot.
    pub points: &'a [(i64, f64)],
}

/// Blocks by day, number in the day, and series: neighbours in this order are neighbours in the database.
type Blocks = BTreeMap<(i64, i64, i64), Block>;

impl Store {
    /// Writes points into one series. See [`Store::append_many`].
    ///
    /// # Errors
    /// As [`Store::append_many`].
    pub async fn append(&self, key: SeriesKey<'_>, step_ms: i64, points: &[(i64, f64)]) -> Result<(), StoreError> {
        self.append_many(&[Batch { key, step_ms, points }]).await
    }

    /// Writes points into many series in one transaction.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when a series exists with another step or a day isn't a whole number of steps; what the database says. Nothing
    /// is written then.
    pub async fn append_many(&self, batches: &[Batch<'_>]) -> Result<(), StoreError> {
        for batch in batches {
            check_step(batch.key.metric, batch.step_ms)?;
        }
        in_time(async {
            let mut write = self.begin().await?;
            let mut new = Blocks::new();
            for batch in batches {
                let id = write.series_id(batch.key, batch.step_ms).await?;
                for (ts_ms, value) in batch.points {
                    let slot = ts_ms.rem_euclid(DAY_MS) / batch.step_ms;
                    let (number, place) = (slot / SLOTS as i64, (slot % SLOTS as i64) as usize);
                    new.entry((ts_ms.div_euclid(DAY_MS), number, id)).or_default().slots[place] = Some(*value as f32);
                }
            }
            let new: Vec<((i64, i64, i64), Block)> = new.into_iter().collect();
            for rows in new.chunks(ROWS) {
                write.merge(rows).await?;
            }
            write.commit().await.map(drop)
        })
        .await
    }

    /// The step of a stored series [ms]; `None` if there is no such series.
    ///
    /// # Errors
    /// What the database says.
    pub async fn step_of(&self, key: SeriesKey<'_>) -> Result<Option<i64>, StoreError> {
        Ok(sqlx::query_scalar("SELECT step_ms FROM series WHERE service = $1 AND metric = $2")
            .bind(key.service)
            .bind(key.metric)
            .fetch_optional(self.reader()?)
            .await?)
    }

    /// The series from `from_ms` to `to_ms` (inclusive), gaps explicit; `None` when nothing is stored there. A range that reaches back to where
    /// only hourly means are left comes as hourly means throughout.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] for an unreadable chunk; what the database says.
    pub async fn read(&self, key: SeriesKey<'_>, from_ms: i64, to_ms: i64) -> Result<Option<Series>, StoreError> {
        let rows = sqlx::query(LAYERS)
            .bind(key.service)
            .bind(key.metric)
            .bind(from_ms.div_euclid(DAY_MS))
            .bind(to_ms.div_euclid(DAY_MS))
            .fetch_all(self.reader()?)
            .await?;
        let (mut fine, mut tail, mut coarse) = (Vec::new(), Vec::new(), Vec::new());
        for row in &rows {
            let (day, data): (i64, &[u8]) = (row.try_get(1)?, row.try_get(3)?);
            match row.try_get(0)? {
                FINE => fine.push((day, data)),
                TAIL => tail.push((day, row.try_get::<i64, _>(2)?, row.try_get::<i64, _>(4)?, data)),
                _ => coarse.push((day, data)),
            }
        }
        let mut days = BTreeMap::new();
        for (day, data) in fine {
            days.insert(day, Day::decode(data)?);
        }
        for (day, number, step_ms, data) in tail {
            let number = usize::try_from(number).unwrap_or(usize::MAX);
            days.entry(day).or_insert_with(|| Day::empty(step_ms)).put(number, &Block::decode(data)?);
        }
        for (day, data) in coarse {
            let mut below = Day::decode(data)?;
            if let Some(above) = days.get(&day) {
                below.lay_over(above);
            }
            days.insert(day, below);
        }
        Ok(join(&days, from_ms, to_ms))
    }

    /// Deletes the history of a service: what was learnt is forgotten, the journal stays.
    ///
    /// # Errors
    /// What the database says.
    pub async fn forget(&self, service: &str) -> Result<(), StoreError> {
        in_time(async {
            let mut write = self.begin().await?;
            for sql in [
                "DELETE FROM tail WHERE series_id IN (SELECT id FROM series WHERE service = $1)",
                "DELETE FROM chunk WHERE series_id IN (SELECT id FROM series WHERE service = $1)",
                "DELETE FROM hourly WHERE series_id IN (SELECT id FROM series WHERE service = $1)",
                "DELETE FROM forecast WHERE service = $1",
                "DELETE FROM forecaster WHERE service = $1",
            ] {
                sqlx::query(sql).bind(service).execute(&mut write.connection).await?;
            }
            write.commit().await.map(drop)
        })
        .await
    }
}

impl Write<'_> {
    async fn series_id(&mut self, key: SeriesKey<'_>, step_ms: i64) -> Result<i64, StoreError> {
        let name = (key.service.to_owned(), key.metric.to_owned());
        let (id, stored) = match self.writer.series.get(&name) {
            Some(known) => *known,
            None => self.find_or_make(key, step_ms).await?,
        };
        if stored != step_ms {
            let why = format!("it is stored at a step of {stored} ms, and {step_ms} ms came in");
            return Err(StoreError::Corrupt { what: format!("{} of {}", key.metric, key.service), why });
        }
        self.writer.series.insert(name, (id, stored));
        Ok(id)
    }

    async fn find_or_make(&mut self, key: SeriesKey<'_>, step_ms: i64) -> Result<(i64, i64), StoreError> {
        let known = sqlx::query("SELECT id, step_ms FROM series WHERE service = $1 AND metric = $2")
            .bind(key.service)
            .bind(key.metric)
            .fetch_optional(&mut self.connection)
            .await?;
        if let Some(row) = known {
            return Ok((row.try_get(0)?, row.try_get(1)?));
        }
        let id: i64 = sqlx::query_scalar(
            "INSERT INTO series (id, service, metric, step_ms) \
             SELECT COALESCE(MAX(id), 0) + 1, $1, $2, CAST($3 AS BIGINT) FROM series RETURNING id",
        )
        .bind(key.service)
        .bind(key.metric)
        .bind(step_ms)
        .fetch_one(&mut self.connection)
        .await?;
        Ok((id, step_ms))
    }

    /// Merges blocks into those that are stored.
    async fn merge(&mut self, new: &[((i64, i64, i64), Block)]) -> Result<(), StoreError> {
        let mut merged: Blocks = new.iter().map(|(at, _)| (*at, Block::default())).collect();
        for rows in new.chunk_by(|((day, number, _), _), ((next_day, next_number, _), _)| (day, number) == (next_day, next_number)) {
            let Some(((day, number, _), _)) = rows.first() else { continue };
            let ids = (3..rows.len() + 3).map(|at| format!("${at}")).collect::<Vec<_>>().join(", ");
            let sql = format!("SELECT series_id, data FROM tail WHERE day = $1 AND block = $2 AND series_id IN ({ids})");
            // Made of numbers alone.
            let mut query = sqlx::query(AssertSqlSafe(sql)).bind(*day).bind(*number);
            for ((_, _, id), _) in rows {
                query = query.bind(*id);
            }
            for row in query.fetch_all(&mut self.connection).await? {
                merged.insert((*day, *number, row.try_get(0)?), Block::decode(&row.try_get::<Vec<u8>, _>(1)?)?);
            }
        }
        for (at, block) in new {
            let slots = &mut merged.entry(*at).or_default().slots;
            slots.iter_mut().zip(block.slots).for_each(|(slot, newer)| *slot = newer.or(*slot));
        }
        let row = |at: usize| format!("(${}, ${}, ${}, ${})", at * 4 + 1, at * 4 + 2, at * 4 + 3, at * 4 + 4);
        let values = (0..merged.len()).map(row).collect::<Vec<_>>().join(", ");
        let mut query = sqlx::query(AssertSqlSafe(format!(
            "INSERT INTO tail (day, block, series_id, data) VALUES {values} \
             ON CONFLICT (series_id, day, block) DO UPDATE SET data = excluded.data"
        )));
        for ((day, number, id), block) in &merged {
            query = query.bind(*day).bind(*number).bind(*id).bind(block.encode());
        }
        query.execute(&mut self.connection).await?;
        Ok(())
    }
}

/// The days as one series at the coarsest of their steps, cut to the first and last known value inside of the range.
fn join(days: &BTreeMap<i64, Day>, from_ms: i64, to_ms: i64) -> Option<Series> {
    let step_ms = days.values().map(|day| day.step_ms).max()?;
    let mut known = Vec::with_capacity(days.len() * usize::try_from(DAY_MS / step_ms).ok()?);
    for (day, chunk) in days {
        let chunk = chunk.at_step(step_ms);
        let at = |slot: usize| day * DAY_MS + slot as i64 * step_ms;
        let values = chunk.values.iter().enumerate().filter(|(_, value)| value.is_finite());
        known.extend(values.map(|(slot, value)| (at(slot), f64::from(*value))).filter(|(ts, _)| (from_ms..=to_ms).contains(ts)));
    }
    let (first, last) = (known.first()?.0, known.last()?.0);
    let mut values = vec![None; usize::try_from((last - first) / step_ms).ok()? + 1];
    for (ts, value) in known {
        if let Some(place) = usize::try_from((ts - first) / step_ms).ok().and_then(|at| values.get_mut(at)) {
            *place = Some(value);
        }
    }
    Series::try_new(first, step_ms, values).ok()
}
