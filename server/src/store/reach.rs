//! A look at a database before anything depends on it, from a process that doesn't own it: nothing is changed and nothing is made.

use std::fs::{OpenOptions, TryLockError};
use std::io::Read;
use std::path::Path;

use sqlx::{AnyConnection, Connection, Executor};

use super::aside::{self, Aside, Measured};
use super::dialect::Address;
use super::{Location, StoreError, lock, refuse_newer};

/// The process that works on a data folder, as it named itself; `None` if none does.
#[must_use]
pub fn holder(folder: &Path) -> Option<String> {
    let mut file = OpenOptions::new().read(true).open(folder.join(lock::FILE)).ok()?;
    // Given back at the end of this function: whoever starts in that moment is told that the folder is in use, and starts again.
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => {
            let mut process = String::new();
            let _ = file.read_to_string(&mut process);
            Some(if process.is_empty() { "unknown".into() } else { process })
        }
        _ => None,
    }
}

/// A database that lets us in.
pub struct Reached {
    connection: AnyConnection,
    /// Whether it has our tables yet.
    has_tables: bool,
}

impl Reached {
    /// Tries whether a start could work with a database: is it there, does it let us in and write, is it of a version that we know, and is it free?
    /// `beside_ours`: the prescale that works on it is this configuration's own. `None` if it is only made at the first start.
    ///
    /// # Errors
    /// As for [`super::Store::open`].
    pub async fn try_new(location: &Location, beside_ours: bool) -> Result<Option<Self>, StoreError> {
        if matches!(location, Location::Folder(folder) if !super::file_in(folder).exists()) {
            return Ok(None);
        }
        let address = Address::of(location);
        let mut connection = address.visitor().await?;
        refuse_newer(&mut connection, &address).await?;
        if !beside_ours {
            address.lock(&mut connection).await?;
        }
        // Taken back: it tells whether we may, and whether somebody else's lock keeps us from it.
        connection.execute(address.begin()).await?;
        let written = connection.execute("CREATE TABLE prescale_check (x BIGINT)").await;
        connection.execute("ROLLBACK").await?;
        written?;
        let tables: Option<i64> = sqlx::query_scalar(address.has_migrations()).fetch_optional(&mut connection).await?;
        Ok(Some(Self { connection, has_tables: tables.is_some() }))
    }

    /// Whether the stored load of a service is of something else than what is `measured` now, so that a start would set it aside.
    ///
    /// # Errors
    /// What the database says.
    pub async fn would_set_aside(&mut self, service: &str, measured: Measured<'_>) -> Result<Option<Aside>, StoreError> {
        if self.has_tables { aside::would_part(&mut self.connection, service, measured).await } else { Ok(None) }
    }

    /// Lets go of it.
    pub async fn close(self) {
        // Nothing was written: a connection that can't even be closed loses nothing.
        let _ = self.connection.close().await;
    }
}
