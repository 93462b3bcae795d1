//! What differs between databases: how to connect, and the statements that have no common text.

use std::path::Path;
use std::time::Duration;

use sqlx::any::AnyPoolOptions;
use sqlx::{AnyConnection, AnyPool, Connection, Executor, Row};

use super::{Location, StoreError, file_in};

/// A database that hasn't accepted a connection by then is down for now.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Of the advisory lock that a process holds on a PostgreSQL database: "prescale" in ASCII.
const LOCK_KEY: i64 = 0x7072_6573_6361_6c65;

/// The write-ahead log lets the API read while the loop writes; `synchronous = FULL` makes a journal entry survive a power cut, since it must be
/// on disk before its order is carried out. A lock is waited for less long than a probe waits, so that it is the lock that is reported.
const SQLITE_SESSION: [&str; 3] = ["PRAGMA busy_timeout = 2000", "PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL"];

/// A server that has lost its client notices within a minute, and gives the lock back. Ignored on a socket of the same machine.
const POSTGRES_SESSION: [&str; 4] = [
    "SET application_name = 'prescale'",
    "SET tcp_keepalives_idle = 20",
    "SET tcp_keepalives_interval = 5",
    "SET tcp_keepalives_count = 3",
];

/// How long a session of ourselves that just ended may still hold the lock.
const LOCK_WAIT: &str = "SET lock_timeout = '3s'";
/// PostgreSQL's code for a lock that wasn't given in time.
const LOCK_NOT_AVAILABLE: &str = "55P03";
/// Who holds the advisory lock `$1` (high half) `$2` (low half).
const LOCK_HOLDER: &str = "SELECT 'session ' || CAST(a.pid AS TEXT) || COALESCE(' from ' || host(a.client_addr), ' on its own machine') \
     FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid \
     WHERE l.locktype = 'advisory' AND l.granted AND CAST(l.classid AS BIGINT) = $1 AND CAST(l.objid AS BIGINT) = $2 \
     AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())";

/// How to reach a database.
pub struct Address {
    kind: Kind,
    url: String,
    /// As it may be shown.
    shown: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Sqlite,
    Postgres,
}

impl Address {
    pub fn of(location: &Location) -> Self {
        sqlx::any::install_default_drivers();
        let shown = location.to_string();
        match location {
            Location::Folder(folder) => {
                Self { kind: Kind::Sqlite, url: format!("sqlite://{}?mode=rwc", percent_encoded(&file_in(folder))), shown }
            }
            Location::Postgres { url, .. } => Self { kind: Kind::Postgres, url: url.clone(), shown },
        }
    }

    /// The database as it may be shown.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// Whether it may go away by itself: a server can, a file can't.
    pub fn is_server(&self) -> bool {
        self.kind == Kind::Postgres
    }

