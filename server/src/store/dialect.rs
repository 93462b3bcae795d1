//! What differs between databases: how to connect, and the statements that have no common text.

use std::path::Path;
use std::time::Duration;

use sqlx::AnyPool;
use sqlx::any::AnyPoolOptions;

/// One row when the migration table exists.
pub const HAS_MIGRATIONS: &str = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = '_sqlx_migrations'";

/// Begins a transaction that will write. In SQLite a transaction that begins by reading can't wait for another writer when it comes to write
/// (its snapshot is old then): it fails at once, whatever the busy time-out. So the write lock is taken first.
pub const BEGIN_WRITE: &str = "BEGIN IMMEDIATE";

/// Connects to the SQLite file, creating it.
///
/// The write-ahead log lets the API read while the loop writes; `synchronous = FULL` makes a journal entry survive a power cut, since it
/// must be on disk before its order is carried out.
pub async fn connect_sqlite(file: &Path) -> Result<AnyPool, sqlx::Error> {
    sqlx::any::install_default_drivers();
    let url = format!("sqlite://{}?mode=rwc", percent_encoded(file));
    AnyPoolOptions::new()
        .max_connections(4)
        .acquire_timeout(Duration::from_secs(10))
        .after_connect(|connection, _| {
            Box::pin(async move {
                for pragma in ["PRAGMA busy_timeout = 5000", "PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL"] {
                    sqlx::query(pragma).execute(&mut *connection).await?;
                }
                Ok(())
            })
        })
        .connect(&url)
        .await
}

/// A path as the URL's path: a folder may hold spaces, `?` or `#`.
fn percent_encoded(file: &Path) -> String {
    let text = file.to_string_lossy();
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'.' | b'_' | b'-' => encoded.push(char::from(byte)),
            other => encoded.push_str(&format!("%{other:02X}")),
        }
    }
    encoded
}
