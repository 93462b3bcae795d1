//! All SQL of Prescale, and the only module that knows of a database.
//!
//! History (what the load was) and journal (what was decided and done) live in one database: SQLite in the data folder, or PostgreSQL by
//! URL; the SQL is the same (`dialect` has what can't be). A data folder and a database belong to one process at a time, and a database
//! written by a newer version is refused, never "upgraded" backwards.
//!
//! All writes go through one connection (`writer`), reads through a pool beside it. A write that fails has not happened; where nobody knows
//! (the answer to a COMMIT got lost), the next commit finds out and takes back what the caller was told had failed.

mod access;
mod aside;
mod audit;
mod backup;
mod block;
mod chunk;
mod dialect;
mod error;
mod forecast;
mod history;
mod job;
mod journal;
mod location;
mod lock;
mod maintain;
mod probe;
mod queue;
mod reach;
mod writer;

use std::path::{Path, PathBuf};

use sqlx::{AnyConnection, AnyPool};

pub use access::{AccessChange, AccessRows, AccountRow, Beside, SessionRow, TokenRow, anybody_may_sign_in};
pub use aside::{Aside, Measured};
pub use audit::{AccessEvent, AuditFilter, Audited, ByWhom, THE_LOOP};
pub use backup::backup;
pub use error::StoreError;
pub use history::{Batch, SeriesKey};
pub use job::{Ended, JobRow, KEPT, KEPT_MS};
pub use journal::{JournalRow, Saved, StateChange};
pub use location::Location;
pub use maintain::{Maintained, Retention};
pub use queue::Queue;
pub use reach::{Reached, holder};

use dialect::Address;
use writer::{Writer, in_time};

static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("../migrations");

/// Where a data folder's SQLite database is.
fn file_in(folder: &Path) -> PathBuf {
    folder.join("prescale.db")
}

/// The database of one data folder, held exclusively.
#[derive(Debug)]
pub struct Store {
    address: Address,
    pool: AnyPool,
    writer: tokio::sync::Mutex<Writer>,
    answers: probe::Answers,
    folder: PathBuf,
    _lock: lock::Held,
}

impl Store {
    /// Opens (or creates) the database and brings its schema up to date.
    ///
    /// # Errors
    /// [`StoreError::InUse`] and [`StoreError::DatabaseInUse`] for a second instance, [`StoreError::Newer`] for a database of a newer version,
    /// and what the system says.
    pub async fn open(location: &Location) -> Result<Self, StoreError> {
        let folder = location.folder();
        std::fs::create_dir_all(folder).map_err(|source| StoreError::Folder { path: folder.display().to_string(), source })?;
        let lock = lock::acquire(folder)?;
        let address = Address::of(location);
        let mut connection = address.writer().await?;
        refuse_newer(&mut connection, &address).await?;
        MIGRATOR
            .run(&mut connection)
            .await
            .map_err(|error| StoreError::Corrupt { what: address.shown().to_owned(), why: error.to_string() })?;
        let file = (!address.is_server()).then(|| file_in(folder));
        let writer = tokio::sync::Mutex::new(Writer::new(connection, file).await?);
        Ok(Self { pool: address.pool()?, address, writer, answers: probe::Answers::default(), folder: folder.to_path_buf(), _lock: lock })
    }

    /// The data folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A stored setting of this data folder, if there is one.
    ///
    /// # Errors
    /// What the database says.
    pub async fn meta(&self, key: &str) -> Result<Option<String>, StoreError> {
        Ok(sqlx::query_scalar("SELECT value FROM meta WHERE key = $1").bind(key).fetch_optional(self.reader()?).await?)
    }

    /// Stores a setting of this data folder.
    ///
    /// # Errors
    /// What the database says.
    pub async fn set_meta(&self, key: &str, value: &str) -> Result<(), StoreError> {
        in_time(async {
            let mut write = self.begin().await?;
            sqlx::query("INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value")
                .bind(key)
                .bind(value)
                .execute(&mut write.connection)
                .await?;
            write.commit().await.map(drop)
        })
        .await
    }

    /// Closes the connections, so that the last write-ahead log is folded into the database file.
    pub async fn close(&self) {
        self.pool.close().await;
        if let Some(connection) = self.writer.lock().await.connection.take() {
            // What was committed is on disk; a connection that can't even be closed is gone anyway.
            let _ = sqlx::Connection::close(connection).await;
        }
    }
}

/// sqlx refuses an unknown migration too, but only says "missing": the operator needs to hear that the database is newer.
async fn refuse_newer(connection: &mut AnyConnection, address: &Address) -> Result<(), StoreError> {
    let known = MIGRATOR.iter().map(|migration| migration.version).max().unwrap_or(0);
    match schema(connection, address).await? {
        Some(found) if found > known => Err(StoreError::Newer { path: address.shown().to_owned(), found, known }),
        _ => Ok(()),
    }
}

/// The newest migration in a database, if there is any.
async fn schema(connection: &mut AnyConnection, address: &Address) -> Result<Option<i64>, StoreError> {
    let tables: Option<i64> = sqlx::query_scalar(address.has_migrations()).fetch_optional(&mut *connection).await?;
    if tables.is_none() {
        return Ok(None);
    }
    let newest = "SELECT version FROM _sqlx_migrations ORDER BY version DESC LIMIT 1";
    Ok(sqlx::query_scalar(newest).fetch_optional(connection).await?)
}

#[cfg(test)]
mod tests;
