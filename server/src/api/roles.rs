//! What each operation takes: the one list that says it, to be read at a glance, and what the OpenAPI document says of it.
//!
//! An operation that isn't listed takes an administrator, and a test fails. It is answered only after this was asked, in `gate.rs`.

use axum::http::Method;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Components, Content, OpenApi, Ref, RefOr, Response, ResponseBuilder};

use super::gate::COOKIE;
use crate::auth::Role;

/// What an operation takes, the least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Needs {
    /// Nothing: it is how one signs in.
    Nothing,
    /// Somebody with this role, or one above it.
    A(Role),
}

use Needs::{A, Nothing};
use Role::{Admin, Operator, Viewer};

/// By method and path. HEAD is GET.
pub const NEEDS: [(&str, &str, Needs); 31] = [
    ("GET", "/api/v1/session", Nothing),
    ("POST", "/api/v1/session", Nothing),
    ("DELETE", "/api/v1/session", Nothing),
    ("GET", "/api/v1/services", A(Viewer)),
    ("GET", "/api/v1/services/{name}", A(Viewer)),
    ("GET", "/api/v1/services/{name}/series", A(Viewer)),
    ("GET", "/api/v1/services/{name}/forecast", A(Viewer)),
    ("GET", "/api/v1/services/{name}/decisions", A(Viewer)),
    ("GET", "/api/v1/events", A(Viewer)),
    ("GET", "/api/v1/plans", A(Viewer)),
    ("GET", "/api/v1/audit", A(Viewer)),
    ("GET", "/api/v1/jobs", A(Viewer)),
    ("POST", "/api/v1/jobs/estimate", A(Operator)),
    ("GET", "/api/v1/jobs/{id}", A(Viewer)),
    ("GET", "/api/v1/jobs/{id}/report.html", A(Viewer)),
    ("GET", "/api/v1/jobs/{id}/report.json", A(Viewer)),
    ("GET", "/api/v1/jobs/{id}/load.csv", A(Viewer)),
    ("GET", "/api/v1/jobs/{id}/cells/{cell}/scenario.toml", A(Viewer)),
    ("POST", "/api/v1/jobs", A(Operator)),
    ("DELETE", "/api/v1/jobs/{id}", A(Operator)),
    ("PUT", "/api/v1/services/{name}/mode", A(Operator)),
    ("POST", "/api/v1/services/{name}/pause", A(Operator)),
    ("DELETE", "/api/v1/services/{name}/pause", A(Operator)),
    ("POST", "/api/v1/services/{name}/release", A(Operator)),
    ("POST", "/api/v1/pause", A(Operator)),
    ("DELETE", "/api/v1/pause", A(Operator)),
    ("POST", "/api/v1/decisions/{id}/approve", A(Operator)),
    ("POST", "/api/v1/decisions/{id}/reject", A(Operator)),
    ("GET", "/api/v1/tokens", A(Admin)),
    ("POST", "/api/v1/tokens", A(Admin)),
    ("DELETE", "/api/v1/tokens/{id}", A(Admin)),
];

/// What a request takes.
pub fn needs(method: &Method, path: &str) -> Needs {
    let method = if method == Method::HEAD { "GET" } else { method.as_str() };
    let listed = NEEDS.iter().find(|(known, at, _)| *known == method && *at == path);
    listed.map_or(A(Admin), |(_, _, needs)| *needs)
}

/// Writes into the document what holds for every operation: who may use it, and what it answers to everybody else.
pub fn document(document: &mut OpenApi) {
    let components = document.components.get_or_insert_with(Components::default);
    let token = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(
        "A program's token, from `prescale token create`. The scopes are the least role. On the loopback address nothing is needed, unless the \
         configuration says so.",
    ));
    let cookie = "A browser's session, from POST /api/v1/session. Whatever changes something also needs the header X-CSRF-Token with the csrf \
                  of GET /api/v1/session. Behind TLS the cookie's name begins with __Host-.";
    components.security_schemes.insert("token".into(), SecurityScheme::Http(token.build()).into());
    let browser = SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::with_description(COOKIE, cookie)));
    components.security_schemes.insert("browser".into(), browser.into());
    for (path, item) in &mut document.paths.paths {
        let operations = [
            (Method::GET, &mut item.get),
            (Method::PUT, &mut item.put),
            (Method::POST, &mut item.post),
            (Method::DELETE, &mut item.delete),
            (Method::PATCH, &mut item.patch),
        ];
        for (method, operation) in operations {
            if let Some(operation) = operation {
                complete(operation, needs(&method, path), path.contains('{'));
            }
        }
    }
}

fn complete(operation: &mut Operation, needs: Needs, has_parameter: bool) {
    operation.security = Some(match needs {
        Nothing => vec![SecurityRequirement::default()],
        A(role) => ["token", "browser"].map(|scheme| SecurityRequirement::new(scheme, [role.name()])).into(),
    });
    let mut answers = vec![
        ("401", "Not signed in, or the token doesn't count; see WWW-Authenticate"),
        ("403", "Your role may not do this, the CSRF token is missing, or the request came under a foreign name"),
        ("503", "Not available now; see Retry-After"),
    ];
    if has_parameter {
        answers.push(("400", "An input is wrong"));
    }
    if operation.request_body.is_some() {
        answers.extend([("413", "The body is too large"), ("415", "The body isn't declared as JSON")]);
    }
    for (status, description) in answers {
        operation.responses.responses.entry(status.into()).or_insert_with(|| problem(description));
    }
}

fn problem(description: &str) -> RefOr<Response> {
    let content = Content::new(Some(Ref::from_schema_name("Problem")));
    ResponseBuilder::new().description(description).content("application/problem+json", content).build().into()
}
