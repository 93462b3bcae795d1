//! Who one is, and tokens.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::time::Time;
use crate::auth;

/// What somebody may do; each may do what the ones before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// See everything, change nothing.
    Viewer,
    /// Change modes, pause, approve.
    Operator,
    /// Also make and revoke tokens.
    Admin,
}

impl From<auth::Role> for Role {
    fn from(role: auth::Role) -> Self {
        match role {
            auth::Role::Viewer => Role::Viewer,
            auth::Role::Operator => Role::Operator,
            auth::Role::Admin => Role::Admin,
        }
    }
}

/// How somebody is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Via {
    /// By reaching the loopback address, where no sign-in is needed.
    Loopback,
    /// By the cookie of a browser that signed in.
    Session,
    /// By a token.
    Token,
}

/// Answer of `GET` and `POST /session`. All `null`: not signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SessionInfo {
    /// The name that is written into the journal.
    #[schema(required)]
    pub who: Option<String>,
    /// The role.
    #[schema(required)]
    pub role: Option<Role>,
    /// How one is known.
    #[schema(required)]
    pub via: Option<Via>,
    /// What a browser sends as `X-CSRF-Token` with everything that changes something; `null` without a browser's session.
    #[schema(required)]
    pub csrf: Option<String>,
    /// What the role allows.
    pub may: May,
    /// Whether one must sign in at all here.
    pub sign_in_needed: bool,
}

/// What a role allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct May {
    /// Change modes, pause, approve.
    pub operate: bool,
    /// Make and revoke tokens.
    pub administer: bool,
}

/// Body of `POST /session`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignInBody {
    /// The account's name.
    #[schema(max_length = 256)]
    pub account: String,
    /// Its password.
    #[schema(format = Password, max_length = 256)]
    pub password: String,
}

/// Answer of `GET /tokens`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenList {
    /// By name.
    pub tokens: Vec<Token>,
}

/// A program's token, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Token {
    /// What it is called in commands.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// `viewer`, `operator` or `admin`.
    pub role: String,
    /// When it was made.
    pub created: Time,
    /// By whom.
    pub created_by: String,
    /// When it ends; `null` = when it is revoked.
    #[schema(required)]
    pub expires: Option<Time>,
    /// When it was last used, give or take five minutes; `null` = never.
    #[schema(required)]
    pub used: Option<Time>,
}

/// Body of `POST /tokens`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTokenBody {
    /// What people call it: 1 to 64 letters, digits, or any of . _ - @; its id when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, pattern = "^[A-Za-z0-9._@-]{1,64}$")]
    pub name: Option<String>,
    /// Its role.
    pub role: Role,
    /// How long it counts, such as `90d` or `12h`; until it is revoked when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, pattern = "^[1-9][0-9]{0,4}[smhd]$")]
    pub expires: Option<String>,
}

/// Answer of `POST /tokens`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MadeToken {
    /// What will be shown of it from now on.
    #[serde(flatten)]
    pub described: Token,
    /// The token itself, this once: `Authorization: Bearer TOKEN`.
    pub token: String,
}
