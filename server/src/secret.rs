//! Values that nobody may read: tokens, signing keys, passwords.
//!
//! A secret is kept out of logs, journal, API and error texts by what the code can't do rather than by a search for it afterwards: the type
//! shows `***` however it is printed, it can't be serialised, and the one way to its value, [`Secret::expose`], is easy to find in a review.
//! What the other side of a connection says is the one thing that the type can't govern, since a server may echo what it was sent:
//! whoever holds the secret takes it out of such texts with [`Secret::scrub`] before they go anywhere.

use std::fmt;

/// What stands where a secret would.
const HIDDEN: &str = "***";

/// A value that is used and never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps `value` secret from now on.
    #[must_use]
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The secret of an environment variable; `None` when it isn't set, or empty.
    ///
    /// # Errors
    /// A value that isn't UTF-8; the text names the variable and not the value.
    pub fn from_env(name: &str) -> Result<Option<Self>, String> {
        match std::env::var(name) {
            Ok(value) if value.is_empty() => Ok(None),
            Ok(value) => Ok(Some(Self(value))),
            Err(std::env::VarError::NotPresent) => Ok(None),
            Err(std::env::VarError::NotUnicode(_)) => Err(format!("{name}: its value is not text; allowed: UTF-8")),
        }
    }

    /// The value itself, to be sent or computed with; never to be printed or stored.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// `text` without this secret: what another program said may repeat it.
    #[must_use]
    pub fn scrub(&self, text: &str) -> String {
        if self.0.is_empty() { text.to_owned() } else { text.replace(&self.0, HIDDEN) }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(HIDDEN)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(HIDDEN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_shown() {
        let secret = Secret::new("hunter2");
        assert_eq!(format!("{secret} {secret:?} {:#?}", Some(&secret)), "*** *** Some(\n    ***,\n)");
        assert_eq!(secret.expose(), "hunter2");
    }

    #[test]
    fn an_echo_of_it_is_taken_out() {
        assert_eq!(Secret::new("hunter2").scrub("bad token hunter2, hunter2!"), "bad token ***, ***!");
        assert_eq!(Secret::new("").scrub("nothing to hide"), "nothing to hide");
    }
}
