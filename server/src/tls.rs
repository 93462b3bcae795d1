//! One TLS provider for the whole process: ring, chosen here and nowhere else.
//!
//! The clients (reqwest, kube, sqlx) are built without a provider of their own, because the usual one compiles a C library for half a
//! minute. They take the process's default.

/// Makes ring the process's provider. Called first thing; a second call changes nothing.
pub fn install() {
    // The error says that a provider is installed already: it is this one, there is no other in the build.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
