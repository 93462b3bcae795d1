//! Accounts, tokens and sessions, and the access journal beside them: each change is written together with what is told of it.
//!
//! These tables, and only these, are also written beside a running prescale, by the command line ([`Beside`]): an administrator who is
//! locked out must be able to get in, and a token must be revocable while the control plane works. That is safe because the control loop
//! never touches them, and because nothing here remembers what is in them.

mod change;

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AnyPool, Executor, Row};

use super::dialect::Address;
use super::writer::in_time;
use super::{AccessEvent, Location, MIGRATOR, Store, StoreError, file_in, schema};
use change::apply;

/// A program's token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRow {
    /// What it is called in commands.
    pub id: String,
    /// What it is called by people; no two have the same.
    pub name: String,
    /// Its role.
    pub role: String,
    /// SHA-256 of the token, in hex.
    pub hash: String,
    /// When it was made, epoch milliseconds.
    pub created_ms: i64,
    /// By whom.
    pub created_by: String,
    /// From when on it counts no more; 0 = never.
    pub expires_ms: i64,
    /// When it was last used, give or take some minutes; 0 = never.
    pub used_ms: i64,
}

/// A person's account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountRow {
    /// Its name.
    pub name: String,
    /// Its role.
    pub role: String,
    /// The password's Argon2id string.
    pub password: String,
    /// When it was made, epoch milliseconds.
    pub created_ms: i64,
    /// When the password was set.
    pub changed_ms: i64,
}

/// A browser that is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRow {
    /// SHA-256 of the session's id, in hex.
    pub hash: String,
    /// Whose it is.
    pub account: String,
    /// When it began, epoch milliseconds.
    pub created_ms: i64,
    /// When it was last used, give or take some minutes.
    pub seen_ms: i64,
}

/// Everything that says who may do what.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccessRows {
    /// By name.
    pub tokens: Vec<TokenRow>,
    /// By name.
    pub accounts: Vec<AccountRow>,
    /// In no order.
    pub sessions: Vec<SessionRow>,
}

/// A change to one of the tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccessChange {
    /// Nothing: something is only to be told.
    None,
    /// A new token; nothing changes if one has its name.
    AddToken(TokenRow),
    /// The token with this id counts no more.
    RemoveToken(String),
    /// The token with this id was used.
    TokenUsed(String, i64),
    /// A new account; nothing changes if one has its name.
    AddAccount(AccountRow),
    /// The account of this name goes, and its sessions.
    RemoveAccount(String),
    /// The account of this name has this password from now on, and its sessions end.
    SetPassword(String, String, i64),
    /// A new session. Those that began, or were last seen, before these times go.
    AddSession(SessionRow, i64, i64),
    /// The session with this hash was used.
    SessionSeen(String, i64),
    /// The session with this hash ends.
    EndSession(String),
}

impl Store {
    /// Who may do what now.
    ///
    /// # Errors
    /// What the database says.
    pub async fn access(&self) -> Result<AccessRows, StoreError> {
        read_pool(self.reader()?).await
    }

    /// Makes a change and writes down what is told of it, in one transaction. False if there was nothing to change; then nothing is told.
    ///
    /// # Errors
    /// What the database says; nothing is changed then.
    pub async fn change_access(&self, change: &AccessChange, event: Option<&AccessEvent>) -> Result<bool, StoreError> {
        in_time(async {
            let mut write = self.begin().await?;
            let changed = apply(&mut write.connection, &self.address, change, event).await?;
            drop(write.commit().await?);
            Ok(changed)
        })
        .await
    }
}

/// The same tables of a database that a prescale may be working with: no lock is taken, and nothing else is touched.
#[derive(Debug)]
pub struct Beside {
    address: Address,
}

impl Beside {
    /// Opens the database; one that is not there yet, or older than this version, is brought up to date first.
    ///
    /// # Errors
    /// [`StoreError::InUse`] and [`StoreError::DatabaseInUse`] if an older version works with it; as [`Store::open`] otherwise.
    pub async fn open(location: &Location) -> Result<Self, StoreError> {
        if !is_current(location).await? {
            Store::open(location).await?.close().await;
        }
        Ok(Self { address: Address::of(location) })
    }

