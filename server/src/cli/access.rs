//! `prescale token` and `prescale user`: who may come in. They write into the database directly, so that they work before the first start,
//! while a prescale runs, and when nobody can sign in any more; whoever can write the database may do that anyway.

use std::io::{BufRead, IsTerminal};
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::{CliError, block_on, parse_duration, show_time};
use crate::auth::desk::{self, Deed, Doer, NewToken};
use crate::auth::{Random, Role, Tools, password, wall_ms};
use crate::config::Config;
use crate::secret::Secret;
use crate::store::{AccessRows, Beside, Location, StoreError};

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

/// Makes, lists and removes the accounts of people.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  prescale user add ada --role admin --config prescale.toml
  prescale user password ada --config prescale.toml < new-password
  prescale user list --config prescale.toml
  prescale user remove ada --config prescale.toml

The password is asked for on a terminal, or read from the first line of standard input: 12 characters or more.")]
pub struct User {
    #[command(subcommand)]
    action: UserAction,
}

#[derive(Debug, Subcommand)]
enum UserAction {
    /// Make an account.
    Add {
        /// The name to sign in with
        name: String,
        /// What they may do: viewer sees, operator also changes modes, pauses and approves, admin also makes tokens
        #[arg(long, value_enum)]
        role: Role,
        #[command(flatten)]
        database: Database,
    },
    /// List the accounts.
    List {
        #[command(flatten)]
        database: Database,
        #[command(flatten)]
        output: Output,
    },
    /// Remove an account; its browsers are signed out.
    Remove {
        /// Its name
        name: String,
        #[command(flatten)]
        database: Database,
    },
    /// Set another password; the account's browsers are signed out.
    Password {
        /// The account's name
        name: String,
        #[command(flatten)]
        database: Database,
    },
}

/// The configuration that says where the database is.
#[derive(Debug, Args)]
struct Database {
    /// The configuration file
    #[arg(long, default_value = "prescale.toml")]
    config: PathBuf,
}

#[derive(Debug, Args)]
struct Output {
    /// How the list is printed
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Table,
    /// For programs.
    Json,
}

impl Database {
    /// # Errors
    /// A file that can't be used.
    fn location(&self) -> Result<Location, CliError> {
        let config = Config::load(&self.config).map_err(|problems| CliError::BadInput(problems.to_string()))?;
        let server = config.file.server;
        Location::try_new(server.data_dir, server.database.map(|url| url.value().to_owned()))
            .map_err(|error| CliError::BadInput(error.to_string()))
    }
}

fn failed(error: StoreError) -> CliError {
    CliError::Failed(error.to_string())
}

fn read(location: &Location) -> Result<AccessRows, CliError> {
    block_on(async { Beside::open(location).await?.access().await })?.map_err(failed)
}

/// True if something changed.
fn write(location: &Location, (change, event): &Deed) -> Result<bool, CliError> {
    block_on(async { Beside::open(location).await?.change_access(change, Some(event)).await })?.map_err(failed)
}

/// Whoever runs this, as far as their shell says it.
fn who() -> String {
    let user = ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok()).filter(|name| desk::is_name(name));
    format!("{} on the command line", user.as_deref().unwrap_or("somebody"))
}

fn doer(who: &str) -> Doer<'_> {
    let now_ms = wall_ms();
    Doer { who, now_ms, journal_ms: now_ms }
}

fn random() -> Random {
    Tools::system(std::sync::Arc::new(wall_ms)).random
}

fn check_name(what: &str, name: &str) -> Result<(), CliError> {
    if desk::is_name(name) { Ok(()) } else { Err(CliError::BadInput(format!("{what} {name:?}; allowed: {}", desk::NAMES))) }
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
    super::forecast::print(&format!("{}\n", token.expose()))
}