    /// One row when the migration table exists.
    pub fn has_migrations(&self) -> &'static str {
        match self.kind {
            Kind::Sqlite => "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = '_sqlx_migrations'",
            Kind::Postgres => "SELECT CAST(1 AS BIGINT) WHERE to_regclass('_sqlx_migrations') IS NOT NULL",
        }
    }

    /// Begins a transaction that will write. In SQLite a transaction that begins by reading can't wait for another writer when it comes to
    /// write (its snapshot is old then): it fails at once, whatever the busy time-out. So the write lock is taken first.
    pub fn begin(&self) -> &'static str {
        match self.kind {
            Kind::Sqlite => "BEGIN IMMEDIATE",
            Kind::Postgres => "BEGIN",
        }
    }

    /// Lets one writer at a time into the access journal, whose numbers are counted there. SQLite has one writer anyway.
    pub fn one_access_writer(&self) -> Option<&'static str> {
        match self.kind {
            Kind::Sqlite => None,
            Kind::Postgres => Some("LOCK TABLE access_journal IN EXCLUSIVE MODE"),
        }
    }

    fn session(&self) -> &'static [&'static str] {
        match self.kind {
            Kind::Sqlite => &SQLITE_SESSION,
            Kind::Postgres => &POSTGRES_SESSION,
        }
    }

    /// Connections for reading, made when they are needed.
    pub fn pool(&self) -> Result<AnyPool, sqlx::Error> {
        let session = self.session();
        AnyPoolOptions::new()
            .max_connections(4)
            .acquire_timeout(CONNECT_TIMEOUT)
            .after_connect(move |connection, _| Box::pin(prepare(connection, session)))
            .connect_lazy(&self.url)
    }

    /// Connects once, taking no lock.
    pub async fn connection(&self) -> Result<AnyConnection, StoreError> {
        connect(&self.url, self.session()).await
    }

    /// Connects to a database that is there and may be somebody else's: none is made, and the file isn't changed to our liking.
    pub async fn visitor(&self) -> Result<AnyConnection, StoreError> {
        match self.kind {
            Kind::Sqlite => connect(self.url.trim_end_matches('c'), &SQLITE_SESSION[..1]).await,
            Kind::Postgres => self.connection().await,
        }
    }

    /// The connection for writing. On PostgreSQL it holds the lock that lets one process at a time write: the lock lives as long as the
    /// session, so whoever can write here holds it.
    pub async fn writer(&self) -> Result<AnyConnection, StoreError> {
        let mut connection = self.connection().await?;
        self.lock(&mut connection).await?;
        Ok(connection)
    }

    /// Takes the lock that keeps other processes out, for as long as the session lives. SQLite's is a file in the data folder.
    pub async fn lock(&self, connection: &mut AnyConnection) -> Result<(), StoreError> {
        if self.kind == Kind::Sqlite {
            return Ok(());
        }
        connection.execute(LOCK_WAIT).await?;
        match sqlx::query("SELECT pg_advisory_lock($1)").bind(LOCK_KEY).execute(&mut *connection).await {
            Ok(_) => {
                connection.execute("SET lock_timeout = 0").await?;
                Ok(())
            }
            Err(sqlx::Error::Database(answer)) if answer.code().as_deref() == Some(LOCK_NOT_AVAILABLE) => {
                let row = sqlx::query(LOCK_HOLDER).bind(LOCK_KEY >> 32).bind(LOCK_KEY & 0xffff_ffff).fetch_optional(connection).await?;
                let holder = row.map_or_else(|| Ok("it has just gone".to_owned()), |row| row.try_get(0))?;
                Err(StoreError::DatabaseInUse { database: self.shown.clone(), holder })
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// The URL holds a password.
impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Address({})", self.shown)
    }
}

async fn connect(url: &str, session: &[&'static str]) -> Result<AnyConnection, StoreError> {
    let connecting = async {
        let mut connection = AnyConnection::connect(url).await?;
        prepare(&mut connection, session).await?;
        Ok::<_, sqlx::Error>(connection)
    };
    let connection = tokio::time::timeout(CONNECT_TIMEOUT, connecting).await;
    Ok(connection.map_err(|_| StoreError::TimedOut { seconds: CONNECT_TIMEOUT.as_secs() })??)
}

async fn prepare(connection: &mut AnyConnection, session: &[&'static str]) -> Result<(), sqlx::Error> {
    for statement in session {
        connection.execute(*statement).await?;
    }
    Ok(())
}

/// Copies a SQLite database that may be in use into a new file, as it is at one moment.
pub async fn copy_sqlite(from: &Path, to: &Path) -> Result<(), sqlx::Error> {
    sqlx::any::install_default_drivers();
    // Not `rwc`: a missing database must not be made. Not `ro`: beside a write-ahead log a reader marks in shared memory what it reads.
    let mut connection = AnyConnection::connect(&format!("sqlite://{}?mode=rw", percent_encoded(from))).await?;
    connection.execute(SQLITE_SESSION[0]).await?;
    sqlx::query("VACUUM INTO $1").bind(to.to_string_lossy().into_owned()).execute(&mut connection).await?;
    connection.close().await
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
