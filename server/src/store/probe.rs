//! Whether the database can be used now, found out before somebody needs it, and told to everybody who asks while it can't.
//!
//! A probe begins a transaction on the connection that writes, and takes it back: that is what the next journal entry needs, the lock of
//! another process or a lost session included, and it costs no write. A server that doesn't answer makes everybody else wait for nothing:
//! while it is known to be away, reads and writes fail at once, and only the probe asks it.

use std::path::Path;
use std::time::{Duration, Instant};

use parking_lot::RwLock;

use super::{Store, StoreError};

/// A database that hasn't answered by then can't be used for now. Longer than a file's lock is waited for.
const TIMEOUT: Duration = Duration::from_millis(2_500);
/// What must fit in, in bytes: more than a step of the loop writes.
const ROOM: usize = 65_536;
/// Holds [`ROOM`] for a moment.
const KEY: &str = "store.probe";
const FILE: &str = ".prescale-probe";

/// When it last answered, and why it is away.
#[derive(Debug)]
pub struct Answers {
    last: RwLock<Instant>,
    away: RwLock<Option<String>>,
}

impl Default for Answers {
    fn default() -> Self {
        Self { last: RwLock::new(Instant::now()), away: RwLock::new(None) }
    }
}

impl Store {
    /// How long ago a transaction ended well.
    pub fn last_answer(&self) -> Duration {
        self.answers.last.read().elapsed()
    }

    /// Finds out whether the database can be written. `with_room` tries whether something fits in as well, which takes two small writes: for
    /// when it did not.
    ///
    /// # Errors
    /// Why it can't be.
    pub async fn probe(&self, with_room: bool) -> Result<(), StoreError> {
        let late = StoreError::TimedOut { seconds: TIMEOUT.as_secs() };
        // A write that holds the connection for so long waits for the same answer.
        let Ok(writer) = tokio::time::timeout(TIMEOUT, self.writer.lock()).await else { return Err(late) };
        let trying = async {
            let mut write = self.begin_on(writer).await?;
            if !with_room {
                return write.roll_back().await;
            }
            let insert = "INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value";
            sqlx::query(insert).bind(KEY).bind("x".repeat(ROOM)).execute(&mut write.connection).await?;
            let mut write = self.begin_on(write.commit().await?).await?;
            sqlx::query("DELETE FROM meta WHERE key = $1").bind(KEY).execute(&mut write.connection).await?;
            write.commit().await.map(drop)
        };
        let probed = tokio::time::timeout(TIMEOUT, trying).await.unwrap_or(Err(late));
        let server = self.address.is_server();
        let away = |error: &StoreError| server && (error.is_away() || matches!(error, StoreError::TimedOut { .. }));
        *self.answers.away.write() = probed.as_ref().err().filter(|error| away(error)).map(StoreError::to_string);
        probed?;
        if server { Ok(()) } else { room_in(&self.folder).await }
    }

    /// A transaction has ended well.
    pub(super) fn answered(&self) {
        *self.answers.last.write() = Instant::now();
    }

    /// Refuses what could only wait.
    pub(super) fn expect_an_answer(&self) -> Result<(), StoreError> {
        match &*self.answers.away.read() {
            Some(why) => Err(StoreError::Away { why: why.clone() }),
            None => Ok(()),
        }
    }

    /// The connections for reading.
    pub(super) fn reader(&self) -> Result<&sqlx::AnyPool, StoreError> {
        self.expect_an_answer().map(|()| &self.pool)
    }
}

/// A disk that is full or can't be written any more says so to a file of our own. It is removed at once, so that its data never reaches the disk.
async fn room_in(folder: &Path) -> Result<(), StoreError> {
    let file = folder.join(FILE);
    let written = tokio::fs::write(&file, vec![0; ROOM]).await;
    let removed = tokio::fs::remove_file(&file).await;
    written.and(removed).map_err(|source| StoreError::Folder { path: folder.display().to_string(), source })
}
