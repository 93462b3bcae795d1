//! What can go wrong with the database, said so that it can be mended.

use sqlx::postgres::PgDatabaseError;
use sqlx::sqlite::SqliteError;

use super::dialect::CONNECT_TIMEOUT;

/// Why the database can't be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process works on this data folder.
    #[error(
        "data folder {path} is in use by another prescale (process {pid}); stop it, or choose another folder (--data-dir, or server.data_dir)"
    )]
    InUse {
        /// The folder.
        path: String,
        /// The process that holds it, as far as it said so.
        pid: String,
    },
    /// Another process works on this database.
    #[error("{database} is in use by another prescale ({holder}); stop it, or choose another database")]
    DatabaseInUse {
        /// The database.
        database: String,
        /// Its session in the database.
        holder: String,
    },
    /// While this process had no connection, another one opened the database: what this one remembers is no longer what is written there.
    #[error("{database} was taken over by another prescale while the connection was lost; this one writes nothing more: restart it")]
    TakenOver {
        /// The database.
        database: String,
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
    #[error("data folder {path}: {source}{}", folder_advice(.source))]
    Folder {
        /// The folder.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// No URL of a database. The URL itself isn't repeated: it may hold a password.
    #[error("database URL: {why}; allowed: postgres://USER:PASSWORD@HOST/DATABASE, special characters percent-encoded")]
    Url {
        /// What is wrong with it.
        why: String,
    },
    /// The database answered with an error, or not at all; the loop holds capacity and tries again.
    #[error("database: {}", explain(.0))]
    Database(#[from] sqlx::Error),
    /// The database took too long; whether it wrote is found out at the next write.
    #[error("database: no answer within {seconds} s")]
    TimedOut {
        /// How long it was waited for.
        seconds: u64,
    },
    /// It is known to be away: it isn't asked before it has been found again.
    #[error("{why}")]
    Away {
        /// What was said when it was found to be away.
        why: String,
    },
    /// The file that is open isn't the one at its place any more: what is written into it would be lost.
    #[error("database: {path} was {what} while it is open; put it back as it was, or restart prescale")]
    Moved {
        /// Where it should be.
        path: String,
        /// `removed` or `replaced`.
        what: &'static str,
    },
    /// A backup can't be written.
    #[error("backup {path}: {why}")]
    Backup {
        /// The file.
        path: String,
        /// What to do.
        why: String,
    },
    /// Something in the database can't be read back.
    #[error("database: {what} is unreadable: {why}")]
    Corrupt {
        /// Which row.
        what: String,
        /// What is wrong with it.
        why: String,
    },
}

impl StoreError {
    /// Nobody answers: asking again before it is back only waits. A database in a file always answers.
    pub fn is_away(&self) -> bool {
        match self {
            Self::Away { .. } | Self::Database(sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut) => true,
            Self::Database(sqlx::Error::Database(answer)) => {
                answer.try_downcast_ref::<PgDatabaseError>().is_some_and(|answer| ["57P01", "57P02", "57P03"].contains(&answer.code()))
            }
            _ => false,
        }
    }

    /// It hit a transaction that had begun, so that a new one beginning says nothing about it: the disk is full, say.
    pub fn is_of_writing(&self) -> bool {
        match self {
            Self::Database(sqlx::Error::Database(answer)) => {
                !self.is_away() && !answer.try_downcast_ref::<SqliteError>().is_some_and(|_| is_locked(answer.code().as_deref()))
            }
            _ => false,
        }
    }
}

/// The database's own words, and what to do where they don't say.
fn explain(error: &sqlx::Error) -> String {
    let advice = match error {
        sqlx::Error::PoolTimedOut => {
            return format!("no connection within {} s: is it running, and reachable from here?", CONNECT_TIMEOUT.as_secs());
        }
        sqlx::Error::Io(_) => "is it running, and reachable from here?",
        sqlx::Error::Database(answer) => match answer.try_downcast_ref::<SqliteError>() {
            Some(_) => sqlite_advice(answer.code().as_deref()),
            None => answer.try_downcast_ref::<PgDatabaseError>().map_or("", |answer| postgres_advice(answer.code())),
        },
        _ => "",
    };
    if advice.is_empty() { error.to_string() } else { format!("{error}: {advice}") }
}

fn folder_advice(error: &std::io::Error) -> &'static str {
    match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => ": free some space; nothing was lost, it goes on by itself",
        std::io::ErrorKind::ReadOnlyFilesystem | std::io::ErrorKind::PermissionDenied => ": this user must be able to write there",
        _ => "",
    }
}

/// The kind of error: the low byte of a code.
fn sqlite_kind(code: Option<&str>) -> Option<u32> {
    code.and_then(|code| code.parse::<u32>().ok()).map(|code| code & 0xff)
}

fn is_locked(code: Option<&str>) -> bool {
    matches!(sqlite_kind(code), Some(5 | 6))
}

/// By <https://sqlite.org/rescode.html>.
fn sqlite_advice(code: Option<&str>) -> &'static str {
    match sqlite_kind(code) {
        Some(5 | 6) => "another process writes into the file; close it (`prescale backup` copies without a lock)",
        Some(8) => "the file or its folder can't be written by this user",
        Some(10) => "the disk failed; look at the system's log",
        Some(13) => "free some space; nothing was lost, it goes on by itself",
        Some(14) => "the folder must be readable and writable by this user",
        _ => "",
    }
}

/// By <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
fn postgres_advice(code: &str) -> &'static str {
    match code {
        "25006" => "this server is read-only, a standby perhaps; the URL must name the primary",
        "28000" | "28P01" => "check user and password in the URL",
        "3D000" => "create it first: CREATE DATABASE",
        "42501" => "the user must own the database, or be granted CREATE on its schema",
        "53100" => "free some space; nothing was lost, it goes on by itself",
        "57P01" | "57P02" | "57P03" => "it is starting or stopping; nothing was lost, it goes on by itself",
        _ => "",
    }
}
