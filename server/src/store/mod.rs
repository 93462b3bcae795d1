//! All SQL of Prescale, and the only module that knows of a database.
//!
//! History (what the load was) and journal (what was decided and done) live in one database: SQLite in the data folder. A data folder
//! belongs to one process at a time, and a database written by a newer version is refused, never "upgraded" backwards.

mod chunk;
mod dialect;
mod history;
mod journal;
mod lock;

use std::path::{Path, PathBuf};

use sqlx::AnyPool;

pub use history::SeriesKey;
pub use journal::{JournalRow, Saved};

/// Why the database can't be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process works on this data folder.
    #[error("data folder {path} is in use by another prescale (process {pid}); stop it, or choose another folder with --data-dir")]
    InUse {
        /// The folder.
        path: String,
        /// The process that holds it, as far as it said so.
        pid: String,
    },
    /// The database was written by a newer Prescale.
    #[error(
        "{path} was written by a newer version of prescale (schema {found}, this version knows up to {known}); use that version, or another data folder"
    )]
    Newer {
        /// The database.
        path: String,
        /// The highest migration in it.
        found: i64,
        /// The highest migration of this binary.
        known: i64,
    },
    /// The folder can't be made or written.
    #[error("data folder {path}: {source}")]
    Folder {
        /// The folder.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The database answered with an error; the loop holds capacity and tries again.
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
    /// Something in the database can't be read back.
    #[error("database: {what} is unreadable: {why}")]
    Corrupt {
        /// Which row.
        what: String,
        /// What is wrong with it.
        why: String,
    },
}

static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("../migrations");

/// The database of one data folder, held exclusively.
#[derive(Debug)]
pub struct Store {
    pool: AnyPool,
    /// One writer at a time: a second would only wait for the database's own lock, and lose when that takes long.
    writing: tokio::sync::Mutex<()>,
    folder: PathBuf,
    _lock: std::fs::File,
}

impl Store {
    /// Opens (or creates) the database in `folder` and brings its schema up to date.
    ///
    /// # Errors
    /// [`StoreError::InUse`] for a second instance, [`StoreError::Newer`] for a database of a newer version, and what the system says.
    pub async fn open(folder: &Path) -> Result<Self, StoreError> {
        let shown = folder.display().to_string();
        std::fs::create_dir_all(folder).map_err(|source| StoreError::Folder { path: shown.clone(), source })?;
        let lock = lock::acquire(folder)?;
        let file = folder.join("prescale.db");
        let pool = dialect::connect_sqlite(&file).await?;
        refuse_newer(&pool, &file).await?;
        MIGRATOR.run(&pool).await.map_err(|error| StoreError::Corrupt { what: shown, why: error.to_string() })?;
        Ok(Self { pool, writing: tokio::sync::Mutex::default(), folder: folder.to_path_buf(), _lock: lock })
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
        Ok(sqlx::query_scalar("SELECT value FROM meta WHERE key = $1").bind(key).fetch_optional(&self.pool).await?)
    }

    /// Stores a setting of this data folder.
    ///
    /// # Errors
    /// What the database says.
    pub async fn set_meta(&self, key: &str, value: &str) -> Result<(), StoreError> {
        let _writer = self.writing.lock().await;
        sqlx::query("INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value")
            .bind(key)
            .bind(value)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Closes the connections, so that the last write-ahead log is folded into the database file.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// sqlx refuses an unknown migration too, but only says "missing": the operator needs to hear that the file is newer.
async fn refuse_newer(pool: &AnyPool, file: &Path) -> Result<(), StoreError> {
    let known = MIGRATOR.iter().map(|migration| migration.version).max().unwrap_or(0);
    let tables: Option<i64> = sqlx::query_scalar(dialect::HAS_MIGRATIONS).fetch_optional(pool).await?;
    if tables.is_none() {
        return Ok(());
    }
    let found: Option<i64> =
        sqlx::query_scalar("SELECT version FROM _sqlx_migrations ORDER BY version DESC LIMIT 1").fetch_optional(pool).await?;
    match found {
        Some(found) if found > known => Err(StoreError::Newer { path: file.display().to_string(), found, known }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
