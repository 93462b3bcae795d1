//! What an administrator does with tokens and accounts. It makes the change and the words for the journal; whoever calls writes both, the
//! API through the running store, the command line beside it.

use super::{Random, Role, digest_of, password, secret};
use crate::cli::show_time;
use crate::secret::Secret;
use crate::store::{AccessChange, AccessEvent, AccountRow, THE_LOOP, TokenRow};

/// What a token begins with: people and the scanners of code hosts see what it is.
const TOKEN: &str = "prescale_";
/// Longest name.
const NAME_MAX: usize = 64;
/// What a name may be, for refusals.
pub const NAMES: &str = "1 to 64 letters, digits, or any of . _ - @";

/// Who does it, and when.
#[derive(Debug, Clone, Copy)]
pub struct Doer<'a> {
    /// As it is written into the journal.
    pub who: &'a str,
    /// By the clock that things expire by, epoch milliseconds.
    pub now_ms: i64,
    /// By the journal's clock.
    pub journal_ms: i64,
}

impl Doer<'_> {
    fn tells(&self, kind: &'static str, what: String, before: Option<String>, after: Option<String>) -> AccessEvent {
        AccessEvent { at_ms: self.journal_ms, who: self.who.to_owned(), kind, what, before, after }
    }
}

/// A change with what is told of it.
pub type Deed = (AccessChange, AccessEvent);

/// Whether an account or a token may be called that.
#[must_use]
pub fn is_name(text: &str) -> bool {
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || "._-@".contains(letter);
    // The control loop's own name in the audit.
    (1..=NAME_MAX).contains(&text.len()) && text.chars().all(allowed) && text != THE_LOOP
}

/// A token that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// What people call it; after its id if they don't say.
    pub name: Option<String>,
    /// Its role.
    pub role: Role,
    /// When it ends; `None` = when it is revoked.
    pub expires_ms: Option<i64>,
}

/// A token: its row, itself (which is shown once), and what makes it count.
///
/// # Errors
/// If there is no randomness.
pub fn make_token(new: NewToken, by: Doer<'_>, random: &Random) -> Result<(TokenRow, Secret, Deed), String> {
    let token = format!("{TOKEN}{}", secret(random)?);
    let hash = digest_of(&token);
    // Of the hash's 256 bits, 40 tell tokens apart and don't help anybody to guess one.
    let id = hash[..10].to_owned();
    let row = TokenRow {
        name: new.name.unwrap_or_else(|| id.clone()),
        role: new.role.name().into(),
        created_ms: by.now_ms,
        created_by: by.who.into(),
        expires_ms: new.expires_ms.unwrap_or(0),
        used_ms: 0,
        hash,
        id,
    };
    let until = new.expires_ms.map_or_else(|| "until it is revoked".into(), |at_ms| format!("until {}", show_time(at_ms)));
    let what = format!("Made the token {} with the role {}, {until}.", row.name, row.role);
    let event = by.tells("token_created", what, None, Some(row.role.clone()));
    Ok((row.clone(), Secret::new(token), (AccessChange::AddToken(row), event)))
}

/// Ends a token.
#[must_use]
pub fn revoke_token(row: &TokenRow, by: Doer<'_>) -> Deed {
    let event = by.tells("token_revoked", format!("Revoked the token {}.", row.name), Some(row.role.clone()), None);
    (AccessChange::RemoveToken(row.id.clone()), event)
}

/// Makes an account.
///
/// # Errors
/// A password that isn't allowed.
pub fn add_account(name: &str, role: Role, password: &Secret, by: Doer<'_>, random: &Random) -> Result<Deed, String> {
    password::check(password)?;
    let row = AccountRow {
        name: name.into(),
        role: role.name().into(),
        password: password::hash(password, random)?,
        created_ms: by.now_ms,
        changed_ms: by.now_ms,
    };
    let event = by.tells("account_created", format!("Made the account {name} with the role {role}."), None, Some(row.role.clone()));
    Ok((AccessChange::AddAccount(row), event))
}

/// Ends an account, and signs its browsers out.
#[must_use]
pub fn remove_account(row: &AccountRow, by: Doer<'_>) -> Deed {
    let event = by.tells("account_removed", format!("Removed the account {}.", row.name), Some(row.role.clone()), None);
    (AccessChange::RemoveAccount(row.name.clone()), event)
}

/// Sets another password, and signs the account's browsers out.
///
/// # Errors
/// A password that isn't allowed.
pub fn set_password(name: &str, password: &Secret, by: Doer<'_>, random: &Random) -> Result<Deed, String> {
    password::check(password)?;
    let what = format!("Set a new password for {name}; its browsers are signed out.");
    let event = by.tells("password_changed", what, None, None);
    Ok((AccessChange::SetPassword(name.into(), password::hash(password, random)?, by.now_ms), event))
}
