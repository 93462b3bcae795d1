//! One change and what is told of it, in a transaction that has begun.

use sqlx::{AnyConnection, Executor};

use super::{AccessChange, SessionRow};
use crate::store::audit::NUMBERS_PER_ENTRY;
use crate::store::dialect::Address;
use crate::store::{AccessEvent, StoreError};

/// More browsers than this are signed in to no account; the one that came first is signed out.
const SESSIONS_PER_ACCOUNT: i64 = 20;

/// False if there was nothing to change; then nothing is told.
pub async fn apply(
    connection: &mut AnyConnection,
    address: &Address,
    change: &AccessChange,
    event: Option<&AccessEvent>,
) -> Result<bool, StoreError> {
    if let (Some(_), Some(lock)) = (event, address.one_access_writer()) {
        connection.execute(lock).await?;
    }
    let changed = alter(connection, change).await?;
    if let (true, Some(event)) = (changed, event) {
        let last = "SELECT CASE WHEN operation.seq > access.seq THEN operation.seq ELSE access.seq END \
                    FROM (SELECT COALESCE(MAX(seq), 0) * $1 AS seq FROM journal) operation, \
                    (SELECT COALESCE(MAX(seq), 0) AS seq FROM access_journal) access";
        let last: i64 = sqlx::query_scalar(last).bind(NUMBERS_PER_ENTRY).fetch_one(&mut *connection).await?;
        sqlx::query(
            "INSERT INTO access_journal (seq, at_ms, who, kind, what, value_before, value_after) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(last + 1)
        .bind(event.at_ms)
        .bind(&event.who)
        .bind(event.kind)
        .bind(&event.what)
        .bind(event.before.as_deref().unwrap_or_default())
        .bind(event.after.as_deref().unwrap_or_default())
        .execute(connection)
        .await?;
    }
    Ok(changed)
}

async fn alter(connection: &mut AnyConnection, change: &AccessChange) -> Result<bool, StoreError> {
    let done = match change {
        AccessChange::None => return Ok(true),
        AccessChange::AddToken(row) => {
            let insert = "INSERT INTO access_token (id, name, role, hash, created_ms, created_by, expires_ms, used_ms) \
                          VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING";
            let query = sqlx::query(insert).bind(&row.id).bind(&row.name).bind(&row.role).bind(&row.hash);
            query.bind(row.created_ms).bind(&row.created_by).bind(row.expires_ms).bind(row.used_ms).execute(connection).await
        }
        AccessChange::RemoveToken(id) => sqlx::query("DELETE FROM access_token WHERE id = $1").bind(id).execute(connection).await,
        AccessChange::TokenUsed(id, at_ms) => {
            sqlx::query("UPDATE access_token SET used_ms = $2 WHERE id = $1").bind(id).bind(*at_ms).execute(connection).await
        }
        AccessChange::AddAccount(row) => {
            let insert = "INSERT INTO access_account (name, role, password, created_ms, changed_ms) VALUES ($1, $2, $3, $4, $5) \
                          ON CONFLICT DO NOTHING";
            let query = sqlx::query(insert).bind(&row.name).bind(&row.role).bind(&row.password);
            query.bind(row.created_ms).bind(row.changed_ms).execute(connection).await
        }
        AccessChange::RemoveAccount(name) => {
            end_sessions(connection, name).await?;
            sqlx::query("DELETE FROM access_account WHERE name = $1").bind(name).execute(connection).await
        }
        AccessChange::SetPassword(name, password, at_ms) => {
            end_sessions(connection, name).await?;
            let update = "UPDATE access_account SET password = $2, changed_ms = $3 WHERE name = $1";
            sqlx::query(update).bind(name).bind(password).bind(*at_ms).execute(connection).await
        }
        AccessChange::AddSession(row, began_ms, seen_ms) => return add_session(connection, row, *began_ms, *seen_ms).await,
        AccessChange::SessionSeen(hash, at_ms) => {
            sqlx::query("UPDATE access_session SET seen_ms = $2 WHERE hash = $1").bind(hash).bind(*at_ms).execute(connection).await
        }
        AccessChange::EndSession(hash) => sqlx::query("DELETE FROM access_session WHERE hash = $1").bind(hash).execute(connection).await,
    };
    Ok(done?.rows_affected() > 0)
}

async fn end_sessions(connection: &mut AnyConnection, account: &str) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM access_session WHERE account = $1").bind(account).execute(connection).await?;
    Ok(())
}

async fn add_session(connection: &mut AnyConnection, row: &SessionRow, began_ms: i64, seen_ms: i64) -> Result<bool, StoreError> {
    sqlx::query("DELETE FROM access_session WHERE created_ms < $1 OR seen_ms < $2")
        .bind(began_ms)
        .bind(seen_ms)
        .execute(&mut *connection)
        .await?;
    sqlx::query(
        "DELETE FROM access_session WHERE account = $1 AND hash NOT IN \
         (SELECT kept.hash FROM access_session kept WHERE kept.account = $1 ORDER BY kept.created_ms DESC, kept.hash LIMIT $2)",
    )
    .bind(&row.account)
    .bind(SESSIONS_PER_ACCOUNT - 1)
    .execute(&mut *connection)
    .await?;
    // Only if the account is still there as it was when the password was looked at: it may have been removed meanwhile.
    let insert = "INSERT INTO access_session (hash, account, created_ms, seen_ms) \
                  SELECT $1, name, $3, $4 FROM access_account WHERE name = $2 AND changed_ms <= $3";
    let query = sqlx::query(insert).bind(&row.hash).bind(&row.account).bind(row.created_ms).bind(row.seen_ms);
    Ok(query.execute(connection).await?.rows_affected() > 0)
}
