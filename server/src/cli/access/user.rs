//! `prescale user`.

use std::io::{BufRead, IsTerminal};

use clap::{Args, Subcommand};
use serde_json::json;

use super::{Database, Output, check_name, doer, print, random, read, unknown, who, write};
use crate::auth::{Role, desk, password};
use crate::cli::{CliError, show_time};
use crate::secret::Secret;

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
