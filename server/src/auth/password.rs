//! Passwords: what they must be, what is kept of them, and whether one is right.
//!
//! Argon2id with 19 MiB, two passes and one lane, which is what OWASP recommends: a guess costs whoever stole the database 19 MiB and some
//! hundredths of a second too.

use argon2::{Argon2, PasswordHash, PasswordHasher, PasswordVerifier};

use super::Random;
use crate::secret::Secret;

/// Long enough that guessing is hopeless; what it is made of is nobody's business (NIST SP 800-63B).
pub const CHARACTERS_MIN: usize = 12;
/// Nobody types more; hashing a longer one would be work for nothing.
pub const BYTES_MAX: usize = 1024;

/// A hash that no password has, with the parameters of every other: it is what a sign-in to an account that isn't there is compared with,
/// so that it takes as long as any other.
pub const NOBODYS: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Refuses a new password that is too short or too long.
///
/// # Errors
/// What is allowed; never the password.
pub fn check(password: &Secret) -> Result<(), String> {
    let (characters, bytes) = (password.expose().chars().count(), password.expose().len());
    if characters < CHARACTERS_MIN || bytes > BYTES_MAX {
        return Err(format!(
            "the password has {characters} characters; allowed: {CHARACTERS_MIN} or more, at most {BYTES_MAX} bytes, of any kind (some words that don't belong together are good)"
        ));
    }
    Ok(())
}

/// What is kept of a password. It takes some hundredths of a second.
///
/// # Errors
/// If there is no randomness for the salt.
pub fn hash(password: &Secret, random: &Random) -> Result<String, String> {
    let mut salt = [0_u8; 16];
    random(&mut salt)?;
    let hashed: PasswordHash =
        Argon2::default().hash_password_with_salt(password.expose().as_bytes(), &salt).map_err(|error| error.to_string())?;
    Ok(hashed.to_string())
}

/// Whether it is the password that `kept` was made of. It takes some hundredths of a second, whatever the answer is.
#[must_use]
pub fn is_right(password: &Secret, kept: &str) -> bool {
    password.expose().len() <= BYTES_MAX && Argon2::default().verify_password(password.expose().as_bytes(), kept).is_ok()
}
