//! `prescale token`.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{Database, Output, check_name, doer, print, random, read, unknown, who, write};
use crate::auth::Role;
use crate::auth::desk::{self, NewToken};
use crate::cli::{CliError, forecast, parse_duration, show_time};
use crate::store::Location;

/// Makes, lists and revokes the tokens of programs.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  prescale token create --role viewer --name prometheus --config prescale.toml > prometheus.token
  prescale token create --role operator --name ci --expires 90d --config prescale.toml
  prescale token list --config prescale.toml
  prescale token revoke ci --config prescale.toml

A program sends it as `Authorization: Bearer TOKEN`; the other commands take it with --token-file or PRESCALE_TOKEN. It works at once, also
while prescale runs, and a revoked one counts for a second at most.")]
pub struct Token {
    #[command(subcommand)]
    action: TokenAction,
}

#[derive(Debug, Subcommand)]
enum TokenAction {
    /// Make a token, and print it: it is never shown again.
    Create {
        /// What it may do: viewer sees, operator also changes modes, pauses and approves, admin also makes tokens
        #[arg(long, value_enum)]
        role: Role,
        /// What people call it [default: its id]
        #[arg(long)]
        name: Option<String>,
        /// How long it counts, such as 90d [default: until it is revoked]
        #[arg(long, value_parser = parse_duration)]
        expires: Option<i64>,
        #[command(flatten)]
        database: Database,
    },
    /// List the tokens, without their secrets.
    List {
        #[command(flatten)]
        database: Database,
        #[command(flatten)]
        output: Output,
    },
    /// End a token.
    Revoke {
        /// Its id or its name
        id: String,
        #[command(flatten)]
        database: Database,
    },
}

impl Token {
    /// # Errors
    /// [`CliError::BadInput`] for a name or id that there can't be, [`CliError::Failed`] for what the database says.
    pub fn run(self) -> Result<(), CliError> {
        match self.action {
            TokenAction::Create { role, name, expires, database } => create_token(role, name, expires, &database.location()?),
            TokenAction::List { database, output } => {
                let rows = read(&database.location()?)?.tokens;
                let time = |ms: i64, never: &str| if ms == 0 { never.to_owned() } else { show_time(ms) };
                let lines = rows.iter().map(|row| {
                    let (expires, used) = (time(row.expires_ms, "when revoked"), time(row.used_ms, "never"));
                    [row.id.clone(), row.name.clone(), row.role.clone(), show_time(row.created_ms), row.created_by.clone(), expires, used]
                });
                let maybe = |ms: i64| if ms == 0 { Value::Null } else { show_time(ms).into() };
                let values = rows.iter().map(|row| {
                    json!({"id": row.id, "name": row.name, "role": row.role, "created": show_time(row.created_ms),
                           "created_by": row.created_by, "expires": maybe(row.expires_ms), "used": maybe(row.used_ms)})
                });
                print(&output, ["id", "name", "role", "created", "by", "ends", "last used"], lines, values.collect())
            }
            TokenAction::Revoke { id, database } => {
                let location = database.location()?;
                let rows = read(&location)?.tokens;
                let row = rows.iter().find(|row| row.id == id).or_else(|| rows.iter().find(|row| row.name == id));
                let row = row.ok_or_else(|| unknown("token", &id, rows.iter().map(|row| row.name.as_str())))?;
                write(&location, &desk::revoke_token(row, doer(&who())))?;
                eprintln!("the token {} is revoked", row.name);
                Ok(())
            }
        }
    }
}

fn create_token(role: Role, name: Option<String>, expires: Option<i64>, location: &Location) -> Result<(), CliError> {
    if let Some(name) = &name {
        check_name("--name", name)?;
    }
    let who = who();
    let by = doer(&who);
    let expires_ms = expires.map(|ms| by.now_ms.saturating_add(ms));
    let (row, token, deed) = desk::make_token(NewToken { name, role, expires_ms }, by, &random()).map_err(CliError::Failed)?;
    if !write(location, &deed)? {
        return Err(CliError::BadInput(format!("--name {}: a token has it already; revoke that one first, or choose another", row.name)));
    }
    eprintln!("the token {} with the role {role} (keep it: it is not shown again):", row.name);
    forecast::print(&format!("{}\n", token.expose()))
}
