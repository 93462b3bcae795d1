//! The one connection that writes.
//!
//! A second writer would only wait for the database's own lock, and lose when that takes long. On PostgreSQL the connection also holds the
//! lock that keeps other processes out: a lost connection is a lost lock, and nothing can be written before a new connection has it again.
//! A connection on which a write failed is thrown away, and its transaction with it; the next write makes a new one.

use std::collections::HashMap;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::Duration;

use sqlx::sqlite::SqliteError;
use sqlx::{AnyConnection, Executor};
use tokio::sync::MutexGuard;

use super::dialect::Address;
use super::{Store, StoreError};

/// A write that takes longer has failed for now: the control loop must go on. Whether it was written is found out by the next one.
const WRITE_TIMEOUT: Duration = Duration::from_secs(20);

/// Counts the openings of a database, so that a process that lost its connection sees whether another one came in between.
const OPENED: &str = "store.opened";

/// What the writer remembers between writes.
pub struct Writer {
    /// Absent after a failure.
    pub(super) connection: Option<AnyConnection>,
    /// Which opening of the database this process is.
    opening: i64,
    /// The last journal entry that is known to be written.
    pub(super) seq: i64,
    /// Whether a commit after `seq` ended without an answer: its entries may be there, though the caller was told that they aren't.
    pub(super) doubt: bool,
    /// Ids and steps of series.
    pub(super) series: HashMap<(String, String), (i64, i64)>,
    /// The file that was opened, where it is one.
    file: Option<OpenFile>,
}

/// A database's file as it was opened. On Unix a file that is removed or replaced can still be written, and what is written is lost.
struct OpenFile {
    path: PathBuf,
    id: (u64, u64),
}

impl OpenFile {
    fn of(path: PathBuf) -> Result<Self, StoreError> {
        match std::fs::metadata(&path) {
            Ok(found) => Ok(Self { id: (found.dev(), found.ino()), path }),
            Err(source) => Err(StoreError::Folder { path: path.display().to_string(), source }),
        }
    }

    fn is_there(&self) -> Result<(), StoreError> {
        let what = match Self::of(self.path.clone()) {
            Ok(found) if found.id == self.id => return Ok(()),
            Ok(_) => "replaced",
            Err(_) => "removed",
        };
        Err(StoreError::Moved { path: self.path.display().to_string(), what })
    }
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Writer(opening {}, seq {}, doubt {})", self.opening, self.seq, self.doubt)
    }
}

impl Writer {
    /// Takes the migrated database into possession.
    pub async fn new(mut connection: AnyConnection, file: Option<PathBuf>) -> Result<Self, StoreError> {
        let opening = opening(&mut connection).await? + 1;
        sqlx::query("INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value")
            .bind(OPENED)
            .bind(opening.to_string())
            .execute(&mut connection)
            .await?;
        let seq = sqlx::query_scalar("SELECT COALESCE(MAX(seq), 0) FROM journal").fetch_one(&mut connection).await?;
        Ok(Self {
            connection: Some(connection),
            opening,
            seq,
            doubt: false,
            series: HashMap::new(),
            file: file.map(OpenFile::of).transpose()?,
        })
    }

    /// A connection in a transaction. One that broke since the last write is replaced: nothing was under way on it.
    async fn begin(&mut self, address: &Address) -> Result<AnyConnection, StoreError> {
        self.file.as_ref().map_or(Ok(()), OpenFile::is_there)?;
        if let Some(mut connection) = self.connection.take() {
            match connection.execute(address.begin()).await {
                Ok(_) => return Ok(connection),
                // A file that is locked for all of the busy time-out would be locked for a second one as well.
                Err(sqlx::Error::Database(answer)) if answer.try_downcast_ref::<SqliteError>().is_some() => {
                    return Err(sqlx::Error::Database(answer).into());
                }
                Err(error) => tracing::warn!(%error, "the connection to the database is lost, a new one is made"),
            }
        }
        self.series.clear();
        let mut connection = address.writer().await?;
        if opening(&mut connection).await? != self.opening {
            return Err(StoreError::TakenOver { database: address.shown().to_owned() });
        }
        connection.execute(address.begin()).await?;
        Ok(connection)
    }
}

async fn opening(connection: &mut AnyConnection) -> Result<i64, StoreError> {
    let text: Option<String> = sqlx::query_scalar("SELECT value FROM meta WHERE key = $1").bind(OPENED).fetch_optional(connection).await?;
    text.map_or(Ok(0), |text| text.parse().map_err(|_| StoreError::Corrupt { what: OPENED.into(), why: format!("{text:?} is no number") }))
}

/// A transaction. Dropped without [`Write::commit`], it has never been.
pub struct Write<'a> {
    store: &'a Store,
    pub(super) writer: MutexGuard<'a, Writer>,
    pub(super) connection: AnyConnection,
}

impl<'a> Write<'a> {
    /// Commits, and gives back what the writer remembers, still locked.
    pub async fn commit(self) -> Result<MutexGuard<'a, Writer>, StoreError> {
        self.end("COMMIT").await
    }

    /// Undoes everything and keeps the connection.
    pub async fn roll_back(self) -> Result<(), StoreError> {
        self.end("ROLLBACK").await.map(drop)
    }

    async fn end(self, how: &'static str) -> Result<MutexGuard<'a, Writer>, StoreError> {
        let Self { store, mut writer, mut connection } = self;
        connection.execute(how).await?;
        writer.connection = Some(connection);
        store.answered();
        Ok(writer)
    }
}

impl Store {
    /// Begins a transaction, with a new connection if need be.
    pub(super) async fn begin(&self) -> Result<Write<'_>, StoreError> {
        self.expect_an_answer()?;
        self.begin_on(self.writer.lock().await).await
    }

    /// The same also while the database is known to be away.
    pub(super) async fn begin_on<'a>(&'a self, mut writer: MutexGuard<'a, Writer>) -> Result<Write<'a>, StoreError> {
        let connection = writer.begin(&self.address).await?;
        Ok(Write { store: self, writer, connection })
    }
}

/// Ends work that takes too long: its transaction is dropped.
pub async fn in_time<T>(work: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    tokio::time::timeout(WRITE_TIMEOUT, work).await.unwrap_or(Err(StoreError::TimedOut { seconds: WRITE_TIMEOUT.as_secs() }))
}
