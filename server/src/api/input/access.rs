//! What signing in, tokens and the audit take.

use serde_json::Value;

use super::{Fields, duration_ms};
use crate::api::control::AuditRequest;
use crate::api::problem::Problem;
use crate::auth::desk::{self, NewToken};
use crate::auth::{Role, password};
use crate::secret::Secret;

/// The year 9999: beyond it, times leave the calendar.
const TIME_MS_MAX: i64 = 253_402_300_800_000;

impl Fields {
    /// `account` and `password`, which no refusal repeats.
    pub fn sign_in(&self) -> Result<(String, Secret), Problem> {
        let text = |key: &'static str| match self.0.get(key) {
            Some(Value::String(text)) if text.len() <= password::BYTES_MAX => Ok(text.clone()),
            known => {
                let value = if known.is_some() { "***" } else { "absent" };
                Err(Problem::bad_input(key, value, format!("a text of at most {} bytes", password::BYTES_MAX)))
            }
        };
        Ok((text("account")?, Secret::new(text("password")?)))
    }

    /// `name`, `role`, `expires`, counted from now.
    pub fn new_token(&self, now_ms: i64) -> Result<NewToken, Problem> {
        let name = self.parsed("name", desk::NAMES, |text| desk::is_name(text).then(|| text.to_owned()))?;
        let role = self.required("role", "\"viewer\", \"operator\", \"admin\"", |text| text.parse::<Role>().ok())?;
        let end = |text: &str| duration_ms(text).and_then(|ms| now_ms.checked_add(ms)).filter(|at_ms| *at_ms < TIME_MS_MAX);
        let expires_ms = self.parsed("expires", "a duration such as 12h, 90d", end)?;
        Ok(NewToken { name, role, expires_ms })
    }

    /// `limit`, `before`, `service`, `who`, `kind`.
    pub fn audit(&self) -> Result<AuditRequest, Problem> {
        let name = |key| self.parsed(key, "a name", |text| (!text.is_empty()).then(|| text.to_owned()));
        let before = self.parsed("before", "the seq of an entry", |text| text.parse().ok())?;
        let limit = self.limit_or(100)?;
        Ok(AuditRequest { limit, before, service: name("service")?, who: name("who")?, kind: name("kind")? })
    }
}
