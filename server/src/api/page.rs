//! The dashboard's files, embedded into the binary (a debug build reads them from `web/dist`, so that `make web` shows at once).

use std::borrow::Cow;

use axum::http::{HeaderValue, Method, Uri, header};
use axum::response::{Html, IntoResponse, Response};
use rust_embed::RustEmbed;

use super::problem::Problem;

#[derive(RustEmbed)]
#[folder = "../web/dist"]
struct Dist;

/// A file of the page.
pub struct File {
    /// Its bytes.
    pub bytes: Cow<'static, [u8]>,
    /// Its media type.
    pub media_type: String,
}

/// Where files come from: the binary, or a table in a test.
pub type Source = fn(path: &str) -> Option<File>;

/// The embedded files.
pub fn embedded(path: &str) -> Option<File> {
    let file = Dist::get(path)?;
    let media_type = file.metadata.mimetype().to_owned();
    Some(File { bytes: file.data, media_type })
}

/// What a browser sees when the page was never built. No style and no script: the content security policy forbids inline ones.
const NOT_BUILT: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
<title>Prescale: the page is not built</title><h1>The page is not built</h1>\
<p>Prescale is running, and its API works: <a href=\"/api/v1/services\">/api/v1/services</a>, <a href=\"/openapi.json\">/openapi.json</a>.</p>\
<p>The dashboard needs Node 20 to build. In the folder of the sources, run</p><pre>make web</pre>\
<p>and load this page again (a release binary must be built again first).</p></html>";

/// Answers whatever no route claimed: a file, the page (its own router reads the rest of the address), or a problem.
pub fn serve(source: Source, method: &Method, uri: &Uri) -> Response {
    let path = uri.path();
    if path == "/api" || path.starts_with("/api/") {
        return Problem::NoSuchPath { path: path.to_owned() }.into_response();
    }
    if method != Method::GET && method != Method::HEAD {
        let problem = Problem::WrongMethod { method: method.to_string(), path: path.to_owned() };
        return ([(header::ALLOW, "GET, HEAD")], problem).into_response();
    }
    let name = path.trim_start_matches('/');
    if !name.is_empty()
        && !name.starts_with('.')
        && let Some(file) = source(name)
    {
        return with_cache(file, name.starts_with("assets/"));
    }
    // A hashed file that is gone, or a top-level name with a dot, is a file that isn't there; anything else is an address inside the page
    // (a service's name may hold a dot).
    if name.starts_with("assets/") || (name.contains('.') && !name.contains('/')) {
        return Problem::NoSuchPath { path: path.to_owned() }.into_response();
    }
    match source("index.html") {
        Some(file) => with_cache(file, false),
        None => Html(NOT_BUILT).into_response(),
    }
}

/// Files under `assets/` carry a hash of their content in their name, so they never change; the rest is asked for each time.
fn with_cache(file: File, hashed: bool) -> Response {
    let cache = if hashed { "public, max-age=31536000, immutable" } else { "no-cache" };
    let media_type = HeaderValue::from_str(&file.media_type).unwrap_or(HeaderValue::from_static("application/octet-stream"));
    let body = axum::body::Body::from(match file.bytes {
        Cow::Borrowed(bytes) => bytes::Bytes::from_static(bytes),
        Cow::Owned(bytes) => bytes::Bytes::from(bytes),
    });
    ([(header::CACHE_CONTROL, HeaderValue::from_static(cache)), (header::CONTENT_TYPE, media_type)], body).into_response()
}