    /// As [`Store::access`].
    ///
    /// # Errors
    /// What the database says.
    pub async fn access(&self) -> Result<AccessRows, StoreError> {
        let mut connection = self.address.connection().await?;
        read(&mut connection).await
    }

    /// As [`Store::change_access`].
    ///
    /// # Errors
    /// What the database says; nothing is changed then.
    pub async fn change_access(&self, change: &AccessChange, event: Option<&AccessEvent>) -> Result<bool, StoreError> {
        in_time(async {
            let mut connection = self.address.connection().await?;
            connection.execute(self.address.begin()).await?;
            let changed = apply(&mut connection, &self.address, change, event).await?;
            connection.execute("COMMIT").await?;
            sqlx::Connection::close(connection).await?;
            Ok(changed)
        })
        .await
    }
}

/// Whether anybody could sign in, without creating or changing anything.
///
/// # Errors
/// What the database says.
pub async fn anybody_may_sign_in(location: &Location) -> Result<bool, StoreError> {
    if !is_current(location).await? {
        return Ok(false);
    }
    let rows = read(&mut Address::of(location).connection().await?).await?;
    Ok(!rows.accounts.is_empty() || !rows.tokens.is_empty())
}

async fn is_current(location: &Location) -> Result<bool, StoreError> {
    if let Location::Folder(folder) = location
        && !file_in(folder).is_file()
    {
        return Ok(false);
    }
    let address = Address::of(location);
    let found = schema(&mut address.connection().await?, &address).await?;
    Ok(found == MIGRATOR.iter().map(|migration| migration.version).max())
}

const TOKENS: &str = "SELECT id, name, role, hash, created_ms, created_by, expires_ms, used_ms FROM access_token ORDER BY name";
const ACCOUNTS: &str = "SELECT name, role, password, created_ms, changed_ms FROM access_account ORDER BY name";
const SESSIONS: &str = "SELECT hash, account, created_ms, seen_ms FROM access_session";

async fn read_pool(pool: &AnyPool) -> Result<AccessRows, StoreError> {
    let mut connection = pool.acquire().await?;
    read(&mut connection).await
}

async fn read(connection: &mut AnyConnection) -> Result<AccessRows, StoreError> {
    let tokens = sqlx::query(TOKENS).fetch_all(&mut *connection).await?;
    let accounts = sqlx::query(ACCOUNTS).fetch_all(&mut *connection).await?;
    let sessions = sqlx::query(SESSIONS).fetch_all(&mut *connection).await?;
    let token = |row: &AnyRow| {
        Ok::<_, StoreError>(TokenRow {
            id: row.try_get(0)?,
            name: row.try_get(1)?,
            role: row.try_get(2)?,
            hash: row.try_get(3)?,
            created_ms: row.try_get(4)?,
            created_by: row.try_get(5)?,
            expires_ms: row.try_get(6)?,
            used_ms: row.try_get(7)?,
        })
    };
    let account = |row: &AnyRow| {
        Ok::<_, StoreError>(AccountRow {
            name: row.try_get(0)?,
            role: row.try_get(1)?,
            password: row.try_get(2)?,
            created_ms: row.try_get(3)?,
            changed_ms: row.try_get(4)?,
        })
    };
    let session = |row: &AnyRow| {
        Ok::<_, StoreError>(SessionRow {
            hash: row.try_get(0)?,
            account: row.try_get(1)?,
            created_ms: row.try_get(2)?,
            seen_ms: row.try_get(3)?,
        })
    };
    Ok(AccessRows {
        tokens: tokens.iter().map(token).collect::<Result<_, _>>()?,
        accounts: accounts.iter().map(account).collect::<Result<_, _>>()?,
        sessions: sessions.iter().map(session).collect::<Result<_, _>>()?,
    })
}
