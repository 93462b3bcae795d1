//! Requests to addresses that somebody configured: Prometheus, webhooks and their status URLs. All of them are made here, in one way.
//!
//! An address in a configuration is a way to make Prescale's machine send requests, so every client made here has the same rails: `http` and `https`
//! alone, nobody's password in the URL (URLs are logged), no link-local and cloud metadata addresses, judged again after names are resolved
//! ([`guard`]), no redirects (a signed order or a token goes where the operator said, or nowhere), a time-out, and an answer that is read up to
//! a size ([`body`]). The proxy of the environment (`HTTPS_PROXY`) is not used: it would resolve names behind the guard's back.

mod guard;

use std::error::Error;
use std::time::Duration;

use reqwest::{Certificate, Client, ClientBuilder, Response, redirect};

#[cfg(test)]
pub use guard::judge;
pub use guard::{Forbidden, Refused, check};

/// A client with these rails.
///
/// # Errors
/// What TLS can't work with, in words.
pub fn client(timeout: Duration, allow_link_local: bool, with: impl FnOnce(ClientBuilder) -> ClientBuilder) -> Result<Client, String> {
    crate::tls::install();
    let builder = Client::builder()
        .user_agent(concat!("prescale/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .no_proxy()
        .timeout(timeout);
    let builder = if allow_link_local { builder } else { builder.dns_resolver(guard::Resolver) };
    with(builder).build().map_err(chain)
}

/// The certificates in a PEM file.
///
/// # Errors
/// What is allowed instead.
pub fn authorities(pem: &[u8]) -> Result<Vec<Certificate>, String> {
    match Certificate::from_pem_bundle(pem) {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err("a file with certificates in PEM, each between BEGIN CERTIFICATE and END CERTIFICATE".into()),
    }
}

/// Why a body couldn't be read.
#[derive(Debug)]
pub enum BodyError {
    /// It is longer than that.
    TooLong,
    /// The connection broke, or time ran out.
    Broken(reqwest::Error),
}

/// At most `max` bytes of a body, decompressed.
///
/// # Errors
/// See [`BodyError`].
pub async fn body(mut response: Response, max: usize) -> Result<Vec<u8>, BodyError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(BodyError::Broken)? {
        if body.len() + chunk.len() > max {
            return Err(BodyError::TooLong);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Everything that an error says, without the URL, whose query may hold a token.
#[must_use]
pub fn chain(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut inner = error.source();
    while let Some(cause) = inner {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        inner = cause.source();
    }
    text
}

/// The address that the guard kept a connection from being made to, if that is what failed.
#[must_use]
pub fn forbidden(error: &reqwest::Error) -> Option<&Forbidden> {
    let mut inner = error.source();
    while let Some(cause) = inner {
        if let Some(forbidden) = cause.downcast_ref::<Forbidden>() {
            return Some(forbidden);
        }
        inner = cause.source();
    }
    None
}
