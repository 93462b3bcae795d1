//! Signing in and out, and tokens.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::control::{Control, ControlError};
use super::dto::{MadeToken, May, NewTokenBody, Role, SessionInfo, SignInBody, Token, TokenList, Via};
use super::gate::{Caller, Gate, Who};
use super::input::{Fields, Segment};
use super::problem::{Created, Done, Problem, ProblemBody};
use super::time::Time;
use crate::auth::{self, AccessError, Principal};
use crate::store::TokenRow;

type Doors = Extension<Arc<Gate>>;

/// The operations, with their documentation.
pub fn operations() -> OpenApiRouter<Arc<dyn Control>> {
    OpenApiRouter::new()
        .routes(routes!(get_session, sign_in, sign_out))
        .routes(routes!(list_tokens, make_token))
        .routes(routes!(revoke_token))
}

fn info(gate: &Gate, principal: Option<&Principal>) -> SessionInfo {
    let role = principal.map(|principal| principal.role);
    SessionInfo {
        who: principal.map(|principal| principal.who.clone()),
        role: role.map(Role::from),
        via: principal.map(|principal| match principal.via {
            auth::Via::Loopback => Via::Loopback,
            auth::Via::Session { .. } => Via::Session,
            auth::Via::Token => Via::Token,
        }),
        csrf: principal.and_then(|principal| match &principal.via {
            auth::Via::Session { csrf, .. } => Some(csrf.expose().to_owned()),
            _ => None,
        }),
        may: May { operate: role >= Some(auth::Role::Operator), administer: role >= Some(auth::Role::Admin) },
        sign_in_needed: gate.access.sign_in_needed(),
    }
}

/// Who one is, and what one may do.
#[utoipa::path(get, path = "/api/v1/session", tag = "access", responses((status = 200, body = SessionInfo)))]
async fn get_session(Extension(gate): Doors, caller: Caller) -> Json<SessionInfo> {
    Json(info(&gate, caller.principal.as_ref()))
}

/// Signs a browser in. The answer sets its cookie; another session that it had ends.
#[utoipa::path(post, path = "/api/v1/session", tag = "access", request_body = SignInBody, responses(
    (status = 200, body = SessionInfo, headers(("Set-Cookie" = String, description = "The session"))),
    (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "An input is wrong"),
    (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "Account or password are wrong"),
    (status = 429, body = ProblemBody, content_type = "application/problem+json", description = "Too many attempts; see Retry-After"),
))]
async fn sign_in(Extension(gate): Doors, caller: Caller, request: Request) -> Result<Response, Problem> {
    let (account, password) = Fields::from_body(request, &["account", "password"]).await?.sign_in()?;
    let signed_in = gate.access.sign_in(&account, password, caller.address, caller.session.as_ref()).await?;
    let cookie = gate.cookie(Some((&signed_in.session, auth::SESSION_MS / 1_000)));
    Ok(([(header::SET_COOKIE, cookie)], Json(info(&gate, Some(&signed_in.principal)))).into_response())
}

/// Ends the browser's session.
#[utoipa::path(delete, path = "/api/v1/session", tag = "access", responses((status = 204, description = "Signed out, or never was in")))]
async fn sign_out(Extension(gate): Doors, caller: Caller) -> Result<Response, Problem> {
    if let Some(principal) = &caller.principal {
        gate.access.sign_out(principal).await?;
    }
    Ok(([(header::SET_COOKIE, gate.cookie(None))], Done).into_response())
}

fn shown(row: &TokenRow) -> Token {
    let time = |ms: i64| (ms != 0).then_some(Time(ms));
    Token {
        id: row.id.clone(),
        name: row.name.clone(),
        role: row.role.clone(),
        created: Time(row.created_ms),
        created_by: row.created_by.clone(),
        expires: time(row.expires_ms),
        used: time(row.used_ms),
    }
}

/// All tokens, by name; never the secrets themselves.
#[utoipa::path(get, path = "/api/v1/tokens", tag = "access", responses((status = 200, body = TokenList)))]
async fn list_tokens(Extension(gate): Doors) -> Result<Json<TokenList>, Problem> {
    Ok(Json(TokenList { tokens: gate.access.tokens().await?.iter().map(shown).collect() }))
}

/// Makes a token. It is in this answer, and never shown again.
#[utoipa::path(post, path = "/api/v1/tokens", tag = "access", request_body = NewTokenBody, responses(
    (status = 201, body = MadeToken),
    (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "An input is wrong"),
    (status = 409, body = ProblemBody, content_type = "application/problem+json", description = "The name is taken"),
))]
async fn make_token(Extension(gate): Doors, Who(who): Who, request: Request) -> Result<Created<MadeToken>, Problem> {
    let new = Fields::from_body(request, &["name", "role", "expires"]).await?.new_token(gate.access.now_ms())?;
    let (row, token) = gate.access.make_token(new, &who).await?;
    Ok(Created(MadeToken { described: shown(&row), token: token.expose().to_owned() }))
}

/// Revokes a token: it counts no more.
#[utoipa::path(delete, path = "/api/v1/tokens/{id}", tag = "access", params(("id" = String, Path, description = "The token's id")), responses(
    (status = 204, description = "Revoked"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "There is no such token"),
))]
async fn revoke_token(Extension(gate): Doors, Who(who): Who, id: Segment) -> Result<Done, Problem> {
    if gate.access.revoke_token(&id.0, &who).await? { Ok(Done) } else { Err(ControlError::NotFound { what: "token", name: id.0 }.into()) }
}

impl From<AccessError> for Problem {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::Token => Problem::BadToken,
            AccessError::Taken(_) => ControlError::Conflict { reason: error.to_string() }.into(),
            AccessError::Store(_) | AccessError::Unavailable(_) => {
                ControlError::Unavailable { reason: error.to_string(), retry_after_s: 5 }.into()
            }
        }
    }
}

impl From<auth::SignInError> for Problem {
    fn from(error: auth::SignInError) -> Self {
        match error {
            auth::SignInError::Wrong => Problem::WrongPassword,
            auth::SignInError::Wait { seconds } => Problem::TooManyAttempts { retry_after_s: seconds },
            auth::SignInError::Access(error) => error.into(),
        }
    }
}