impl User {
    /// # Errors
    /// [`CliError::BadInput`] for a name or password that there can't be, [`CliError::Failed`] for what the database says.
    pub fn run(self) -> Result<(), CliError> {
        match self.action {
            UserAction::Add { name, role, database } => {
                check_name("NAME", &name)?;
                let location = database.location()?;
                if read(&location)?.accounts.iter().any(|row| row.name == name) {
                    return Err(taken(&name));
                }
                let deed = desk::add_account(&name, role, &new_password(&name)?, doer(&who()), &random()).map_err(CliError::BadInput)?;
                if !write(&location, &deed)? {
                    return Err(taken(&name));
                }
                eprintln!("{name} may sign in, with the role {role}");
                Ok(())
            }
            UserAction::List { database, output } => {
                let rows = read(&database.location()?)?.accounts;
                let lines =
                    rows.iter().map(|row| [row.name.clone(), row.role.clone(), show_time(row.created_ms), show_time(row.changed_ms)]);
                let values = rows.iter().map(|row| {
                    json!({"name": row.name, "role": row.role, "created": show_time(row.created_ms), "password_set": show_time(row.changed_ms)})
                });
                print(&output, ["name", "role", "created", "password set"], lines, values.collect())
            }
            UserAction::Remove { name, database } => {
                let location = database.location()?;
                let rows = read(&location)?.accounts;
                let row = rows.iter().find(|row| row.name == name);
                let row = row.ok_or_else(|| unknown("account", &name, rows.iter().map(|row| row.name.as_str())))?;
                write(&location, &desk::remove_account(row, doer(&who())))?;
                eprintln!("the account {name} is removed");
                Ok(())
            }
            UserAction::Password { name, database } => {
                let location = database.location()?;
                let rows = read(&location)?.accounts;
                if !rows.iter().any(|row| row.name == name) {
                    return Err(unknown("account", &name, rows.iter().map(|row| row.name.as_str())));
                }
                let deed = desk::set_password(&name, &new_password(&name)?, doer(&who()), &random()).map_err(CliError::BadInput)?;
                write(&location, &deed)?;
                eprintln!("{name} has a new password; its browsers are signed out");
                Ok(())
            }
        }
    }
}

fn taken(name: &str) -> CliError {
    CliError::BadInput(format!("there is an account {name} already; `prescale user password {name}` gives it another password"))
}

fn unknown<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a str>) -> CliError {
    let known: Vec<&str> = known.collect();
    let known = if known.is_empty() { "there is none yet".to_owned() } else { format!("there are {}", known.join(", ")) };
    CliError::BadInput(format!("there is no {what} {name:?}; {known}"))
}

/// From the terminal, twice and unseen, or from standard input.
fn new_password(name: &str) -> Result<Secret, CliError> {
    let unreadable = |error: std::io::Error| CliError::BadInput(format!("the password can't be read: {error}"));
    let given = if std::io::stdin().is_terminal() {
        let first = Secret::new(rpassword::prompt_password(format!("Password for {name}: ")).map_err(unreadable)?);
        let second = Secret::new(rpassword::prompt_password("The same again: ").map_err(unreadable)?);
        if first != second {
            return Err(CliError::BadInput("the two passwords differ".into()));
        }
        first
    } else {
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line).map_err(unreadable)?;
        Secret::new(line.trim_end_matches(['\n', '\r']))
    };
    password::check(&given).map_err(CliError::BadInput)?;
    Ok(given)
}

fn print<const N: usize>(
    output: &Output,
    header: [&str; N],
    lines: impl Iterator<Item = [String; N]>,
    values: Vec<Value>,
) -> Result<(), CliError> {
    if output.format == Format::Json {
        return super::forecast::print(&format!("{}\n", Value::from(values)));
    }
    let lines: Vec<[String; N]> = std::iter::once(header.map(str::to_owned)).chain(lines).collect();
    let widths: [usize; N] = std::array::from_fn(|at| lines.iter().map(|line| line[at].chars().count()).max().unwrap_or(0));
    let line = |line: &[String; N]| {
        let cells: Vec<String> = line.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        cells.join("  ").trim_end().to_owned() + "\n"
    };
    super::forecast::print(&lines.iter().map(line).collect::<String>())
}
