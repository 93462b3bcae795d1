//! Signatures as of Standard Webhooks 1.0 (symmetric, HMAC-SHA256), so that receivers check them with a library that they have already.
//!
//! What is signed is `id.timestamp.body`: the id so that a delivery can't be passed off as another, the time so that an old one can't be
//! sent again later.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;

use crate::secret::Secret;

/// What a secret looks like in the standard's libraries.
const PREFIX: &str = "whsec_";
/// Sizes of the key that the standard allows [bytes].
const KEY: std::ops::RangeInclusive<usize> = 24..=64;

fn encoded(secret: &Secret) -> &str {
    let text = secret.expose().trim();
    text.strip_prefix(PREFIX).unwrap_or(text)
}

/// The secret without its prefix: what to look for in a text, whichever way it is written there.
pub(super) fn bare(secret: Secret) -> Secret {
    Secret::new(encoded(&secret))
}

/// Signs with one key.
pub(super) struct Signer {
    key: hmac::Key,
}

impl Signer {
    /// A signer with the key that the secret is an encoding of.
    pub fn new(secret: &Secret) -> Result<Self, String> {
        let key = STANDARD.decode(encoded(secret)).ok().filter(|key| KEY.contains(&key.len()));
        let allowed = "the webhook's secret is not usable; allowed: 24 to 64 random bytes in base64, with or without whsec_ before them \
                       (for example from: openssl rand -base64 32)";
        let key = key.ok_or(allowed)?;
        Ok(Self { key: hmac::Key::new(hmac::HMAC_SHA256, &key) })
    }

    /// The value of `webhook-signature`.
    pub fn sign(&self, id: &str, timestamp_s: i64, body: &str) -> String {
        let tag = hmac::sign(&self.key, format!("{id}.{timestamp_s}.{body}").as_bytes());
        format!("v1,{}", STANDARD.encode(tag))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_that_of_the_standards_example() {
        // From the specification's reference libraries.
        let signer = Signer::new(&Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")).unwrap();
        let signature = signer.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn an_unusable_secret_is_refused_without_being_shown() {
        for bad in ["", "whsec_", "no base64 at all!", "c2hvcnQ=", "whsec_c2hvcnQ="] {
            let error = Signer::new(&Secret::new(bad)).err().unwrap();
            assert!(error.contains("24 to 64") && (bad.len() < 7 || !error.contains(bad)), "{error}");
        }
    }
}
